//! CANN's functions as calls that can fail.
//!
//! Knows which call takes what, and under which number the driver knows a device. Refuses to know
//! an order of calls, except the one that everything depends on: a thread is bound to the device
//! before it calls anything. [`Bound`] is the proof of that, and stays on its thread.

use core::ffi::{CStr, c_char, c_void};
use core::fmt;
use core::marker::PhantomData;
use core::ptr::null_mut;
use core::time::Duration;
use std::sync::Arc;

use sync::Flag;

use super::code::Code;
use super::error::Error;
use super::library::Library;
use super::sys;

/// One device as CANN knows it.
pub struct Driver {
    library: Arc<Library>,
    device: i32,
    /// What the driver package calls it: it does not know which devices are visible.
    hal_device: u32,
    /// A forced reset took everything away; handles from before mean nothing.
    lost: Flag,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("device", &self.device)
            .field("hal_device", &self.hal_device)
            .field("lost", &self.lost.is_set())
            .finish_non_exhaustive()
    }
}

/// The number behind logical device `device`, given the list of visible devices.
pub(crate) fn physical(device: i32, visible: Option<&str>) -> Option<u32> {
    let logical = u32::try_from(device).ok()?;
    match visible.map(str::trim) {
        None | Some("") => Some(logical),
        Some(list) => list
            .split(',')
            .nth(usize::try_from(logical).ok()?)
            .and_then(|entry| entry.trim().parse().ok()),
    }
}

macro_rules! call {
    ($bound:expr, $library:ident.$function:ident($($argument:expr),* $(,)?)) => {{
        let found = &$bound.driver.library.$library;
        let function = found.require(stringify!($function), found.functions.$function)?;
        // SAFETY: the prototype is the header's, the arguments are what it asks for (each method
        // says what its caller owes), and the thread is bound to the device.
        let code = unsafe { function($($argument),*) };
        $bound.driver.check(stringify!($function), code)
    }};
}

impl Driver {
    /// Device `device` of this process.
    ///
    /// # Errors
    /// [`Error::Answer`] if the list of visible devices has no such entry.
    pub fn new(library: Arc<Library>, device: i32) -> Result<Self, Error> {
        let visible = std::env::var("ASCEND_RT_VISIBLE_DEVICES").ok();
        let hal_device = physical(device, visible.as_deref()).ok_or_else(|| Error::Answer {
            function: "ASCEND_RT_VISIBLE_DEVICES",
            device,
            answer: visible.unwrap_or_default(),
            expected: "a list of device numbers with an entry for this device",
        })?;
        Ok(Self {
            library,
            device,
            hal_device,
            lost: Flag::new(),
        })
    }

    /// The libraries behind it.
    #[must_use]
    pub const fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// Its number.
    #[must_use]
    pub const fn device(&self) -> i32 {
        self.device
    }

    /// Its number in the driver package.
    pub(crate) const fn hal_device(&self) -> u32 {
        self.hal_device
    }

    /// Everything made so far is gone; from now on nothing of it is given back.
    pub(crate) fn set_lost(&self) {
        self.lost.set();
    }

    /// Whether everything made with it is gone.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost.is_set()
    }

    /// Binds the calling thread.
    ///
    /// # Errors
    /// What `rtSetDevice` returned.
    pub fn bind(&self) -> Result<Bound<'_>, Error> {
        let bound = Bound {
            driver: self,
            thread: PhantomData,
        };
        call!(bound, runtime.rtSetDevice(self.device))?;
        Ok(bound)
    }

    /// Sets the level of the vendor's own log, if its library is there.
    ///
    /// # Errors
    /// What `dlog_setlevel` returned.
    pub fn set_log_level(&self, level: i32) -> Result<(), Error> {
        let Some(set) = self
            .library
            .log
            .as_ref()
            .and_then(|log| log.functions.dlog_setlevel)
        else {
            return Ok(());
        };
        // SAFETY: the function takes three numbers.
        self.check("dlog_setlevel", unsafe {
            set(sys::LOG_ALL_MODULES, level, 0)
        })
    }

    /// Initialises ACL for this process, unless somebody has.
    ///
    /// # Errors
    /// What `aclInit` returned.
    pub fn init_acl(&self) -> Result<(), Error> {
        let found = &self.library.acl;
        let init = found.require("aclInit", found.functions.aclInit)?;
        // SAFETY: no configuration file is a valid choice.
        match Code(unsafe { init(core::ptr::null()) }) {
            Code::ALREADY_INITIALISED => Ok(()),
            Code(code) => {
                self.check("aclInit", code)?;
                self.library.own_acl();
                Ok(())
            }
        }
    }

    /// Finalises ACL, which nothing of CANN survives, if it is ours and this was the last device.
    ///
    /// # Errors
    /// What `aclFinalize` returned.
    pub fn finalize_acl(&self) -> Result<(), Error> {
        if !self.library.gives_acl_up() {
            return Ok(());
        }
        let found = &self.library.acl;
        let finalize = found.require("aclFinalize", found.functions.aclFinalize)?;
        // SAFETY: it takes nothing.
        self.check("aclFinalize", unsafe { finalize() })
    }

    pub(crate) fn check(&self, function: &'static str, code: i32) -> Result<(), Error> {
        if code == 0 {
            return Ok(());
        }
        Err(Error::Call {
            function,
            device: self.device,
            code: Code(code),
            message: self.recent_message(),
        })
    }

    /// What CANN says about its last error.
    fn recent_message(&self) -> String {
        let Some(recent) = self.library.acl.functions.aclGetRecentErrMsg else {
            return String::new();
        };
        // SAFETY: it takes nothing.
        let text = unsafe { recent() };
        if text.is_null() {
            return String::new();
        }
        // SAFETY: it returns a string of its own that stays until the thread's next call.
        unsafe { CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned()
    }
}

/// The calling thread, bound to a device.
#[derive(Debug)]
pub struct Bound<'a> {
    driver: &'a Driver,
    /// What is bound is this thread and no other.
    thread: PhantomData<*const ()>,
}

/// A launch of cores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoreLaunch {
    pub(crate) binary: u64,
    pub(crate) blocks: u32,
    /// The one argument of every core: a device address.
    pub(crate) argument: u64,
}

/// A launch of control CPUs: an argument block with two names in it.
#[derive(Debug)]
pub(crate) struct AicpuLaunch<'a> {
    pub(crate) block: &'a [u8],
    pub(crate) kernel_name_at: u32,
    pub(crate) so_name_at: u32,
    pub(crate) threads: u32,
}

impl Bound<'_> {
    /// The device.
    #[must_use]
    pub const fn driver(&self) -> &Driver {
        self.driver
    }

    /// Allocates device memory.
    pub(crate) fn malloc(&self, bytes: u64) -> Result<u64, Error> {
        let mut pointer = null_mut();
        call!(
            self,
            runtime.rtMalloc(&raw mut pointer, bytes, sys::MEMORY_HBM, 0)
        )?;
        Ok(pointer.expose_provenance() as u64)
    }

    /// Frees device memory that [`malloc`](Self::malloc) gave.
    pub(crate) fn free(&self, address: u64) -> Result<(), Error> {
        call!(self, runtime.rtFree(pointer(address)))
    }

    /// Copies to the device.
    ///
    /// # Safety
    /// `from` is readable for `bytes`.
    pub(crate) unsafe fn copy_in(&self, to: u64, from: *const u8, bytes: u64) -> Result<(), Error> {
        let kind = sys::CopyKind::HostToDevice as i32;
        call!(
            self,
            runtime.rtMemcpy(pointer(to), bytes, from.cast(), bytes, kind)
        )
    }

    /// Copies from the device.
    ///
    /// # Safety
    /// `to` is writable for `bytes`.
    pub(crate) unsafe fn copy_out(&self, to: *mut u8, from: u64, bytes: u64) -> Result<(), Error> {
        let kind = sys::CopyKind::DeviceToHost as i32;
        call!(
            self,
            runtime.rtMemcpy(to.cast(), bytes, pointer(from), bytes, kind)
        )
    }

    /// Fills device memory with one byte.
    pub(crate) fn fill(&self, to: u64, byte: u8, bytes: u64) -> Result<(), Error> {
        call!(
            self,
            runtime.rtMemset(pointer(to), bytes, u32::from(byte), bytes)
        )
    }

    /// Makes a stream.
    pub(crate) fn stream_create(&self) -> Result<u64, Error> {
        let mut stream = null_mut();
        call!(self, runtime.rtStreamCreate(&raw mut stream, 0))?;
        Ok(stream.expose_provenance() as u64)
    }

    /// Destroys a stream.
    pub(crate) fn stream_destroy(&self, stream: u64) -> Result<(), Error> {
        call!(self, runtime.rtStreamDestroy(pointer(stream)))
    }

    /// Waits until a stream has no more work, at most this long.
    pub(crate) fn stream_synchronize(&self, stream: u64, limit: Duration) -> Result<(), Error> {
        let limit = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX).max(1);
        call!(
            self,
            acl.aclrtSynchronizeStreamWithTimeout(pointer(stream), limit)
        )
    }

    /// Whether a stream has no more work.
    pub(crate) fn stream_done(&self, stream: u64) -> Result<bool, Error> {
        match call!(self, runtime.rtStreamQuery(pointer(stream))) {
            Ok(()) => Ok(true),
            Err(error) if error.code() == Some(Code::STREAM_NOT_COMPLETE) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Base of the unit by which cores synchronise.
    pub(crate) fn cross_core_base(&self) -> Result<u64, Error> {
        let (mut address, mut length) = (0, 0);
        call!(
            self,
            runtime.rtGetC2cCtrlAddr(&raw mut address, &raw mut length)
        )?;
        Ok(address)
    }

    /// Registers an AICore ELF with all its kernels.
    pub(crate) fn register_binary(&self, elf: &[u8]) -> Result<u64, Error> {
        let binary = sys::DevBinary {
            magic: sys::BINARY_MAGIC_ELF,
            version: 0,
            data: elf.as_ptr().cast(),
            length: elf.len() as u64,
        };
        let mut handle = null_mut();
        call!(
            self,
            runtime.rtRegisterAllKernel(&raw const binary, &raw mut handle)
        )?;
        Ok(handle.expose_provenance() as u64)
    }

    /// Takes the registration of an AICore ELF back.
    pub(crate) fn unregister_binary(&self, handle: u64) -> Result<(), Error> {
        call!(self, runtime.rtDevBinaryUnRegister(pointer(handle)))
    }

    /// Starts cores; all blocks are resident at once, because they wait for one another.
    pub(crate) fn launch_cores(&self, stream: u64, launch: &CoreLaunch) -> Result<(), Error> {
        let mut argument = launch.argument;
        let mut args = sys::ArgsEx {
            args: (&raw mut argument).cast(),
            host_input_info: null_mut(),
            args_size: u32::try_from(size_of_val(&argument)).expect("eight"),
            tiling_addr_offset: 0,
            tiling_data_offset: 0,
            host_input_info_num: 0,
            has_tiling: 0,
            is_no_need_h2d_copy: 0,
            reserved: [0; 4],
            pad: [0; 4],
        };
        let config = sys::TaskCfgInfo {
            schem_mode: sys::SCHEDULE_BATCH,
            ..Default::default()
        };
        call!(
            self,
            runtime.rtKernelLaunchWithHandleV2(
                pointer(launch.binary),
                0,
                launch.blocks,
                &raw mut args,
                null_mut(),
                pointer(stream),
                &raw const config,
            )
        )
    }

    /// Starts control CPUs. The runtime copies the block before it returns.
    pub(crate) fn launch_aicpu(&self, stream: u64, launch: &AicpuLaunch<'_>) -> Result<(), Error> {
        let args = sys::AicpuArgsEx {
            args: launch.block.as_ptr().cast::<c_void>().cast_mut(),
            host_input_info: null_mut(),
            kernel_offset_info: null_mut(),
            args_size: u32::try_from(launch.block.len()).expect("a few hundred bytes"),
            host_input_info_num: 0,
            kernel_offset_info_num: 0,
            so_name_addr_offset: launch.so_name_at,
            kernel_name_addr_offset: launch.kernel_name_at,
            is_no_need_h2d_copy: 0,
            pad0: 0,
            timeout: 0,
            reserved: 0,
            pad1: [0; 3],
        };
        call!(
            self,
            runtime.rtAicpuKernelLaunchExWithArgs(
                sys::KERNEL_TYPE_AICPU_KFC,
                c"AST_DYN_AICPU".as_ptr(),
                launch.threads,
                &raw const args,
                null_mut(),
                pointer(stream),
                0,
            )
        )
    }

    /// Which clusters of cores work, one bit each.
    pub(crate) fn working_clusters(&self) -> Result<u64, Error> {
        let mut words = [0_u64; 2];
        let mut size = i32::try_from(size_of_val(&words)).expect("sixteen");
        call!(
            self,
            hal.halGetDeviceInfoByBuff(
                self.driver.hal_device,
                sys::MODULE_AICORE,
                sys::INFO_OCCUPY,
                (&raw mut words).cast(),
                &raw mut size,
            )
        )?;
        Ok(words[0])
    }

    /// Which control CPUs kernels may use, one bit each.
    pub(crate) fn usable_cpus(&self) -> Result<u64, Error> {
        let mut value = 0_i64;
        call!(
            self,
            hal.halGetDeviceInfo(
                self.driver.hal_device,
                sys::MODULE_AICPU,
                sys::INFO_OCCUPY,
                &raw mut value,
            )
        )?;
        Ok(value.cast_unsigned())
    }

    /// Maps the registers of all cores; where they are and how far they reach.
    pub(crate) fn map_registers(&self, counters: bool) -> Result<(u64, u64), Error> {
        let kind = if counters {
            sys::ADDRESS_AIC_PMU
        } else {
            sys::ADDRESS_AIC_CONTROL
        };
        let mut question = sys::AddrMapIn {
            addr_type: kind,
            devid: self.driver.hal_device,
        };
        let mut answer = sys::AddrMapOut::default();
        call!(
            self,
            hal.halMemCtl(
                sys::MEMCTL_ADDRESS_MAP,
                (&raw mut question).cast(),
                size_of::<sys::AddrMapIn>(),
                &raw mut answer,
                null_mut(),
            )
        )?;
        if answer.ptr == 0 {
            return Err(self.answer(
                "halMemCtl",
                "address 0".to_owned(),
                "the address of the registers",
            ));
        }
        Ok((answer.ptr, answer.len))
    }

    /// Maps the registers of one cluster, `bytes` of them, for the AICPU's process.
    pub(crate) fn map_cluster(&self, cluster: u32, bytes: u32) -> Result<u64, Error> {
        let mut question = cluster_question(cluster);
        let (mut address, mut length) = (0, bytes);
        call!(
            self,
            hal.halResMap(
                self.driver.hal_device,
                &raw mut question,
                &raw mut address,
                &raw mut length,
            )
        )?;
        if address == 0 || length < bytes {
            let answer = format!("{length} bytes at {address:#x} for cluster {cluster}");
            return Err(self.answer("halResMap", answer, "all registers of the cluster"));
        }
        Ok(address)
    }

    /// Makes device memory visible to the host.
    pub(crate) fn host_register(&self, address: u64, bytes: u64) -> Result<*mut u8, Error> {
        let mut view = null_mut();
        call!(
            self,
            hal.halHostRegister(
                pointer(address),
                bytes,
                sys::REGISTER_DEVICE_FOR_HOST,
                self.driver.hal_device,
                &raw mut view,
            )
        )?;
        if view.is_null() {
            return Err(self.answer("halHostRegister", "null".to_owned(), "a host address"));
        }
        Ok(view.cast())
    }

    /// Takes the host's view of device memory back.
    pub(crate) fn host_unregister(&self, address: u64) -> Result<(), Error> {
        call!(
            self,
            hal.halHostUnregister(pointer(address), self.driver.hal_device)
        )
    }

    /// Sets how long the hardware lets one operation run; what it made of it.
    pub(crate) fn set_operation_timeout(&self, limit: Duration) -> Result<Duration, Error> {
        let wanted = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        let mut actual = 0;
        call!(
            self,
            acl.aclrtSetOpExecuteTimeOutV2(wanted, &raw mut actual)
        )?;
        Ok(Duration::from_micros(actual))
    }

    /// Waits for all work of the device, at most this long.
    pub(crate) fn drain(&self, limit: Duration) -> Result<(), Error> {
        let limit = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX).max(1);
        call!(self, acl.aclrtSynchronizeDeviceWithTimeout(limit))
    }

    /// Gives the device back.
    pub(crate) fn reset(&self) -> Result<(), Error> {
        call!(self, runtime.rtDeviceReset(self.driver.device))
    }

    /// Takes everything of this process off the device, whatever it is doing.
    pub(crate) fn reset_force(&self) -> Result<(), Error> {
        call!(self, acl.aclrtResetDeviceForce(self.driver.device))
    }

    /// Name of the chip.
    ///
    /// # Errors
    /// What `rtGetSocVersion` returned.
    pub fn soc_name(&self) -> Result<String, Error> {
        let mut name = [0_u8; 64];
        let length = u32::try_from(name.len()).expect("64") - 1;
        call!(
            self,
            runtime.rtGetSocVersion(name.as_mut_ptr().cast::<c_char>(), length)
        )?;
        let name = CStr::from_bytes_until_nul(&name).unwrap_or_default();
        Ok(name.to_string_lossy().into_owned())
    }

    fn answer(&self, function: &'static str, answer: String, expected: &'static str) -> Error {
        Error::Answer {
            function,
            device: self.driver.device,
            answer,
            expected,
        }
    }
}

const fn cluster_question(cluster: u32) -> sys::ResMapInfo {
    sys::ResMapInfo {
        target_proc_type: sys::PROCESS_AICPU,
        res_type: sys::RESOURCE_AICORE,
        res_id: cluster,
        flag: 0,
        rsv: [0],
    }
}

/// A device address or handle as C wants it.
pub(super) fn pointer(address: u64) -> *mut c_void {
    let address = usize::try_from(address).expect("64-bit addresses");
    core::ptr::without_provenance_mut(address)
}

#[cfg(test)]
mod tests {
    use super::physical;

    #[test]
    fn visible_devices_are_counted_through() {
        assert_eq!(physical(1, None), Some(1));
        assert_eq!(physical(1, Some("")), Some(1));
        assert_eq!(physical(1, Some("4, 6,7")), Some(6));
        assert_eq!(physical(3, Some("4,6,7")), None);
        assert_eq!(physical(0, Some("x")), None);
        assert_eq!(physical(-1, None), None);
    }
}

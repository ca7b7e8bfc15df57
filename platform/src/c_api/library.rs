//! What each function of the C interface does.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ops::Deref;
use core::slice;
use core::time::Duration;
use std::sync::Arc;

use protocol::callable::ChipCallable;
use protocol::{CallConfig, ChipStorageTaskArgs, Malformed, Toolchain};

use super::comm::{Rank, in_a_window};
use super::extension::Extra;
use super::guard::{CallError, code, guard};
use super::handles::Handles;
use super::programs::{DeviceOfPrograms, Programs, Ranks};
use super::runs::{Pair, Runs};
use super::{Runtime, logging};
use crate::address::DeviceAddress;
use crate::device::Device;
use crate::error::Error;
use crate::program::Program;

/// How long a rank waits for the others, each time.
const PATIENCE: Duration = Duration::from_secs(120);

/// What one library is for.
#[derive(Clone, Copy, Debug)]
pub struct Backend {
    /// Name of the platform.
    pub platform: &'static CStr,
    /// The runtime whose callables it prepares.
    pub runtime: Runtime,
    /// Bytes of the run buffer that callers are told to lend. Nothing is kept in it.
    pub run_buffer: usize,
    /// The compiler it wants for kernels.
    pub kernels: Toolchain,
    /// The compiler it wants for orchestrations.
    pub orchestrations: Toolchain,
    /// Makes a device for callables of that runtime.
    pub device: fn(Runtime) -> DeviceOfPrograms,
    /// Who can be a rank.
    pub ranks: Ranks,
}

/// Bytes that C passes by address and length.
#[derive(Clone, Copy, Debug)]
pub struct Bytes {
    /// The first.
    pub first: *const u8,
    /// How many.
    pub length: usize,
}

impl Bytes {
    /// # Safety
    /// They are null or readable, and stay so.
    unsafe fn get<'a>(self) -> &'a [u8] {
        if self.first.is_null() {
            return &[];
        }
        // SAFETY: the caller's promise.
        unsafe { slice::from_raw_parts(self.first, self.length) }
    }
}

/// The arguments of `run_prepared`.
#[derive(Clone, Copy, Debug)]
pub struct RunCall {
    /// The context.
    pub context: *mut c_void,
    /// The buffer that stands for the run.
    pub runtime: *mut c_void,
    /// What to run.
    pub callable_id: i32,
    /// A [`ChipStorageTaskArgs`].
    pub args: *const c_void,
    /// Clusters.
    pub block_dim: c_int,
    /// Control CPUs.
    pub aicpu_thread_num: c_int,
    /// The chip.
    pub device_id: c_int,
    /// The program of its control CPUs.
    pub aicpu: Bytes,
    /// The program of its cores.
    pub aicore: Bytes,
    /// Not 0: record when every task ran.
    pub enable_l2_swimlane: c_int,
    /// Not 0: write tensors before and after every task.
    pub enable_dump_tensor: c_int,
    /// Above 0: count hardware events.
    pub enable_pmu: c_int,
    /// Folder for what the diagnostics write, or null.
    pub output_prefix: *const c_char,
}

/// What a context handle stands for.
#[derive(Debug)]
pub(super) struct Context {
    device: Box<dyn Device>,
    programs: Arc<dyn Programs>,
    pub(super) extra: Extra,
}

impl Context {
    fn finalize(&self) -> Result<(), CallError> {
        let finalized = self.device.finalize();
        self.programs.clear();
        Ok(finalized?)
    }
}

impl Deref for Context {
    type Target = dyn Device;

    fn deref(&self) -> &Self::Target {
        &*self.device
    }
}

/// Everything that one loaded library holds.
#[derive(Debug)]
pub struct Library {
    backend: Backend,
    pub(super) contexts: Handles<Context>,
    pub(super) ranks: Handles<Rank>,
    /// What stands for a chip that is to be a rank.
    streams: Handles<Arc<Context>>,
    runs: Runs,
}

impl Library {
    /// A library that holds nothing yet.
    #[must_use]
    pub const fn new(backend: Backend) -> Self {
        Self {
            backend,
            contexts: Handles::new("device context"),
            ranks: Handles::new("communicator"),
            streams: Handles::new("stream"),
            runs: Runs::new(),
        }
    }

    /// A context that is not attached yet.
    pub fn create(&self) -> *mut c_void {
        logging::install();
        guard(
            "create_device_context",
            |_| core::ptr::null_mut(),
            || {
                let (device, programs) = (self.backend.device)(self.backend.runtime);
                let extra = Extra::default();
                Ok(self.contexts.insert(Context {
                    device,
                    programs,
                    extra,
                }))
            },
        )
    }

    /// Finalizes a context and forgets it; null is fine.
    pub fn destroy(&self, context: *mut c_void) {
        if context.is_null() {
            return;
        }
        code("destroy_device_context", || {
            self.contexts.remove(context)?.finalize()
        });
    }

    /// Bytes of the run buffer.
    pub fn run_buffer(&self) -> usize {
        self.backend.run_buffer
    }

    /// Attaches a context to a chip, and only then sets the log level.
    pub fn init(&self, context: *mut c_void, device_id: c_int, level: c_int, info: c_int) -> c_int {
        code("simpler_init", || {
            let device = self.contexts.get(context)?;
            device.programs.set_log_level(level);
            device.init(device_id)?;
            device.set_talking(device.extra.talking() || !self.ranks.all().is_empty())?;
            logging::configure(level, info);
            Ok(())
        })
    }

    /// Releases what a context holds.
    pub fn finalize(&self, context: *mut c_void) -> c_int {
        code("finalize_device", || self.contexts.get(context)?.finalize())
    }

    /// Device memory, or null.
    pub fn malloc(&self, context: *mut c_void, bytes: usize) -> *mut c_void {
        guard(
            "device_malloc_ctx",
            |_| core::ptr::null_mut(),
            || {
                let address = self.contexts.get(context)?.malloc(bytes as u64)?;
                Ok(pointer(address).cast())
            },
        )
    }

    /// Gives device memory back; null is fine.
    pub fn free(&self, context: *mut c_void, memory: *mut c_void) {
        if memory.is_null() {
            return;
        }
        code("device_free_ctx", || {
            Ok(self.contexts.get(context)?.free(address(memory))?)
        });
    }

    /// Copies to device memory or to a window.
    ///
    /// # Safety
    /// `from` is null or readable for `bytes`.
    pub unsafe fn copy_to(
        &self,
        context: *mut c_void,
        to: *mut c_void,
        from: *const c_void,
        bytes: usize,
    ) -> c_int {
        code("copy_to_device_ctx", || {
            let device = self.contexts.get(context)?;
            in_memory("copy_to", to)?;
            non_null("host address", from)?;
            if in_a_window(&self.ranks, to, bytes) {
                // SAFETY: the caller's promise about `from`; the window is there, and copies of one rank
                // follow one another.
                unsafe { to.cast::<u8>().copy_from(from.cast(), bytes) };
                return Ok(());
            }
            // SAFETY: the caller's promise.
            let from = unsafe { slice::from_raw_parts(from.cast(), bytes) };
            Ok(device.copy_to(address(to), from)?)
        })
    }

    /// Copies from device memory or from a window.
    ///
    /// # Safety
    /// `to` is null or writable for `bytes`.
    pub unsafe fn copy_from(
        &self,
        context: *mut c_void,
        to: *mut c_void,
        from: *const c_void,
        bytes: usize,
    ) -> c_int {
        code("copy_from_device_ctx", || {
            let device = self.contexts.get(context)?;
            non_null("host address", to)?;
            in_memory("copy_from", from)?;
            if in_a_window(&self.ranks, from, bytes) {
                // SAFETY: as for copying to a window.
                unsafe { to.cast::<u8>().copy_from(from.cast(), bytes) };
                return Ok(());
            }
            // SAFETY: the caller's promise.
            let to = unsafe { slice::from_raw_parts_mut(to.cast(), bytes) };
            Ok(device.copy_from(to, address(from))?)
        })
    }

    /// Loads a callable and registers it.
    ///
    /// # Safety
    /// `callable` is null or points to a whole image of a callable; each of the chip's images is null or readable
    /// for its length.
    pub unsafe fn prepare(
        &self,
        context: *mut c_void,
        callable_id: i32,
        callable: *const c_void,
        [aicpu, aicore]: [Bytes; 2],
    ) -> c_int {
        code("prepare_callable", || {
            let device = self.contexts.get(context)?;
            non_null("callable", callable)?;
            // SAFETY: the caller's promise.
            let image = unsafe { whole_image(callable.cast()) }?;
            let program = match self.backend.runtime {
                Runtime::Trb => Program::from_trb_image(image)?,
                Runtime::Hbg => Program::from_hbg_image(image)?,
            };
            if device.device_id().is_some() {
                // SAFETY: the caller's promise.
                let aicpu = unsafe { aicpu.get() };
                // SAFETY: the caller's promise.
                let aicore = unsafe { aicore.get() };
                device.programs.foresee(aicpu, aicore)?;
            }
            Ok(device.prepare(callable_id, &program)?)
        })
    }

    /// Runs what is registered.
    ///
    /// # Safety
    /// `args` is null or points to an argument block whose tensors are as [`Device::run`] asks for;
    /// `output_prefix` is null or a string.
    pub unsafe fn run(&self, call: &RunCall) -> c_int {
        code("run_prepared", || {
            let device = self.contexts.get(call.context)?;
            non_null("run buffer", call.runtime)?;
            non_null("argument block", call.args)?;
            let attached = device
                .device_id()
                .ok_or(Error::NotAttached { operation: "run" })?;
            if attached != call.device_id {
                return Err(Error::OtherDevice {
                    attached,
                    requested: call.device_id,
                }
                .into());
            }
            // SAFETY: the caller's promise.
            let config = unsafe { config(call) }?;
            // SAFETY: the caller's promise; nothing is known about the block's alignment.
            let args = unsafe { call.args.cast::<ChipStorageTaskArgs>().read_unaligned() };
            // SAFETY: the caller's promise.
            let aicpu = unsafe { call.aicpu.get() };
            // SAFETY: the caller's promise.
            let aicore = unsafe { call.aicore.get() };
            device.programs.bring(aicpu, aicore);
            let options = device.extra.options();
            let run = self.runs.begin(call.runtime);
            // SAFETY: the caller's promise.
            let report = unsafe { device.run(call.callable_id, &args, &config, &options) }?;
            device.extra.ran(&report);
            for pair in run.take_pairs() {
                let host: *mut u8 = core::ptr::with_exposed_provenance_mut(pair.host);
                // SAFETY: whoever recorded the pair promises its host side.
                let host = unsafe { slice::from_raw_parts_mut(host, pair.bytes) };
                device.copy_from(host, DeviceAddress(pair.device))?;
            }
            Ok(())
        })
    }

    /// Forgets a callable; an id without one is fine.
    pub fn unregister(&self, context: *mut c_void, callable_id: i32) -> c_int {
        code("unregister_callable", || {
            let device = self.contexts.get(context)?;
            if device.device_id().is_some() {
                device.unregister(callable_id)?;
            }
            Ok(())
        })
    }

    /// Orchestrations loaded on the device.
    pub fn aicpu_dlopen_count(&self, context: *mut c_void) -> usize {
        self.count("get_aicpu_dlopen_count", context, |device| {
            device.aicpu_dlopen_count()
        })
    }

    /// Orchestrations loaded on the host.
    pub fn host_dlopen_count(&self, context: *mut c_void) -> usize {
        self.count("get_host_dlopen_count", context, |device| {
            device.host_dlopen_count()
        })
    }

    fn count(
        &self,
        name: &str,
        context: *mut c_void,
        read: impl FnOnce(&dyn Device) -> u64,
    ) -> usize {
        guard(
            name,
            |_| 0,
            || {
                let count = read(&*self.contexts.get(context)?.device);
                Ok(usize::try_from(count).unwrap_or(usize::MAX))
            },
        )
    }

    /// Says whether a chip can be a rank; whatever that takes is made ready when it becomes one.
    pub fn ensure_acl_ready(&self, context: *mut c_void, device_id: c_int) -> c_int {
        code("ensure_acl_ready_ctx", || {
            let device = self.contexts.get(context)?;
            if !matches!(self.backend.ranks, Ranks::Chips) {
                return Ok(());
            }
            if device_id < 0 {
                return Err(Error::InvalidDevice { device_id }.into());
            }
            let operation = "ensure_acl_ready";
            let attached = device.device_id().ok_or(Error::NotAttached { operation })?;
            if attached != device_id {
                let requested = device_id;
                return Err(Error::OtherDevice {
                    attached,
                    requested,
                }
                .into());
            }
            Ok(())
        })
    }

    /// What stands for a chip that is to be a rank; null where ranks are no chips.
    pub fn create_comm_stream(&self, context: *mut c_void) -> *mut c_void {
        guard(
            "create_comm_stream_ctx",
            |_| core::ptr::null_mut(),
            || {
                let device = self.contexts.get(context)?;
                Ok(match self.backend.ranks {
                    Ranks::Chips => self.streams.insert(device),
                    Ranks::Anybody(_) | Ranks::Nobody => core::ptr::null_mut(),
                })
            },
        )
    }

    /// Gives it back; null is fine.
    pub fn destroy_comm_stream(&self, context: *mut c_void, stream: *mut c_void) -> c_int {
        code("destroy_comm_stream_ctx", || {
            self.contexts.get(context)?;
            if !stream.is_null() && matches!(self.backend.ranks, Ranks::Chips) {
                self.streams.remove(stream)?;
            }
            Ok(())
        })
    }

    /// A rank, or null. From now on kernels of this library may wait for what others do.
    ///
    /// # Safety
    /// `meeting` is null or a string.
    pub unsafe fn comm_init(
        &self,
        rank: c_int,
        ranks: c_int,
        stream: *mut c_void,
        meeting: *const c_char,
    ) -> *mut c_void {
        logging::install();
        guard(
            "comm_init",
            |_| core::ptr::null_mut(),
            || {
                non_null("root info path", meeting)?;
                // SAFETY: the caller's promise.
                let meeting = unsafe { CStr::from_ptr(meeting) }.to_bytes();
                let member = match self.backend.ranks {
                    Ranks::Anybody(join) => Rank::here(join(rank, ranks, meeting, PATIENCE)?),
                    Ranks::Chips => {
                        let chip = self.streams.get(stream)?;
                        Rank::on_chip(chip.join(rank, ranks, meeting, PATIENCE)?)
                    }
                    Ranks::Nobody => {
                        return Err(Error::Unsupported {
                            what: "a communicator",
                            machine: "this platform",
                            instead: "use one chip per program, or the simulated platform",
                        }
                        .into());
                    }
                };
                let handle = self.ranks.insert(member);
                self.say_talking();
                Ok(handle)
            },
        )
    }

    /// Makes the windows.
    ///
    /// # Safety
    /// `context_out` is null or writable.
    pub unsafe fn comm_alloc_windows(
        &self,
        rank: *mut c_void,
        bytes: usize,
        context_out: *mut u64,
    ) -> c_int {
        code("comm_alloc_windows", || {
            let rank = self.ranks.get(rank)?;
            non_null("place for the context", context_out)?;
            let context = rank.alloc_windows(bytes as u64)?;
            // SAFETY: the caller's promise.
            unsafe { context_out.write(context) };
            Ok(())
        })
    }

    /// Own window.
    ///
    /// # Safety
    /// `base_out` is null or writable.
    pub unsafe fn comm_window_base(&self, rank: *mut c_void, base_out: *mut u64) -> c_int {
        code("comm_get_local_window_base", || {
            let rank = self.ranks.get(rank)?;
            non_null("place for the base", base_out)?;
            let base = rank.ask(|comm| Ok(comm.window_base().0))?;
            // SAFETY: the caller's promise.
            unsafe { base_out.write(base) };
            Ok(())
        })
    }

    /// Bytes of a window.
    ///
    /// # Safety
    /// `size_out` is null or writable.
    pub unsafe fn comm_window_size(&self, rank: *mut c_void, size_out: *mut usize) -> c_int {
        code("comm_get_window_size", || {
            let rank = self.ranks.get(rank)?;
            non_null("place for the size", size_out)?;
            let bytes = rank.ask(|comm| Ok(comm.window_bytes()))?;
            let what = "window";
            let size = usize::try_from(bytes).map_err(|_| CallError::TooLarge { what, bytes })?;
            // SAFETY: the caller's promise.
            unsafe { size_out.write(size) };
            Ok(())
        })
    }

    /// Waits until every rank is here.
    pub fn comm_barrier(&self, rank: *mut c_void) -> c_int {
        code("comm_barrier", || {
            self.ranks.get(rank)?.ask(|comm| Ok(comm.barrier()?))
        })
    }

    /// Leaves together with the other ranks.
    pub fn comm_destroy(&self, rank: *mut c_void) -> c_int {
        code("comm_destroy", || {
            let left = self.ranks.remove(rank)?.destroy();
            self.say_talking();
            left
        })
    }

    /// Tells every attached chip whether its kernels may wait for what other chips do. Handles of ranks
    /// say nothing about the chip they belong to, so all are told.
    fn say_talking(&self) {
        let ranks = !self.ranks.all().is_empty();
        for device in self.contexts.all() {
            let talking = ranks || device.extra.talking();
            if device.device_id().is_some() && device.set_talking(talking).is_err() {
                log::debug!("a context was finalized while ranks came or went");
            }
        }
    }

    /// Adds a pair to what a run copies back.
    pub fn record_tensor_pair(
        &self,
        runtime: *mut c_void,
        host: *mut c_void,
        device: *mut c_void,
        bytes: usize,
    ) {
        code("record_tensor_pair", || {
            non_null("host address", host)?;
            let pair = Pair {
                host: host.expose_provenance(),
                device: address(device).0,
                bytes,
            };
            self.runs.record(runtime, pair)
        });
    }

    /// Refuses a call that only the two halves of the reference's library make.
    pub fn internal(&self, name: &'static str, instead: &'static str) -> c_int {
        code(name, || Err(CallError::Internal { instead }))
    }

    /// Name of the platform.
    pub fn platform(&self) -> *const c_char {
        self.backend.platform.as_ptr()
    }

    /// The compiler for kernels.
    pub fn kernel_compiler(&self) -> c_int {
        self.backend.kernels.to_wire().cast_signed()
    }

    /// The compiler for orchestrations.
    pub fn orchestration_compiler(&self) -> c_int {
        self.backend.orchestrations.to_wire().cast_signed()
    }
}

pub(super) fn non_null<T>(what: &'static str, pointer: *const T) -> Result<(), CallError> {
    if pointer.is_null() {
        return Err(CallError::Null { what });
    }
    Ok(())
}

/// Refuses null as the device refuses every address that is none of its own.
fn in_memory(operation: &'static str, device: *const c_void) -> Result<(), Error> {
    if device.is_null() {
        let address = address(device);
        return Err(Error::UnknownAddress { operation, address });
    }
    Ok(())
}

fn address(pointer: *const c_void) -> DeviceAddress {
    DeviceAddress(pointer.addr() as u64)
}

fn pointer(address: DeviceAddress) -> *mut u8 {
    let address = usize::try_from(address.0).expect("an address of this process");
    core::ptr::with_exposed_provenance_mut(address)
}

/// The image that starts at `first`, which says itself how long it is.
///
/// # Safety
/// There is a whole image.
unsafe fn whole_image<'a>(first: *const u8) -> Result<&'a [u8], CallError> {
    let what = "callable";
    let mut length = 0;
    loop {
        // SAFETY: the image is longer than what it was seen to need.
        let prefix = unsafe { slice::from_raw_parts(first, length) };
        let (bytes, whole) = match ChipCallable::image_size(prefix) {
            Ok(bytes) => (bytes, true),
            Err(Malformed::Truncated { needed, .. }) if needed > length as u64 => (needed, false),
            Err(malformed) => return Err(malformed.into()),
        };
        length = usize::try_from(bytes).map_err(|_| CallError::TooLarge { what, bytes })?;
        if whole {
            // SAFETY: this is what the image says of itself.
            return Ok(unsafe { slice::from_raw_parts(first, length) });
        }
    }
}

/// The settings of a run as they travel.
///
/// # Safety
/// The prefix is null or a string.
unsafe fn config(call: &RunCall) -> Result<CallConfig, CallError> {
    let mut config = CallConfig {
        block_dim: call.block_dim,
        aicpu_thread_num: call.aicpu_thread_num,
        enable_l2_swimlane: c_int::from(call.enable_l2_swimlane != 0),
        enable_dump_tensor: c_int::from(call.enable_dump_tensor != 0),
        enable_pmu: call.enable_pmu.max(0),
        ..CallConfig::default()
    };
    if !call.output_prefix.is_null() {
        // SAFETY: the caller's promise.
        let prefix = unsafe { CStr::from_ptr(call.output_prefix) };
        config.set_output_prefix(prefix.to_bytes())?;
    }
    Ok(config)
}

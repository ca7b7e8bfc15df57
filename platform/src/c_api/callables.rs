//! Callables: registered, run, forgotten.
//!
//! Knows how long an image is and how a run's arguments travel. Refuses to know what a callable does.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::slice;

use protocol::callable::ChipCallable;
use protocol::{CallConfig, ChipStorageTaskArgs, Malformed};

use super::backend::Runtime;
use super::guard::{CallError, code, guard};
use super::library::Library;
use super::pointers::{Bytes, address, non_null};
use super::runs::Pair;
use crate::address::DeviceAddress;
use crate::device::Device;
use crate::error::Error;
use crate::program::Program;

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

impl Library {
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

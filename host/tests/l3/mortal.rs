//! A simulated chip that dies when it is told to.

use core::time::Duration;

use host::{Device, DeviceAddress, Program, RunOptions, RunReport};
use platform::{Comm, MemoryStats, Result};
use protocol::{CallConfig, ChipStorageTaskArgs};

use crate::deaths::die;

/// Attaching to this device, plus the number of a cause.
pub(crate) const DIES_AT_INIT: i32 = 1000;
/// Allocating as many bytes, plus the number of a cause.
pub(crate) const DIES_AT_MALLOC: u64 = 0xdead_0000;

#[derive(Debug)]
struct Mortal(Box<dyn Device>);

/// The device.
pub(crate) fn device() -> Box<dyn Device> {
    Box::new(Mortal(
        host::platforms::device("a2a3sim").expect("the build has it"),
    ))
}

fn cause_of(value: u64, first: u64) -> Option<u32> {
    let cause = value.checked_sub(first)?;
    u32::try_from(cause).ok().filter(|&cause| cause < 3)
}

impl Device for Mortal {
    fn platform(&self) -> &'static str {
        self.0.platform()
    }

    fn init(&self, device_id: i32) -> Result<()> {
        let wanted = u64::from(device_id.unsigned_abs());
        if let Some(cause) = cause_of(wanted, DIES_AT_INIT.unsigned_abs().into()) {
            die(cause);
        }
        self.0.init(device_id)
    }

    fn finalize(&self) -> Result<()> {
        self.0.finalize()
    }

    fn device_id(&self) -> Option<i32> {
        self.0.device_id()
    }

    fn malloc(&self, bytes: u64) -> Result<DeviceAddress> {
        if let Some(cause) = cause_of(bytes, DIES_AT_MALLOC) {
            die(cause);
        }
        self.0.malloc(bytes)
    }

    fn free(&self, address: DeviceAddress) -> Result<()> {
        self.0.free(address)
    }

    fn copy_to(&self, to: DeviceAddress, from: &[u8]) -> Result<()> {
        self.0.copy_to(to, from)
    }

    fn copy_from(&self, to: &mut [u8], from: DeviceAddress) -> Result<()> {
        self.0.copy_from(to, from)
    }

    fn prepare(&self, callable_id: i32, program: &Program) -> Result<()> {
        self.0.prepare(callable_id, program)
    }

    unsafe fn run(
        &self,
        callable_id: i32,
        args: &ChipStorageTaskArgs,
        config: &CallConfig,
        options: &RunOptions,
    ) -> Result<RunReport> {
        // SAFETY: passed on from the caller.
        unsafe { self.0.run(callable_id, args, config, options) }
    }

    fn unregister(&self, callable_id: i32) -> Result<()> {
        self.0.unregister(callable_id)
    }

    fn join(
        &self,
        rank: i32,
        ranks: i32,
        meeting: &[u8],
        patience: Duration,
    ) -> Result<Box<dyn Comm>> {
        self.0.join(rank, ranks, meeting, patience)
    }

    fn set_talking(&self, talking: bool) -> Result<()> {
        self.0.set_talking(talking)
    }

    fn aicpu_dlopen_count(&self) -> u64 {
        self.0.aicpu_dlopen_count()
    }

    fn host_dlopen_count(&self) -> u64 {
        self.0.host_dlopen_count()
    }

    fn loaded_kernels(&self) -> usize {
        self.0.loaded_kernels()
    }

    fn memory(&self) -> MemoryStats {
        self.0.memory()
    }
}

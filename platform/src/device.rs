//! A device as applications hold it.

use core::fmt::Debug;
use core::time::Duration;

use protocol::{CallConfig, ChipStorageTaskArgs};

use crate::address::DeviceAddress;
use crate::comm::Comm;
use crate::error::Result;
use crate::launch::RunReport;
use crate::memory::MemoryStats;
use crate::options::RunOptions;
use crate::program::Program;

/// One chip's context: memory, registered programs, runs.
///
/// Contexts are independent of one another, however many a process has, and every call may come
/// from any thread. Runs of one context follow one another.
///
/// ```text
/// created ──init──▶ attached ──finalize──▶ finalized ──init──▶ attached …
/// ```
///
/// Dropping a device finalizes it.
pub trait Device: Debug + Send + Sync {
    /// Name of the platform, such as a chip family's name followed by `sim`.
    fn platform(&self) -> &'static str;

    /// Attaches to a chip; again to the same one changes nothing.
    ///
    /// # Errors
    /// A negative id, another chip than before, or a machine that does not start.
    fn init(&self, device_id: i32) -> Result<()>;

    /// Releases everything; again changes nothing.
    ///
    /// # Errors
    /// None so far; a real machine may have some.
    fn finalize(&self) -> Result<()>;

    /// The chip the context is attached to.
    fn device_id(&self) -> Option<i32>;

    /// Allocates device memory, zeroed.
    ///
    /// # Errors
    /// When there is not enough.
    fn malloc(&self, bytes: u64) -> Result<DeviceAddress>;

    /// Frees device memory.
    ///
    /// # Errors
    /// When `address` is not the start of a live allocation.
    fn free(&self, address: DeviceAddress) -> Result<()>;

    /// Copies to device memory.
    ///
    /// # Errors
    /// When the range is not in one live allocation.
    fn copy_to(&self, to: DeviceAddress, from: &[u8]) -> Result<()>;

    /// Copies from device memory.
    ///
    /// # Errors
    /// When the range is not in one live allocation.
    fn copy_from(&self, to: &mut [u8], from: DeviceAddress) -> Result<()>;

    /// Loads a program and registers it under `callable_id`.
    ///
    /// # Errors
    /// A bad or taken id, a bad program, a kernel that does not load: nothing is registered then.
    fn prepare(&self, callable_id: i32, program: &Program) -> Result<()>;

    /// Runs the program registered under `callable_id`.
    ///
    /// Tensors in host memory are copied to the device first and back at the end, each as the
    /// program's signature says: `IN` in, `OUT` back, `INOUT` both, an argument beyond the
    /// signature both. An `OUT` tensor starts as zeros. Nothing is copied back from a run that
    /// failed.
    ///
    /// # Errors
    /// Bad arguments, before anything happened; or why the run failed.
    ///
    /// # Safety
    /// For the duration of the call, each tensor in host memory is readable for its size, and
    /// writable unless it is `IN`; each tensor in device memory is valid there.
    unsafe fn run(
        &self,
        callable_id: i32,
        args: &ChipStorageTaskArgs,
        config: &CallConfig,
        options: &RunOptions,
    ) -> Result<RunReport>;

    /// Unregisters a program; with an id that has none nothing happens.
    ///
    /// # Errors
    /// When the device is not attached.
    fn unregister(&self, callable_id: i32) -> Result<()>;

    /// Joins a communicator of `ranks` ranks that all name `meeting`, a path that need not exist. No
    /// other rank is waited for yet, and none is waited for longer than `patience` at any time.
    ///
    /// Until the result is dropped, kernels of this device may wait for what other devices do.
    ///
    /// # Errors
    /// Numbers that make no sense, or a machine that cannot.
    fn join(
        &self,
        rank: i32,
        ranks: i32,
        meeting: &[u8],
        patience: Duration,
    ) -> Result<Box<dyn Comm>>;

    /// Says whether kernels of this device may wait for what other devices do, other than through
    /// [`join`](Self::join): through memory that the caller shares between them.
    ///
    /// # Errors
    /// When the device is not attached.
    fn set_talking(&self, talking: bool) -> Result<()>;

    /// How often a run has loaded an orchestration on the device since `init`.
    fn aicpu_dlopen_count(&self) -> u64;

    /// How often an orchestration was loaded on the host, in all.
    fn host_dlopen_count(&self) -> u64;

    /// Different kernels that are loaded.
    fn loaded_kernels(&self) -> usize;

    /// How much device memory is in use.
    fn memory(&self) -> MemoryStats;
}

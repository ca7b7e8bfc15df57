//! What only a machine can do.
//!
//! Knows the few operations that differ between a simulated chip and a real one. Refuses to know
//! programs, arguments and ids: those are settled above, once for all machines.

use core::fmt::Debug;
use core::time::Duration;
use std::sync::Arc;

use aicore_abi::seam::KernelEntry;
use protocol::CoreType;

use crate::address::DeviceAddress;
use crate::comm::Comm;
use crate::error::{Error, Result};
use crate::launch::{Launch, Outcome};
use crate::program::{Kernel, Orchestration};

/// Why there is no device memory.
#[derive(Debug)]
pub enum NoMemory {
    /// Too little is left, in the machine's words; with less in use there could be enough.
    Full(String),
    /// The machine failed: asking again does not help.
    Failed(Error),
}

/// A stretch of device memory, given back when dropped.
pub trait DeviceMemory: Debug + Send + Sync + 'static {
    /// Where it starts; aligned to 64 bytes.
    fn address(&self) -> DeviceAddress;

    /// How long it is.
    fn bytes(&self) -> u64;
}

/// A kernel of one program as the machine calls it.
pub trait LoadedKernel: Debug + Send + Sync + 'static {
    /// What a scheduler copies into a dispatch.
    ///
    /// It means this kernel for as long as this value lives.
    fn entry(&self) -> KernelEntry;
}

/// A machine that runs prepared programs: a simulated chip or a real one.
///
/// The caller has checked everything that can be checked without the machine.
pub trait Machine: Debug + Send + Sync + Sized + 'static {
    /// Device memory.
    type Memory: DeviceMemory;
    /// Code of a kernel, shared by all programs with the same bytes.
    type Code: Debug + Send + Sync + 'static;
    /// A kernel of one program.
    type Kernel: LoadedKernel;

    /// Allocates device memory.
    ///
    /// # Errors
    /// When it has not enough, or cannot be asked.
    fn allocate(&self, bytes: u64) -> Result<Self::Memory, NoMemory>;

    /// Copies host memory to the device.
    ///
    /// # Errors
    /// When the machine's transfer fails.
    ///
    /// # Safety
    /// `from` is readable and the range at `to` lies in one live allocation, each for `bytes`.
    unsafe fn copy_in(&self, to: DeviceAddress, from: *const u8, bytes: usize) -> Result<()>;

    /// Copies device memory to the host.
    ///
    /// # Errors
    /// When the machine's transfer fails.
    ///
    /// # Safety
    /// `to` is writable and the range at `from` lies in one live allocation, each for `bytes`.
    unsafe fn copy_out(&self, to: *mut u8, from: DeviceAddress, bytes: usize) -> Result<()>;

    /// Fills device memory with one byte.
    ///
    /// # Errors
    /// When the machine's transfer fails.
    ///
    /// # Safety
    /// The range at `to` lies in one live allocation.
    unsafe fn fill(&self, to: DeviceAddress, byte: u8, bytes: usize) -> Result<()>;

    /// Whether the machine can run such an orchestration.
    ///
    /// # Errors
    /// What to give instead.
    fn accept(&self, _orchestration: &Orchestration) -> Result<()> {
        Ok(())
    }

    /// Loads the code of a kernel.
    ///
    /// # Errors
    /// Why the machine cannot use it.
    fn load_code(&self, func_id: i32, kernel: &Kernel) -> Result<Self::Code>;

    /// Makes a kernel of a program from its code; `core` is the kind of core it is for, if known.
    fn kernel(&self, func_id: i32, core: Option<CoreType>, code: Arc<Self::Code>) -> Self::Kernel;

    /// Joins a communicator, as [`Device::join`](crate::Device::join).
    ///
    /// # Errors
    /// As there.
    fn join(
        &self,
        rank: i32,
        ranks: i32,
        meeting: &[u8],
        patience: Duration,
    ) -> Result<Box<dyn Comm>>;

    /// Whether all `bytes` at `address` are in a window of this machine: memory that nobody allocated here and
    /// that copies may reach all the same.
    fn has_window(&self, _address: DeviceAddress, _bytes: u64) -> bool {
        false
    }

    /// Says whether kernels may wait for what other machines do.
    fn set_talking(&self, talking: bool);

    /// Forgets what was loaded for a callable.
    fn forget(&self, callable_id: i32);

    /// Executes one bound run to its end, good or bad, within its deadlines.
    fn launch(&self, launch: &Launch<'_, Self::Kernel>) -> Outcome;
}

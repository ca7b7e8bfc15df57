//! One bound run as a machine gets it, and what comes back.

use core::any::Any;
use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use aicore_abi::seam::KernelEntry;
use protocol::{ArgDirection, CallConfig, ChipStorageTaskArgs};
#[cfg(feature = "hbg")]
use runtime_hbg::{CopyBack, HostMemory};

use crate::error::Result;
use crate::options::RunOptions;
use crate::program::Orchestration;

/// A program that is ready to run, with kernels of type `K`: loaded once, run many times.
#[derive(Debug)]
pub struct Prepared<K> {
    /// What builds the graph.
    pub orchestration: Orchestration,
    /// The same, loaded, if it runs on the host.
    #[cfg(feature = "hbg")]
    pub host: Option<aicpu::hbg::Loaded>,
    /// Direction of every argument that the program states one for.
    pub signature: Vec<ArgDirection>,
    /// How to call each kernel, indexed by function id.
    pub entries: Arc<[KernelEntry]>,
    /// The kernels that `entries` point to.
    pub kernels: Vec<K>,
}

/// What an orchestration that runs on the host does to the device during one run.
#[cfg(feature = "hbg")]
pub trait HostRun: HostMemory + fmt::Debug + Send + Sync {
    /// Takes what the run leaves: what is to be copied to the host, and what cores that have not stopped may read.
    fn leave(&self, copies: Vec<CopyBack>, graph: Option<Box<dyn Any + Send>>);
}

/// One bound run of a program with kernels of type `K`.
pub struct Launch<'a, K> {
    /// The id the program was prepared under.
    pub callable_id: i32,
    /// The program.
    pub program: &'a Arc<Prepared<K>>,
    /// Another number for each time an id is registered: what was loaded for another is stale.
    pub registration: u64,
    /// Arguments, every tensor in device memory; as the caller gave them if the program moves data itself.
    pub args: &'a ChipStorageTaskArgs,
    /// What an orchestration that runs on the host does to the device.
    #[cfg(feature = "hbg")]
    pub host: &'a Arc<dyn HostRun>,
    /// Checked against the chip's limits.
    pub config: &'a CallConfig,
    /// Deadlines and the like.
    pub options: &'a RunOptions,
    /// Address of the region that the run is written down in, 0 for none.
    pub recording: u64,
    /// Everything that code of this run can reach: to be kept alive for as long as some of it
    /// does not stop.
    pub hold: &'a dyn Fn() -> Box<dyn Any + Send>,
}

impl<K> fmt::Debug for Launch<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("callable_id", &self.callable_id)
            .field("registration", &self.registration)
            .finish_non_exhaustive()
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// The program's orchestration was loaded during this run, whatever became of the run.
    pub loaded: bool,
    /// Code of this run still executes: what it can reach must not be used again.
    pub left_behind: bool,
    /// What was done, or why not.
    pub result: Result<RunReport>,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunReport {
    /// Tasks submitted.
    pub submitted: u64,
    /// Tasks completed.
    pub completed: u64,
    /// Kernel calls.
    pub kernels: u64,
    /// Bytes copied to the device before the run.
    pub copied_in: u64,
    /// Bytes copied back after it.
    pub copied_out: u64,
    /// From the launch to the end of the graph, copies excluded.
    pub execution: Duration,
}

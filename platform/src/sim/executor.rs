//! What the simulated chip asks of the program that runs on its control CPUs, and gives to it.
//!
//! Knows one run as the control CPUs see it. Refuses to know how graphs are built and scheduled.

use core::fmt::Debug;
use std::sync::Arc;

use aicpu::Crew;
use protocol::ChipStorageTaskArgs;

use crate::error::Result;
#[cfg(feature = "hbg")]
use crate::launch::HostRun;
use crate::launch::{Prepared, RunReport};
use crate::options::RunOptions;

use super::cores::SimCores;
use super::kernels::SimKernel;

/// One run as the control CPUs get it.
#[derive(Debug)]
pub struct RunOrder {
    /// The id the program was prepared under.
    pub callable_id: i32,
    /// Another number for each time an id is registered.
    pub registration: u64,
    /// The program.
    pub program: Arc<Prepared<SimKernel>>,
    /// Its arguments, every tensor in device memory unless the program moves data itself.
    pub args: ChipStorageTaskArgs,
    /// What an orchestration that runs on the host does to the device.
    #[cfg(feature = "hbg")]
    pub host: Arc<dyn HostRun>,
    /// Clusters that take part.
    pub clusters: u16,
    /// Control CPUs that take part, the orchestrating one included.
    pub threads: u8,
    /// Ring sizes and the like.
    pub options: RunOptions,
    /// Address of the region that the run is written down in, 0 for none; it stays until no code of the run can reach
    /// it.
    pub recording: u64,
}

/// How a run on the control CPUs ended.
#[derive(Debug)]
pub struct RunEnd {
    /// The orchestration was loaded during this run.
    pub loaded: bool,
    /// What was done, or why not.
    pub result: Result<RunReport>,
}

/// The program that runs on a simulated chip's control CPUs.
pub trait Executor: Debug + Send + Sync {
    /// Executes one run to its end on the calling thread and on those of `crew` that it calls.
    fn run(&self, order: &RunOrder, cores: &SimCores, crew: &dyn Crew) -> RunEnd;

    /// A number that changes with every task submitted or completed.
    fn progress(&self) -> u64;

    /// Tells the run to end as soon as it can; may be called by any thread at any time.
    fn abort(&self);

    /// What the run is doing, in words, for the message of a deadline.
    fn describe(&self) -> String;

    /// Forgets what was loaded for a callable id.
    fn forget(&self, callable_id: i32);
}

//! What applications link.
//!
//! Knows workers at every level, their typed handles and arguments. Refuses to know how a device
//! runs a graph.

//!
//! | question | file |
//! | --- | --- |
//! | how is a program put together? | [`ProgramBuilder`] |
//! | how is an orchestration written in Rust? | [`Scope`] |
//! | how is a graph described in Rust before it runs? | [`TaskGraph`] |
//! | what does a run get? | [`Arguments`] |
//! | who runs it? | [`ChipWorker`] |
//! | which chips can this build run on? | [`platforms`] |
//! | what does the `simpler` command do? | [`cli`], [`scene`], [`demo`] |

mod args;
pub mod cli;
#[cfg(feature = "trb")]
pub mod demo;
mod error;
mod foreign;
#[cfg(feature = "trb")]
mod graph;
pub mod platforms;
mod program;
pub mod scene;
#[cfg(feature = "hbg")]
mod task_graph;
#[cfg(feature = "trb")]
pub mod team;
mod worker;

pub use args::Arguments;
pub use error::{Error, Result};
#[cfg(feature = "trb")]
pub use graph::{
    GraphError, Kernels, NewTensor, RunArguments, Scope, Submitted, Task, TaskRef, Tensor,
};
pub use platform::{
    Deadlines, Device, DeviceAddress, ForeignMemory, KernelCall, Program, Rings, RunOptions,
    RunReport, Waits,
};
pub use program::ProgramBuilder;
pub use protocol::{ArgDirection, CoreType, DataType};
#[cfg(feature = "hbg")]
pub use task_graph::{GraphArguments, GraphTask, GraphTensor, NewTask, TaskGraph, TaskGraphError};
pub use worker::{Callable, ChipWorker, RunConfig};

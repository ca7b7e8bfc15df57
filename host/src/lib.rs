//! What applications link.
//!
//! Knows workers at every level, their typed handles and arguments. Refuses to know how a device
//! runs a graph.
//!
//! ```
//! use aicore_abi::call::map;
//! use host::ArgDirection::{In, Out};
//! use host::{Arguments, ChipWorker, CoreType, Kernels, ProgramBuilder, RunConfig};
//!
//! const DOUBLE: i32 = 0;
//! let program = ProgramBuilder::new()
//!     .signature(&[In, Out])
//!     .kernel(DOUBLE, CoreType::Aiv, |call| {
//!         map(&call.tensor(0)?, &call.tensor(1)?, |x: f32| 2.0 * x)
//!     })
//!     .orchestration(|scope, args| {
//!         let (x, y) = (args.tensor(0)?, args.tensor(1)?);
//!         scope.task(Kernels::aiv(DOUBLE)).input(&x).write(&y).submit()?;
//!         Ok(())
//!     });
//! let worker = ChipWorker::on("a2a3sim")?;
//! worker.init(0)?;
//! let double = worker.register(program)?;
//!
//! let (x, mut y) = ([1.0, 2.0, 3.0, 4.0f32], [0.0f32; 4]);
//! let mut args = Arguments::new();
//! args.input(&x, &[4])?.output(&mut y, &[4])?;
//! worker.run(&double, &mut args, &RunConfig::default())?;
//! assert_eq!(y, [2.0, 4.0, 6.0, 8.0]);
//! # Ok::<(), host::Error>(())
//! ```
//!
//! | question | file |
//! | --- | --- |
//! | how is a program put together? | [`ProgramBuilder`] |
//! | how is an orchestration written in Rust? | [`Scope`] |
//! | how is a graph described in Rust before it runs? | [`TaskGraph`] |
//! | what does a run get? | [`Arguments`] |
//! | who runs it? | [`ChipWorker`] |
//! | how does somebody else's host runtime run it? | [`ChipWorker::open`] |
//! | who runs programs on many chips, with host functions between them? | [`team`] |
//! | what did a run do, and where did the time go? | [`Diagnostics`] |
//! | which chips can this build run on? | [`platforms`] |
//! | what does the `simpler` command do? | [`cli`], [`scene`], [`demo`] |

mod args;
pub mod cli;
#[cfg(feature = "trb")]
pub mod demo;
mod diagnostics;
mod error;
mod foreign;
#[cfg(feature = "trb")]
mod graph;
pub mod platforms;
mod program;
pub mod scene;
#[cfg(feature = "hbg")]
mod task_graph;
pub mod team;
mod worker;

pub use args::Arguments;
pub use diagnostics::Diagnostics;
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

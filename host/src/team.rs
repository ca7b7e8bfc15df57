//! Workers above one chip: a worker and its children, at level 3 and up.
//!
//! Knows children of three kinds, the channels to them, the graph of tasks and who runs what when.
//! Refuses to know what a chip does with a program: a chip child has a
//! [`Device`](platform::Device) for that.
//!
//! ```text
//! Worker ──▶ Graph ──▶ engine ──▶ port ──frames in shared memory──▶ serve ──▶ hands
//!  init,      submit,   keys,      one per                           in the     chip, functions,
//!  register   scopes    queues     child                             child      or a lower worker
//! ```
//!
//! | question | file |
//! | --- | --- |
//! | how do processes share memory? | `segment` |
//! | what does a question to a child look like? | `frame`, `channel` |
//! | what happens in a child? | `serve`, `hands`, `supply` |
//! | how is a child started, watched and ended? | `child`, `nursery` |
//! | how do chips see each other's memory? | `communicator`, `window` |
//! | what went wrong, and where? | `fault`, `error` |

mod call;
mod catalogue;
mod channel;
mod child;
mod communicator;
mod engine;
mod error;
mod fault;
mod frame;
mod graph;
mod handle;
mod hands;
mod lower;
mod memory;
mod nursery;
mod run;
mod segment;
mod serve;
mod shared;
mod supply;
mod target;
mod tensor;
mod window;
mod worker;

pub use call::Call;
pub use catalogue::Catalogue;
pub use child::{Ending, Kind};
pub use communicator::Communicator;
pub use engine::TaskFailure;
pub use engine::heap::RingReport;
pub use error::{Error, Result};
pub use fault::{Failure, Fault, FaultKind};
pub use graph::{Graph, Scope, Submission, TaskRef};
pub use handle::{FunctionHandle, GraphHandle, Handle, NextLevel, ProgramHandle};
pub use run::RunHandle;
pub use shared::Limits;
pub use tensor::{Args, Buffer, DeviceBuffer, Tensor};
pub use window::Windows;
pub use worker::{Builder, ChildStatus, Worker};

use std::process::ExitCode;

/// Serves a parent, if this process was started as a child of a worker.
///
/// A program whose workers execute children calls it first thing in `main`, with the catalogue that its
/// workers have, and exits with the code it gets:
///
/// ```no_run
/// # use std::process::ExitCode;
/// fn main() -> ExitCode {
///     let catalogue = host::team::Catalogue::new();
///     if let Some(code) = host::team::child_main(&catalogue) {
///         return code;
///     }
///     // … the program itself
///     ExitCode::SUCCESS
/// }
/// ```
#[must_use = "a child must not go on with the program"]
pub fn child_main(catalogue: &Catalogue) -> Option<ExitCode> {
    child::run_if_child(catalogue)
}

/// A device of a platform of this build.
fn platform_named(name: &str) -> core::result::Result<Box<dyn platform::Device>, String> {
    crate::platforms::device(name).map_err(|error| error.to_string())
}

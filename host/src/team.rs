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
//! # Kinds of children
//!
//! | kind | default for | a crash | receives |
//! | --- | --- | --- | --- |
//! | [`Kind::Thread`] | functions, the one chip of level 2, lower workers | takes the process | anything, closures too |
//! | [`Kind::Exec`] | the chips of level 3 | stays in the child, which can be restarted | names of a [`Catalogue`], programs of images |
//! | [`Kind::EarlyFork`] | nothing | stays in the child | closures registered before `init`, then as above |
//!
//! A child of kind *exec* executes a helper: this very program, if it calls [`child_main`] first thing in
//! `main`, or the one that [`Builder::helper`] names. The `simpler` command is such a helper for programs
//! that consist of images. A program that can do neither (a plug-in, a test of the usual harness) chooses
//! threads; `build` says so when a worker needs a helper and there is none.
//!
//! ```standalone_crate
//! use aicore_abi::call::map;
//! use host::team::{Args, Catalogue, Result, Worker};
//! use host::{ArgDirection, CoreType, Kernels, Program, ProgramBuilder};
//! use protocol::CallConfig;
//!
//! fn double() -> Program {
//!     ProgramBuilder::new()
//!         .signature(&[ArgDirection::In, ArgDirection::Out])
//!         .kernel(0, CoreType::Aiv, |call| {
//!             map(&call.tensor(0)?, &call.tensor(1)?, |x: f32| 2.0 * x)
//!         })
//!         .orchestration(|scope, args| {
//!             let (x, y) = (args.tensor(0)?, args.tensor(1)?);
//!             scope.task(Kernels::aiv(0)).input(&x).write(&y).submit()?;
//!             Ok(())
//!         })
//! }
//!
//! fn main() -> Result<std::process::ExitCode> {
//!     let catalogue = Catalogue::new().program("double", double);
//!     // In a child this serves the parent until it ends.
//!     if let Some(code) = host::team::child_main(&catalogue) {
//!         return Ok(code);
//!     }
//!     let worker = Worker::builder(3)
//!         .chips("a2a3sim", 0..2)
//!         .subs(1)
//!         .catalogue(&catalogue)
//!         .build()?;
//!     let double = worker.register_named_program("double")?;
//!     let check = worker.register_function(|call| {
//!         assert_eq!(call.load::<f32>(0)?, [4.0; 8]);
//!         Ok(())
//!     })?;
//!     worker.init()?;
//!
//!     let tensor = || worker.buffer(32)?.tensor::<f32>(&[8]);
//!     let (x, y, z) = (tensor()?, tensor()?, tensor()?);
//!     x.store(&[1.0; 8])?;
//!     worker.run(|graph| {
//!         let config = CallConfig::default();
//!         let once = Args::new().input(&x).output_existing(&y);
//!         graph.next_level(&double).on(0).args(once).config(&config).submit()?;
//!         let twice = Args::new().input(&y).output_existing(&z);
//!         graph.next_level(&double).on(1).args(twice).config(&config).submit()?;
//!         graph.submit_sub(&check, Args::new().input(&z))?;
//!         Ok(())
//!     })?;
//!     worker.close()?;
//!     Ok(std::process::ExitCode::SUCCESS)
//! }
//! ```
//!
//! The examples of this crate, numbered as a course, go on from here.
//!
//! # Where is what
//!
//! | question | file |
//! | --- | --- |
//! | what does a caller do with a worker? | `worker`, `graph`, `run`, `handle` |
//! | how is a worker told to another process? | `spec`, `catalogue`, `target` |
//! | what are buffers and tensors? | `tensor`, `memory`, `call` |
//! | how do processes share memory? | `segment` |
//! | what does a question to a child look like? | `frame`, `channel` |
//! | what is a child to its parent? | `life`, and `port` of the `engine` |
//! | who runs what when, and who waits? | `engine`, `shared` |
//! | what happens in a child? | `serve`, `hands`, `supply` |
//! | how is a child started, watched and ended? | `child`, `nursery` |
//! | how does a worker become a child of another? | `work`, `lower` |
//! | how do chips see each other's memory? | `communicator`, `window`, `copies` |
//! | what went wrong, and where? | `fault`, the crate's `error`, `failure` |
//!
//! Files name files below them, never back: `worker` → `child` → `serve` → `hands` → `supply` → `target` →
//! `catalogue` → `graph` → `shared` → `engine` → `life`, `call` → `tensor`, `channel` → `segment`, `frame` → the
//! crate's `error` → `fault`. One thing is a circle and must be: a worker starts children, and what a child
//! does may be a worker; it closes in `work`.

mod call;
mod catalogue;
mod channel;
mod child;
mod communicator;
mod copies;
pub(crate) mod engine;
mod failure;
pub(crate) mod fault;
mod frame;
mod graph;
mod handle;
mod hands;
mod life;
mod lower;
mod memory;
mod nursery;
mod run;
mod segment;
mod serve;
mod shared;
mod spec;
mod supply;
mod target;
mod task_id;
mod tensor;
mod window;
mod work;
mod worker;

pub use crate::error::{Error, Result};
pub use call::Call;
pub use catalogue::Catalogue;
pub use communicator::Communicator;
pub use engine::heap::RingReport;
pub use failure::Failure;
pub use fault::{Fault, FaultKind, TaskFailure};
pub use graph::{Graph, Scope, Submission, TaskRef};
pub use handle::{FunctionHandle, GraphHandle, Handle, NextLevel, ProgramHandle};
pub use life::Ending;
pub use run::RunHandle;
pub use spec::{Kind, Limits};
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
    child::run_if_child(catalogue, work::hands)
}

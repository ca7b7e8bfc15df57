//! The graph built on the host.
//!
//! Two halves that meet in a [`Graph`]. On the host an orchestration adds tasks and edges, allocates device memory
//! and says what is to be copied back; *sealing* checks all of it at once and packs it. On the device a
//! [`Context`] runs a sealed graph, any number of times. Refuses to know chips (it is generic over
//! [`protocol::Arch`] and [`aicore_abi::seam::Cores`]) and how programs are loaded.
//!
//! | question | file |
//! | --- | --- |
//! | how is a graph described in Rust? | [`typed`] |
//! | what does a C orchestration call, and what does that come to? | [`operations`], [`orchestration`] |
//! | what is kept while a graph is built? | [`builder`] |
//! | what is checked when it is sealed? | `seal` |
//! | what is a finished graph? | [`graph`] |
//! | what is sent to a device? | [`packed`] |
//! | how does one graph run with other arguments? | [`plan`] |
//! | whose device memory is it? | [`memory`] |
//! | what does the tensor dump learn? | [`dump`] |
//! | what lives longer than a run, and how does one begin? | [`context`] |
//! | who drives a run, and when is it over? | [`run`] |
//! | what does one scheduler do? | `role` |
//! | what do schedulers share? | `shared` |
//! | what is written down of a run? | `recording` |
//! | what does a run wait for? | [`diagnosis`] |
//! | why was something refused? | [`error`] |
//!
//! On the host [`typed`] and [`operations`] → [`orchestration`] → `seal` → [`builder`] → [`graph`], on the device
//! [`context`] → [`run`] → [`diagnosis`] → `role` → `shared` → [`graph`], never back.
//!
//! # Limits
//!
//! The reference's limits are minimums here. There may be as many tasks as a C `int` counts, and as many argument
//! words, predecessors, successors, copies back and descriptors per task as memory holds (2^32 in all, 2^16
//! descriptors).
//!
//! # What a kernel is called with
//!
//! With its task's words in the order given. Up to 48 of them are copied into the core's payload and followed by zeros
//! up to the 16th; a task with more has them lie in the graph and the payload say where
//! ([`DispatchPayload::keep_words_at`](aicore_abi::payload::DispatchPayload::keep_words_at)), and its kernel must not
//! write to them. The payload's context words are set as for a task of one block, so kernels in Rust may ask for them.

pub mod builder;
pub mod context;
pub mod diagnosis;
pub mod dump;
pub mod error;
pub mod graph;
pub mod memory;
pub mod operations;
pub mod orchestration;
pub mod packed;
pub mod plan;
mod print;
mod recording;
mod role;
pub mod run;
mod seal;
mod shared;
pub mod typed;

pub use builder::GraphBuilder;
pub use context::Context;
pub use error::{Error, Result};
pub use graph::{Graph, GraphView};
pub use memory::{Buffers, HostMemory};
pub use orchestration::{Built, CopyBack, Orchestration};
pub use plan::{Blueprint, Descriptor, Plan, Source, Value};
pub use run::{Deadlines, Run, RunReport, Setup, Step};
pub use typed::{Kernel, Task, Tasks, build, word};

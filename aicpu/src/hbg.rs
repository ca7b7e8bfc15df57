//! The host-built runtime: what builds a graph, and how the graph is run by the control CPUs.
//!
//! ```text
//! registration ──▶ Orchestration::load ──▶ Loaded, kept as long as the registration
//! every run ──▶ Builder::build: build (or reuse) and seal ─▶ Ready ─▶ Executor: run the sealed graph
//! ```
//!
//! In simulation the thread that leads a run also builds its graph ([`Executor::run`]), so that a run's deadlines hold for
//! both. For a chip the host builds it and packs it, and the chip's control CPUs run it where it was put
//! ([`Executor::run_graph`]).

mod build;
mod executor;
mod failure;
mod orchestration;

pub use build::{BuildOrder, Builder, Ready};
pub use executor::{End, Executor, Order, Work};
pub use failure::RunFailure;
pub use orchestration::{Body, Loaded, Orchestration, OrchestrationImage};

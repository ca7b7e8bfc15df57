//! The host-built runtime: what builds a graph, and how the graph is run by the control CPUs.
//!
//! ```text
//! registration ──▶ Orchestration::load ──▶ Loaded, kept as long as the registration
//! every run ──▶ Executor::run: build (or reuse) ─▶ seal ─▶ run the sealed graph
//! ```
//!
//! In simulation the thread that leads a run also builds its graph, so that a run's deadlines hold for both.

mod executor;
mod orchestration;

pub use executor::{End, Executor, Order, RunFailure};
pub use orchestration::{Body, Loaded, Orchestration, OrchestrationImage};

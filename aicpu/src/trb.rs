//! The device-built runtime on the AICPU: what an orchestration is, and the table of loaded ones.
//!
//! ```text
//! registration ──▶ Orchestration (image or closure, shared by everyone who registered it)
//! first run of a registration ──▶ Table::ready(id): the image is loaded, once
//! every run ──▶ Loaded::call: expected argument count, bind, entry
//! ```

mod executor;
mod orchestration;
mod table;

pub use executor::{End, Executor, Order, RunFailure};
pub use orchestration::{Body, CallError, Loaded, Orchestration, OrchestrationImage};
pub use table::{Registration, Table, TableError};

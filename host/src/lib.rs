//! What applications link.
//!
//! Knows workers at every level, their typed handles and arguments. Refuses to know how a device
//! runs a graph.

pub mod cli;
pub mod scene;

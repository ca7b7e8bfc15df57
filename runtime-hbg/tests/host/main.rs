//! Orchestrations on the host, through the C table and in Rust.

mod hazards;
mod memory;
mod plan;
mod vectors;

//! What an orchestration sees of its runtime, once per runtime.
//!
//! Knows the objects an orchestration builds and the tables it calls through. Refuses to know what
//! the runtimes do with them.

pub mod hbg;
pub mod trb;

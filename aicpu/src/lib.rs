//! The AICPU image: what runs on the chip's control CPUs.
//!
//! Knows the entry points, the role of each thread and the table of loaded orchestrations. Refuses
//! to know how a graph is scheduled (the runtimes do) and how it was launched (the platform does).

pub mod guarded_call;
pub mod shared_object;

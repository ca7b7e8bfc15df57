//! What kernels and orchestrations see.
//!
//! Knows the payload a core executes, the registers it answers through, the argument objects an
//! orchestration builds, and the C++ headers of both. Refuses to know who schedules a core.
#![no_std]

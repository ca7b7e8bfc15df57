//! A device without hardware.
//!
//! Knows how CANN behaves as far as a host can see: libraries with the vendor's names, device memory at one
//! address in all processes, control CPUs that load the real image, cores that run the real core
//! program. Refuses to know anything of the project's own protocol: what it checks is the vendor's.
//!
//! ```text
//! test process                                              helper processes
//!  platform ─ dlopen ─▶ libruntime.so … ─ jumps ─▶ World      virtual-aicpu: opens the AICPU image
//!                                                   │ packets ─▶ (native, or aarch64 under qemu)
//!                        device memory, alias ◀─────┘ packets ─▶ virtual-aicore: a thread per core
//! ```
//!
//! The test process has device memory mapped without any right at the address that everybody uses, and for the
//! played libraries a second time elsewhere: a host that follows a device pointer faults.
//!
//! A core runs the program that was registered and jumps to the code of kernels, both made by stand-ins for the vendor's
//! tools in `toolkit`. What only simulators can run, or machines of another kind than x86-64 have no stand-in for, is
//! marked: [`code_for_virtual_cores`] is a shared object in the place of a kernel's code, and
//! [`core_program_for_virtual_cores`] stands for the core program as it was built for this machine.
//!
//! A [`Session`] is one device's life: it holds a lock, because a process has one CANN; it has a log of all calls
//! with their arguments, fails calls on demand, and complains about what a real device would suffer
//! from silently (calls from unbound threads, ranges that leave their allocation, leaks).

mod acl;
mod arena;
mod device;
mod hal;
mod hccl;
mod player;
mod program;
mod runtime;
mod session;
mod stream;
mod world;

pub use device::Misbehaviour;
pub use hccl::Topology;
pub use player::Aicpu;
pub use program::core_program_for_virtual_cores;
pub use session::{Config, Session, code_for_virtual_cores};
pub use world::{Call, Family};

include!("names.rs");

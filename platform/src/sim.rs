//! The simulated chip: threads of this process that play a chip's control CPUs and cores.
//!
//! Knows registers, payloads, kernels and threads. Refuses to know graphs: what runs on the control
//! CPUs is an [`Executor`] that someone else brings.
//!
//! | question | file |
//! | --- | --- |
//! | what is a machine to the layer above? | `chip` |
//! | which thread does what in a run? | `engine`, `crew` |
//! | how does a core take and run a call? | `cores`, `groups` |
//! | how is a kernel loaded and called? | `kernels` |
//! | what can a kernel ask its simulator? | `hooks`, `identity`, `storage` |
//! | where does device memory come from? | `memory` |
//! | what time is it on the chip? | [`clock`] |
//!
//! Threads run only while there is work for them. They number as many as the machine has cores, and
//! one more for each kernel that waits for others at the moment.

mod chip;
pub mod clock;
mod cores;
mod crew;
mod engine;
mod executor;
mod groups;
mod hooks;
mod identity;
mod kernels;
mod memory;
mod storage;
#[cfg(test)]
pub(crate) mod testing;

pub use chip::{Chip, ChipOptions, StartExecutor};
pub use cores::{Family, KERNEL_FAILED, SimCores};
pub use executor::{Crew, Executor, RunEnd, RunOrder};
pub use kernels::{SimCode, SimKernel};
pub use memory::{MemoryFault, SimMemory};

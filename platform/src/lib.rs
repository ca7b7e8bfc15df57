//! The seam between host and device.
//!
//! Knows device contexts, device memory, the registry of callables, the simulated chip and the
//! vendor driver. Refuses to know a chip family by name: that is what `platform-*` is for.
//!
//! ```text
//! host ──▶ dyn Device ──▶ DeviceContext<A, M>          everything that is the same on every machine:
//!                          │  validation, registry, kernel cache, memory accounting, binding of tensors
//!                          ▼
//!                         M: Machine                   what only a machine can do:
//!                          │  memory, loading a kernel, executing one bound run
//!                          ▼
//!                         sim::Chip<A>                 threads that play control CPUs and cores
//! ```
//!
//! Files name files below them, never back: `context` → `registry`, `bind`, `recorded` → `store` → `machine` → `launch` →
//! `program` → `error`. A machine, simulated or real, is below `context` too; what makes a device of both is beside it.
//!
//! What can be checked without a machine is checked once, above [`Machine`]; below it a broken
//! promise is a bug.

mod address;
mod bind;
#[cfg(feature = "c-api")]
pub mod c_api;
mod comm;
mod context;
mod device;
pub mod diagnostics;
mod error;
#[cfg(feature = "hbg")]
mod host_side;
mod kernel_cache;
mod launch;
mod lock;
mod machine;
mod memory;
mod options;
mod pool;
mod program;
mod recorded;
mod recording;
mod registry;
mod store;

#[cfg(feature = "onboard")]
pub mod cann;
#[cfg(feature = "onboard")]
pub mod onboard;
#[cfg(feature = "sim")]
pub mod sim;

pub use address::DeviceAddress;
pub use comm::Comm;
pub use context::DeviceContext;
pub use device::Device;
pub use error::{Error, Result};
#[cfg(feature = "hbg")]
pub use launch::HostRun;
pub use launch::{Launch, Outcome, Prepared, RunReport};
pub use machine::{DeviceMemory, LoadedKernel, Machine, NoMemory};
pub use memory::MemoryStats;
pub use options::{Deadlines, ForeignMemory, RecordingLimits, Rings, RunOptions};
pub use program::{
    InProcessKernel, Kernel, KernelCall, KernelFn, Orchestration, Program, ProgramKernel, Waits,
};

//! The C interface of a host runtime, defined once for every platform and runtime.
//!
//! Knows the names, checks and codes that host programs rely on. Refuses to know what a device does
//! with a call: each function is one guarded line into [`Device`](crate::Device).
//!
//! | question | file |
//! | --- | --- |
//! | what does each function do? | `library` |
//! | what is behind an opaque pointer? | `handles` |
//! | what becomes of an error or a panic? | `guard` |
//! | what is said about it, and where? | `logging`, `last_error` |
//! | what do we tell beyond the shared interface? | `extension` |
//! | who brings the programs of a chip? | `programs` |
//! | how do ranks meet? | `comm` |
//! | who copies back what a run was told to? | `runs` |
//! | which names does a shared object export? | `exports` |
//!
//! ```text
//! create ──▶ created ──simpler_init──▶ attached ──finalize_device──▶ created …
//!               └──────────────destroy_device_context──┴──▶ gone
//! ```
//!
//! Pointers that callers get from here are numbers that no other call ever gave out, not addresses:
//! whatever is handed in is looked up, and what is null, foreign or destroyed is refused.

mod comm;
mod exports;
mod extension;
mod guard;
mod handles;
mod last_error;
mod library;
mod logging;
mod programs;
mod runs;

pub use guard::CallError;
pub use library::{Backend, Bytes, Library, RunCall};
pub use programs::{DeviceOfPrograms, Join, Programs, Ranks};

/// The runtime that a host runtime library prepares callables for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Runtime {
    /// The graph is built on the device.
    Trb,
    /// The graph is built on the host.
    Hbg,
}

impl Runtime {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Trb => "trb",
            Self::Hbg => "hbg",
        }
    }
}

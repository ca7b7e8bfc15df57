//! The C interface of a host runtime, defined once for every platform and runtime.
//!
//! Knows the names, checks and codes that host programs rely on. Refuses to know what a device does
//! with a call: each function is one guarded line into [`Device`](crate::Device).
//!
//! | question | file |
//! | --- | --- |
//! | which names does a shared object export? | `exports` |
//! | what do contexts and their memory do? | `contexts` |
//! | what do callables and runs do? | `callables` |
//! | what do ranks do? | `ranks` |
//! | what do we tell beyond the shared interface? | `extension` |
//! | what does one library hold? | `library` |
//! | what is a context, a rank, a run that copies back? | `context` with its `extra`, `comm`, `runs` |
//! | what is behind an opaque pointer? | `handles`, `pointers` |
//! | what becomes of an error or a panic? | `guard` |
//! | what is said about it, and where? | `logging`, `last_error` |
//! | who brings the programs of a chip, and for which runtime? | `programs`, `backend` |
//!
//! `exports` → functions by subject → `library` → what handles stand for → `handles`, `pointers` → `guard`, never
//! back.
//!
//! ```text
//! create ──▶ created ──simpler_init──▶ attached ──finalize_device──▶ created …
//!               └──────────────destroy_device_context──┴──▶ gone
//! ```
//!
//! Pointers that callers get from here are numbers that no other call ever gave out, not addresses:
//! whatever is handed in is looked up, and what is null, foreign or destroyed is refused.

mod backend;
mod callables;
mod comm;
mod context;
mod contexts;
mod exports;
mod extension;
mod extra;
mod guard;
mod handles;
mod last_error;
mod library;
mod logging;
mod pointers;
mod programs;
mod ranks;
mod runs;

pub use backend::{Backend, Runtime};
pub use callables::RunCall;
pub use guard::CallError;
pub use library::Library;
pub use pointers::Bytes;
pub use programs::{DeviceOfPrograms, Join, Programs, Ranks};

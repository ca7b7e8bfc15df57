//! The vendor's driver, CANN, found when the program runs.
//!
//! Knows CANN's libraries, functions, structures and codes, and who may call what. Refuses to know
//! runs, programs and chip families.
//!
//! Nothing of CANN is needed to build this, nor to start a program that contains it:
//!
//! | floor | module | what a user of it may not do wrong |
//! | --- | --- | --- |
//! | sys | `sys` | nothing is checked: prototypes, structures, numbers |
//! | driver | `driver` | a failed call is an error with the function's name, the code and its meaning; a thread that is not bound to a device has no way to call one |
//! | owned | `owned` | streams, memory and code are given back when dropped |
//!
//! [`Library`] opens the libraries: one that is missing, or a function missing in it, is an error
//! that says what was looked for and where. No version is asked for: a function is there or not.

mod code;
mod driver;
mod error;
mod hccl;
mod library;
mod owned;
mod search;
pub mod sys;

pub use code::Code;
pub(crate) use driver::{AicpuLaunch, CoreLaunch};
pub use driver::{Bound, Driver};
pub use error::Error;
pub(crate) use hccl::{Handed, RingResource};
pub use library::Library;
pub use owned::{Binary, Buffer, HostView, Stream, StreamKind};
pub use search::{DRIVER_DIRECTORY, OVERRIDE_VARIABLE, Search, TOOLKIT_VARIABLE};

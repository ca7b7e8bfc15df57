//! What CANN's headers say: prototypes, structures, numbers.
//!
//! Knows names and bytes. Refuses to know what is called when: all of the interface is here that driving a chip may
//! take, called by this crate or not. Prototypes and layouts are the same in CANN 8.5, 9.0 and 9.1; the assertions hold
//! the layouts, and with the feature `cann-headers` both are held against an installed toolkit. Functions with any
//! number of arguments are declared where they are called.

mod functions;
#[cfg(feature = "cann-headers")]
mod headers;
mod numbers;
mod structs;

pub use functions::{Acl, Hal, Hccl, Log, Runtime};
pub use numbers::*;
pub use structs::*;

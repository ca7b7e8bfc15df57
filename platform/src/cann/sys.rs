//! What CANN's headers say: prototypes, structures, numbers.
//!
//! Knows names and bytes. Refuses to know what is called when. Prototypes and layouts are the same in
//! CANN 8.5, 9.0 and 9.1; the assertions hold the layouts, and with the feature `cann-headers` both are held against an
//! installed toolkit.

mod functions;
#[cfg(feature = "cann-headers")]
mod headers;
mod numbers;
mod structs;

pub(crate) use functions::{Acl, Hal, Hccl, Log, Runtime};
pub(crate) use numbers::*;
pub(crate) use structs::*;

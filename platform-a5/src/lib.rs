//! The a5 chip family.
//!
//! Knows its numbers, topology and register quirks. Refuses to know anything that is true of
//! another family as well: that stands once, in `platform`.

#[cfg(feature = "c-api")]
mod c_api;
#[cfg(feature = "onboard")]
mod onboard;

#[cfg(feature = "c-api")]
pub use c_api::backend;
#[cfg(all(feature = "c-api", feature = "onboard"))]
pub use c_api::onboard_backend;
#[cfg(feature = "onboard")]
pub use onboard::{FAMILY, ONBOARD, onboard};
#[cfg(all(feature = "sim", any(feature = "trb", feature = "hbg")))]
use platform::Device;

/// Name of the simulated platform.
#[cfg(all(feature = "sim", any(feature = "trb", feature = "hbg")))]
pub const SIM: &str = "a5sim";

/// A simulated chip of this family, not attached yet.
#[cfg(all(feature = "sim", any(feature = "trb", feature = "hbg")))]
#[must_use]
pub fn sim() -> Box<dyn Device> {
    platform::sim::device::<protocol::A5>(SIM)
}

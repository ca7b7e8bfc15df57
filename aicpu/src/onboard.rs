//! The image on a real chip: what its entry points do with what the host left in device memory.
//!
//! Knows the three entries, which threads stay, how cores are met and let go, and what host and
//! image tell each other beyond the run descriptor. Refuses to know how any of it got onto the chip.
//!
//! ```text
//! host ─ launches L threads ─▶ entry ─▶ gate: N stay, the others return 0
//!                                        ├─ the leader: meets the cores, orchestrates, reports
//!                                        └─ the others: schedule when called, leave when it is over
//! ```
//!
//! [`wire`] is part of every build, because the host needs it; the rest is the image.

#[cfg(feature = "image")]
mod block;
#[cfg(feature = "image")]
mod cache;
#[cfg(feature = "image")]
mod cores;
#[cfg(feature = "image")]
pub mod entry;
#[cfg(any(feature = "image", test))]
mod gate;
#[cfg(feature = "image")]
mod logging;
#[cfg(feature = "image")]
mod run;
#[cfg(feature = "image")]
mod team;
pub mod wire;

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
//! [`wire`] and [`stamp`] are part of every build, because the host needs them; the rest is the image. An image
//! has the runtimes that it was built with, usually one; without any there is none.

#[cfg(any(test, all(feature = "image", any(feature = "trb", feature = "hbg"))))]
mod alarm;
#[cfg(all(feature = "image", any(feature = "trb", feature = "hbg")))]
mod block;
#[cfg(all(feature = "image", any(feature = "trb", feature = "hbg")))]
mod cache;
#[cfg(all(feature = "image", any(feature = "trb", feature = "hbg")))]
mod clock;
#[cfg(all(feature = "image", any(feature = "trb", feature = "hbg")))]
mod cores;
#[cfg(all(feature = "image", any(feature = "trb", feature = "hbg")))]
pub mod entry;
#[cfg(any(test, all(feature = "image", any(feature = "trb", feature = "hbg"))))]
mod gate;
#[cfg(all(feature = "image", any(feature = "trb", feature = "hbg")))]
mod logging;
#[cfg(all(feature = "image", any(feature = "trb", feature = "hbg")))]
mod run;
pub mod stamp;
#[cfg(all(feature = "image", any(feature = "trb", feature = "hbg")))]
mod team;
#[cfg(all(feature = "image", any(feature = "trb", feature = "hbg")))]
mod vendor;
pub mod wire;

//! The AICPU image: what runs on the chip's control CPUs.
//!
//! Knows the entry points, the role of each thread and the table of loaded orchestrations. Refuses
//! to know how a graph is scheduled (the runtimes do) and how it was launched (the platform does).
//!
//! | question | file |
//! | --- | --- |
//! | how do bytes become loaded code? | [`shared_object`] |
//! | what if user code throws? | [`guarded_call`] |
//! | which threads are there? | [`Crew`] |
//! | how is a graph built and run on the device? | [`trb`] |
//! | how is a graph built on the host and run on the device? | [`hbg`] |
//! | what is a simulated chip's image? | [`image`] |
//! | what do a real chip's entry points do? | [`onboard`] |

mod crew;
#[cfg(feature = "trb")]
mod first_error;
pub mod guarded_call;
#[cfg(feature = "hbg")]
pub mod hbg;
#[cfg(all(feature = "trb", feature = "hbg"))]
pub mod image;
pub mod onboard;
pub mod shared_object;
#[cfg(feature = "trb")]
pub mod trb;
#[cfg(any(feature = "trb", feature = "hbg"))]
mod under_way;

pub use crew::Crew;

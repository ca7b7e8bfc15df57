//! A real chip as a machine.
//!
//! Knows how a chip is attached, what lies in its memory, how a run is launched and awaited, and what to
//! do with a chip that failed. Refuses to know a chip family by name (a [`Family`] has its numbers and
//! quirks) and to call the vendor's library other than through [`cann`](crate::cann).
//!
//! ```text
//! start    bind the thread, limits, log level, registers, two streams
//! load     kernels and orchestrations go to device memory, once per content
//! launch   (graph,) descriptor and request up ─▶ cores, then control CPUs ─▶ wait for both ─▶ report down
//! failure  nothing of the chip is used again ─▶ forced reset and a probe when the chip is dropped
//! ```
//!
//! | module | question |
//! | --- | --- |
//! | `family` | what differs between chip families? |
//! | `registers` | where are the cores' registers? |
//! | `images`, `find` | which programs run on the chip, and where are they? |
//! | `text` | what of a kernel's object file does a core need? |
//! | `limits` | how long may what take? |
//! | `memory` | what lies in device memory between runs? |
//! | `host_built` | how does a graph come about that is built in this process? |
//! | `descriptor` | what does the chip get to read for a run? |
//! | `chip`, `run` | who does what in which order? |
//! | `wait`, `verdict` | when is a run over, and what came of it? |
//! | `comm`, `meeting` | how do several chips see each other's memory? |
//! | `recovery` | what is done with a chip that failed? |
//! | `selftest` | is this machine able to run anything? |

#[cfg(feature = "c-api")]
mod brought;
mod chip;
mod comm;
mod descriptor;
mod family;
mod find;
#[cfg(feature = "hbg")]
mod host_built;
mod images;
mod limits;
mod meeting;
mod memory;
mod recovery;
mod registers;
mod run;
mod selftest;
mod text;
mod verdict;
mod wait;

#[cfg(feature = "c-api")]
pub use brought::device_of_programs;
pub use chip::{Chip, ChipOptions, KernelImage, OnboardKernel, OnboardMemory};
pub use family::{CoreArgument, Family, KernelArgs, RegisterSpace};
pub use find::{FindError, IMAGES_VARIABLE};
pub use images::{ImageError, Images};
pub use limits::TimeLimits;
pub use selftest::{Progress, STEPS, SelfTest, Step, soc_name};
pub use text::{Beside, TextError, kernel_text};

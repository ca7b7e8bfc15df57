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
//! | `loaded` | how do they get there? |
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
mod loaded;
mod meeting;
mod memory;
mod recovery;
mod registers;
mod run;
mod selftest;
mod text;
mod verdict;
mod wait;

pub use chip::{Chip, ChipOptions, KernelImage, OnboardKernel, OnboardMemory};
pub use family::{CoreArgument, Family, KernelArgs, RegisterSpace};
pub use find::{FindError, IMAGES_VARIABLE};
pub use images::{ImageError, Images};
pub use limits::TimeLimits;
pub use selftest::{Progress, STEPS, SelfTest, Step, soc_name};
pub use text::{Beside, TextError, kernel_text};

/// A real chip whose images callers bring, and what takes them. CANN is looked for when it is attached.
#[cfg(feature = "c-api")]
#[must_use]
pub fn device_of_programs<A: protocol::run_descriptor::RunDescriptors>(
    family: Family,
) -> crate::c_api::DeviceOfPrograms {
    let brought = std::sync::Arc::new(brought::Brought::default());
    let programs = std::sync::Arc::clone(&brought);
    let start = move |device_id| {
        let options = ChipOptions {
            library: crate::cann::Library::shared()?,
            family,
            images: None,
            limits: TimeLimits::from_environment(|name| std::env::var(name).ok()),
            log_level: brought.log_level(),
        };
        let mut chip = Chip::<A>::start(device_id, &options)?;
        chip.brought = Some(std::sync::Arc::clone(&brought));
        Ok(chip)
    };
    let device = crate::DeviceContext::<A, Chip<A>>::new(family.platform, start);
    (Box::new(device), programs)
}

//! The simulated chip: threads of this process that play a chip's control CPUs and cores.
//!
//! Knows registers, payloads, kernels and threads. Refuses to know graphs: what runs on the control
//! CPUs is an [`Executor`] that someone else brings.
//!
//! | question | file |
//! | --- | --- |
//! | what is a machine to the layer above? | `chip` |
//! | which thread does what in a run? | `engine`, `crew` |
//! | how does a core take and run a call? | `cores`, `groups`, by the numbers of its `family` |
//! | how is a kernel loaded and called? | `kernels` |
//! | what can a kernel ask its simulator? | `hooks`, `storage` |
//! | where does device memory come from? | `memory` |
//! | what time is it on the chip? | [`clock`] |
//! | how do chips see each other's memory? | [`comm`] |
//! | what runs on its control CPUs? | `control`, or an `image` |
//!
//! `chip` → `engine` → `executor`, `crew` → `cores` → `groups`, `kernels` → `hooks` → `storage`, never back; `control`
//! and `image` stand beside `engine`: what runs in either is an [`Executor`].
//!
//! Threads run only while there is work for them. They number as many as the machine has cores, and
//! one more for each kernel that waits for others at the moment.

mod chip;
pub mod clock;
pub mod comm;
#[cfg(any(feature = "trb", feature = "hbg"))]
mod control;
mod cores;
mod crew;
mod engine;
mod executor;
mod family;
mod groups;
mod hooks;
#[cfg(feature = "c-api")]
mod image;
mod kernels;
mod memory;
mod news;
mod storage;
mod talking;
#[cfg(test)]
pub(crate) mod testing;

#[cfg(feature = "c-api")]
pub use chip::join;
pub use chip::{Chip, ChipOptions, StartExecutor};
pub use cores::{KERNEL_FAILED, SimCores};
pub use executor::{Executor, RunEnd, RunOrder};
pub use family::Family;
#[cfg(feature = "c-api")]
pub use image::{Images, Wanted};
pub use kernels::{SimCode, SimKernel};
pub use memory::{MemoryFault, SimMemory};
pub use news::News;
pub use talking::Talking;

/// A simulated chip of family `A`, called `platform`, with the AICPU program linked in.
#[cfg(any(feature = "trb", feature = "hbg"))]
#[must_use]
pub fn device<A: protocol::Arch>(platform: &'static str) -> Box<dyn crate::Device> {
    device_with::<A>(platform, |_| {})
}

/// A simulated chip whose programs callers bring, and what takes them.
#[cfg(feature = "c-api")]
#[must_use]
pub fn device_of_images<A: protocol::Arch>(
    platform: &'static str,
    family: &'static str,
    runtime: crate::c_api::Runtime,
) -> crate::c_api::DeviceOfPrograms {
    let runtime = runtime.name();
    let images = Images::new(Wanted { family, runtime });
    let control = std::sync::Arc::clone(&images);
    let mut options = ChipOptions::new(move || {
        let images = std::sync::Arc::clone(&control);
        Ok(Box::new(image::ImageExecutor::new(images)))
    });
    options.images = Some(std::sync::Arc::clone(&images));
    let start = move |device_id| Chip::start::<A>(device_id, &options);
    let device = crate::DeviceContext::<A, Chip>::new(platform, start);
    (Box::new(device), images)
}

/// The same, with what one may choose about the chip.
#[cfg(any(feature = "trb", feature = "hbg"))]
#[must_use]
pub fn device_with<A: protocol::Arch>(
    platform: &'static str,
    choose: impl FnOnce(&mut ChipOptions),
) -> Box<dyn crate::Device> {
    let mut options = ChipOptions::new(|| Ok(Box::new(control::ControlCpus::<A>::default())));
    choose(&mut options);
    let start = move |device_id| Chip::start::<A>(device_id, &options);
    Box::new(crate::DeviceContext::<A, Chip>::new(platform, start))
}

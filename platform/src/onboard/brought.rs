//! Images that come with the calls of a C program.
//!
//! Knows that each call brings them again, mostly the same. Refuses to know when they reach the chip.

use std::sync::{Arc, Mutex};

use protocol::run_descriptor::RunDescriptors;

use crate::c_api::{DeviceOfPrograms, Programs};
use crate::cann::Library;
use crate::context::DeviceContext;
use crate::error::Result;
use crate::lock::lock;

use super::chip::{Chip, ChipOptions};
use super::family::Family;
use super::images::{ImageError, Images};
use super::limits::TimeLimits;

/// What one context's callers have brought.
#[derive(Debug, Default)]
pub(super) struct Brought {
    last: Mutex<Option<Last>>,
    log_level: Mutex<Option<i32>>,
}

/// The last pair of programs.
struct Last {
    aicpu: Arc<[u8]>,
    aicore: Arc<[u8]>,
    images: Result<Images, ImageError>,
}

impl core::fmt::Debug for Last {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.images.fmt(f)
    }
}

impl Brought {
    /// The images that were brought last; none if there were none yet.
    pub(super) fn images(&self) -> Result<Option<Images>, ImageError> {
        match &*lock(&self.last) {
            None => Ok(None),
            Some(last) => last.images.clone().map(Some),
        }
    }
}

impl Programs for Brought {
    fn foresee(&self, control: &[u8], cores: &[u8]) -> Result<()> {
        if control.is_empty() && cores.is_empty() {
            return Ok(());
        }
        self.bring(control, cores);
        self.images()?;
        Ok(())
    }

    fn bring(&self, control: &[u8], cores: &[u8]) {
        let mut last = lock(&self.last);
        if last
            .as_ref()
            .is_some_and(|last| *last.aicpu == *control && *last.aicore == *cores)
        {
            return;
        }
        let (aicpu, aicore): (Arc<[u8]>, Arc<[u8]>) = (control.into(), cores.into());
        let images = Images::new(Arc::clone(&aicpu), Arc::clone(&aicore));
        *last = Some(Last {
            aicpu,
            aicore,
            images,
        });
    }

    fn clear(&self) {
        *lock(&self.last) = None;
    }

    fn set_log_level(&self, level: i32) {
        *lock(&self.log_level) = Some(level.clamp(0, 4));
    }
}

/// A real chip whose images callers bring, and what takes them. CANN is looked for when it is attached.
#[must_use]
pub fn device_of_programs<A: RunDescriptors>(family: Family) -> DeviceOfPrograms {
    let brought = Arc::new(Brought::default());
    let programs = Arc::clone(&brought);
    let start = move |device_id| {
        let options = ChipOptions {
            library: Library::shared()?,
            family,
            images: None,
            limits: TimeLimits::from_environment(|name| std::env::var(name).ok()),
            log_level: *lock(&brought.log_level),
        };
        let mut chip = Chip::<A>::start(device_id, &options)?;
        chip.brought = Some(Arc::clone(&brought));
        Ok(chip)
    };
    let device = DeviceContext::<A, Chip<A>>::new(family.platform, start);
    (Box::new(device), programs)
}

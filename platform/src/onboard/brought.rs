//! Images that come with the calls of a C program.
//!
//! Knows that each call brings them again, mostly the same. Refuses to know when they reach the chip.

use std::sync::{Arc, Mutex};

use crate::c_api::Programs;
use crate::error::Result;
use crate::lock::lock;

use super::images::{ImageError, Images};

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

    /// The log level that was said last.
    pub(super) fn log_level(&self) -> Option<i32> {
        *lock(&self.log_level)
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

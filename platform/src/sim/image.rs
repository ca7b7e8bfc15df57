//! The programs of a simulated chip as shared objects of their own.
//!
//! Knows how bytes become the program of the control CPUs or of the cores, and refuses those of another build,
//! family or runtime. Refuses to know what either does.
//!
//! | program | loaded | kept |
//! | --- | --- | --- |
//! | of the control CPUs | when they first come, at a registration or a run | until the context is finalized |
//! | of the cores | when they first come, then when a run brings other bytes than the last | until then |
//!
//! Here is which are loaded, and what a run has brought; `loaded` is one image, `executor` runs the program of the
//! control CPUs, `order` is what it is given.

mod executor;
mod loaded;
mod order;

use core::fmt;
use std::sync::{Arc, Mutex};

pub(crate) use self::executor::ImageExecutor;
use self::loaded::ControlImage;
pub(crate) use self::loaded::CoreImage;
pub use self::loaded::Wanted;
use crate::c_api::Programs;
use crate::error::Result;
use crate::lock::lock;

/// The images of one context.
#[derive(Debug)]
pub struct Images {
    wanted: Wanted,
    control: Mutex<Option<Arc<ControlImage>>>,
    cores: Mutex<Option<Arc<CoreImage>>>,
    /// What the run that is about to start has brought and nobody has loaded.
    brought: Mutex<Brought>,
}

#[derive(Default)]
struct Brought {
    control: Option<Vec<u8>>,
    cores: Option<Vec<u8>>,
}

impl fmt::Debug for Brought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Brought")
    }
}

impl Images {
    /// None yet.
    #[must_use]
    pub fn new(wanted: Wanted) -> Arc<Self> {
        Arc::new(Self {
            wanted,
            control: Mutex::default(),
            cores: Mutex::default(),
            brought: Mutex::default(),
        })
    }

    /// Loads what was brought; a run that was refused earlier loads nothing.
    pub(crate) fn load(&self) -> Result<()> {
        let brought = core::mem::take(&mut *lock(&self.brought));
        if let Some(control) = brought.control {
            let image = ControlImage::load(&control, self.wanted)?;
            *lock(&self.control) = Some(Arc::new(image));
        }
        if let Some(cores) = brought.cores {
            let image = CoreImage::load(cores, self.wanted)?;
            *lock(&self.cores) = Some(Arc::new(image));
        }
        Ok(())
    }

    pub(crate) fn cores(&self) -> Option<Arc<CoreImage>> {
        lock(&self.cores).clone()
    }

    fn control(&self) -> Option<Arc<ControlImage>> {
        lock(&self.control).clone()
    }
}

impl Programs for Images {
    /// Loads what there is not yet, so that a registration refuses what its runs would refuse; nothing of an image that
    /// is empty, which then comes with a run.
    fn foresee(&self, control: &[u8], cores: &[u8]) -> Result<()> {
        let mut loaded = lock(&self.control);
        if loaded.is_none() && !control.is_empty() {
            *loaded = Some(Arc::new(ControlImage::load(control, self.wanted)?));
        }
        drop(loaded);
        let mut loaded = lock(&self.cores);
        if loaded.is_none() && !cores.is_empty() {
            *loaded = Some(Arc::new(CoreImage::load(cores.to_vec(), self.wanted)?));
        }
        Ok(())
    }

    /// Takes the images that a run brings, of which those are copied that are not loaded.
    fn bring(&self, control: &[u8], cores: &[u8]) {
        let loaded = lock(&self.control).is_some();
        let same = lock(&self.cores)
            .as_ref()
            .is_some_and(|image| *image.bytes == *cores);
        *lock(&self.brought) = Brought {
            control: (!loaded).then(|| control.to_vec()),
            cores: (!same).then(|| cores.to_vec()),
        };
    }

    /// Forgets all; they are unloaded with the last run that uses them.
    fn clear(&self) {
        *lock(&self.control) = None;
        *lock(&self.cores) = None;
        *lock(&self.brought) = Brought::default();
    }

    fn set_log_level(&self, _: i32) {
        // The library has one level, which the caller sets.
    }
}

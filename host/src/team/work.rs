//! From what a child is for to those who do it.
//!
//! Knows which hands are for which work. Refuses to know where they are at work.
//!
//! One kind of work is that of a whole worker, which starts children of its own: here the levels meet.

use std::sync::Arc;

use platform::Device;

use super::catalogue::Catalogue;
use super::fault::Fault;
use super::hands::{Chip, Functions, Hands};
use super::lower::Lower;
use super::spec::{ChipSource, Work};
use crate::error::{Error, Result};
use crate::worker::ChipWorker;

/// The hands for `work`.
pub(crate) fn hands(work: &Work, catalogue: &Catalogue) -> Result<Box<dyn Hands>, Fault> {
    match work {
        Work::Functions => Ok(Box::new(Functions)),
        Work::Chip {
            source,
            device,
            patience,
        } => {
            let made = self::device(source, catalogue).map_err(Error::into_fault)?;
            Ok(Box::new(Chip::attach(made, *device, *patience)?))
        }
        Work::Lower(spec) => {
            let worker = spec.build(catalogue).map_err(Error::into_fault)?;
            Ok(Box::new(Lower::start(Arc::new(worker))?))
        }
    }
}

fn device(source: &ChipSource, catalogue: &Catalogue) -> Result<Box<dyn Device>> {
    match source {
        ChipSource::Platform(name) => catalogue.device(name),
        // SAFETY: promised to `Builder::chips_in`, the only one who makes this.
        ChipSource::Library(dir) => Ok(unsafe { ChipWorker::open(dir) }?.into_device()),
    }
}

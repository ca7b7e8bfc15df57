//! What a context handle stands for.
//!
//! Knows the parts of a context. Refuses to know who calls it.

use core::ops::Deref;
use std::sync::Arc;

use super::extra::Extra;
use super::guard::CallError;
use super::programs::Programs;
use crate::device::Device;

/// What a context handle stands for.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) device: Box<dyn Device>,
    pub(super) programs: Arc<dyn Programs>,
    pub(super) extra: Extra,
}

impl Context {
    pub(super) fn finalize(&self) -> Result<(), CallError> {
        let finalized = self.device.finalize();
        self.programs.clear();
        Ok(finalized?)
    }
}

impl Deref for Context {
    type Target = dyn Device;

    fn deref(&self) -> &Self::Target {
        &*self.device
    }
}

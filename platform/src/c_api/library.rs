//! Everything that one loaded library holds, and who it is.
//!
//! Knows what outlives a call. Refuses to know any call that does something.

use core::ffi::{c_char, c_int};
use std::sync::Arc;

use super::backend::Backend;
use super::comm::Rank;
use super::context::Context;
use super::guard::{CallError, code};
use super::handles::Handles;
use super::runs::Runs;

/// Everything that one loaded library holds.
#[derive(Debug)]
pub struct Library {
    pub(super) backend: Backend,
    pub(super) contexts: Handles<Context>,
    pub(super) ranks: Handles<Rank>,
    /// What stands for a chip that is to be a rank.
    pub(super) streams: Handles<Arc<Context>>,
    pub(super) runs: Runs,
}

impl Library {
    /// A library that holds nothing yet.
    #[must_use]
    pub const fn new(backend: Backend) -> Self {
        Self {
            backend,
            contexts: Handles::new("device context"),
            ranks: Handles::new("communicator"),
            streams: Handles::new("stream"),
            runs: Runs::new(),
        }
    }

    /// Bytes of the run buffer.
    pub fn run_buffer(&self) -> usize {
        self.backend.run_buffer
    }

    /// Name of the platform.
    pub fn platform(&self) -> *const c_char {
        self.backend.platform.as_ptr()
    }

    /// The compiler for kernels.
    pub fn kernel_compiler(&self) -> c_int {
        self.backend.kernels.to_wire().cast_signed()
    }

    /// The compiler for orchestrations.
    pub fn orchestration_compiler(&self) -> c_int {
        self.backend.orchestrations.to_wire().cast_signed()
    }

    /// Refuses a call that only the two halves of the reference's library make.
    pub fn internal(&self, name: &'static str, instead: &'static str) -> c_int {
        code(name, || Err(CallError::Internal { instead }))
    }

    /// Whether there are ranks, so that kernels may wait for what other chips do.
    pub(super) fn has_ranks(&self) -> bool {
        !self.ranks.all().is_empty()
    }
}

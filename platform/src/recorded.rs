//! A run that is written down.
//!
//! Knows what a caller's settings want of it, and when its files are written. Refuses to know records and formats.

use std::path::PathBuf;

use protocol::recording::{WANT_COUNTERS, WANT_SWIMLANE, WANT_TENSORS};
use protocol::{Arch, CallConfig};

use crate::diagnostics::{self, About};
use crate::error::Result;
use crate::machine::Machine;
use crate::options::RecordingLimits;
use crate::recording::Region;
use crate::store::Store;

/// A run that is written down: its region, and where its files go.
#[derive(Debug)]
pub(crate) struct Recorded<M: Machine> {
    pub(crate) region: Region<M>,
    folder: PathBuf,
}

impl<M: Machine> Recorded<M> {
    /// Gets everything ready, if `config` wants anything written down.
    pub(crate) fn prepare(
        store: &Store<M>,
        config: &CallConfig,
        limits: &RecordingLimits,
    ) -> Result<Option<Self>> {
        if !config.any_diagnostic() {
            return Ok(None);
        }
        Ok(Some(Self {
            folder: diagnostics::folder(config)?,
            region: Region::prepare(store, wanted(config), limits)?,
        }))
    }

    /// Writes the files of the run, which is over.
    pub(crate) fn write<A: Arch>(&self, machine: &M, about: &About<'_>) -> Result<()> {
        let recording = self.region.collect(machine)?;
        diagnostics::write::<A>(&self.folder, about, &recording)
    }
}

/// What of a run is wanted, as bits of [`protocol::recording`].
fn wanted(config: &CallConfig) -> u64 {
    let bit = |on: i32, bit| if on != 0 { bit } else { 0 };
    bit(config.enable_l2_swimlane, WANT_SWIMLANE)
        | bit(config.enable_dump_tensor, WANT_TENSORS)
        | bit(config.enable_pmu, WANT_COUNTERS)
}

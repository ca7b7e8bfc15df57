//! Finding out what a run did.
//!
//! Knows what an application may ask to be written down. Refuses to know how that is done: the platform
//! writes the files.
//!
//! ```no_run
//! # use host::{Diagnostics, RunConfig};
//! let config = RunConfig {
//!     diagnostics: Diagnostics {
//!         swimlane: true,
//!         directory: "outputs/first".into(),
//!         ..Diagnostics::default()
//!     },
//!     ..RunConfig::default()
//! };
//! ```
//!
//! Then `outputs/first/merged_swimlane.json` opens at <https://ui.perfetto.dev>, and `simpler report
//! outputs/first` says where the time went.

mod measures;
mod names;
pub(crate) mod naming;
mod records;
pub(crate) mod report;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use protocol::CallConfig;

use crate::error::Result;

/// What is written down of a run, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    /// When every kernel call ran and what it waited for.
    pub swimlane: bool,
    /// What went into every task and what came out.
    pub tensors: bool,
    /// What every kernel call took: the number of the events to count, 2 for the usual ones.
    pub counters: Option<u32>,
    /// The folder for the files, made if need be; each run of its own, or the last one's stay.
    pub directory: PathBuf,
}

impl Diagnostics {
    /// Nothing.
    pub const NONE: Self = Self {
        swimlane: false,
        tensors: false,
        counters: None,
        directory: PathBuf::new(),
    };

    /// Says it in the record of a call.
    pub(crate) fn say_in(&self, config: &mut CallConfig) -> Result<()> {
        config.enable_l2_swimlane = i32::from(self.swimlane);
        config.enable_dump_tensor = i32::from(self.tensors);
        config.enable_pmu = match self.counters {
            None => 0,
            // A number that names no events is as good as any other.
            Some(events) => i32::try_from(events).unwrap_or(i32::MAX).max(1),
        };
        Ok(config.set_output_prefix(bytes(&self.directory))?)
    }
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

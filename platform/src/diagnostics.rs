//! What becomes of a run that was written down: files that people and tools read.
//!
//! Knows the files' names and formats, which are the reference's where it has them. Refuses to know how records came
//! about.
//!
//! ```text
//! Recording ─▶ Swimlane ─┬─▶ l2_perf_records.json    what the reference's tools read
//!                        └─▶ merged_swimlane.json    what ui.perfetto.dev shows
//!     │    └─▶ pmu.csv                               one line per kernel call
//!     ├─▶ tensor_dump/tensor_dump.json, .bin         what went into every task and came out
//!     └─▶ recording.json                             what was recorded, on what, and what there was no room for
//! ```
//!
//! A [`Swimlane`] is also what a reader of `l2_perf_records.json` makes, so there is one way from either to the trace.

mod counters;
mod swimlane;
mod tensors;
mod text;
pub mod trace;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use protocol::diagnostics::PmuEventSet;
use protocol::recording::Section;
use protocol::{Arch, CallConfig};

use crate::error::{Error, Result};
use crate::recording::Recording;

pub use swimlane::{Call, Phase, Swimlane};
pub use text::label;

/// Raw records of calls and phases.
pub const RECORDS: &str = "l2_perf_records.json";
/// The trace for a viewer.
pub const TRACE: &str = "merged_swimlane.json";
/// How long calls took.
pub const COUNTERS: &str = "pmu.csv";
/// Folder of the tensor dump.
pub const TENSORS: &str = "tensor_dump";
/// What was recorded.
pub const ABOUT: &str = "recording.json";

/// Where a run's files go; made before the run, so that a run whose files cannot be written does not begin.
///
/// # Errors
/// When the folder cannot be made.
pub(crate) fn folder(config: &CallConfig) -> Result<PathBuf> {
    let prefix = config.output_prefix()?;
    #[cfg(unix)]
    let path = {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(std::ffi::OsStr::from_bytes(prefix))
    };
    fs::create_dir_all(&path).map_err(|source| Error::Diagnostics {
        path: path.clone(),
        source,
    })?;
    Ok(path)
}

/// The run that was recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub(crate) platform: &'a str,
    pub(crate) device_id: i32,
    pub(crate) config: &'a CallConfig,
    /// Events asked for by the environment.
    pub(crate) events: Option<u32>,
    pub(crate) failed: bool,
}

/// Writes every file that was asked for, and says so in the log.
///
/// # Errors
/// When one cannot be written.
pub(crate) fn write<A: Arch>(
    folder: &Path,
    about: &About<'_>,
    recording: &Recording,
) -> Result<()> {
    let config = about.config;
    let swimlane = Swimlane::of::<A>(recording, clusters(config));
    if config.enable_l2_swimlane != 0 {
        if swimlane.calls.is_empty() {
            log::warn!("no kernel was called: {RECORDS} is not written");
        } else {
            file(&folder.join(RECORDS), |to| swimlane.write_records(to))?;
            file(&folder.join(TRACE), |to| trace::write(&swimlane, to))?;
        }
    }
    if config.enable_pmu > 0 {
        let set = event_set(config.enable_pmu, about.events);
        if recording.calls.is_empty() {
            log::warn!("no kernel was called: {COUNTERS} is not written");
        } else {
            log::warn!(
                "{}: nothing but time is counted: {COUNTERS} has the ticks each call took, and zeros",
                about.platform
            );
            file(&folder.join(COUNTERS), |to| {
                counters::write::<A>(recording, set, to)
            })?;
        }
    }
    if config.enable_dump_tensor != 0 {
        write_tensors(folder, recording)?;
    }
    file(&folder.join(ABOUT), |to| {
        describe::<A>(about, recording, to)
    })?;
    warn_of_dropped(recording);
    log::info!(
        "recorded {} kernel calls in {}",
        recording.calls.len(),
        folder.display()
    );
    Ok(())
}

/// What went into every task and came out.
fn write_tensors(folder: &Path, recording: &Recording) -> Result<()> {
    if recording.tensors.is_empty() {
        log::warn!("no task had a tensor: {TENSORS} is not written");
        return Ok(());
    }
    let folder = folder.join(TENSORS);
    fs::create_dir_all(&folder).map_err(|source| Error::Diagnostics {
        path: folder.clone(),
        source,
    })?;
    file(&folder.join("tensor_dump.bin"), |to| {
        tensors::write_contents(recording, to)
    })?;
    file(&folder.join("tensor_dump.json"), |to| {
        tensors::write_manifest(recording, &folder, to)
    })
}

/// Says which records there was no room for.
fn warn_of_dropped(recording: &Recording) {
    for section in Section::ALL {
        let dropped = recording.dropped(section);
        if dropped != 0 {
            log::warn!(
                "{dropped} {} were not recorded: raise `RunOptions::recording`",
                name(section)
            );
        }
    }
}

fn clusters(config: &CallConfig) -> u32 {
    u32::try_from(config.block_dim).unwrap_or(0)
}

/// The events that a run counts; a number that names none is that of the usual ones.
fn event_set(asked: i32, environment: Option<u32>) -> PmuEventSet {
    let number = environment.unwrap_or(asked.unsigned_abs());
    PmuEventSet::from_wire(number).unwrap_or_else(|_| {
        log::warn!(
            "there are no events {number}: {} is used",
            PmuEventSet::DEFAULT as u32
        );
        PmuEventSet::DEFAULT
    })
}

const fn name(section: Section) -> &'static str {
    match section {
        Section::Calls => "calls",
        Section::Edges => "edges",
        Section::Phases => "phases",
        Section::Tensors => "tensors",
        Section::Contents => "contents",
    }
}

fn describe<A: Arch>(
    about: &About<'_>,
    recording: &Recording,
    to: &mut dyn Write,
) -> io::Result<()> {
    let config = about.config;
    let (block_dim, threads) = (config.block_dim, config.aicpu_thread_num);
    let flags = [
        config.enable_l2_swimlane,
        config.enable_dump_tensor,
        config.enable_pmu,
    ];
    write!(
        to,
        "{{\n  \"version\": 1,\n  \"program\": \"simpler {}\",\n  \"platform\": {},\n  \"device\": {},\n  \
         \"clock_hz\": {},\n  \"block_dim\": {block_dim},\n  \"aicpu_thread_num\": {threads},\n  \
         \"swimlane\": {},\n  \"tensors\": {},\n  \"pmu\": {},\n  \"failed\": {},\n  \"calls\": {},\n  \"dropped\": {{",
        env!("CARGO_PKG_VERSION"),
        text::Quoted(about.platform),
        about.device_id,
        A::COUNTER_HZ,
        flags[0] != 0,
        flags[1] != 0,
        flags[2],
        about.failed,
        recording.calls.len(),
    )?;
    for (index, section) in Section::ALL.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(
            to,
            "{comma}\"{}\": {}",
            name(section),
            recording.dropped(section)
        )?;
    }
    writeln!(to, "}}\n}}")
}

/// Writes one file.
///
/// # Errors
/// When that fails; the error names the file.
pub fn file(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let write = || {
        let mut to = BufWriter::new(File::create(path)?);
        content(&mut to)?;
        to.flush()
    };
    write().map_err(|source| Error::Diagnostics {
        path: path.to_owned(),
        source,
    })
}

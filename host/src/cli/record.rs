//! What `simpler run` is to write down, and where.
//!
//! Knows the switches, the folder of a run and what is said about its files. Refuses to know their formats.

use core::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use platform::diagnostics::{COUNTERS, RECORDS, TENSORS, TRACE};

use crate::diagnostics::{Diagnostics, naming};
use crate::scene::model::{Origin, Scene};

/// Folder of all runs that have no other.
pub(super) const OUTPUTS: &str = "outputs";

/// What is written down of the last run of each case.
#[derive(Debug, Default, Args)]
pub(super) struct RecordArgs {
    /// Writes down when every task ran, as a trace for ui.perfetto.dev [default DIR: outputs/SCENE_CASE_TIME].
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub(super) trace: Option<Option<PathBuf>>,
    /// Writes down what went into every task and what came out.
    #[arg(long)]
    pub(super) dump_tensors: bool,
    /// Writes down what every kernel call took; N is the number of the events to count.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "2")]
    pub(super) pmu: Option<u32>,
}

impl RecordArgs {
    /// What is to be written down of a case; `several` have a folder each.
    pub(super) fn of(&self, scene: &str, case: &str, several: bool) -> Diagnostics {
        let wanted = Diagnostics {
            swimlane: self.trace.is_some(),
            tensors: self.dump_tensors,
            counters: self.pmu,
            directory: PathBuf::new(),
        };
        if wanted == Diagnostics::default() {
            return wanted;
        }
        let directory = match &self.trace {
            Some(Some(folder)) if several => folder.join(plain(case)),
            Some(Some(folder)) => folder.clone(),
            _ => Path::new(OUTPUTS).join(plain(&format!("{scene}_{case}_{}", now()))),
        };
        Diagnostics {
            directory,
            ..wanted
        }
    }
}

/// Names the kernels of a recorded run and says where its files are.
pub(super) fn finish(scene: &Scene, case: &str, recorded: &Diagnostics) -> Result<String, String> {
    let folder = &recorded.directory;
    if recorded.swimlane && folder.join(RECORDS).exists() {
        let kernels = scene.kernels.iter();
        let known = kernels.filter_map(|kernel| {
            let (Origin::Source(path) | Origin::Library(path)) = &kernel.code.origin;
            let name = path.file_stem()?.to_string_lossy().into_owned();
            Some((i32::try_from(kernel.id).ok()?, name))
        });
        let label = plain(&format!("{}_{case}", scene.name));
        naming::apply(folder, &label, known.collect())?;
    }
    let files = [
        (recorded.swimlane, "trace  ", TRACE),
        (recorded.swimlane, "records", RECORDS),
        (recorded.counters.is_some(), "counts ", COUNTERS),
        (recorded.tensors, "tensors", TENSORS),
    ];
    let mut text = String::new();
    for (wanted, what, file) in files {
        let path = folder.join(file);
        if wanted && path.exists() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n  {what} {}", path.display());
        }
    }
    if recorded.swimlane && !text.is_empty() {
        let folder = folder.display();
        let _ = write!(
            text,
            "\n  Drag the trace into https://ui.perfetto.dev, or: simpler report {folder}"
        );
    }
    Ok(text.trim_start_matches('\n').to_owned())
}

/// A text as a part of a path: what is not a letter, digit, dot or dash becomes an underscore.
fn plain(text: &str) -> String {
    let plain = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => letter,
        _ => '_',
    };
    text.chars().map(plain).collect()
}

/// Date and time, in UTC, as runs' folders have them.
fn now() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    stamp(since.as_secs())
}

/// `20260416_151301` for seconds since 1970.
fn stamp(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March here, so that the day that some have more is a year's last.
    let day = days + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year + u64::from(month >= 10);
    let month = (month + 2) % 12 + 1;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}_{hour:02}{minute:02}{second:02}")
}

#[cfg(test)]
mod tests {
    use super::{plain, stamp};

    #[test]
    fn folders_are_named_by_date_and_time() {
        assert_eq!(stamp(0), "19700101_000000");
        assert_eq!(stamp(951_782_400), "20000229_000000");
        assert_eq!(stamp(1_776_352_381), "20260416_151301");
        assert_eq!(stamp(4_107_542_399), "21000228_235959");
        assert_eq!(stamp(4_107_542_400), "21000301_000000");
        assert_eq!(plain("a/b c.d-e_f"), "a_b_c.d-e_f");
    }
}

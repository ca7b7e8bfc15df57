//! What a recorded run did, in a page.
//!
//! Knows how measures are shown. Refuses to compute any.

use core::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use platform::diagnostics::{ABOUT, RECORDS, Swimlane, label};
use serde::Serialize;
use serde_json::Value;

use super::measures::{Measures, Spread};
use super::records;

/// Most steps of the critical path that are shown.
const MOST_STEPS: usize = 12;

/// A recorded run and what it comes to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Of this format.
    pub(crate) version: u32,
    /// The records.
    pub(crate) file: PathBuf,
    /// Records there was no room for.
    pub(crate) dropped: u64,
    /// The run failed.
    pub(crate) failed: bool,
    /// Where the time goes, in a sentence.
    pub(crate) verdict: String,
    /// The numbers, times in nanoseconds.
    pub(crate) measures: Measures,
}

/// The records that `path` means: a file, a folder with one, or the newest below `outputs`.
pub(crate) fn find(path: Option<&Path>, outputs: &Path) -> Result<PathBuf, String> {
    let Some(path) = path else {
        let newest = newest(outputs, 3);
        return newest.map(|(_, path)| path).ok_or_else(|| {
            format!(
                "there is no run below {}: record one with `simpler run SCENE --trace`",
                outputs.display()
            )
        });
    };
    let file = if path.is_dir() {
        path.join(RECORDS)
    } else {
        path.to_owned()
    };
    if !file.exists() && path.is_dir() {
        if let Some((_, file)) = newest(path, 2) {
            return Ok(file);
        }
        return Err(format!("there is no {RECORDS} in {}", path.display()));
    }
    Ok(file)
}

fn newest(folder: &Path, depth: u32) -> Option<(std::time::SystemTime, PathBuf)> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let candidate = |path: PathBuf| {
        if path.is_dir() {
            return (depth > 1).then(|| newest(&path, depth - 1)).flatten();
        }
        (path.file_name()? == RECORDS).then_some(())?;
        Some((path.metadata().ok()?.modified().ok()?, path))
    };
    entries.filter_map(|entry| candidate(entry.path())).max()
}

impl Report {
    /// The report on a file of records, with what else is known of its run.
    pub(crate) fn read(file: PathBuf) -> Result<(Self, Swimlane), String> {
        let swimlane = records::read(&file)?;
        let about = fs::read_to_string(file.with_file_name(ABOUT)).unwrap_or_default();
        let about: Value = serde_json::from_str(&about).unwrap_or_default();
        let dropped = about["dropped"].as_object().map_or(0, |dropped| {
            ["calls", "edges", "phases"]
                .iter()
                .filter_map(|section| dropped.get(*section)?.as_u64())
                .sum()
        });
        let measures = Measures::of(&swimlane)
            .ok_or_else(|| format!("{}: no call came to its end", file.display()))?;
        let report = Self {
            version: 1,
            file,
            dropped,
            failed: about["failed"].as_bool().unwrap_or(false),
            verdict: measures.verdict(),
            measures,
        };
        Ok((report, swimlane))
    }

    /// As text; tables have `top` lines at most.
    pub(crate) fn text(&self, swimlane: &Swimlane, top: usize) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text, swimlane, top);
        text
    }

    fn write(&self, to: &mut String, swimlane: &Swimlane, top: usize) -> core::fmt::Result {
        let it = &self.measures;
        writeln!(
            to,
            "{} makespan, {} tasks in {} calls, {} cores busy {:.1} % of it, {} records dropped{}",
            time(it.makespan),
            it.tasks,
            it.calls,
            it.cores,
            100.0 * it.utilisation,
            self.dropped,
            if self.failed { ", FAILED" } else { "" }
        )?;
        if it.unfinished != 0 {
            writeln!(to, "{} calls did not come to their end", it.unfinished)?;
        }
        writeln!(to, "{}\n", self.verdict)?;
        self.write_functions(to, top)?;
        writeln!(
            to,
            "{:<34} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "per call, µs", "count", "mean", "p50", "p90", "p99", "max"
        )?;
        for (name, spread) in [
            ("head: dispatch to start", &it.head),
            ("tail: end to seen", &it.tail),
            ("switch: to a call loaded before", &it.switch),
            ("queue: ready to dispatched", &it.queue_wait),
        ] {
            write_spread(to, name, spread)?;
        }
        self.write_path(to, swimlane)?;
        writeln!(
            to,
            "floor: {} (longest chain {}, work per core {}); average {:.2} and at most {} calls at once; \
             busiest core {:.2} of the mean",
            time(it.floor()),
            time(it.static_path),
            time(it.work_per_core),
            it.concurrency,
            it.peak,
            it.imbalance
        )
    }

    /// What the makespan consists of, the last call first.
    fn write_path(&self, to: &mut String, swimlane: &Swimlane) -> core::fmt::Result {
        let path = &self.measures.observed;
        writeln!(
            to,
            "\ncritical path: {} = {} computing + {} after producers + {} after the core's last + {} in front",
            time(self.measures.makespan),
            time(path.compute),
            time(path.data_wait),
            time(path.core_wait),
            time(path.front),
        )?;
        let steps: Vec<String> = path
            .steps
            .iter()
            .map(|step| format!("{}({})", swimlane.function(step.func_id), label(step.task)))
            .collect();
        let shown = steps.len().min(MOST_STEPS);
        let more = match steps.len() - shown {
            0 => String::new(),
            more => format!(" ← {more} more"),
        };
        let steps: Vec<&str> = steps.iter().rev().take(shown).map(String::as_str).collect();
        writeln!(to, "  {}{more}", steps.join(" ← "))
    }

    fn write_functions(&self, to: &mut String, top: usize) -> core::fmt::Result {
        writeln!(
            to,
            "{:<34} {:>7} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "function, µs of core time",
            "calls",
            "share",
            "total",
            "mean",
            "p50",
            "p90",
            "p99",
            "max",
            "latency"
        )?;
        for function in self.measures.functions.iter().take(top) {
            let exec = &function.exec;
            writeln!(
                to,
                "{:<34} {:>7} {:>6.1}% {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
                function.name,
                exec.count,
                100.0 * function.share,
                micros(exec.total),
                mean(exec),
                micros(exec.p50),
                micros(exec.p90),
                micros(exec.p99),
                micros(exec.max),
                mean(&function.latency),
            )?;
        }
        let more = self.measures.functions.len().saturating_sub(top);
        if more != 0 {
            writeln!(to, "{more} more: see --top")?;
        }
        writeln!(to)
    }
}

fn write_spread(to: &mut String, name: &str, spread: &Spread) -> core::fmt::Result {
    writeln!(
        to,
        "{name:<34} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9}",
        spread.count,
        mean(spread),
        micros(spread.p50),
        micros(spread.p90),
        micros(spread.p99),
        micros(spread.max),
    )
}

fn mean(spread: &Spread) -> String {
    format!("{:.2}", spread.mean / 1000.0)
}

fn micros(nanoseconds: u64) -> String {
    format!("{}.{:02}", nanoseconds / 1000, nanoseconds % 1000 / 10)
}

fn time(nanoseconds: u64) -> String {
    format!("{} µs", micros(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::Report;
    use crate::diagnostics::measures::Measures;
    use crate::diagnostics::measures::tests::diamond;

    #[test]
    fn the_first_line_says_it_all() {
        let swimlane = diamond();
        let measures = Measures::of(&swimlane).expect("it has calls");
        let report = Report {
            version: 1,
            file: "l2_perf_records.json".into(),
            dropped: 0,
            failed: false,
            verdict: measures.verdict(),
            measures,
        };
        let text = report.text(&swimlane, 2);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "25.00 µs makespan, 4 tasks in 4 calls, 3 cores busy 33.3 % of it, 0 records dropped"
        );
        assert_eq!(
            lines[1],
            "dependencies: the longest chain of tasks alone takes 84 % of the makespan"
        );
        assert!(text.contains("1 more: see --top"), "{text}");
        assert!(
            text.contains("25.00 µs = 21.00 µs computing + 4.00 µs after producers"),
            "{text}"
        );
        assert!(
            text.contains("func_2_c(r1t3) ← func_1_b(r1t2) ← func_0_a(r1t0)"),
            "{text}"
        );
    }
}

//! What a finished case has to tell, in words and as JSON.
//!
//! Knows the fields of the report. Refuses to know where it is printed.

use core::fmt::{Display, Write as _};
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::model::{Platform, RuntimeKind};

/// The outcome of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseReport {
    /// Name of the scene.
    pub scene: String,
    /// Chip it ran on.
    pub platform: Platform,
    /// Runtime it ran with.
    pub runtime: RuntimeKind,
    /// Name of the case.
    pub case: String,
    /// What is wrong; nothing if it passed.
    pub problems: Vec<String>,
    /// Number of results that were judged.
    pub checked: usize,
    /// Time to prepare.
    pub prepare: Duration,
    /// Wall time of every run.
    pub runs: Vec<Duration>,
    /// Tasks of one run, if the device counts them.
    pub tasks: Option<u64>,
}

/// The report as the last line of `--json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JsonReport {
    /// Name of the scene.
    pub scene: String,
    /// Chip it ran on.
    pub platform: Platform,
    /// Runtime it ran with.
    pub runtime: RuntimeKind,
    /// Name of the case; `*` over several.
    pub case: String,
    /// The verdict.
    pub pass: bool,
    /// Milliseconds to prepare.
    pub prepare_ms: f64,
    /// Milliseconds of the first run.
    pub first_run_ms: f64,
    /// Milliseconds of the median run.
    pub median_run_ms: f64,
    /// Milliseconds of the fastest run.
    pub min_run_ms: f64,
    /// Number of runs.
    pub runs: usize,
    /// Tasks of one run; null if the device does not count them.
    pub tasks: Option<u64>,
    /// Tasks per second of the median run; null if the device does not count them.
    pub tasks_per_s: Option<f64>,
    /// What is wrong; empty if it passed.
    pub problems: Vec<String>,
    /// The single cases, when there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<Self>,
}

/// `a, b, c`.
pub fn join(items: impl IntoIterator<Item = impl Display>) -> String {
    let all: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    all.join(", ")
}

fn milliseconds(time: Option<Duration>) -> f64 {
    time.map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// A time with three digits and the unit that suits it.
#[must_use]
pub fn show_time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (value, unit) = if seconds >= 1.0 {
        (seconds, "s")
    } else if seconds >= 1e-3 {
        (seconds * 1e3, "ms")
    } else {
        (seconds * 1e6, "µs")
    };
    match value {
        value if value >= 100.0 => format!("{value:.0} {unit}"),
        value if value >= 10.0 => format!("{value:.1} {unit}"),
        value => format!("{value:.2} {unit}"),
    }
}

/// A rate with three digits and a prefix.
#[must_use]
pub fn show_rate(rate: f64) -> String {
    match rate {
        rate if rate >= 1e6 => format!("{:.2} M", rate / 1e6),
        rate if rate >= 1e3 => format!("{:.1} k", rate / 1e3),
        rate => format!("{rate:.0}"),
    }
}

impl CaseReport {
    /// A report without results yet.
    #[must_use]
    pub fn new(scene: &str, platform: Platform, runtime: RuntimeKind, case: &str) -> Self {
        Self {
            scene: scene.to_owned(),
            platform,
            runtime,
            case: case.to_owned(),
            problems: Vec::new(),
            checked: 0,
            prepare: Duration::ZERO,
            runs: Vec::new(),
            tasks: None,
        }
    }

    /// True if nothing is wrong.
    #[must_use]
    pub fn pass(&self) -> bool {
        self.problems.is_empty()
    }

    /// Tasks per second of the median run.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    pub fn tasks_per_second(&self) -> Option<f64> {
        let seconds = median(&self.runs)?.as_secs_f64();
        self.tasks
            .filter(|_| seconds > 0.0)
            .map(|tasks| tasks as f64 / seconds)
    }

    /// The report as text, without a newline at the end.
    #[must_use]
    pub fn text(&self) -> String {
        let verdict = if self.pass() { "PASS" } else { "FAIL" };
        let mut text = format!(
            "{verdict} {} [{}] on {} with {}",
            self.scene, self.case, self.platform, self.runtime
        );
        for problem in &self.problems {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n  {}", problem.replace('\n', "\n  "));
        }
        if self.pass() && self.checked == 0 {
            text.push_str("\n  nothing was checked: the scene expects nothing");
        }
        if let (Some(&first), Some(median)) = (self.runs.first(), median(&self.runs)) {
            let _ = write!(
                text,
                "\n  prepare {}   first run {}   median run {} ({} runs)",
                show_time(self.prepare),
                show_time(first),
                show_time(median),
                self.runs.len(),
            );
        }
        if let Some(tasks) = self.tasks {
            let _ = write!(text, "\n  {tasks} tasks");
            if let Some(rate) = self.tasks_per_second() {
                let _ = write!(text, "   {} tasks/s", show_rate(rate));
            }
        }
        text
    }

    /// The report as an object.
    #[must_use]
    pub fn json(&self) -> JsonReport {
        JsonReport {
            scene: self.scene.clone(),
            platform: self.platform,
            runtime: self.runtime,
            case: self.case.clone(),
            pass: self.pass(),
            prepare_ms: milliseconds(Some(self.prepare)),
            first_run_ms: milliseconds(self.runs.first().copied()),
            median_run_ms: milliseconds(median(&self.runs)),
            min_run_ms: milliseconds(self.runs.iter().min().copied()),
            runs: self.runs.len(),
            tasks: self.tasks,
            tasks_per_s: self.tasks_per_second(),
            problems: self.problems.clone(),
            cases: Vec::new(),
        }
    }
}

impl JsonReport {
    /// One object over several cases: passes if all do, and adds up their times and tasks.
    #[must_use]
    pub fn over(reports: &[CaseReport]) -> Option<Self> {
        let mut all = reports.first()?.json();
        if reports.len() == 1 {
            return Some(all);
        }
        all.case = "*".to_owned();
        all.cases.push(reports[0].json());
        for report in &reports[1..] {
            let next = report.json();
            all.pass &= next.pass;
            all.prepare_ms += next.prepare_ms;
            all.first_run_ms += next.first_run_ms;
            all.median_run_ms += next.median_run_ms;
            all.min_run_ms += next.min_run_ms;
            all.runs += next.runs;
            all.tasks = all.tasks.zip(next.tasks).map(|(sum, own)| sum + own);
            all.problems.extend(next.problems.iter().cloned());
            all.cases.push(next);
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = |tasks: u64| tasks as f64 / (all.median_run_ms / 1e3);
        all.tasks_per_s = all.tasks.filter(|_| all.median_run_ms > 0.0).map(rate);
        Some(all)
    }
}

/// The middle of `times`, the lower one of two.
#[must_use]
pub fn median(times: &[Duration]) -> Option<Duration> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::{CaseReport, JsonReport, show_rate, show_time};
    use crate::scene::model::{Platform, RuntimeKind};
    use core::time::Duration;

    fn report(case: &str, problems: &[&str]) -> CaseReport {
        CaseReport {
            problems: problems.iter().map(ToString::to_string).collect(),
            checked: 1,
            prepare: Duration::from_millis(2),
            runs: [5, 3, 4].map(Duration::from_millis).to_vec(),
            tasks: Some(8),
            ..CaseReport::new("s", Platform::A5sim, RuntimeKind::Hbg, case)
        }
    }

    #[test]
    fn the_object_has_the_promised_fields() {
        let object = serde_json::to_value(report("one", &[]).json()).expect("plain data");
        for (key, want) in [
            ("scene", "\"s\""),
            ("platform", "\"a5sim\""),
            ("runtime", "\"hbg\""),
            ("case", "\"one\""),
            ("pass", "true"),
            ("prepare_ms", "2.0"),
            ("first_run_ms", "5.0"),
            ("median_run_ms", "4.0"),
            ("min_run_ms", "3.0"),
            ("runs", "3"),
            ("tasks", "8"),
        ] {
            assert_eq!(object[key].to_string(), want, "{key}");
        }
    }

    #[test]
    fn several_cases_become_one_object() {
        let all = [report("one", &[]), report("two", &["off"])];
        let object = JsonReport::over(&all).expect("two reports");
        assert_eq!((object.case.as_str(), object.pass), ("*", false));
        assert_eq!(
            (object.runs, object.tasks, object.cases.len()),
            (6, Some(16), 2)
        );
        assert_eq!(JsonReport::over(&all[..1]), Some(all[0].json()));
        assert_eq!(JsonReport::over(&[]), None);
    }

    #[test]
    fn the_text_leads_with_the_verdict() {
        let text = report("one", &[]).text();
        assert!(
            text.starts_with("PASS s [one] on a5sim with hbg\n"),
            "{text}"
        );
        assert!(text.contains("8 tasks   2.0 k tasks/s"), "{text}");
        let text = report("two", &["x is\noff"]).text();
        assert!(
            text.starts_with("FAIL s [two] on a5sim with hbg\n  x is\n  off\n"),
            "{text}"
        );
    }

    #[test]
    fn times_and_rates_have_three_digits() {
        let shown = [1, 12_345, 123_456, 1_500_000_000]
            .map(Duration::from_nanos)
            .map(show_time);
        assert_eq!(shown, ["0.00 µs", "12.3 µs", "123 µs", "1.50 s"]);
        assert_eq!([5.0, 1.5e4, 2e6].map(show_rate), ["5", "15.0 k", "2.00 M"]);
    }
}

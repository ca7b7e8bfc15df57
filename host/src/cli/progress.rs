//! Lines about finished jobs, and a live one about running jobs when somebody watches.
//!
//! Knows the terminal. Refuses to know what a job is.

use core::time::Duration;
use std::io::{IsTerminal, Write, stdout};

/// The progress of a batch.
#[derive(Debug)]
pub(super) struct Progress {
    total: usize,
    done: usize,
    failed: usize,
    running: Vec<String>,
    live: bool,
}

impl Progress {
    /// Progress over `total` jobs.
    pub(super) fn new(total: usize) -> Self {
        Self {
            total,
            done: 0,
            failed: 0,
            running: Vec::new(),
            live: stdout().is_terminal(),
        }
    }

    /// Jobs that passed and failed so far.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.done - self.failed, self.failed)
    }

    /// A job begins.
    pub(super) fn start(&mut self, label: &str) {
        self.running.push(label.to_owned());
        self.print("");
    }

    /// A job ended; `output` is shown if it failed.
    pub(super) fn finish(
        &mut self,
        device: u32,
        label: &str,
        verdict: Result<(), String>,
        time: Duration,
        output: &str,
    ) {
        self.running.retain(|running| running != label);
        self.done += 1;
        let word = if verdict.is_ok() { "PASS" } else { "FAIL" };
        let mut lines = format!(
            "[dev{device}] [{}/{}] {word}: {label} ({:.1}s)\n",
            self.done,
            self.total,
            time.as_secs_f64()
        );
        if let Err(reason) = verdict {
            self.failed += 1;
            for line in output.lines().chain(reason.lines()) {
                lines.push_str("    ");
                lines.push_str(line);
                lines.push('\n');
            }
        }
        self.print(&lines);
    }

    fn print(&self, lines: &str) {
        let mut text = String::new();
        if self.live {
            text.push_str("\r\x1b[K");
        }
        text.push_str(lines);
        if self.live && !self.running.is_empty() {
            let mut status = format!(
                "[{}/{}] {} failed, running: {}",
                self.done,
                self.total,
                self.failed,
                self.running.join(", ")
            );
            // One line, so that it can be taken back.
            if let Some((cut, _)) = status.char_indices().nth(78) {
                status.truncate(cut);
                status.push('…');
            }
            text.push_str(&status);
        }
        // A reader that went away does not stop the tests.
        let mut out = stdout().lock();
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }
}

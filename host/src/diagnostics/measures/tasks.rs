//! The tasks of a run, and what each waited for.
//!
//! Knows a task as one span with calls in it. Refuses to know cores.

use std::collections::HashMap;

use platform::diagnostics::{Call, Swimlane};

/// How far apart two stamps may be that are to be in order: two ticks of the slower counter, in nanoseconds.
pub(super) const TOLERANCE: u64 = 40;

/// The tasks that came to their end, and what each waited for.
pub(super) struct Tasks {
    pub(super) spans: HashMap<u64, Span>,
    predecessors: HashMap<u64, Vec<u64>>,
}

impl Tasks {
    pub(super) fn of(swimlane: &Swimlane) -> Self {
        let mut spans: HashMap<u64, Span> = HashMap::new();
        for (number, call) in swimlane.calls.iter().enumerate() {
            let Some((start, end)) = call.ran() else {
                continue;
            };
            let longest = end - start;
            let own = Span {
                start,
                end,
                longest,
                last: number,
            };
            let span = spans.entry(call.task).or_insert(own);
            span.start = span.start.min(start);
            span.longest = span.longest.max(longest);
            if end > span.end {
                span.end = end;
                span.last = number;
            }
        }
        Self {
            spans,
            predecessors: swimlane.predecessors(),
        }
    }

    /// The tasks that a task waited for, as far as they were measured.
    pub(super) fn producers(&self, task: u64) -> impl Iterator<Item = Span> + '_ {
        let before = self.predecessors.get(&task).into_iter().flatten();
        before.filter_map(|task| self.spans.get(task).copied())
    }

    pub(super) fn queue_waits(&self, calls: &[Call]) -> Vec<u64> {
        let wait = |call: &Call| {
            let ready = self.producers(call.task).map(|span| span.end).max()?;
            (call.dispatch != 0).then(|| call.dispatch.saturating_sub(ready))
        };
        calls.iter().filter_map(wait).collect()
    }

    pub(super) fn static_path(&self) -> u64 {
        let mut order: Vec<(u64, u64, u64)> = self
            .spans
            .iter()
            .map(|(&task, span)| (span.start, span.end, task))
            .collect();
        order.sort_unstable();
        let mut lengths: HashMap<u64, u64> = HashMap::new();
        for (start, _, task) in order {
            let before = self.predecessors.get(&task).into_iter().flatten();
            let longest = before
                .filter(|before| {
                    let span = self.spans.get(before);
                    span.is_some_and(|span| span.end <= start + TOLERANCE)
                })
                // One that comes later in the order would make a circle.
                .filter_map(|before| lengths.get(before).copied());
            let length = longest.max().unwrap_or(0) + self.spans[&task].longest;
            lengths.insert(task, length);
        }
        lengths.into_values().max().unwrap_or(0)
    }
}

/// What a task took as a whole.
#[derive(Clone, Copy)]
pub(super) struct Span {
    start: u64,
    pub(super) end: u64,
    /// Its longest call.
    longest: u64,
    /// Its call that ended last.
    pub(super) last: usize,
}

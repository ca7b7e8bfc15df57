//! What a swimlane says in numbers.
//!
//! Knows every definition, each once. Refuses to know how numbers are shown.
//!
//! With calls *i* (dispatch *d*, start *s*, end *e*, finish *f*):
//!
//! | measure | definition |
//! | --- | --- |
//! | makespan | max *e* − min *s*: from the first kernel's start to the last one's end |
//! | scheduler span | max *f* − min *d* |
//! | busy | length of the union of [*s*, *e*] of a core |
//! | utilisation | sum of busy ÷ (cores that ran anything × makespan) |
//! | concurrency | sum of busy ÷ makespan |
//! | head, tail, latency | *s* − *d*, *f* − *e*, *f* − *d* |
//! | switch | *s* − end of the call before on that core, for calls dispatched before that end; they have no head |
//! | queue wait | *d* − ready, where ready is when the last producer's last call ended |
//! | percentile *p* | nearest rank: the ⌈*p n* ÷ 100⌉-th smallest of *n* |
//! | static path | longest path of dependent tasks, each as long as its longest call: the floor with unlimited cores |
//! | observed path | from the call that ended last back to what it waited for: the producer or the call before on its core, whichever ended later. Calls and the waits between them add up to the makespan |
//!
//! Sums over cores are core time, never wall time.
//!
//! | about | file |
//! | --- | --- |
//! | a run, and each of its kernels | here |
//! | the observed path | `path` |
//! | cores | `lanes` |
//! | tasks | `tasks` |
//! | values at large | `spread` |
//!
//! Here → `path` → `lanes`, `tasks`, never back.

mod lanes;
mod path;
mod spread;
mod tasks;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use platform::diagnostics::{Call, Swimlane};
use serde::Serialize;

use self::lanes::{Head, Lanes};
use self::path::{Path, observed};
pub(crate) use self::spread::Spread;
use self::spread::ratio;
use self::tasks::Tasks;

/// A swimlane in numbers. Times are nanoseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Measures {
    pub(crate) makespan: u64,
    pub(crate) scheduler_span: u64,
    pub(crate) tasks: usize,
    pub(crate) calls: usize,
    /// Calls without a start or an end: the run ended before theirs.
    pub(crate) unfinished: usize,
    pub(crate) cores: usize,
    pub(crate) busy: u64,
    pub(crate) utilisation: f64,
    pub(crate) concurrency: f64,
    pub(crate) peak: usize,
    /// Most busy core ÷ mean.
    pub(crate) imbalance: f64,
    pub(crate) functions: Vec<Function>,
    pub(crate) head: Spread,
    pub(crate) tail: Spread,
    pub(crate) switch: Spread,
    pub(crate) queue_wait: Spread,
    pub(crate) static_path: u64,
    /// Sum of all calls ÷ cores that ran anything.
    pub(crate) work_per_core: u64,
    pub(crate) observed: Path,
}

/// The calls of one kernel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Function {
    pub(crate) func_id: i32,
    pub(crate) name: String,
    /// Part of all core time.
    pub(crate) share: f64,
    pub(crate) exec: Spread,
    pub(crate) latency: Spread,
    pub(crate) head: Spread,
    pub(crate) tail: Spread,
}

impl Measures {
    /// The numbers of a swimlane; `None` if no call came to its end.
    pub(crate) fn of(swimlane: &Swimlane) -> Option<Self> {
        let calls = &swimlane.calls;
        let ran: Vec<(u64, u64)> = calls.iter().filter_map(Call::ran).collect();
        let first = ran.iter().map(|&(start, _)| start).min()?;
        let last = ran.iter().map(|&(_, end)| end).max()?;
        let makespan = last - first;
        let held = || calls.iter().filter_map(Call::held);
        let span_end = held().map(|(_, finish)| finish).max().unwrap_or(last);
        let span_start = held().map(|(dispatch, _)| dispatch).min();

        let lanes = Lanes::of(calls);
        let busy: Vec<u64> = lanes.busy(calls);
        let total_busy: u64 = busy.iter().sum();
        let work: u64 = ran.iter().map(|&(start, end)| end - start).sum();
        let tasks = Tasks::of(swimlane);
        let heads: Vec<Head> = (0..calls.len()).map(|it| lanes.head(calls, it)).collect();
        let measured = |which: &dyn Fn(&Head) -> Option<u64>| -> Vec<u64> {
            heads.iter().filter_map(which).collect()
        };
        Some(Self {
            makespan,
            scheduler_span: span_start.map_or(makespan, |start| span_end - start),
            tasks: tasks.spans.len(),
            calls: calls.len(),
            unfinished: calls.len() - ran.len(),
            cores: busy.len(),
            busy: total_busy,
            utilisation: ratio(total_busy, makespan * busy.len() as u64),
            concurrency: ratio(total_busy, makespan),
            peak: peak(&ran),
            imbalance: ratio(
                busy.iter().max().copied().unwrap_or(0) * busy.len() as u64,
                total_busy,
            ),
            functions: functions(swimlane, &heads, work),
            head: Spread::of(measured(&|head| head.head)),
            switch: Spread::of(measured(&|head| head.switch)),
            tail: Spread::of(calls.iter().filter_map(tail)),
            queue_wait: Spread::of(tasks.queue_waits(calls)),
            static_path: tasks.static_path(),
            work_per_core: work / busy.len() as u64,
            observed: observed(swimlane, &lanes, &tasks, first),
        })
    }

    /// Where the time goes, in a sentence with the figure behind it.
    pub(crate) fn verdict(&self) -> String {
        let path = &self.observed;
        let waiting = ratio(path.data_wait + path.core_wait + path.front, self.makespan);
        let percent = |part: f64| format!("{:.0} %", 100.0 * part);
        if waiting > 0.3 {
            let share = percent(waiting);
            return format!(
                "scheduler: {share} of the makespan is hand-over between calls of the critical path"
            );
        }
        if self.utilisation > 0.8 {
            let share = percent(self.utilisation);
            return format!("compute: cores are busy {share} of the makespan");
        }
        let share = percent(ratio(self.static_path, self.makespan));
        format!("dependencies: the longest chain of tasks alone takes {share} of the makespan")
    }

    /// What unlimited cores, or perfect use of those there are, could not go below.
    pub(crate) fn floor(&self) -> u64 {
        self.static_path.max(self.work_per_core)
    }
}

fn functions(swimlane: &Swimlane, heads: &[Head], work: u64) -> Vec<Function> {
    let mut by_id: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
    for (number, call) in swimlane.calls.iter().enumerate() {
        if call.ran().is_some() {
            by_id.entry(call.func_id).or_default().push(number);
        }
    }
    let function = |(func_id, numbers): (i32, Vec<usize>)| {
        let calls = || numbers.iter().map(|&number| &swimlane.calls[number]);
        let exec = Spread::of(calls().filter_map(|it| it.ran().map(|(start, end)| end - start)));
        let latency = |it: &Call| it.held().map(|(dispatch, finish)| finish - dispatch);
        Function {
            func_id,
            name: swimlane.function(func_id),
            share: ratio(exec.total, work),
            latency: Spread::of(calls().filter_map(latency)),
            head: Spread::of(numbers.iter().filter_map(|&number| heads[number].head)),
            tail: Spread::of(calls().filter_map(tail)),
            exec,
        }
    };
    let mut functions: Vec<Function> = by_id.into_iter().map(function).collect();
    functions.sort_by_key(|it| core::cmp::Reverse(it.exec.total));
    functions
}

/// Most calls that ran at once.
fn peak(ran: &[(u64, u64)]) -> usize {
    let mut changes: Vec<(u64, i32)> = ran
        .iter()
        .flat_map(|&(start, end)| [(start, 1), (end, -1)])
        .collect();
    // An end comes before a start at the same moment.
    changes.sort_unstable();
    let mut running = 0_i32;
    let peak = changes.iter().map(|(_, change)| {
        running += change;
        running
    });
    usize::try_from(peak.max().unwrap_or(0)).unwrap_or(0)
}

fn tail(call: &Call) -> Option<u64> {
    let (_, end) = call.ran()?;
    call.finish.checked_sub(end)
}

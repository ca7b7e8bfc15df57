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

use std::collections::{BTreeMap, HashMap};

use platform::diagnostics::{Call, Swimlane};
use serde::Serialize;

/// How far apart two stamps may be that are to be in order: two ticks of the slower counter, in nanoseconds.
const TOLERANCE: u64 = 40;

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

/// How values are spread.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) count: usize,
    pub(crate) total: u64,
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
    pub(crate) min: u64,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

/// What the makespan consists of.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Path {
    pub(crate) compute: u64,
    /// Waiting after the last producer had ended.
    pub(crate) data_wait: u64,
    /// Waiting after the call before on the same core had ended.
    pub(crate) core_wait: u64,
    /// Before the path's first call.
    pub(crate) front: u64,
    /// First to last.
    pub(crate) steps: Vec<Step>,
}

/// One call on the observed path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Step {
    pub(crate) task: u64,
    pub(crate) func_id: i32,
    pub(crate) wait: u64,
    pub(crate) exec: u64,
}

#[expect(clippy::cast_precision_loss, reason = "figures are for people")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// The value that `percent` of them do not exceed; nearest rank.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (percent * sorted.len()).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

impl Spread {
    fn of(values: impl IntoIterator<Item = u64>) -> Self {
        let mut sorted: Vec<u64> = values.into_iter().collect();
        sorted.sort_unstable();
        let total = sorted.iter().sum();
        let mean = ratio(total, sorted.len() as u64);
        #[expect(clippy::cast_precision_loss, reason = "figures are for people")]
        let squares: f64 = sorted.iter().map(|&it| (it as f64 - mean).powi(2)).sum();
        #[expect(clippy::cast_precision_loss, reason = "as above")]
        let deviation = (squares / sorted.len().max(1) as f64).sqrt();
        Self {
            count: sorted.len(),
            total,
            mean,
            deviation,
            min: sorted.first().copied().unwrap_or(0),
            p50: percentile(&sorted, 50),
            p90: percentile(&sorted, 90),
            p99: percentile(&sorted, 99),
            max: sorted.last().copied().unwrap_or(0),
        }
    }
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

/// How a call came onto its core.
struct Head {
    head: Option<u64>,
    switch: Option<u64>,
}

/// The calls of each core in the order they ran.
struct Lanes {
    cores: BTreeMap<u32, Vec<usize>>,
    /// The call before each on its core.
    before: Vec<Option<usize>>,
}

impl Lanes {
    fn of(calls: &[Call]) -> Self {
        let mut cores: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (number, call) in calls.iter().enumerate() {
            if call.ran().is_some() {
                cores.entry(call.core).or_default().push(number);
            }
        }
        let mut before = vec![None; calls.len()];
        for lane in cores.values_mut() {
            lane.sort_by_key(|&number| (calls[number].start, calls[number].end));
            for pair in lane.windows(2) {
                before[pair[1]] = Some(pair[0]);
            }
        }
        Self { cores, before }
    }

    fn busy(&self, calls: &[Call]) -> Vec<u64> {
        let busy = |lane: &Vec<usize>| {
            let mut covered = 0;
            let spans = lane.iter().filter_map(|&number| calls[number].ran());
            spans.fold(0, |busy, (start, end)| {
                let from = start.max(covered);
                covered = covered.max(end);
                busy + end.saturating_sub(from)
            })
        };
        self.cores.values().map(busy).collect()
    }

    fn head(&self, calls: &[Call], number: usize) -> Head {
        let nothing = Head {
            head: None,
            switch: None,
        };
        let call = &calls[number];
        let Some((start, _)) = call.ran().filter(|_| call.dispatch != 0) else {
            return nothing;
        };
        let before = self.before[number].map(|before| calls[before].end);
        match before.filter(|&end| call.dispatch < end) {
            Some(end) => Head {
                switch: Some(start.saturating_sub(end)),
                ..nothing
            },
            None => Head {
                head: Some(start.saturating_sub(call.dispatch)),
                ..nothing
            },
        }
    }
}

/// What a task took as a whole.
#[derive(Clone, Copy)]
struct Span {
    start: u64,
    end: u64,
    /// Its longest call.
    longest: u64,
    /// Its call that ended last.
    last: usize,
}

/// The tasks that came to their end, and what each waited for.
struct Tasks {
    spans: HashMap<u64, Span>,
    predecessors: HashMap<u64, Vec<u64>>,
}

impl Tasks {
    fn of(swimlane: &Swimlane) -> Self {
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
    fn producers(&self, task: u64) -> impl Iterator<Item = Span> + '_ {
        let before = self.predecessors.get(&task).into_iter().flatten();
        before.filter_map(|task| self.spans.get(task).copied())
    }

    fn queue_waits(&self, calls: &[Call]) -> Vec<u64> {
        let wait = |call: &Call| {
            let ready = self.producers(call.task).map(|span| span.end).max()?;
            (call.dispatch != 0).then(|| call.dispatch.saturating_sub(ready))
        };
        calls.iter().filter_map(wait).collect()
    }

    fn static_path(&self) -> u64 {
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

fn observed(swimlane: &Swimlane, lanes: &Lanes, tasks: &Tasks, first: u64) -> Path {
    let calls = &swimlane.calls;
    let mut path = Path::default();
    let ended = |number: &usize| calls[*number].end;
    let mut next = (0..calls.len())
        .filter(|&number| calls[number].ran().is_some())
        .max_by_key(ended);
    while let Some(number) = next {
        let call = &calls[number];
        let in_time = |&before: &usize| calls[before].end <= call.start + TOLERANCE;
        // A call is never its own past, however coarse the counter.
        let earlier = |before: &usize| calls[*before].start < call.start;
        let data = tasks
            .producers(call.task)
            .map(|span| span.last)
            .filter(in_time)
            .filter(earlier)
            .max_by_key(ended);
        let core = lanes.before[number].filter(in_time).filter(earlier);
        let by_data = data.is_some_and(|data| core.is_none_or(|core| ended(&core) <= ended(&data)));
        next = if by_data { data } else { core };
        let since = next.map_or(first, |before| calls[before].end);
        let wait = call.start.saturating_sub(since);
        match (next, by_data) {
            (None, _) => path.front += wait,
            (Some(_), true) => path.data_wait += wait,
            (Some(_), false) => path.core_wait += wait,
        }
        let exec = call.end - call.start.max(since);
        path.compute += exec;
        path.steps.push(Step {
            task: call.task,
            func_id: call.func_id,
            wait,
            exec,
        });
    }
    path.steps.reverse();
    path
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

#[cfg(test)]
pub(crate) mod tests {
    use platform::diagnostics::{Call, Phase, Swimlane};

    use super::{Measures, percentile};

    /// Four tasks of a diamond on three cores, with one dispatch phase per call.
    pub(crate) fn diamond() -> Swimlane {
        let task = |number: u64| 1 << 32 | number;
        let call = |number, func_id, core, times: [u64; 4]| {
            let [dispatch, start, end, finish] = times;
            Call {
                task: task(number),
                func_id,
                core,
                vector: core != 0,
                dispatch,
                start,
                end,
                finish,
            }
        };
        let calls = vec![
            call(0, 0, 0, [1000, 2000, 12_000, 13_000]),
            call(1, 1, 1, [13_200, 14_000, 18_000, 18_600]),
            call(2, 1, 2, [13_400, 14_500, 20_500, 21_000]),
            call(3, 2, 0, [21_200, 22_000, 27_000, 27_400]),
        ];
        let phase = |name: &str, start, end| Phase {
            name: name.to_owned(),
            start,
            end,
            index: 0,
            subject: 1,
        };
        let phases = vec![
            phase("dispatch", 900, 1100),
            phase("complete", 12_900, 13_100),
            phase("dispatch", 13_100, 13_300),
            phase("dispatch", 13_300, 13_500),
            phase("complete", 18_500, 18_700),
            phase("complete", 20_900, 21_100),
            phase("dispatch", 21_100, 21_300),
            phase("complete", 27_300, 27_500),
        ];
        Swimlane {
            calls,
            edges: [(0, 1), (0, 2), (1, 3), (2, 3)]
                .map(|(from, to)| (task(from), task(to)))
                .to_vec(),
            schedulers: vec![phases, Vec::new(), Vec::new(), Vec::new()],
            core_to_thread: vec![0; 3],
            ..Swimlane::default()
        }
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 0.005
    }

    #[test]
    fn the_worked_example_comes_out_to_the_digit() {
        let measures = Measures::of(&diamond()).expect("it has calls");
        assert_eq!(
            (measures.makespan, measures.scheduler_span),
            (25_000, 26_400)
        );
        assert_eq!((measures.tasks, measures.cores, measures.peak), (4, 3, 2));
        assert_eq!(measures.busy, 25_000);
        assert!(close(measures.utilisation, 1.0 / 3.0));
        assert!(close(measures.concurrency, 1.0));
        assert!(close(measures.imbalance, 1.8));
        assert_eq!(measures.head.total, 3_700);
        assert_eq!(measures.tail.total, 2_500);
        assert_eq!(measures.switch.count, 0);
        // Nearest rank: the second of four; the reference's rule yields the third, 600.
        assert_eq!((measures.tail.p50, measures.tail.p90), (500, 1_000));
        assert_eq!(measures.static_path, 21_000);
        let path = &measures.observed;
        assert_eq!((path.compute, path.data_wait), (21_000, 4_000));
        assert_eq!((path.core_wait, path.front), (0, 0));
        let waits: Vec<u64> = path.steps.iter().map(|step| step.wait).collect();
        assert_eq!(waits, [0, 2_500, 1_500]);
        assert_eq!(path.compute + path.data_wait, measures.makespan);
        assert_eq!(measures.queue_wait.total, 1_200 + 1_400 + 700);

        let expected = [
            (0, 1, 10_000.0, 12_000.0, 1_000.0, 1_000.0),
            (1, 2, 5_000.0, 6_500.0, 950.0, 550.0),
            (2, 1, 5_000.0, 6_200.0, 800.0, 400.0),
        ];
        let mut functions = measures.functions.clone();
        functions.sort_by_key(|it| it.func_id);
        for (function, (id, count, exec, latency, head, tail)) in functions.iter().zip(expected) {
            assert_eq!((function.func_id, function.exec.count), (id, count));
            for (found, wanted) in [
                (function.exec.mean, exec),
                (function.latency.mean, latency),
                (function.head.mean, head),
                (function.tail.mean, tail),
            ] {
                assert!(close(found, wanted), "func {id}: {found}, not {wanted}");
            }
        }
    }

    #[test]
    fn a_call_dispatched_early_has_a_switch_and_no_head() {
        let call = |task, dispatch, start, end| Call {
            task,
            dispatch,
            start,
            end,
            finish: end,
            ..Call::default()
        };
        let swimlane = Swimlane {
            calls: vec![call(0, 10, 20, 50), call(1, 30, 60, 90)],
            ..Swimlane::default()
        };
        let measures = Measures::of(&swimlane).expect("it has calls");
        assert_eq!((measures.head.count, measures.head.total), (1, 10));
        assert_eq!((measures.switch.count, measures.switch.total), (1, 10));
        assert_eq!(measures.observed.core_wait, 10);
    }

    #[test]
    fn what_is_missing_is_left_out() {
        assert_eq!(Measures::of(&Swimlane::default()), None);
        let mut swimlane = diamond();
        swimlane.calls[3].end = 0;
        swimlane.calls[2].dispatch = 0;
        swimlane.calls[1].start = swimlane.calls[1].end;
        swimlane.edges.push((7, 9));
        let measures = Measures::of(&swimlane).expect("three calls came to their end");
        assert_eq!((measures.calls, measures.unfinished), (4, 1));
        assert_eq!(measures.head.count, 2);
        let path = &measures.observed;
        let all = path.compute + path.data_wait + path.core_wait + path.front;
        assert_eq!(all, measures.makespan);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        let all = [1, 10, 11, 50, 90, 99, 100].map(|percent| percentile(&values, percent));
        assert_eq!(all, [1, 1, 2, 5, 9, 10, 10]);
        assert_eq!(percentile(&[], 50), 0);
    }
}

//! The observed path: what the makespan consists of.
//!
//! Knows, of each call on it, whether it waited for a producer or for its core. Refuses to know why.

use platform::diagnostics::Swimlane;
use serde::Serialize;

use super::lanes::Lanes;
use super::tasks::{TOLERANCE, Tasks};

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

/// The path back from the call that ended last.
pub(super) fn observed(swimlane: &Swimlane, lanes: &Lanes, tasks: &Tasks, first: u64) -> Path {
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

//! A swimlane as ui.perfetto.dev shows it: trace events in JSON.
//!
//! Knows tracks, slices and arrows. Refuses to know where the swimlane comes from.
//!
//! | process | threads | shows |
//! | --- | --- | --- |
//! | 4 `AICPU Orchestrator` | `Orch_i` | the steps of each submission |
//! | 3 `AICPU Scheduler` | `Sched_i` | completing and dispatching; gaps are idle |
//! | 2 `AICPU View` | `AIC_n`, `AIV_n` | each call from dispatch to finish |
//! | 1 `AICore View` | `AIC_n`, `AIV_n` | each call from start to end, and how many cores are busy |
//!
//! What the viewer demands: slices of a thread never overlap, so calls that do are put on further threads; an
//! arrow is bound to the slice that is open at its point, so every slice is at least 1 ns long and every point is
//! where its own slice is the only one; one number per arrow; all slices come before all arrows.
//!
//! `layout` says where slices are, `events` and then `arrows` write them.

mod arrows;
mod events;
mod layout;

use std::io::{self, Write};

use self::arrows::Arrows;
use self::events::Events;
use self::layout::{CORES, ORCHESTRATORS, SCHEDULERS, Slot, VIEW, place, place_phases};
use super::swimlane::{Call, Swimlane};

/// Writes `swimlane` as a trace.
///
/// # Errors
/// As `to`.
pub fn write(swimlane: &Swimlane, to: &mut dyn Write) -> io::Result<()> {
    let mut events = Events { to, any: false };
    events.raw("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [")?;
    let last = swimlane.calls.iter().flat_map(moments).max().unwrap_or(0);
    let until_last = |from: u64, to: u64| (from != 0 && to == 0).then_some((from, last));
    let cores = place(swimlane, CORES, |call| {
        call.ran().or_else(|| until_last(call.start, call.end))
    });
    let view = place(swimlane, VIEW, |call| {
        call.held()
            .or_else(|| until_last(call.dispatch, call.finish))
    });
    let schedulers = place_phases(&swimlane.schedulers, SCHEDULERS);
    let orchestrators = place_phases(&swimlane.orchestrators, ORCHESTRATORS);

    events.processes(&[
        (ORCHESTRATORS, "AICPU Orchestrator", any(&orchestrators)),
        (SCHEDULERS, "AICPU Scheduler", any(&schedulers)),
        (VIEW, "AICPU View", view.iter().any(Option::is_some)),
        (CORES, "AICore View", true),
    ])?;
    events.threads(swimlane, &cores)?;
    events.threads(swimlane, &view)?;
    events.phase_threads(&schedulers, "Sched")?;
    events.phase_threads(&orchestrators, "Orch")?;

    events.phases(&swimlane.orchestrators, &orchestrators)?;
    events.phases(&swimlane.schedulers, &schedulers)?;
    let predecessors = swimlane.predecessors();
    for (number, call) in swimlane.calls.iter().enumerate() {
        for slot in [cores[number], view[number]].into_iter().flatten() {
            events.call(swimlane, &predecessors, call, slot)?;
        }
    }
    events.busy(&swimlane.calls)?;
    if swimlane.dropped != 0 {
        events.event(format_args!(
            "\"ph\": \"I\", \"s\": \"g\", \"pid\": {CORES}, \"tid\": 0, \"ts\": 0, \"name\": \"{} records were dropped\"",
            swimlane.dropped
        ))?;
    }
    let mut arrows = Arrows { events, next: 1 };
    arrows.dependencies(swimlane, [&cores, &view])?;
    arrows.dispatches(swimlane, &schedulers, [&cores, &view], &orchestrators)?;
    arrows.events.raw("\n]}\n")
}

fn moments(call: &Call) -> [u64; 4] {
    [call.dispatch, call.start, call.end, call.finish]
}

fn any(lanes: &[Vec<Slot>]) -> bool {
    lanes.iter().any(|lane| !lane.is_empty())
}

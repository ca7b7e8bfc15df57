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

use std::collections::HashMap;
use std::io::{self, Write};

use super::swimlane::{Call, Phase, Swimlane};
use super::text::{Micros, Quoted, label};

/// Most arrows of one dependency: between tasks of more calls than that, one call stands for all.
const MOST_ARROWS: usize = 16;
/// Most tasks that are named when a slice is clicked.
const MOST_NAMED: usize = 32;

const CORES: u32 = 1;
const VIEW: u32 = 2;
const SCHEDULERS: u32 = 3;
const ORCHESTRATORS: u32 = 4;

/// A slice as it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    pid: u32,
    tid: u32,
    start: u64,
    end: u64,
}

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

/// Gives every call with a `span` a place on a thread of its core, none over another.
fn place(
    swimlane: &Swimlane,
    pid: u32,
    span: impl Fn(&Call) -> Option<(u64, u64)>,
) -> Vec<Option<Slot>> {
    let calls = &swimlane.calls;
    let mut order: Vec<(u32, u64, u64, usize)> = calls
        .iter()
        .enumerate()
        .filter_map(|(number, call)| {
            let (start, end) = span(call)?;
            Some((call.core, start, end, number))
        })
        .collect();
    order.sort_unstable();
    let mut slots = vec![None; calls.len()];
    let mut lanes = Lanes::default();
    let mut last = None;
    for (core, start, end, number) in order {
        if last.replace(core) != Some(core) {
            lanes = Lanes::default();
        }
        let (lane, start, end) = lanes.place(start, end);
        slots[number] = Some(Slot {
            pid,
            tid: pid * 1_000_000 + 1000 * core + lane,
            start,
            end,
        });
    }
    slots
}

/// Threads of one core, or one control CPU.
#[derive(Default)]
struct Lanes(Vec<(u64, u64)>);

impl Lanes {
    /// The first thread that is free at `start`, and where the slice is drawn there.
    fn place(&mut self, start: u64, end: u64) -> (u32, u64, u64) {
        let free = self.0.iter().position(|&(ends, _)| ends <= start);
        let lane = free.unwrap_or_else(|| {
            self.0.push((0, 0));
            self.0.len() - 1
        });
        let (ends, drawn) = &mut self.0[lane];
        let start = start.max(*drawn);
        *ends = end;
        *drawn = end.max(start + 1);
        (u32::try_from(lane).unwrap_or(u32::MAX), start, *drawn)
    }
}

fn place_phases(lanes: &[Vec<Phase>], pid: u32) -> Vec<Vec<Slot>> {
    let thread = |(number, phases): (usize, &Vec<Phase>)| {
        let mut drawn = 0;
        let slot = |phase: &Phase| {
            let start = phase.start.max(drawn);
            drawn = phase.end.max(start + 1);
            Slot {
                pid,
                tid: pid * 1000 + u32::try_from(number).unwrap_or(0),
                start,
                end: drawn,
            }
        };
        phases.iter().map(slot).collect()
    };
    lanes.iter().enumerate().map(thread).collect()
}

fn core_name(call: &Call) -> String {
    let kind = if call.vector { "AIV" } else { "AIC" };
    format!("{kind}_{}", call.core)
}

/// The list of events, as it grows.
struct Events<'w> {
    to: &'w mut dyn Write,
    any: bool,
}

impl Events<'_> {
    fn raw(&mut self, text: &str) -> io::Result<()> {
        self.to.write_all(text.as_bytes())
    }

    fn event(&mut self, fields: core::fmt::Arguments<'_>) -> io::Result<()> {
        let comma = if core::mem::replace(&mut self.any, true) {
            ","
        } else {
            ""
        };
        write!(self.to, "{comma}\n{{{fields}}}")
    }

    fn processes(&mut self, processes: &[(u32, &str, bool)]) -> io::Result<()> {
        for (rank, &(pid, name, shown)) in processes.iter().enumerate() {
            if shown {
                let rank = rank + 1;
                self.event(format_args!(
                    "\"ph\": \"M\", \"pid\": {pid}, \"name\": \"process_name\", \"args\": {{\"name\": \"{name}\"}}"
                ))?;
                self.event(format_args!(
                    "\"ph\": \"M\", \"pid\": {pid}, \"name\": \"process_sort_index\", \"args\": {{\"sort_index\": {rank}}}"
                ))?;
            }
        }
        Ok(())
    }

    fn thread(&mut self, pid: u32, tid: u32, name: &str) -> io::Result<()> {
        self.event(format_args!(
            "\"ph\": \"M\", \"pid\": {pid}, \"tid\": {tid}, \"name\": \"thread_name\", \"args\": {{\"name\": \"{name}\"}}"
        ))?;
        self.event(format_args!(
            "\"ph\": \"M\", \"pid\": {pid}, \"tid\": {tid}, \"name\": \"thread_sort_index\", \"args\": {{\"sort_index\": {tid}}}"
        ))
    }

    fn threads(&mut self, swimlane: &Swimlane, slots: &[Option<Slot>]) -> io::Result<()> {
        let mut threads: Vec<(u32, u32, String)> = swimlane
            .calls
            .iter()
            .zip(slots)
            .filter_map(|(call, slot)| slot.map(|slot| (slot.pid, slot.tid, core_name(call))))
            .collect();
        threads.sort_unstable();
        threads.dedup();
        for (pid, tid, name) in threads {
            self.thread(pid, tid, &name)?;
        }
        Ok(())
    }

    fn phase_threads(&mut self, lanes: &[Vec<Slot>], name: &str) -> io::Result<()> {
        for (number, lane) in lanes.iter().enumerate() {
            if let Some(slot) = lane.first() {
                self.thread(slot.pid, slot.tid, &format!("{name}_{number}"))?;
            }
        }
        Ok(())
    }

    fn slice(&mut self, slot: Slot, name: &str, args: core::fmt::Arguments<'_>) -> io::Result<()> {
        let Slot {
            pid,
            tid,
            start,
            end,
        } = slot;
        self.event(format_args!(
            "\"ph\": \"X\", \"pid\": {pid}, \"tid\": {tid}, \"ts\": {}, \"dur\": {}, \"name\": {}, \"args\": {{{args}}}",
            Micros(start),
            Micros(end - start),
            Quoted(name)
        ))
    }

    fn phases(&mut self, lanes: &[Vec<Phase>], slots: &[Vec<Slot>]) -> io::Result<()> {
        let pairs = lanes.iter().flatten().zip(slots.iter().flatten());
        for (phase, &slot) in pairs {
            let Phase { name, index, .. } = phase;
            if slot.pid == SCHEDULERS {
                let tasks = phase.subject;
                self.slice(
                    slot,
                    &format!("{name}({tasks})"),
                    format_args!(
                        "\"phase\": {}, \"loop_iter\": {index}, \"tasks_processed\": {tasks}",
                        Quoted(name)
                    ),
                )?;
            } else {
                let task = label(phase.subject);
                self.slice(
                    slot,
                    &format!("{name}({task})"),
                    format_args!(
                        "\"phase\": {}, \"submit_idx\": {index}, \"task_id\": {}",
                        Quoted(name),
                        phase.subject
                    ),
                )?;
            }
        }
        Ok(())
    }

    fn call(
        &mut self,
        swimlane: &Swimlane,
        predecessors: &HashMap<u64, Vec<u64>>,
        call: &Call,
        slot: Slot,
    ) -> io::Result<()> {
        let function = swimlane.function(call.func_id);
        let task = label(call.task);
        let names = |tasks: &mut dyn Iterator<Item = u64>| {
            let mut names: Vec<String> = tasks.take(MOST_NAMED + 1).map(label).collect();
            if names.len() > MOST_NAMED {
                names[MOST_NAMED] = "…".to_owned();
            }
            names.join(" ")
        };
        let before = predecessors.get(&call.task).map_or(&[][..], Vec::as_slice);
        let after = swimlane.successors(call.task);
        let length = |from: u64, to: u64| Micros(to.saturating_sub(from));
        let head = match (call.dispatch, call.start) {
            (0, _) | (_, 0) => Micros(0),
            (dispatch, start) => length(dispatch, start),
        };
        let unfinished = match slot.pid {
            CORES => call.end == 0,
            _ => call.finish == 0,
        };
        let remark = if unfinished { " unfinished" } else { "" };
        self.slice(
            slot,
            &format!("{function}({task}){remark}"),
            format_args!(
                "\"task\": \"{task}\", \"taskId\": {}, \"taskHex\": \"{:#x}\", \"function\": {}, \"func_id\": {}, \
                 \"core\": \"{}\", \"dispatch_us\": {}, \"start_us\": {}, \"end_us\": {}, \"finish_us\": {}, \
                 \"head_us\": {head}, \"exec_us\": {}, \"tail_us\": {}, \"predecessors\": \"{}\", \"successors\": \"{}\"",
                call.task,
                call.task,
                Quoted(&function),
                call.func_id,
                core_name(call),
                Micros(call.dispatch),
                Micros(call.start),
                Micros(call.end),
                Micros(call.finish),
                length(call.start, call.end),
                length(call.end, call.finish),
                names(&mut before.iter().copied()),
                names(&mut after.iter().map(|&(_, to)| to)),
            ),
        )
    }

    /// How many cores of each kind are busy.
    fn busy(&mut self, calls: &[Call]) -> io::Result<()> {
        for (vector, name) in [(false, "busy AIC"), (true, "busy AIV")] {
            let of_kind = calls.iter().filter(|call| call.vector == vector);
            let mut changes: Vec<(u64, i32)> = of_kind
                .filter_map(Call::ran)
                .flat_map(|(start, end)| [(start, 1), (end.max(start + 1), -1)])
                .collect();
            changes.sort_unstable();
            let mut busy = 0;
            let mut changes = changes.into_iter().peekable();
            while let Some((at, change)) = changes.next() {
                busy += change;
                if changes.peek().is_some_and(|&(next, _)| next == at) {
                    continue;
                }
                self.event(format_args!(
                    "\"ph\": \"C\", \"pid\": {CORES}, \"ts\": {}, \"name\": \"{name}\", \"args\": {{\"cores\": {busy}}}",
                    Micros(at)
                ))?;
            }
        }
        Ok(())
    }
}

/// The arrows, each with a number of its own.
struct Arrows<'w> {
    events: Events<'w>,
    next: u64,
}

impl Arrows<'_> {
    /// From `at` inside one slice to the beginning of another.
    fn arrow(&mut self, name: &str, from: Slot, at: u64, to: (Slot, u64)) -> io::Result<()> {
        let id = self.next;
        self.next += 1;
        let at = at.clamp(from.start, from.end - 1);
        let (to, end) = (to.0, to.1.clamp(to.0.start, to.0.end - 1));
        self.events.event(format_args!(
            "\"ph\": \"s\", \"id\": {id}, \"cat\": \"flow\", \"name\": \"{name}\", \"pid\": {}, \"tid\": {}, \"ts\": {}",
            from.pid,
            from.tid,
            Micros(at)
        ))?;
        self.events.event(format_args!(
            "\"ph\": \"f\", \"bp\": \"e\", \"id\": {id}, \"cat\": \"flow\", \"name\": \"{name}\", \"pid\": {}, \"tid\": {}, \"ts\": {}",
            to.pid,
            to.tid,
            Micros(end)
        ))
    }

    /// From every task to those that waited for it, in both views.
    fn dependencies(&mut self, swimlane: &Swimlane, views: [&[Option<Slot>]; 2]) -> io::Result<()> {
        let calls = &swimlane.calls;
        // Calls are sorted by task.
        let of_task = |task: u64| {
            let first = calls.partition_point(|call| call.task < task);
            let last = calls.partition_point(|call| call.task <= task);
            first..last
        };
        for &(from, to) in &swimlane.edges {
            let (mut from, mut to) = (of_task(from), of_task(to));
            if from.len() * to.len() > MOST_ARROWS {
                from.end = from.start + 1;
                to.end = to.start + 1;
            }
            for producer in from {
                for consumer in to.clone() {
                    let violated =
                        calls[consumer].start != 0 && calls[consumer].start < calls[producer].end;
                    let name = if violated {
                        "hb_violation"
                    } else {
                        "dependency"
                    };
                    for view in views {
                        if let (Some(from), Some(to)) = (view[producer], view[consumer]) {
                            self.arrow(name, from, from.end - 1, (to, to.start))?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// From the submission of every task to its dispatch, and from there to its calls.
    fn dispatches(
        &mut self,
        swimlane: &Swimlane,
        schedulers: &[Vec<Slot>],
        views: [&[Option<Slot>]; 2],
        orchestrators: &[Vec<Slot>],
    ) -> io::Result<()> {
        let lanes = swimlane.orchestrators.iter().zip(orchestrators);
        let published: HashMap<u64, Slot> = lanes
            .flat_map(|(phases, slots)| phases.iter().zip(slots))
            .filter(|(phase, _)| phase.name == "fanin")
            .map(|(phase, &slot)| (phase.subject, slot))
            .collect();
        for (number, call) in swimlane.calls.iter().enumerate() {
            let thread = swimlane.core_to_thread.get(call.core as usize).copied();
            let thread = thread.and_then(|thread| usize::try_from(thread).ok());
            let slots = thread.and_then(|thread| schedulers.get(thread));
            let Some(from) = slots.and_then(|slots| open_at(slots, call.dispatch)) else {
                continue;
            };
            if let Some(&submitted) = published.get(&call.task) {
                let to = (from, call.dispatch);
                self.arrow("fanin→dispatch", submitted, submitted.end - 1, to)?;
            }
            for view in views {
                if let Some(to) = view[number] {
                    self.arrow("dispatch", from, call.dispatch, (to, to.start))?;
                }
            }
        }
        Ok(())
    }
}

/// The slice that is open at a moment.
fn open_at(slots: &[Slot], at: u64) -> Option<Slot> {
    let behind = slots.partition_point(|slot| slot.start <= at);
    let slot = *slots.get(behind.checked_sub(1)?)?;
    (at <= slot.end).then_some(slot)
}

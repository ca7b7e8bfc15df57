//! Processes, threads and slices as trace events.
//!
//! Knows the viewer's JSON. Refuses to know where a slice is drawn.

use std::collections::HashMap;
use std::io::{self, Write};

use super::layout::{CORES, SCHEDULERS, Slot};
use crate::diagnostics::swimlane::{Call, Phase, Swimlane};
use crate::diagnostics::text::{Micros, Quoted, label};

/// Most tasks that are named when a slice is clicked.
const MOST_NAMED: usize = 32;

/// The list of events, as it grows.
pub(super) struct Events<'w> {
    pub(super) to: &'w mut dyn Write,
    pub(super) any: bool,
}

impl Events<'_> {
    pub(super) fn raw(&mut self, text: &str) -> io::Result<()> {
        self.to.write_all(text.as_bytes())
    }

    pub(super) fn event(&mut self, fields: core::fmt::Arguments<'_>) -> io::Result<()> {
        let comma = if core::mem::replace(&mut self.any, true) {
            ","
        } else {
            ""
        };
        write!(self.to, "{comma}\n{{{fields}}}")
    }

    pub(super) fn processes(&mut self, processes: &[(u32, &str, bool)]) -> io::Result<()> {
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

    pub(super) fn thread(&mut self, pid: u32, tid: u32, name: &str) -> io::Result<()> {
        self.event(format_args!(
            "\"ph\": \"M\", \"pid\": {pid}, \"tid\": {tid}, \"name\": \"thread_name\", \"args\": {{\"name\": \"{name}\"}}"
        ))?;
        self.event(format_args!(
            "\"ph\": \"M\", \"pid\": {pid}, \"tid\": {tid}, \"name\": \"thread_sort_index\", \"args\": {{\"sort_index\": {tid}}}"
        ))
    }

    pub(super) fn threads(
        &mut self,
        swimlane: &Swimlane,
        slots: &[Option<Slot>],
    ) -> io::Result<()> {
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

    pub(super) fn phase_threads(&mut self, lanes: &[Vec<Slot>], name: &str) -> io::Result<()> {
        for (number, lane) in lanes.iter().enumerate() {
            if let Some(slot) = lane.first() {
                self.thread(slot.pid, slot.tid, &format!("{name}_{number}"))?;
            }
        }
        Ok(())
    }

    pub(super) fn slice(
        &mut self,
        slot: Slot,
        name: &str,
        args: core::fmt::Arguments<'_>,
    ) -> io::Result<()> {
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

    pub(super) fn phases(&mut self, lanes: &[Vec<Phase>], slots: &[Vec<Slot>]) -> io::Result<()> {
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

    pub(super) fn call(
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
    pub(super) fn busy(&mut self, calls: &[Call]) -> io::Result<()> {
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

fn core_name(call: &Call) -> String {
    let kind = if call.vector { "AIV" } else { "AIC" };
    format!("{kind}_{}", call.core)
}

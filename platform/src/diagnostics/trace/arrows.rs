//! Arrows between slices.
//!
//! Knows that an arrow is bound to the slice that is open at its point. Refuses to know who waited for whom, and why.

use std::collections::HashMap;
use std::io;

use super::events::Events;
use super::layout::{Slot, open_at};
use crate::diagnostics::swimlane::Swimlane;
use crate::diagnostics::text::Micros;

/// Most arrows of one dependency: between tasks of more calls than that, one call stands for all.
const MOST_ARROWS: usize = 16;

/// The arrows, each with a number of its own.
pub(super) struct Arrows<'w> {
    pub(super) events: Events<'w>,
    pub(super) next: u64,
}

impl Arrows<'_> {
    /// From `at` inside one slice to the beginning of another.
    pub(super) fn arrow(
        &mut self,
        name: &str,
        from: Slot,
        at: u64,
        to: (Slot, u64),
    ) -> io::Result<()> {
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
    pub(super) fn dependencies(
        &mut self,
        swimlane: &Swimlane,
        views: [&[Option<Slot>]; 2],
    ) -> io::Result<()> {
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
            let pairs =
                from.flat_map(|producer| to.clone().map(move |consumer| (producer, consumer)));
            for (producer, consumer) in pairs {
                let started = calls[consumer].start;
                let violated = started != 0 && started < calls[producer].end;
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
        Ok(())
    }

    /// From the submission of every task to its dispatch, and from there to its calls.
    pub(super) fn dispatches(
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

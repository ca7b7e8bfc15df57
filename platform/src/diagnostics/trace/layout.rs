//! Where each slice is drawn.
//!
//! Knows that slices of a thread never overlap and are at least 1 ns long. Refuses to know what they are called.

use crate::diagnostics::swimlane::{Call, Phase, Swimlane};

pub(super) const CORES: u32 = 1;
pub(super) const VIEW: u32 = 2;
pub(super) const SCHEDULERS: u32 = 3;
pub(super) const ORCHESTRATORS: u32 = 4;

/// A slice as it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) pid: u32,
    pub(super) tid: u32,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Gives every call with a `span` a place on a thread of its core, none over another.
pub(super) fn place(
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

/// Gives every phase a place on the thread of its control CPU.
pub(super) fn place_phases(lanes: &[Vec<Phase>], pid: u32) -> Vec<Vec<Slot>> {
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

/// The slice that is open at a moment.
pub(super) fn open_at(slots: &[Slot], at: u64) -> Option<Slot> {
    let behind = slots.partition_point(|slot| slot.start <= at);
    let slot = *slots.get(behind.checked_sub(1)?)?;
    (at <= slot.end).then_some(slot)
}

//! What to say when room will never come.
//!
//! Knows how full everything is. Refuses to know how that was found out.

use super::Orchestrator;
use crate::error::Fatal;
use crate::ring::{Room, Short};

impl Orchestrator<'_> {
    #[cold]
    pub(super) fn map_full(&self, wanted: u32) -> Fatal {
        Fatal::PoolExhausted {
            what: "tensor map",
            wanted: u64::from(wanted),
            live: u64::from(self.graph.map.linked()),
            capacity: u64::from(self.graph.map.capacity()),
            knob: "the map entries of the context",
        }
    }

    #[cold]
    pub(super) fn ring_full(&mut self, ring: usize, room: Room) -> Fatal {
        let graph = &mut *self.graph;
        let records = &self.around.shared.records;
        let (oldest, diagnosis) =
            graph.rings[ring].diagnose(records, &mut graph.key, &graph.scopes);
        let ring_state = &mut graph.rings[ring];
        #[expect(clippy::cast_possible_truncation, reason = "below 4")]
        let number = ring as u8;
        let percent = |live: u64, capacity: u64| live * 100 / capacity.max(1);
        match ring_state.place(room) {
            Err(Short::Heap) => {
                let (live, capacity) = (ring_state.heap().live(), ring_state.heap().capacity());
                Fatal::HeapExhausted {
                    ring: number,
                    requested: room.heap,
                    live,
                    capacity,
                    percent: percent(live, capacity),
                    oldest,
                    diagnosis,
                    suggested: capacity
                        .saturating_mul(2)
                        .max(room.heap.next_power_of_two()),
                }
            }
            Err(Short::Record) => Fatal::PoolExhausted {
                what: "record memory",
                wanted: room.granules,
                live: ring_state.records().live(),
                capacity: ring_state.records().capacity(),
                knob: "the task window (PTO2_RING_TASK_WINDOW)",
            },
            Ok(_) | Err(Short::Slot) => {
                let (active, window) = (ring_state.active(), ring_state.window());
                Fatal::WindowFull {
                    ring: number,
                    active,
                    window,
                    percent: percent(u64::from(active), u64::from(window)),
                    oldest,
                    diagnosis,
                    suggested: 2 * u64::from(active).next_power_of_two(),
                }
            }
        }
    }
}

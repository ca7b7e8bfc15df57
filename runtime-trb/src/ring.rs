//! One ring: a window of tasks, their records, their outputs.
//!
//! Knows numbers, spans and the order of retirement. Refuses to know dependencies.
//!
//! Tasks are numbered as they come and retire in that order, and the orchestrator alone retires them: it looks at the
//! oldest task, and when everything taken from it was given back and its scope has ended, the slot, the record
//! and the outputs are free. Completers only give back; nobody else moves anything, so there is no race about who
//! advances the ring, and a task that was found in the tensor map cannot retire before the next look.

use protocol::TaskId;

use crate::error::Diagnosis;
use crate::record::{Key, Records, TaskRef};
use crate::scope::ScopeStack;
use crate::span::SpanRing;

/// Record memory grows by this many granules at a time.
const RECORD_STEP: u64 = 1024;
/// Output memory grows by this many bytes at a time.
const HEAP_STEP: u64 = 1 << 16;
/// Slots are made so many at a time, when they are first used.
const SLOT_STEP: usize = 256;
/// Outputs start on a cache line.
pub(crate) const HEAP_ALIGN: u64 = 64;

/// The room a task wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Granules of its record.
    pub(crate) granules: u64,
    /// Bytes of its outputs, a multiple of [`HEAP_ALIGN`].
    pub(crate) heap: u64,
}

/// The room a task got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) id: TaskId,
    pub(crate) record: TaskRef,
    pub(crate) heap_start: u64,
}

/// Which room there is none of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Short {
    Slot,
    Heap,
    Record,
}

/// A ring of tasks.
#[derive(Debug)]
pub(crate) struct Ring {
    number: u8,
    /// Records by slot.
    slots: Vec<TaskRef>,
    window: u32,
    next: u32,
    tail: u32,
    first_granule: u64,
    records: SpanRing,
    heap: SpanRing,
    submitted: u64,
    active_high_water: u32,
}

impl Ring {
    /// Ring `number`, whose records begin at `first_granule`.
    pub(crate) fn new(number: u8, first_granule: u64, granules: u64) -> Self {
        Self {
            number,
            slots: Vec::new(),
            window: 0,
            next: 0,
            tail: 0,
            first_granule,
            records: SpanRing::new(granules, RECORD_STEP),
            heap: SpanRing::new(0, HEAP_STEP),
            submitted: 0,
            active_high_water: 0,
        }
    }

    /// Starts empty, with this window and heap, at task number `first`.
    pub(crate) fn begin(&mut self, window: u32, heap_bytes: u64, first: u32) {
        self.window = window;
        self.next = first;
        self.tail = first;
        self.submitted = 0;
        self.active_high_water = 0;
        self.records.clear();
        if self.heap.capacity() == heap_bytes {
            self.heap.clear();
        } else {
            self.heap = SpanRing::new(heap_bytes, HEAP_STEP);
        }
    }

    /// The number the next task gets.
    pub(crate) const fn next(&self) -> u32 {
        self.next
    }

    /// The number of the oldest task that has not retired.
    pub(crate) const fn tail(&self) -> u32 {
        self.tail
    }

    /// Tasks that have not retired.
    #[inline]
    pub(crate) const fn active(&self) -> u32 {
        self.next.wrapping_sub(self.tail)
    }

    /// Slots; one of them always stays free.
    pub(crate) const fn window(&self) -> u32 {
        self.window
    }

    /// Tasks numbered since the ring began.
    pub(crate) const fn submitted(&self) -> u64 {
        self.submitted
    }

    /// The most tasks that were ever active at once.
    pub(crate) const fn active_high_water(&self) -> u32 {
        self.active_high_water
    }

    /// Output memory.
    pub(crate) const fn heap(&self) -> &SpanRing {
        &self.heap
    }

    /// Record memory.
    pub(crate) const fn records(&self) -> &SpanRing {
        &self.records
    }

    /// Whether the number was given out and its task has not retired.
    #[inline]
    pub(crate) const fn is_live(&self, local: u32) -> bool {
        local.wrapping_sub(self.tail) < self.active()
    }

    /// The record of a live task.
    #[inline]
    pub(crate) fn record(&self, local: u32) -> TaskRef {
        self.slots[(local & (self.window - 1)) as usize]
    }

    /// Takes a slot, a record and output memory: all three or none.
    #[inline(always)]
    pub(crate) fn place(&mut self, room: Room) -> Result<Place, Short> {
        if self.active() + 1 >= self.window {
            return Err(Short::Slot);
        }
        let granule = self.records.allocate(room.granules);
        let Some(granule) = granule else {
            return Err(Short::Record);
        };
        let heap_start = if room.heap == 0 {
            self.heap.position()
        } else if let Some(start) = self.heap.allocate(room.heap) {
            start
        } else {
            self.records.take_back(room.granules);
            return Err(Short::Heap);
        };
        let record = TaskRef::at(self.first_granule + granule);
        let local = self.next;
        let slot = (local & (self.window - 1)) as usize;
        if slot >= self.slots.len() {
            self.slots.resize(slot + SLOT_STEP, TaskRef::NONE);
        }
        self.slots[slot] = record;
        self.next = local.wrapping_add(1);
        self.submitted += 1;
        self.active_high_water = self.active_high_water.max(self.active());
        Ok(Place {
            id: TaskId::new(self.number, local),
            record,
            heap_start,
        })
    }

    /// Retires from the oldest task on; says how many.
    pub(crate) fn retire(&mut self, records: &Records, key: &mut Key, scopes: &ScopeStack) -> u32 {
        let before = self.tail;
        while self.tail != self.next {
            let record = self.record(self.tail);
            let ledger = records.ledger(record, key);
            if scopes.pins(ledger.depth, self.tail) {
                break;
            }
            if records.fan_out(record).given_back.observe() != ledger.taken {
                break;
            }
            let granule = self.records.oldest().expect("a live task has a record");
            self.records
                .free_oldest(granule, u64::from(ledger.granules));
            if ledger.heap_len != 0 {
                self.heap.free_oldest(ledger.heap_start, ledger.heap_len);
            }
            self.tail = self.tail.wrapping_add(1);
        }
        self.tail.wrapping_sub(before)
    }

    /// Why the oldest task has not retired.
    pub(crate) fn diagnose(
        &self,
        records: &Records,
        key: &mut Key,
        scopes: &ScopeStack,
    ) -> (TaskId, Diagnosis) {
        let oldest = TaskId::new(self.number, self.tail);
        if self.tail == self.next {
            return (oldest, Diagnosis::TooLarge);
        }
        let record = self.record(self.tail);
        let ledger = records.ledger(record, key);
        let diagnosis = if !records.is_complete(record) {
            Diagnosis::StillExecuting
        } else if scopes.pins(ledger.depth, self.tail) {
            Diagnosis::ScopeOpen
        } else {
            Diagnosis::ConsumersPending
        };
        (oldest, diagnosis)
    }
}

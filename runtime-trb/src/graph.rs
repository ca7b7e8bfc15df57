//! What only the orchestrator touches: rings, tensor map, scopes.
//!
//! Knows how a task's number, record and outputs are found and when they are free again. Refuses to know how tasks
//! run; it shares nothing with the roles but the records.

use aicore_abi::tensor::Tensor;
use protocol::TaskId;

use crate::limits::{Limits, RINGS};
use crate::map::{Tails, TensorMap};
use crate::record::{Key, Records, TaskRef, granules};
use crate::ring::{Ring, Room};
use crate::scope::ScopeStack;

/// Submissions from one look at the oldest tasks to the next.
const RETIRE_EVERY: u32 = 64;

/// A task that another one waits for.
pub(crate) type Producer = (TaskId, TaskRef);

/// The orchestrator's own state; lives as long as the context.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) rings: [Ring; RINGS],
    pub(crate) map: TensorMap,
    pub(crate) scopes: ScopeStack,
    pub(crate) key: Key,
    tails: Tails,
    /// Producers of the task being submitted, each once.
    pub(crate) producers: Vec<Producer>,
    /// Descriptors of the task being submitted that were not aligned where they came from.
    pub(crate) staged: Vec<Tensor>,
    /// Number of the submission; what is marked with it was seen.
    serial: u32,
    until_retire: u32,
}

impl Graph {
    /// Rings over record memory of `granules` granules each.
    pub(crate) fn new(key: Key, granules: u64) -> Self {
        let ring = |number: u8| Ring::new(number, u64::from(number) * granules, granules);
        Self {
            rings: [ring(0), ring(1), ring(2), ring(3)],
            map: TensorMap::new(),
            scopes: ScopeStack::new(),
            key,
            tails: Tails::default(),
            producers: Vec::new(),
            staged: Vec::new(),
            serial: 0,
            until_retire: RETIRE_EVERY,
        }
    }

    /// Starts empty.
    pub(crate) fn begin(&mut self, limits: &Limits, first: u32) {
        for (ring, tail) in self.rings.iter_mut().zip(&mut self.tails.0) {
            ring.begin(limits.task_window, limits.heap_bytes, first);
            *tail = first;
        }
        self.map.begin(limits.map_entries);
        self.scopes.clear();
        self.until_retire = RETIRE_EVERY;
    }

    /// Retires what can be retired in every ring; says whether anything was.
    pub(crate) fn retire(&mut self, records: &Records) -> bool {
        let mut retired = 0;
        for (ring, tail) in self.rings.iter_mut().zip(&mut self.tails.0) {
            retired += ring.retire(records, &mut self.key, &self.scopes);
            *tail = ring.tail();
        }
        retired != 0
    }

    /// Called once per submission: now and then retires, and lets the map's clock hand go on; says when it did.
    #[inline]
    pub(crate) fn tick(&mut self, records: &Records) -> bool {
        self.until_retire -= 1;
        let due = self.until_retire == 0;
        if due {
            self.until_retire = RETIRE_EVERY;
            self.retire(records);
            self.map.tidy(RETIRE_EVERY as usize, &self.tails);
        }
        due
    }

    /// Starts collecting producers.
    #[inline]
    pub(crate) fn begin_collecting(&mut self) {
        self.serial = self.serial.wrapping_add(1);
        self.producers.clear();
    }

    /// The task with this id, unless it has retired or never was.
    #[inline]
    pub(crate) fn find(&self, id: TaskId) -> Option<TaskRef> {
        if !id.is_valid() {
            return None;
        }
        let ring = self.rings.get(usize::from(id.ring()))?;
        ring.is_live(id.local()).then(|| ring.record(id.local()))
    }

    /// Whether the task was submitted and has retired since.
    pub(crate) fn has_retired(&self, id: TaskId) -> bool {
        id.is_valid()
            && self.rings.get(usize::from(id.ring())).is_some_and(|ring| {
                let behind = ring.tail().wrapping_sub(id.local());
                behind != 0 && u64::from(behind) <= ring.submitted()
            })
    }

    /// Adds a live producer, once.
    #[inline]
    pub(crate) fn collect(&mut self, records: &Records, id: TaskId, record: TaskRef) {
        let ledger = records.ledger(record, &mut self.key);
        if ledger.mark != self.serial {
            ledger.mark = self.serial;
            self.producers.push((id, record));
        }
    }

    /// Adds whoever created the tensor's buffer, if it is live.
    #[inline]
    pub(crate) fn collect_owner(&mut self, records: &Records, tensor: &Tensor) {
        if let Some(record) = self.find(tensor.owner_task_id) {
            self.collect(records, tensor.owner_task_id, record);
        }
    }

    /// Adds all live writers of regions that overlap the tensor.
    #[inline]
    pub(crate) fn collect_writers(&mut self, records: &Records, tensor: &Tensor, supersede: bool) {
        if self.map.is_empty() {
            return;
        }
        let Self {
            map,
            tails,
            key,
            producers,
            serial,
            ..
        } = self;
        map.look_up(tensor, tails, supersede, |id, record| {
            let ledger = records.ledger(record, key);
            if ledger.mark != *serial {
                ledger.mark = *serial;
                producers.push((id, record));
            }
        });
    }

    /// The room that the task being submitted wants.
    #[inline]
    pub(crate) fn room(&self, tensors: usize, scalars: usize, heap: u64) -> Room {
        Room {
            granules: granules(tensors, scalars, self.producers.len()),
            heap,
        }
    }

    /// Forgets collected producers that have retired since.
    pub(crate) fn drop_retired(&mut self) {
        let tails = self.tails;
        self.producers.retain(|&(id, _)| tails.is_live(id));
    }

    /// Whether the map has room for `entries` more, after tidying if need be.
    #[inline]
    pub(crate) fn has_map_room(&mut self, entries: u32) -> bool {
        if self.map.linked() + entries > self.map.capacity() {
            self.map.tidy_all(&self.tails);
        }
        self.map.linked() + entries <= self.map.capacity()
    }

    /// Bytes of records, outputs and map entries that were ever handed out.
    pub(crate) fn touched_bytes(&self) -> usize {
        let rings: u64 = self
            .rings
            .iter()
            .map(|ring| {
                ring.records().touched() * crate::record::GRANULE as u64 + ring.heap().touched()
            })
            .sum();
        usize::try_from(rings).unwrap_or(usize::MAX) + self.map.touched_bytes()
    }
}

//! Who wrote this region last? The tensor map.
//!
//! Knows registered writes by buffer address. Refuses to know slots and scopes: an entry lives as long as the
//! [`Tails`] say that its producer does.
//!
//! The orchestrator's own memory; nothing here crosses a thread. Buckets carry the number of the run, so a new run
//! finds an empty map without clearing it. Entries of retired producers are unlinked by whoever walks past
//! them, and a clock hand visits the buckets nobody walks, a few per submission. Free entries are reused last in,
//! first out, so the memory in use follows the live entries.
//!
//! | line | content | needed |
//! | --- | --- | --- |
//! | bucket | first entry, run | always |
//! | entry, line 1 | address, producer, link, shape | for whole tensors this is all |
//! | entry, line 2 | buffer extents, offsets | for views |

use aicore_abi::tensor::Tensor;
use protocol::TaskId;

use crate::limits::RINGS;
use crate::record::TaskRef;
use crate::region::{Region, Verdict, View, compare};

const BUCKETS: usize = 4096;
const NONE: u32 = u32::MAX;

/// The oldest live task of each ring: everything before has retired.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tails(pub(crate) [u32; RINGS]);

impl Tails {
    /// Whether the task has not retired. Numbers wrap: a task is old if it is behind by less than half.
    #[inline]
    pub(crate) const fn is_live(&self, task: TaskId) -> bool {
        let ring = task.ring() as usize % RINGS;
        task.local().wrapping_sub(self.0[ring]) < u32::MAX / 2
    }
}

#[derive(Clone, Copy)]
struct Bucket {
    first: u32,
    run: u32,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Entry {
    address: u64,
    producer: TaskId,
    record: TaskRef,
    next: u32,
    region: Region,
    line_end: [u64; 1],
    view: View,
}

const _: () = assert!(size_of::<Entry>() == 128);
const _: () = assert!(core::mem::offset_of!(Entry, view) == 64);

/// The registered writes of one run.
pub(crate) struct TensorMap {
    buckets: Vec<Bucket>,
    entries: Vec<Entry>,
    capacity: u32,
    /// First of the free entries that were used before.
    free: u32,
    /// Entries from here on were not used in this run.
    fresh: u32,
    linked: u32,
    run: u32,
    hand: usize,
}

/// Every entry is in use by a live task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MapFull;

impl TensorMap {
    /// An empty map; entries are made when they are first needed.
    pub(crate) fn new() -> Self {
        Self {
            buckets: vec![
                Bucket {
                    first: NONE,
                    run: 0,
                };
                BUCKETS
            ],
            entries: Vec::new(),
            capacity: 0,
            free: NONE,
            fresh: 0,
            linked: 0,
            run: 0,
            hand: 0,
        }
    }

    /// Forgets everything, for a run with up to `capacity` entries.
    pub(crate) fn begin(&mut self, capacity: u32) {
        self.run = self.run.wrapping_add(1);
        if self.run == 0 {
            // After 2^32 runs old marks would look new.
            self.buckets.fill(Bucket {
                first: NONE,
                run: 0,
            });
            self.run = 1;
        }
        self.capacity = capacity;
        self.free = NONE;
        self.fresh = 0;
        self.linked = 0;
    }

    /// Calls `found` for each live producer of a region that `access` overlaps, newest first.
    ///
    /// With `supersede`, a write that the access covers is forgotten: whoever comes later waits for the access.
    #[inline]
    pub(crate) fn look_up(
        &mut self,
        access: &Tensor,
        tails: &Tails,
        supersede: bool,
        mut found: impl FnMut(TaskId, TaskRef),
    ) {
        let bucket = bucket_of(access.buffer.addr);
        let mut previous = NONE;
        let mut at = self.first_of(bucket);
        while at != NONE {
            let entry = &self.entries[at as usize];
            let next = entry.next;
            if !tails.is_live(entry.producer) {
                self.unlink(bucket, previous, at, next);
                at = next;
                continue;
            }
            if entry.address == access.buffer.addr {
                let verdict = compare(access, &entry.region, || &entry.view);
                if verdict != Verdict::Disjoint {
                    found(entry.producer, entry.record);
                }
                if supersede && verdict == Verdict::Covers {
                    self.unlink(bucket, previous, at, next);
                    at = next;
                    continue;
                }
            }
            previous = at;
            at = next;
        }
    }

    /// Registers `producer` as the newest writer of the tensor's region.
    ///
    /// # Errors
    /// When every entry is in use; [`tidy`](Self::tidy) may free some.
    #[inline]
    pub(crate) fn insert(
        &mut self,
        tensor: &Tensor,
        producer: TaskId,
        record: TaskRef,
    ) -> Result<(), MapFull> {
        let bucket = bucket_of(tensor.buffer.addr);
        let next = self.first_of(bucket);
        let at = self.take_entry()?;
        let entry = &mut self.entries[at as usize];
        entry.address = tensor.buffer.addr;
        entry.producer = producer;
        entry.record = record;
        entry.next = next;
        entry.region = Region::of(tensor);
        if !(entry.region.at_start && entry.region.whole) {
            entry.view = View::of(tensor);
        }
        self.buckets[bucket] = Bucket {
            first: at,
            run: self.run,
        };
        Ok(())
    }

    /// Unlinks the entries of retired producers in the next `buckets` buckets.
    pub(crate) fn tidy(&mut self, buckets: usize, tails: &Tails) {
        for _ in 0..buckets.min(BUCKETS) {
            let bucket = self.hand;
            self.hand = (bucket + 1) % BUCKETS;
            let mut previous = NONE;
            let mut at = self.first_of(bucket);
            while at != NONE {
                let entry = &self.entries[at as usize];
                let next = entry.next;
                if tails.is_live(entry.producer) {
                    previous = at;
                } else {
                    self.unlink(bucket, previous, at, next);
                }
                at = next;
            }
        }
    }

    /// Unlinks the entries of all retired producers.
    pub(crate) fn tidy_all(&mut self, tails: &Tails) {
        self.tidy(BUCKETS, tails);
    }

    /// Entries in use, those of retired producers that nobody has walked past included.
    pub(crate) const fn linked(&self) -> u32 {
        self.linked
    }

    /// Entries there may be.
    pub(crate) const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Bytes of memory ever used.
    pub(crate) fn touched_bytes(&self) -> usize {
        self.buckets.len() * size_of::<Bucket>() + self.entries.capacity() * size_of::<Entry>()
    }

    #[inline]
    fn first_of(&self, bucket: usize) -> u32 {
        let bucket = self.buckets[bucket];
        if bucket.run == self.run {
            bucket.first
        } else {
            NONE
        }
    }

    #[inline]
    fn unlink(&mut self, bucket: usize, previous: u32, at: u32, next: u32) {
        if previous == NONE {
            self.buckets[bucket].first = next;
        } else {
            self.entries[previous as usize].next = next;
        }
        self.entries[at as usize].next = self.free;
        self.free = at;
        self.linked -= 1;
    }

    #[inline]
    fn take_entry(&mut self) -> Result<u32, MapFull> {
        let at = if self.free != NONE {
            let at = self.free;
            self.free = self.entries[at as usize].next;
            at
        } else if self.fresh < self.capacity {
            let at = self.fresh;
            self.fresh += 1;
            if at as usize == self.entries.len() {
                self.entries.push(EMPTY);
            }
            at
        } else {
            return Err(MapFull);
        };
        self.linked += 1;
        Ok(at)
    }
}

const EMPTY: Entry = Entry {
    address: 0,
    producer: TaskId::INVALID,
    record: TaskRef::NONE,
    next: NONE,
    region: Region {
        version: 0,
        rank: 0,
        at_start: true,
        whole: true,
        element_size: 1,
        shape: [0; 5],
    },
    line_end: [0],
    view: View {
        raw: [0; 5],
        offsets: [0; 5],
    },
};

/// Multiplicative hash: aligned addresses differ in bits that a mask would drop.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "12 bits are left")]
const fn bucket_of(address: u64) -> usize {
    (address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BUCKETS.trailing_zeros())) as usize
}

impl core::fmt::Debug for TensorMap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TensorMap")
            .field("linked", &self.linked)
            .field("capacity", &self.capacity)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

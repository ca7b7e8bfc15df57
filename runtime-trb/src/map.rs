//! Who wrote this region last? The tensor map.
//!
//! Knows registered writes by buffer address and place in the buffer. Refuses to know slots and scopes: an entry
//! lives as long as the [`Tails`] say that its producer does.
//!
//! Programs cut a few large buffers into many disjoint views, so an address alone finds too much. An entry lies in a
//! *cell*: its *level* is the power of two that its bytes fit in, its cell the number of that power's multiples before
//! it. A region of level L begins in its cell and ends there or in the next, so an access looks, for each level that
//! has entries, at the cells it touches and at the one before: two for views of its own size, however many there are.
//! An access that touches more cells of a level than the level has entries walks the level's list instead.
//!
//! The orchestrator's own memory; nothing here crosses a thread. Buckets carry the number of the run, so a new run
//! finds an empty map without clearing it. Entries of retired producers are unlinked by whoever walks past
//! them, and a clock hand visits the buckets nobody walks, a few per submission. Free entries are reused last in,
//! first out, so the memory in use follows the live entries.
//!
//! | line | content | needed |
//! | --- | --- | --- |
//! | bucket | first entry, run | always |
//! | entry, line 1 | address, producer, links, shape | for whole tensors this is all |
//! | entry, line 2 | buffer extents, offsets | for views |

use aicore_abi::tensor::Tensor;
use protocol::TaskId;

use crate::limits::RINGS;
use crate::record::TaskRef;
use crate::region::{Region, Verdict, View, byte_range, compare};

const BUCKETS: usize = 4096;
const NONE: u32 = u32::MAX;
/// Sizes of regions: the power of two they fit in; what fits in none that a word can hold is of the last.
const LEVELS: usize = 64;
const LAST_LEVEL: u32 = 63;

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
    level: u16,
    bucket: u16,
    /// Neighbours in the level's list.
    newer: u32,
    older: u32,
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
    /// The newest entry of each level, and how many there are.
    levels: [Level; LEVELS],
    /// A bit for each level that has entries.
    in_use: u64,
    /// Some entry of this run has a version: then order in time counts, wherever regions lie.
    versioned: bool,
}

/// The entries of one size.
#[derive(Clone, Copy)]
struct Level {
    newest: u32,
    count: u32,
}

const NO_LEVEL: Level = Level {
    newest: NONE,
    count: 0,
};

/// Where a region lies.
#[derive(Clone, Copy)]
struct Place {
    level: u32,
    cell: u64,
}

impl Place {
    #[inline]
    const fn of((begin, end): (u64, u64)) -> Self {
        let level = u64::BITS - (end - begin - 1).leading_zeros();
        let level = if level < LAST_LEVEL {
            level
        } else {
            LAST_LEVEL
        };
        Self {
            level,
            cell: begin >> level,
        }
    }
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
            levels: [NO_LEVEL; LEVELS],
            in_use: 0,
            versioned: false,
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
        self.levels = [NO_LEVEL; LEVELS];
        self.in_use = 0;
        self.versioned = false;
    }

    /// Calls `found` for each live producer of a region that `access` overlaps.
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
        let (begin, end) = byte_range(access);
        let in_order = self.versioned || access.version != 0;
        let mut levels = self.in_use;
        while levels != 0 {
            let level = levels.trailing_zeros();
            levels &= levels - 1;
            // Larger regions are of the last level only; those begin in its cell 0, where every access looks.
            let reach = (1 << level) - 1;
            let first = begin.saturating_sub(reach) >> level;
            let last = (end - 1) >> level;
            let count = self.levels[level as usize].count;
            if in_order || last - first > u64::from(count) {
                self.look_through(level, access, tails, supersede, &mut found);
                continue;
            }
            for cell in first..last + 1 {
                let bucket = bucket_of(access.buffer.addr, Place { level, cell });
                if self.first_of(bucket) != NONE {
                    self.look_into(bucket, level, access, tails, supersede, &mut found);
                }
            }
        }
    }

    /// Looks at the entries of one level that lie in one bucket.
    // Most buckets an access looks for are empty: they are to be passed without the registers this takes.
    #[inline(never)]
    fn look_into(
        &mut self,
        bucket: usize,
        level: u32,
        access: &Tensor,
        tails: &Tails,
        supersede: bool,
        found: &mut impl FnMut(TaskId, TaskRef),
    ) {
        let mut previous = NONE;
        let mut at = self.first_of(bucket);
        while at != NONE {
            let entry = &self.entries[at as usize];
            let next = entry.next;
            let gone = !tails.is_live(entry.producer)
                || u32::from(entry.level) == level
                    && entry.address == access.buffer.addr
                    && meets(entry, access, found) == Verdict::Covers
                    && supersede;
            if gone {
                self.unlink(bucket, previous, at, next);
            } else {
                previous = at;
            }
            at = next;
        }
    }

    /// Looks at all entries of one level, the newest first.
    fn look_through(
        &mut self,
        level: u32,
        access: &Tensor,
        tails: &Tails,
        supersede: bool,
        found: &mut impl FnMut(TaskId, TaskRef),
    ) {
        let mut at = self.levels[level as usize].newest;
        while at != NONE {
            let entry = &self.entries[at as usize];
            let older = entry.older;
            if entry.address == access.buffer.addr
                && tails.is_live(entry.producer)
                && meets(entry, access, found) == Verdict::Covers
                && supersede
            {
                self.forget(at);
            }
            at = older;
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
        let place = Place::of(byte_range(tensor));
        let bucket = bucket_of(tensor.buffer.addr, place);
        let next = self.first_of(bucket);
        let at = self.take_entry()?;
        let level = &mut self.levels[place.level as usize];
        let older = level.newest;
        level.newest = at;
        level.count += 1;
        self.in_use |= 1 << place.level;
        self.versioned |= tensor.version != 0;
        if older != NONE {
            self.entries[older as usize].newer = at;
        }
        let entry = &mut self.entries[at as usize];
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most 64, and below 4096"
        )]
        let (level, short) = (place.level as u16, bucket as u16);
        entry.level = level;
        entry.bucket = short;
        entry.newer = NONE;
        entry.older = older;
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

    /// Whether nobody wrote anything yet, or everybody who did has been forgotten.
    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.in_use == 0
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

    /// Unlinks an entry that was not found through its bucket.
    fn forget(&mut self, forgotten: u32) {
        let bucket = usize::from(self.entries[forgotten as usize].bucket);
        let mut previous = NONE;
        let mut at = self.first_of(bucket);
        while at != forgotten {
            previous = at;
            at = self.entries[at as usize].next;
        }
        let next = self.entries[at as usize].next;
        self.unlink(bucket, previous, at, next);
    }

    #[inline(always)]
    fn unlink(&mut self, bucket: usize, previous: u32, at: u32, next: u32) {
        self.leave_level(at);
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
    fn leave_level(&mut self, at: u32) {
        let Entry {
            level,
            newer,
            older,
            ..
        } = self.entries[at as usize];
        if older != NONE {
            self.entries[older as usize].newer = newer;
        }
        if newer != NONE {
            self.entries[newer as usize].older = older;
        }
        let of = &mut self.levels[level as usize];
        if newer == NONE {
            of.newest = older;
        }
        of.count -= 1;
        if of.count == 0 {
            self.in_use &= !(1 << level);
        }
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
    level: 0,
    bucket: 0,
    newer: NONE,
    older: NONE,
    view: View {
        raw: [0; 5],
        offsets: [0; 5],
    },
};

/// What an access has to do with an entry of its buffer; a producer it waits for is passed on.
#[inline]
fn meets(entry: &Entry, access: &Tensor, found: &mut impl FnMut(TaskId, TaskRef)) -> Verdict {
    let verdict = compare(access, &entry.region, || &entry.view);
    if verdict != Verdict::Disjoint {
        found(entry.producer, entry.record);
    }
    verdict
}

/// Multiplicative hash: aligned addresses differ in bits that a mask would drop.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "12 bits are left")]
const fn bucket_of(address: u64, place: Place) -> usize {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let key =
        address ^ (place.cell.wrapping_mul(SPREAD).rotate_left(24)) ^ ((place.level as u64) << 56);
    (key.wrapping_mul(SPREAD) >> (64 - BUCKETS.trailing_zeros())) as usize
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aicore_abi::tensor::Tensor;
    use proptest::prelude::*;
    use protocol::{DataType, TaskId};

    use super::{Tails, TensorMap};
    use crate::record::TaskRef;
    use crate::region::{Region, Verdict, View, compare};

    /// One access: which buffer, which part of it, whether it writes, and a version.
    #[derive(Clone, Copy, Debug)]
    struct Access {
        tensor: Tensor,
        writes: bool,
    }

    fn access() -> impl Strategy<Value = Access> {
        let whole = (0_u64..3, any::<bool>(), 0_usize..12, any::<bool>());
        let view = ([0_u32..8, 0..64], [1_u32..5, 1..33]);
        (whole, view, prop::num::u8::ANY).prop_map(
            |((base, writes, version, is_view), view, odd)| {
                let (offset, extent) = view;
                // Versions are rare, as in programs.
                let version = i32::from(version == 0 && odd < 8);
                let buffer = Tensor::external(
                    0x1000 + base * 0x100_0000,
                    &[12, 96],
                    DataType::Float32,
                    false,
                    version,
                );
                let buffer = buffer.expect("a good shape");
                let tensor = if is_view {
                    buffer.view(&extent, &offset, false).expect("inside")
                } else {
                    buffer
                };
                Access { tensor, writes }
            },
        )
    }

    /// The same by comparing with everything.
    #[derive(Default)]
    struct Naive(Vec<(Tensor, u32)>);

    impl Naive {
        fn look_up(&mut self, access: &Tensor, oldest: u32, supersede: bool) -> BTreeSet<u32> {
            let mut found = BTreeSet::new();
            self.0.retain(|(written, task)| {
                if *task < oldest || written.buffer.addr != access.buffer.addr {
                    return *task >= oldest;
                }
                let view = View::of(written);
                let verdict = compare(access, &Region::of(written), || &view);
                if verdict != Verdict::Disjoint {
                    found.insert(*task);
                }
                !(supersede && verdict == Verdict::Covers)
            });
            found
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn finds_what_comparing_with_everything_finds(
            accesses in prop::collection::vec(access(), 1..120),
            lag in 1_u32..60,
        ) {
            let mut map = TensorMap::new();
            map.begin(1 << 10);
            let mut naive = Naive::default();
            for (number, access) in (0_u32..).zip(&accesses) {
                let oldest = number.saturating_sub(lag);
                let tails = Tails([oldest; 4]);
                let mut found = BTreeSet::new();
                map.look_up(&access.tensor, &tails, access.writes, |task, _| {
                    found.insert(task.local());
                });
                prop_assert_eq!(found, naive.look_up(&access.tensor, oldest, access.writes));
                if access.writes {
                    let task = TaskId::new(0, number);
                    map.insert(&access.tensor, task, TaskRef::NONE).expect("there is room");
                    naive.0.push((access.tensor, number));
                }
            }
        }
    }

    #[test]
    fn regions_of_more_bytes_than_the_last_power_of_two_are_found() {
        let buffer = Tensor::external(0x1000, &[1 << 31, 1 << 31, 3], DataType::Uint8, false, 0);
        let buffer = buffer.expect("its bytes can be counted");
        let end = [(1 << 31) - 1, (1 << 31) - 1, 2];
        let last = buffer.view(&[1, 1, 1], &end, false).expect("inside");
        let rest = buffer.view(&[(1 << 31) - 1, 1 << 31, 3], &[1, 0, 0], false);
        let rest = rest.expect("inside");
        for (written, access) in [(&buffer, &last), (&last, &buffer), (&rest, &last)] {
            let mut map = TensorMap::new();
            map.begin(8);
            map.insert(written, TaskId::new(0, 0), TaskRef::NONE)
                .expect("there is room");
            let mut found = 0;
            map.look_up(access, &Tails::default(), true, |_, _| found += 1);
            assert_eq!(found, 1);
        }
    }

    #[test]
    fn views_of_one_buffer_do_not_meet_in_a_bucket() {
        const VIEWS: u32 = 4096;
        let buffer = Tensor::external(0x1000, &[VIEWS, 16], DataType::Float32, false, 0);
        let buffer = buffer.expect("a good shape");
        let row = |at| buffer.view(&[1, 16], &[at, 0], false).expect("inside");
        let mut map = TensorMap::new();
        map.begin(2 * VIEWS);
        for at in 0..VIEWS {
            map.insert(&row(at), TaskId::new(0, at), TaskRef::NONE)
                .expect("there is room");
        }
        let longest = (0..super::BUCKETS)
            .map(|bucket| {
                let mut at = map.first_of(bucket);
                let mut length = 0;
                while at != super::NONE {
                    at = map.entries[at as usize].next;
                    length += 1;
                }
                length
            })
            .max();
        assert!(
            longest < Some(16),
            "{longest:?} of {VIEWS} views lie in one bucket"
        );
        // And an access to all of them finds all, by the level's list.
        let mut found = 0;
        map.look_up(&buffer, &Tails::default(), true, |_, _| found += 1);
        assert_eq!((found, map.linked()), (VIEWS, 0));
    }
}

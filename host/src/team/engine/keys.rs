//! Who wrote which bytes last.
//!
//! Knows byte ranges of spaces and the task that wrote each last. Refuses to know tags: who looks up
//! and who publishes is settled by the caller.
//!
//! Ranges overlap freely: a later writer takes the bytes it covers and leaves the rest to the earlier
//! one. Disjoint ranges never meet, so there is no false edge between parts of one buffer. An entry
//! of a task that has been consumed means nothing any more; it is dropped when it is met.

use std::collections::{BTreeMap, HashMap};

use crate::team::task_id::TaskId;

/// Memory in which addresses mean one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Space {
    /// A segment of host memory, by its id.
    Segment(u64),
    /// The device memory of one child; two children may use the same number for different bytes.
    Device(u32),
}

/// A stretch of bytes in a space; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) space: Space,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    end: u64,
    writer: TaskId,
}

/// The writers of one run.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    spaces: HashMap<Space, BTreeMap<u64, Entry>>,
    entries: usize,
}

impl Keys {
    /// Calls `found` with the last writers of any byte of `span`; a writer may come more than once.
    pub(crate) fn writers(&self, span: Span, mut found: impl FnMut(TaskId)) {
        let Some(map) = self.spaces.get(&span.space) else {
            return;
        };
        // Entries do not overlap each other, so only the last one before the start can reach in.
        if let Some((_, entry)) = map.range(..=span.start).next_back()
            && entry.end > span.start
        {
            found(entry.writer);
        }
        let inside = (
            core::ops::Bound::Excluded(span.start),
            core::ops::Bound::Excluded(span.end),
        );
        for (_, entry) in map.range(inside) {
            found(entry.writer);
        }
    }

    /// Makes `writer` the last writer of every byte of `span`.
    pub(crate) fn publish(&mut self, span: Span, writer: TaskId) {
        let map = self.spaces.entry(span.space).or_default();
        let new = Entry {
            end: span.end,
            writer,
        };
        // The usual case: the same bytes as before, or bytes nobody wrote.
        if let Some(entry) = map.get_mut(&span.start)
            && entry.end == span.end
        {
            *entry = new;
            return;
        }
        let before = map
            .range(..span.start)
            .next_back()
            .map(|(&start, &entry)| (start, entry));
        if let Some((start, entry)) = before
            && entry.end > span.start
        {
            let shortened = Entry {
                end: span.start,
                ..entry
            };
            map.insert(start, shortened);
            if entry.end > span.end {
                map.insert(span.end, entry);
                self.entries += 1;
            }
        }
        while let Some((&start, &entry)) = map.range(span.start..span.end).next() {
            map.remove(&start);
            self.entries -= 1;
            if entry.end > span.end {
                map.insert(span.end, entry);
                self.entries += 1;
            }
        }
        map.insert(span.start, new);
        self.entries += 1;
    }

    /// How many ranges there are.
    pub(crate) const fn len(&self) -> usize {
        self.entries
    }

    /// Drops the ranges whose writers are no more.
    pub(crate) fn prune(&mut self, mut lives: impl FnMut(TaskId) -> bool) {
        self.spaces.retain(|_, map| {
            map.retain(|_, entry| lives(entry.writer));
            !map.is_empty()
        });
        self.entries = self.spaces.values().map(BTreeMap::len).sum();
    }

    pub(crate) fn clear(&mut self) {
        self.spaces.clear();
        self.entries = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    use super::{Keys, Space, Span, TaskId};

    fn task(serial: u64) -> TaskId {
        TaskId { index: 0, serial }
    }

    fn span(space: Space, start: u64, len: u64) -> Span {
        Span {
            space,
            start,
            end: start + len,
        }
    }

    fn bytes_of(start: u64, len: u64) -> core::ops::Range<usize> {
        let index = |at| usize::try_from(at).expect("few bytes");
        index(start)..index(start + len)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        /// Any history of writes gives what an array with one writer per byte would.
        #[test]
        fn behaves_like_one_writer_per_byte(
            writes in proptest::collection::vec((0_u32..2, 0_u64..60, 1_u64..20), 0..60),
            look in (0_u32..2, 0_u64..60, 1_u64..20),
        ) {
            let mut keys = Keys::default();
            let mut bytes = [[0_u64; 80]; 2];
            for (serial, (space, start, len)) in (1..).zip(writes) {
                keys.publish(span(Space::Device(space), start, len), task(serial));
                bytes[space as usize][bytes_of(start, len)].fill(serial);
            }
            let (space, start, len) = look;
            let expected: BTreeSet<u64> = bytes[space as usize][bytes_of(start, len)]
                .iter().copied().filter(|&serial| serial != 0).collect();
            let mut found = BTreeSet::new();
            keys.writers(span(Space::Device(space), start, len), |writer| { found.insert(writer.serial); });
            prop_assert_eq!(found, expected);
            let count = keys.spaces.values().map(std::collections::BTreeMap::len).sum::<usize>();
            prop_assert_eq!(keys.len(), count);
        }
    }

    #[test]
    fn spaces_do_not_meet() {
        let mut keys = Keys::default();
        keys.publish(span(Space::Segment(1), 0, 10), task(1));
        keys.publish(span(Space::Device(1), 0, 10), task(2));
        let mut found = Vec::new();
        keys.writers(span(Space::Segment(1), 0, 10), |it| found.push(it.serial));
        assert_eq!(found, [1]);
        keys.prune(|writer| writer.serial == 2);
        assert_eq!(keys.len(), 1);
    }
}

//! Memory of intermediates: four rings, one for each depth of scopes.
//!
//! Knows offsets. Refuses to know the memory behind them and who waits for room.
//!
//! A ring gives out stretches one behind the other and starts over at its end; room comes back in the
//! order in which it was given out. The oldest stretch that is in use holds up its own ring and no
//! other. An empty ring starts at 0 again, so it always has room for its whole size.

use std::collections::VecDeque;

/// Rings.
pub(crate) const RINGS: usize = 4;
/// Alignment of every stretch.
pub(crate) const ALIGN: u64 = 1024;

/// A stretch that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) ring: usize,
    number: u64,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

#[derive(Debug)]
struct Stretch {
    offset: u64,
    bytes: u64,
    released: bool,
    /// Whoever asks what holds up the ring wants a name.
    owner: u64,
}

/// One ring.
#[derive(Debug)]
pub(crate) struct Ring {
    size: u64,
    top: u64,
    first: u64,
    stretches: VecDeque<Stretch>,
}

/// Where a full ring stands, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingReport {
    /// The ring's number.
    pub ring: usize,
    /// Its size in bytes.
    pub size: u64,
    /// Bytes in use, and those that wait behind them.
    pub used: u64,
    /// The largest stretch that could be given out now.
    pub largest_free: u64,
    /// Serial of the task whose memory is the oldest in use.
    pub oldest: Option<u64>,
}

/// The ring for intermediates of scopes at `depth`, 0 being the outermost.
pub(crate) fn ring_of(depth: usize) -> usize {
    depth.min(RINGS - 1)
}

/// `bytes` as the rings count them; `None` beyond 64 bits.
pub(crate) const fn rounded(bytes: u64) -> Option<u64> {
    bytes.checked_next_multiple_of(ALIGN)
}

impl Ring {
    pub(crate) fn new(size: u64) -> Self {
        Self {
            size,
            top: 0,
            first: 0,
            stretches: VecDeque::new(),
        }
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Where `bytes` would go now.
    fn place(&self, bytes: u64) -> Option<u64> {
        let Some(oldest) = self.stretches.front() else {
            return (bytes <= self.size).then_some(0);
        };
        let tail = oldest.offset;
        if self.top > tail {
            if bytes <= self.size - self.top {
                return Some(self.top);
            }
            // Wrapped to the start: top and tail must not meet, or full and empty look the same.
            (bytes < tail).then_some(0)
        } else {
            (bytes < tail - self.top).then_some(self.top)
        }
    }

    /// Gives out `bytes`, which are a multiple of [`ALIGN`], if there is room now.
    pub(crate) fn allocate(&mut self, ring: usize, bytes: u64, owner: u64) -> Option<Block> {
        let offset = self.place(bytes)?;
        let number = self.first + self.stretches.len() as u64;
        self.stretches.push_back(Stretch {
            offset,
            bytes,
            released: false,
            owner,
        });
        self.top = offset + bytes;
        Some(Block {
            ring,
            number,
            offset,
            bytes,
        })
    }

    /// Takes a stretch back.
    pub(crate) fn release(&mut self, block: Block) {
        let index = usize::try_from(block.number - self.first).expect("it was given out");
        self.stretches[index].released = true;
        while self.stretches.front().is_some_and(|it| it.released) {
            self.stretches.pop_front();
            self.first += 1;
        }
        if self.stretches.is_empty() {
            self.top = 0;
        }
    }

    /// Where the ring stands.
    pub(crate) fn report(&self, ring: usize) -> RingReport {
        let largest_free = match self.stretches.front() {
            None => self.size,
            Some(oldest) if self.top > oldest.offset => {
                (self.size - self.top).max(oldest.offset.saturating_sub(ALIGN))
            }
            Some(oldest) => (oldest.offset - self.top).saturating_sub(ALIGN),
        };
        RingReport {
            ring,
            size: self.size,
            used: self.stretches.iter().map(|it| it.bytes).sum(),
            largest_free,
            oldest: self.stretches.front().map(|it| it.owner),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop_assert, proptest};

    use super::{ALIGN, Block, Ring, ring_of, rounded};

    #[test]
    fn depth_chooses_the_ring() {
        assert_eq!([0, 1, 2, 3, 4, 60].map(ring_of), [0, 1, 2, 3, 3, 3]);
    }

    #[test]
    fn room_comes_back_in_order() {
        let mut ring = Ring::new(4 * ALIGN);
        let blocks: Vec<Block> = (0..4)
            .map(|owner| ring.allocate(0, ALIGN, owner).expect("there is room"))
            .collect();
        assert_eq!(ring.allocate(0, ALIGN, 9), None);
        ring.release(blocks[1]);
        assert_eq!(ring.allocate(0, ALIGN, 9), None);
        let report = ring.report(2);
        assert_eq!(
            (report.used, report.largest_free, report.oldest),
            (4 * ALIGN, 0, Some(0))
        );
        ring.release(blocks[0]);
        // One unit stays free between top and tail.
        assert_eq!(ring.allocate(0, ALIGN, 9).map(|it| it.offset), Some(0));
        assert_eq!(ring.allocate(0, ALIGN, 9), None);
    }

    #[test]
    fn an_empty_ring_has_all_its_room() {
        let mut ring = Ring::new(4 * ALIGN);
        let block = ring.allocate(0, 3 * ALIGN, 0).expect("there is room");
        ring.release(block);
        assert_eq!(ring.allocate(0, 4 * ALIGN, 0).map(|it| it.offset), Some(0));
        assert_eq!(ring.allocate(0, ALIGN, 0), None);
    }

    #[test]
    fn sizes_are_rounded_or_refused() {
        assert_eq!(
            [rounded(0), rounded(1), rounded(1024)],
            [Some(0), Some(1024), Some(1024)]
        );
        assert_eq!(rounded(u64::MAX), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        /// Whatever is given out and taken back, no two live stretches overlap or leave the ring.
        #[test]
        fn stretches_never_overlap(steps in proptest::collection::vec((proptest::bool::ANY, 1_u64..6, 0_usize..8), 0..100)) {
            let mut ring = Ring::new(8 * ALIGN);
            let mut live: Vec<Block> = Vec::new();
            for (gives, units, which) in steps {
                if gives {
                    let report = ring.report(0);
                    if let Some(block) = ring.allocate(0, units * ALIGN, 0) {
                        prop_assert!(block.offset + block.bytes <= ring.size());
                        for other in &live {
                            prop_assert!(block.offset + block.bytes <= other.offset || other.offset + other.bytes <= block.offset);
                        }
                        prop_assert!(report.largest_free >= units * ALIGN);
                        live.push(block);
                    } else {
                        prop_assert!(report.largest_free < units * ALIGN);
                    }
                } else if !live.is_empty() {
                    ring.release(live.remove(which % live.len()));
                }
                if live.is_empty() { prop_assert!(ring.place(8 * ALIGN) == Some(0)); }
            }
        }
    }
}

//! A ring that hands out spans and takes them back in the same order.
//!
//! Knows positions and lengths. Refuses to know what lies there: task records and output buffers both
//! come from rings of this kind.
//!
//! A span never wraps, and spans are freed in the order they were allocated. What is live is a short list of
//! *segments*; allocation extends the last one, freeing shortens the first one:
//!
//! ```text
//!   0        second segment          first segment       soft          capacity
//!   ├────────▓▓▓▓▓▓▓▓▓▓▓▓▓──────────▓▓▓▓▓▓▓▓▓▓▓▓▓──────────┼──────────────┤
//!            oldest after the first ▲ freed from here      ╰ touched so far
//! ```
//!
//! When the last segment meets an obstacle, the next one starts in the lowest gap that is worth it, and only
//! when there is none does the ring grow beyond what it has touched: the footprint follows what is live, not
//! the capacity. In need any gap will do, so a request fails only when no gap is large enough. When nothing
//! is live, everything starts again at 0.

use std::collections::VecDeque;

/// Gaps smaller than this fraction of what was touched are left alone until there is no other room.
const WORTHWHILE: u64 = 4;

/// Live spans side by side.
#[derive(Clone, Copy, Debug)]
struct Segment {
    start: u64,
    end: u64,
}

/// Hands out spans of a range `0..capacity`, oldest freed first.
#[derive(Debug)]
pub(crate) struct SpanRing {
    /// Oldest first; none is empty.
    segments: VecDeque<Segment>,
    /// How far the last segment may grow before somebody has to think.
    limit: u64,
    /// Everything from here on was never handed out.
    soft: u64,
    capacity: u64,
    step: u64,
    live: u64,
    high_water: u64,
}

impl SpanRing {
    /// An empty ring that grows by at least `step` at a time.
    pub(crate) fn new(capacity: u64, step: u64) -> Self {
        Self {
            segments: VecDeque::with_capacity(16),
            limit: 0,
            soft: 0,
            capacity,
            step,
            live: 0,
            high_water: 0,
        }
    }

    /// Forgets all spans; what was touched stays preferred.
    pub(crate) fn clear(&mut self) {
        self.segments.clear();
        self.live = 0;
        self.high_water = 0;
    }

    /// The length of the whole range.
    pub(crate) const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// The sum of the live spans' lengths.
    pub(crate) const fn live(&self) -> u64 {
        self.live
    }

    /// The largest sum of live spans since the ring was cleared.
    pub(crate) const fn high_water(&self) -> u64 {
        self.high_water
    }

    /// The end of what was ever handed out.
    pub(crate) const fn touched(&self) -> u64 {
        self.soft
    }

    /// Where an empty span would lie.
    pub(crate) fn position(&self) -> u64 {
        self.segments.back().map_or(0, |last| last.end)
    }

    /// Takes `len` places side by side, unless no gap is that long.
    #[inline]
    pub(crate) fn allocate(&mut self, len: u64) -> Option<u64> {
        debug_assert!(len > 0, "an empty span has no place in the order");
        let start = match self.segments.back_mut() {
            Some(last) if len <= self.limit - last.end => {
                let start = last.end;
                last.end += len;
                start
            }
            _ => self.find_room(len)?,
        };
        self.live += len;
        self.high_water = self.high_water.max(self.live);
        Some(start)
    }

    /// Gives the oldest live span back.
    #[inline]
    pub(crate) fn free_oldest(&mut self, start: u64, len: u64) {
        let first = self
            .segments
            .front_mut()
            .expect("a span that is freed is live");
        debug_assert!(first.start == start, "spans are freed in their order");
        first.start += len;
        self.live -= len;
        if first.start == first.end {
            self.segments.pop_front();
        }
    }

    /// Where the oldest live span starts.
    #[inline]
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.segments.front().map(|first| first.start)
    }

    /// Takes the span that was allocated last back, as if it had never been.
    #[cold]
    pub(crate) fn take_back(&mut self, len: u64) {
        let last = self
            .segments
            .back_mut()
            .expect("a span that is taken back is live");
        last.end -= len;
        self.live -= len;
        if last.start == last.end {
            self.segments.pop_back();
            // The segment before may not end where the limit was found.
            self.limit = self.segments.back().map_or(0, |last| last.end);
        }
    }

    #[cold]
    fn find_room(&mut self, len: u64) -> Option<u64> {
        if len > self.capacity {
            return None;
        }
        let place = self
            .extend_within(len, self.soft)
            .or_else(|| self.lowest_gap(len.max(self.soft / WORTHWHILE), self.soft))
            .or_else(|| self.grow(len))
            .or_else(|| self.extend_within(len, self.capacity))
            .or_else(|| self.lowest_gap(len, self.capacity))?;
        let (start, limit) = place;
        self.limit = limit;
        self.soft = self.soft.max(start + len);
        match self.segments.back_mut() {
            Some(last) if last.end == start => last.end += len,
            _ => self.segments.push_back(Segment {
                start,
                end: start + len,
            }),
        }
        Some(start)
    }

    /// Room right behind the last segment, below `bound`.
    fn extend_within(&self, len: u64, bound: u64) -> Option<(u64, u64)> {
        let start = self.segments.back()?.end;
        self.room_at(start, len, bound)
    }

    /// The lowest gap of at least `len` below `bound`.
    fn lowest_gap(&self, len: u64, bound: u64) -> Option<(u64, u64)> {
        let ends = self.segments.iter().map(|segment| segment.end);
        core::iter::once(0)
            .chain(ends)
            .filter_map(|start| self.room_at(start, len, bound))
            .min()
    }

    /// Room beyond everything live, where nothing may have been touched yet.
    fn grow(&mut self, len: u64) -> Option<(u64, u64)> {
        let top = self.segments.iter().map(|segment| segment.end).max();
        let start = top.unwrap_or(0);
        let (_, room_end) = self.room_at(start, len, self.capacity)?;
        let generous = self.soft + self.step.max(self.soft / 2);
        self.soft = generous.max(start + len).min(room_end);
        Some((start, self.soft))
    }

    /// The free range from `start` to the next obstacle or `bound`, if it is long enough.
    fn room_at(&self, start: u64, len: u64, bound: u64) -> Option<(u64, u64)> {
        let obstacle = self
            .segments
            .iter()
            .map(|segment| segment.start)
            .filter(|&obstacle| obstacle >= start)
            .min();
        let end = obstacle.unwrap_or(bound).min(bound);
        let inside = self
            .segments
            .iter()
            .any(|segment| segment.start < start && start < segment.end);
        (!inside && len <= end.saturating_sub(start)).then_some((start, end))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::SpanRing;

    #[test]
    fn a_span_never_straddles_the_end() {
        let mut ring = SpanRing::new(100, 10);
        assert_eq!(ring.allocate(60), Some(0));
        assert_eq!(ring.allocate(30), Some(60));
        ring.free_oldest(0, 60);
        assert_eq!(ring.allocate(20), Some(0), "ten are left at the end");
        assert_eq!(ring.live(), 50);
    }

    #[test]
    fn everything_can_be_taken_at_once_and_again_after_it_was_freed() {
        let mut ring = SpanRing::new(100, 10);
        assert_eq!(ring.allocate(100), Some(0));
        assert_eq!(ring.allocate(1), None);
        ring.free_oldest(0, 100);
        assert_eq!(ring.allocate(100), Some(0), "an empty ring starts again");
        assert_eq!(ring.allocate(101), None);
    }

    #[test]
    fn the_footprint_follows_what_is_live() {
        let mut ring = SpanRing::new(1 << 30, 64);
        let mut live = VecDeque::new();
        for _ in 0..100_000 {
            live.push_back((ring.allocate(10).expect("nearly nothing is live"), 10));
            if live.len() > 100 {
                let (start, len) = live.pop_front().expect("there are a hundred");
                ring.free_oldest(start, len);
            }
        }
        assert!(
            ring.touched() < 4 * 100 * 10,
            "{} places touched for 1000 live ones",
            ring.touched()
        );
    }

    #[test]
    fn a_gap_that_is_not_worthwhile_is_used_in_need() {
        let mut ring = SpanRing::new(100, 10);
        assert_eq!(ring.allocate(5), Some(0));
        assert_eq!(ring.allocate(95), Some(5));
        ring.free_oldest(0, 5);
        assert_eq!(ring.allocate(5), Some(0));
        assert_eq!(ring.allocate(1), None);
    }

    proptest! {
        #[test]
        fn spans_are_disjoint_and_a_request_fails_only_for_want_of_a_gap(
            steps in prop::collection::vec((1_u64..60, prop::bool::weighted(0.45)), 1..400),
        ) {
            const CAPACITY: u64 = 200;
            let mut ring = SpanRing::new(CAPACITY, 16);
            let mut live: VecDeque<(u64, u64)> = VecDeque::new();
            for (len, free) in steps {
                if free {
                    if let Some((start, len)) = live.pop_front() {
                        ring.free_oldest(start, len);
                    }
                    continue;
                }
                let mut used = [false; 200];
                for &(start, len) in &live {
                    for place in start..start + len {
                        used[usize::try_from(place).expect("small")] = true;
                    }
                }
                let longest = used.split(|&used| used).map(<[bool]>::len).max();
                match ring.allocate(len) {
                    Some(start) => {
                        prop_assert!(start + len <= CAPACITY);
                        for place in start..start + len {
                            prop_assert!(!used[usize::try_from(place).expect("small")]);
                        }
                        live.push_back((start, len));
                    }
                    None => prop_assert!((longest.unwrap_or(0) as u64) < len),
                }
                prop_assert_eq!(ring.live(), live.iter().map(|&(_, len)| len).sum::<u64>());
            }
        }
    }
}

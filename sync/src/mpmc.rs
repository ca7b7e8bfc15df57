//! Bounded queue between any number of producers and consumers.
//!
//! A slot carries a stamp: the epoch in the high half, the slot's *turn* in the low half. Turn `2·lap` means
//! free for that lap, `2·lap + 1` means filled in that lap. A stamp of another epoch means "free for lap 0",
//! so a new epoch empties the queue without touching a slot, and zero memory is an empty queue of epoch 0.
//! `head` and `tail` are {epoch, position}; a position is lap × capacity + index and wraps at 2^32.
//!
//! A batch claims only slots whose stamps already say that they are ready, so it never waits for another
//! thread: it takes what is there and says how much that was.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | producer | stamp filled, Release | consumer | stamp, Acquire | the value |
//! | consumer | stamp free for the next lap, Release | producer | stamp, Acquire | that the value has been read |
//! | producer | `tail`, Relaxed CAS | producers | Relaxed | nothing: it decides who owns the slots |
//! | consumer | `head`, Relaxed CAS | consumers | Relaxed | nothing: it decides who owns the slots |

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

use crate::atomic::{AtomicU64, Ordering, UnsafeCell, spin_loop};
use crate::error::Error;
use crate::line::Line;
use crate::storage::Storage;

/// The most slots of a queue: positions must hold at least two laps.
const LIMIT: usize = 1 << 30;

/// One place of a queue; zero memory is a free one.
#[derive(Debug)]
#[repr(C)]
pub struct MpmcSlot<T> {
    stamp: AtomicU64,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the stamp and the queue's counters give each value to one thread at a time.
unsafe impl<T: Copy + Send> Sync for MpmcSlot<T> {}

// SAFETY: a zero stamp is a free slot, whose value may be anything.
#[cfg(not(loom))]
unsafe impl<T: Copy> bytemuck::Zeroable for MpmcSlot<T> {}

impl<T> Default for MpmcSlot<T> {
    fn default() -> Self {
        Self {
            stamp: AtomicU64::new(0),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }
}

/// A bounded queue over slots kept in `S`.
pub struct Mpmc<T, S = Box<[MpmcSlot<T>]>> {
    head: Line<AtomicU64>,
    tail: Line<AtomicU64>,
    slots: S,
    shift: u32,
    values: PhantomData<T>,
}

/// What a slot's stamp says to someone who wants it in a certain state.
enum Look {
    Ready,
    NotYet,
    Passed,
}

impl<T: Copy> Mpmc<T> {
    /// An empty queue of `capacity` slots of its own.
    ///
    /// # Errors
    ///
    /// [`Error::Capacity`] unless `capacity` is a power of two of at least 2.
    pub fn new(capacity: usize) -> Result<Self, Error> {
        check(capacity)?;
        Self::over((0..capacity).map(|_| MpmcSlot::default()).collect(), 0)
    }
}

impl<T: Copy, S: Storage<MpmcSlot<T>>> Mpmc<T, S> {
    /// An empty queue over `slots`, which are zero or were used in other epochs than `epoch`.
    ///
    /// Slots that a queue left behind in the same epoch yield what was left in them and take nothing; nothing
    /// worse happens.
    ///
    /// # Errors
    ///
    /// [`Error::Capacity`] unless the number of slots is a power of two of at least 2.
    pub fn over(slots: S, epoch: u32) -> Result<Self, Error> {
        let capacity = slots.slots().len();
        check(capacity)?;
        Ok(Self {
            head: Line(AtomicU64::new(pack(epoch, 0))),
            tail: Line(AtomicU64::new(pack(epoch, 0))),
            slots,
            shift: capacity.trailing_zeros(),
            values: PhantomData,
        })
    }

    /// Empties the queue by starting `epoch`, which it has not had before.
    pub fn reset(&mut self, epoch: u32) {
        // SAFETY: nobody else can use the queue while we have it exclusively.
        unsafe { self.reset_shared(epoch) };
    }

    /// Empties the queue by starting `epoch`, for owners that cannot lend it mutably.
    ///
    /// # Safety
    ///
    /// No other thread may push or pop at the same time, and those that do later are ordered after this.
    pub unsafe fn reset_shared(&self, epoch: u32) {
        self.head.store(pack(epoch, 0), Ordering::Relaxed);
        self.tail.store(pack(epoch, 0), Ordering::Relaxed);
    }

    /// How many values the queue can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        1 << self.shift
    }

    /// How many values wait, as far as one look at both ends can tell.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        let head = position(self.head.load(Ordering::Relaxed));
        let tail = position(self.tail.load(Ordering::Relaxed));
        let ahead = tail.wrapping_sub(head);
        // The two loads are not one moment: a head that has overtaken the tail we saw means empty.
        if ahead > u32::MAX / 2 {
            return 0;
        }
        (ahead as usize).min(self.capacity())
    }

    /// Whether nothing waits, as far as one look can tell.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends `value`, or gives it back if the queue is full.
    ///
    /// # Errors
    ///
    /// The value itself.
    #[inline]
    pub fn push(&self, value: T) -> Result<(), T> {
        match self.push_batch(&[value]) {
            0 => Err(value),
            _ => Ok(()),
        }
    }

    /// Appends as many of `values` as there are free slots, side by side and in order, and says how many.
    #[inline]
    #[must_use]
    pub fn push_batch(&self, values: &[T]) -> usize {
        let Some((epoch, from, count)) = self.take(&self.tail, values.len(), 0) else {
            return 0;
        };
        for (offset, &value) in (0..count).zip(values) {
            let at = from.wrapping_add(offset);
            let slot = self.slot(at);
            slot.value.with_mut(|place| {
                // SAFETY: the stamp said free for our lap and the CAS gave the slot to us alone.
                unsafe { (*place).write(value) };
            });
            slot.stamp
                .store(pack(epoch, self.turn(at) + 1), Ordering::Release);
        }
        count as usize
    }

    /// Takes the oldest value, if there is one.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        let (epoch, at, _) = self.take(&self.head, 1, 1)?;
        Some(self.empty(epoch, at))
    }

    /// Takes as many of the oldest values as `into` holds, in order, and says how many.
    #[inline]
    #[must_use]
    pub fn pop_batch(&self, into: &mut [T]) -> usize {
        let Some((epoch, from, count)) = self.take(&self.head, into.len(), 1) else {
            return 0;
        };
        for (offset, place) in (0..count).zip(into) {
            *place = self.empty(epoch, from.wrapping_add(offset));
        }
        count as usize
    }

    #[inline]
    fn empty(&self, epoch: u32, at: u32) -> T {
        let slot = self.slot(at);
        let value = slot.value.with(|place| {
            // SAFETY: the stamp said filled in our lap and the CAS gave the slot to us alone.
            unsafe { place.cast::<T>().read() }
        });
        slot.stamp.store(
            pack(epoch, self.turn(at.wrapping_add(1 << self.shift))),
            Ordering::Release,
        );
        value
    }

    /// Claims up to `wanted` slots from `end` on whose turn is the free turn of their lap plus `filled`.
    #[inline]
    fn take(&self, end: &AtomicU64, wanted: usize, filled: u32) -> Option<(u32, u32, u32)> {
        let wanted = u32::try_from(wanted.min(self.capacity())).unwrap_or(u32::MAX);
        let mut seen = end.load(Ordering::Relaxed);
        loop {
            let (epoch, from) = (epoch(seen), position(seen));
            let mut count = 0;
            let mut passed = false;
            while count < wanted {
                match self.look(epoch, from.wrapping_add(count), filled) {
                    Look::Ready => count += 1,
                    Look::NotYet => break,
                    Look::Passed => {
                        passed = true;
                        break;
                    }
                }
            }
            if count == 0 {
                if !passed {
                    return None;
                }
                // Whoever moved the stamp on had moved `end` before; if nobody has, the stamp was left behind in
                // this epoch.
                let now = end.load(Ordering::Relaxed);
                if now == seen {
                    return None;
                }
                spin_loop();
                seen = now;
                continue;
            }
            let to = pack(epoch, from.wrapping_add(count));
            match end.compare_exchange_weak(seen, to, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some((epoch, from, count)),
                Err(now) => seen = now,
            }
        }
    }

    #[inline]
    fn look(&self, epoch_now: u32, at: u32, filled: u32) -> Look {
        let stamp = self.slot(at).stamp.load(Ordering::Acquire);
        let turn = if epoch(stamp) == epoch_now {
            position(stamp)
        } else {
            0
        };
        // Turns have one bit more than laps; shifting the unused bits out makes the difference wrap right.
        let unused = self.shift - 1;
        let ahead = turn.wrapping_sub(self.turn(at) + filled) << unused;
        if ahead == 0 {
            Look::Ready
        } else if ahead > u32::MAX / 2 {
            Look::NotYet
        } else {
            Look::Passed
        }
    }

    /// The turn at which position `at` is free.
    #[inline]
    fn turn(&self, at: u32) -> u32 {
        (at >> self.shift) << 1
    }

    #[inline]
    fn slot(&self, at: u32) -> &MpmcSlot<T> {
        let slots = self.slots.slots();
        &slots[at as usize & (slots.len() - 1)]
    }
}

impl<T, S> fmt::Debug for Mpmc<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, tail) = (
            self.head.load(Ordering::Relaxed),
            self.tail.load(Ordering::Relaxed),
        );
        f.debug_struct("Mpmc")
            .field("epoch", &epoch(tail))
            .field("head", &position(head))
            .field("tail", &position(tail))
            .field("capacity", &(1_u64 << self.shift))
            .finish_non_exhaustive()
    }
}

fn check(capacity: usize) -> Result<(), Error> {
    if capacity.is_power_of_two() && (2..=LIMIT).contains(&capacity) {
        Ok(())
    } else {
        Err(Error::Capacity {
            capacity,
            limit: LIMIT,
        })
    }
}

const fn pack(epoch: u32, low: u32) -> u64 {
    (epoch as u64) << 32 | low as u64
}

const fn epoch(word: u64) -> u32 {
    (word >> 32) as u32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
const fn position(word: u64) -> u32 {
    word as u32
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::Mpmc;
    use loom::sync::Arc;
    use loom::thread;

    fn bounded(check: impl Fn() + Sync + Send + 'static) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(check);
    }

    fn pop(queue: &Mpmc<u32>) -> u32 {
        loop {
            match queue.pop() {
                Some(value) => return value,
                None => thread::yield_now(),
            }
        }
    }

    fn push(queue: &Mpmc<u32>, value: u32) {
        while queue.push(value).is_err() {
            thread::yield_now();
        }
    }

    #[test]
    fn two_producers_lose_nothing() {
        bounded(|| {
            let queue = Arc::new(Mpmc::new(2).expect("two is a power of two"));
            let producers = [10_u32, 20].map(|value| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || push(&queue, value))
            });
            let mut got = [pop(&queue), pop(&queue)];
            got.sort_unstable();
            assert_eq!(got, [10, 20]);
            assert_eq!(queue.pop(), None);
            for producer in producers {
                producer.join().expect("the producer ends");
            }
        });
    }

    /// Each consumer puts one value back: a slot that one has read, the other writes.
    #[test]
    fn two_consumers_take_each_value_once() {
        bounded(|| {
            let queue = Arc::new(Mpmc::new(2).expect("two is a power of two"));
            assert_eq!(queue.push_batch(&[1, 2]), 2);
            let other = {
                let queue = Arc::clone(&queue);
                thread::spawn(move || (queue.pop(), queue.push(3).is_ok()))
            };
            let mine = (queue.pop(), queue.push(4).is_ok());
            let theirs = other.join().expect("the consumer ends");
            let mut got: Vec<u32> = [mine.0, theirs.0].into_iter().flatten().collect();
            assert_eq!(got.len(), 2, "there is one value for each");
            while let Some(value) = queue.pop() {
                got.push(value);
            }
            got.sort_unstable();
            let mut expected = vec![1, 2];
            expected.extend(theirs.1.then_some(3));
            expected.extend(mine.1.then_some(4));
            assert_eq!(got, expected);
        });
    }

    #[test]
    fn batches_of_two_threads_stay_together() {
        bounded(|| {
            let queue = Arc::new(Mpmc::new(2).expect("two is a power of two"));
            let producer = {
                let queue = Arc::clone(&queue);
                thread::spawn(move || queue.push_batch(&[1, 2]))
            };
            let mine = queue.push_batch(&[3, 4]);
            let theirs = producer.join().expect("the producer ends");
            assert_eq!(
                (mine + theirs, queue.len()),
                (2, 2),
                "all or nothing: the slots were all free"
            );
            let mut got = [0; 3];
            assert_eq!(queue.pop_batch(&mut got), 2);
            assert_eq!(got, if mine == 2 { [3, 4, 0] } else { [1, 2, 0] });
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Mpmc, MpmcSlot, pack};
    use crate::arena::Arena;
    use crate::atomic::Ordering;
    use crate::error::Error;
    use crate::tally::Tally;
    use core::time::Duration;
    use proptest::prelude::{Just, ProptestConfig, Strategy, prop_assert_eq, prop_oneof, proptest};
    use std::collections::VecDeque;
    use std::thread;
    use std::time::Instant;

    #[derive(Debug, Clone)]
    enum Step {
        Push(Vec<u32>),
        Pop(usize),
        Reset,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => proptest::collection::vec(proptest::num::u32::ANY, 0..12).prop_map(Step::Push),
            8 => (0_usize..12).prop_map(Step::Pop),
            1 => Just(Step::Reset),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: if cfg!(miri) { 8 } else { 256 }, ..ProptestConfig::default() })]
        /// Any history, with new epochs in between, gives what a plain queue would.
        #[test]
        fn behaves_like_a_bounded_queue(steps in proptest::collection::vec(step(), 0..200), shift in 1_u32..4, first in prop_oneof![Just(0), Just(u32::MAX - 1)]) {
            let capacity = 1 << shift;
            let slots: Box<[MpmcSlot<u32>]> = (0..capacity).map(|_| MpmcSlot::default()).collect();
            let (mut queue, mut epoch) = (Mpmc::over(slots, first).expect("a power of two"), first);
            let mut model = VecDeque::new();
            for step in steps {
                match step {
                    Step::Push(values) => {
                        let fit = values.len().min(capacity - model.len());
                        prop_assert_eq!(queue.push_batch(&values), fit);
                        model.extend(&values[..fit]);
                    }
                    Step::Pop(count) => {
                        let mut into = vec![0; count];
                        let taken = queue.pop_batch(&mut into);
                        let expected: Vec<u32> = model.drain(..count.min(model.len())).collect();
                        prop_assert_eq!(&into[..taken], &expected[..]);
                    }
                    Step::Reset => {
                        epoch = epoch.wrapping_add(1);
                        queue.reset(epoch);
                        model.clear();
                    }
                }
                prop_assert_eq!(queue.len(), model.len());
            }
        }
    }

    #[test]
    fn positions_wrap() {
        for capacity in [2_u32, 8] {
            let queue = Mpmc::<u32>::new(capacity as usize).expect("a power of two");
            // As if 2^32 − capacity values had gone through.
            let last_lap = 0_u32.wrapping_sub(capacity);
            queue.head.store(pack(0, last_lap), Ordering::Relaxed);
            queue.tail.store(pack(0, last_lap), Ordering::Relaxed);
            for at in 0..capacity {
                let turn = queue.turn(last_lap.wrapping_add(at));
                queue.slot(at).stamp.store(pack(0, turn), Ordering::Relaxed);
            }
            for value in 0..5 * capacity {
                assert_eq!(queue.pop(), None, "capacity {capacity}, value {value}");
                assert_eq!(queue.push(value), Ok(()));
                assert_eq!(queue.push_batch(&[value; 8]), capacity as usize - 1);
                for _ in 0..capacity {
                    assert_eq!(queue.pop(), Some(value));
                }
            }
        }
    }

    #[test]
    fn zero_pages_are_an_empty_queue_and_stale_pages_too() {
        let arena = Arena::reserve(1 << 16).expect("address space");
        let slots = arena.take::<MpmcSlot<u64>>(64).expect("room");
        let mut queue = Mpmc::over(slots, 0).expect("a power of two");
        assert_eq!(queue.pop(), None);
        assert_eq!(queue.push_batch(&[5; 100]), 64);
        assert_eq!(queue.push(6), Err(6));
        queue.reset(1);
        assert_eq!((queue.pop(), queue.len()), (None, 0));
        assert_eq!(queue.push(7), Ok(()));
        assert_eq!((queue.pop(), queue.pop()), (Some(7), None));
    }

    #[test]
    fn slots_left_behind_in_the_same_epoch_take_nothing() {
        let user = thread::spawn(|| {
            let mut queue = Mpmc::new(2).expect("a power of two");
            assert_eq!(queue.push_batch(&[1, 2]), 2);
            queue.reset(0);
            let got = (queue.push(3), queue.pop(), queue.pop(), queue.pop());
            assert_eq!(got, (Err(3), Some(1), Some(2), None));
            assert_eq!(queue.push(3), Err(3));
            queue.reset(1);
            assert_eq!((queue.push(3), queue.pop()), (Ok(()), Some(3)));
        });
        let give_up = Instant::now() + Duration::from_secs(60);
        while !user.is_finished() {
            assert!(Instant::now() < give_up, "the queue waits for nobody");
            thread::yield_now();
        }
        user.join().expect("it takes nothing");
    }

    #[test]
    fn capacities_that_cannot_be_counted_are_refused() {
        for capacity in [0, 1, 3, 100] {
            let refused = Mpmc::<u32>::new(capacity).map(|_| ());
            assert!(
                matches!(refused, Err(Error::Capacity { capacity: named, .. }) if named == capacity)
            );
        }
    }

    /// Many threads, batches and singles: every value arrives once.
    #[test]
    fn nothing_is_lost_or_doubled_under_load() {
        const EACH: u64 = 20_000;
        let queue = Mpmc::<u64>::new(64).expect("a power of two");
        let (sums, counts) = (Tally::new(2), Tally::new(2));
        let give_up = Instant::now() + Duration::from_secs(60);
        thread::scope(|scope| {
            for producer in 0..2 {
                let queue = &queue;
                scope.spawn(move || {
                    let mut next = 1;
                    while next <= EACH {
                        let values = [next, next + 1, next + 2];
                        let wanted = (EACH - next + 1).min(if producer == 0 { 1 } else { 3 });
                        let pushed =
                            queue.push_batch(&values[..usize::try_from(wanted).expect("≤ 3")]);
                        if pushed == 0 {
                            assert!(Instant::now() < give_up, "nobody pops");
                            thread::yield_now();
                        }
                        next += pushed as u64;
                    }
                });
            }
            for consumer in 0..2 {
                let (queue, sums, counts) = (&queue, &sums, &counts);
                scope.spawn(move || {
                    let mut into = [0; 5];
                    while counts.sum() < 2 * EACH {
                        let room = if consumer == 0 { 1 } else { 5 };
                        let taken = queue.pop_batch(&mut into[..room]);
                        if taken == 0 {
                            assert!(Instant::now() < give_up, "nobody pushes");
                            thread::yield_now();
                        }
                        sums.add(consumer, into[..taken].iter().sum());
                        counts.add(consumer, taken as u64);
                    }
                });
            }
        });
        assert_eq!((counts.sum(), sums.sum()), (2 * EACH, EACH * (EACH + 1)));
    }
}

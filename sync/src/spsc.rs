//! Bounded ring from one producer to one consumer.
//!
//! `head` and `tail` count forever and wrap at 2^32; a slot's index is the counter masked by the
//! capacity. Full is `tail - head == CAPACITY`, empty is `tail == head`, so no slot is wasted. Each side keeps on
//! its own line what it last saw of the other's counter and looks again only when that says full or empty.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | producer | `tail`, Release | consumer | `tail`, Acquire | the slots' new values |
//! | consumer | `head`, Release | producer | `head`, Acquire | that the slots may be reused |
//! | producer, consumer | own `seen`, Relaxed | the same side | Relaxed | nothing: one thread's memory |

use core::mem::MaybeUninit;

use crate::atomic::{AtomicU32, Ordering, UnsafeCell};
use crate::line::Line;

/// One side's counter and what it last saw of the other's.
#[derive(Debug, Default)]
#[repr(C)]
struct Side {
    own: AtomicU32,
    seen: AtomicU32,
}

// SAFETY: two zero counters are the start.
#[cfg(not(loom))]
unsafe impl bytemuck::Zeroable for Side {}

/// A ring of `CAPACITY` values; all-zero memory is an empty one. Split it into its two ends.
#[derive(Debug)]
#[repr(C)]
pub struct Spsc<T, const CAPACITY: usize> {
    producer: Line<Side>,
    consumer: Line<Side>,
    slots: [UnsafeCell<MaybeUninit<T>>; CAPACITY],
}

// SAFETY: there is one producer and one consumer; the protocol above never lets both touch a slot at once.
unsafe impl<T: Copy + Send, const CAPACITY: usize> Sync for Spsc<T, CAPACITY> {}

// SAFETY: zero counters are an empty ring, and the slots of an empty ring may hold anything.
#[cfg(not(loom))]
unsafe impl<T: Copy, const CAPACITY: usize> bytemuck::Zeroable for Spsc<T, CAPACITY> {}

/// The end that pushes.
#[derive(Debug)]
pub struct Producer<'ring, T, const CAPACITY: usize>(&'ring Spsc<T, CAPACITY>);

/// The end that pops.
#[derive(Debug)]
pub struct Consumer<'ring, T, const CAPACITY: usize>(&'ring Spsc<T, CAPACITY>);

impl<T: Copy, const CAPACITY: usize> Spsc<T, CAPACITY> {
    #[expect(clippy::cast_possible_truncation, reason = "the assertion bounds it")]
    const COUNT: u32 = {
        assert!(CAPACITY.is_power_of_two() && CAPACITY <= 1 << 31);
        CAPACITY as u32
    };

    /// An empty ring.
    #[must_use]
    pub fn new() -> Self {
        Self {
            producer: Line(Side::default()),
            consumer: Line(Side::default()),
            slots: core::array::from_fn(|_| UnsafeCell::new(MaybeUninit::uninit())),
        }
    }

    /// The two ends. `&mut` makes sure there is only one of each.
    pub fn split(&mut self) -> (Producer<'_, T, CAPACITY>, Consumer<'_, T, CAPACITY>) {
        (Producer(self), Consumer(self))
    }

    /// The two ends, for owners that cannot lend the ring mutably.
    ///
    /// # Safety
    ///
    /// At most one producer and one consumer may be in use at any time. An end may be made anew by another
    /// thread if that thread is ordered after the last use of the one before.
    #[must_use]
    pub unsafe fn ends(&self) -> (Producer<'_, T, CAPACITY>, Consumer<'_, T, CAPACITY>) {
        (Producer(self), Consumer(self))
    }

    /// How many values wait; a hint to anyone but the two ends.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        // The head first, by Acquire: it never passes a tail read later, so the difference is not negative.
        let head = self.consumer.own.load(Ordering::Acquire);
        let tail = self.producer.own.load(Ordering::Relaxed);
        (tail.wrapping_sub(head) as usize).min(CAPACITY)
    }

    /// Whether nothing waits; a hint to anyone but the consumer.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn slot(&self, counter: u32) -> &UnsafeCell<MaybeUninit<T>> {
        &self.slots[(counter & (Self::COUNT - 1)) as usize]
    }
}

impl<T: Copy, const CAPACITY: usize> Default for Spsc<T, CAPACITY> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Copy, const CAPACITY: usize> Producer<'_, T, CAPACITY> {
    /// Appends `value`, or gives it back if the ring is full.
    ///
    /// # Errors
    ///
    /// The value itself.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), T> {
        let Self(ring) = self;
        let tail = ring.producer.own.load(Ordering::Relaxed); // only we write it
        if self.room(tail, 1) == 0 {
            return Err(value);
        }
        self.fill(tail, value);
        self.publish(tail.wrapping_add(1));
        Ok(())
    }

    /// Appends as many of `values` as fit, in order, and says how many.
    #[inline]
    #[must_use]
    pub fn push_batch(&mut self, values: &[T]) -> usize {
        let tail = self.0.producer.own.load(Ordering::Relaxed); // only we write it
        let wanted = u32::try_from(values.len()).unwrap_or(u32::MAX);
        let fit = self.room(tail, wanted).min(wanted);
        for (offset, &value) in (0..fit).zip(values) {
            self.fill(tail.wrapping_add(offset), value);
        }
        if fit != 0 {
            self.publish(tail.wrapping_add(fit));
        }
        fit as usize
    }

    /// Free slots; looks at the consumer's line only if fewer than `wanted` are known.
    #[inline]
    fn room(&self, tail: u32, wanted: u32) -> u32 {
        let Self(ring) = self;
        let capacity = Spsc::<T, CAPACITY>::COUNT;
        let known = capacity - tail.wrapping_sub(ring.producer.seen.load(Ordering::Relaxed));
        if known >= wanted {
            return known;
        }
        let head = ring.consumer.own.load(Ordering::Acquire);
        ring.producer.seen.store(head, Ordering::Relaxed);
        capacity - tail.wrapping_sub(head)
    }

    #[inline]
    fn fill(&self, counter: u32, value: T) {
        self.0.slot(counter).with_mut(|slot| {
            // SAFETY: the slot is free: the consumer passed it before its Release of `head`, and no other
            // producer exists.
            unsafe { (*slot).write(value) };
        });
    }

    #[inline]
    fn publish(&self, tail: u32) {
        self.0.producer.own.store(tail, Ordering::Release);
    }
}

impl<T: Copy, const CAPACITY: usize> Consumer<'_, T, CAPACITY> {
    /// Takes the oldest value, if there is one.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let head = self.0.consumer.own.load(Ordering::Relaxed); // only we write it
        if self.waiting(head, 1) == 0 {
            return None;
        }
        let value = self.read(head);
        self.free(head.wrapping_add(1));
        Some(value)
    }

    /// Takes as many of the oldest values as `into` holds, in order, and says how many.
    #[inline]
    #[must_use]
    pub fn pop_batch(&mut self, into: &mut [T]) -> usize {
        let head = self.0.consumer.own.load(Ordering::Relaxed); // only we write it
        let wanted = u32::try_from(into.len()).unwrap_or(u32::MAX);
        let taken = self.waiting(head, wanted).min(wanted);
        for (offset, place) in (0..taken).zip(into) {
            *place = self.read(head.wrapping_add(offset));
        }
        if taken != 0 {
            self.free(head.wrapping_add(taken));
        }
        taken as usize
    }

    /// Whether nothing waits; looks at the producer's line only if nothing is known to.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting(self.0.consumer.own.load(Ordering::Relaxed), 1) == 0
    }

    /// Filled slots; looks at the producer's line only if fewer than `wanted` are known.
    #[inline]
    fn waiting(&self, head: u32, wanted: u32) -> u32 {
        let Self(ring) = self;
        let known = ring
            .consumer
            .seen
            .load(Ordering::Relaxed)
            .wrapping_sub(head);
        if known >= wanted {
            return known;
        }
        let tail = ring.producer.own.load(Ordering::Acquire);
        ring.consumer.seen.store(tail, Ordering::Relaxed);
        tail.wrapping_sub(head)
    }

    #[inline]
    fn read(&self, counter: u32) -> T {
        self.0.slot(counter).with(|slot| {
            // SAFETY: the slot is filled: its write came before the producer's Release of `tail`, and no
            // other consumer exists.
            unsafe { slot.cast::<T>().read() }
        })
    }

    #[inline]
    fn free(&self, head: u32) {
        self.0.consumer.own.store(head, Ordering::Release);
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::Spsc;
    use loom::sync::Arc;
    use loom::thread;

    /// Every interleaving of one producer and one consumer, small enough to wrap.
    #[test]
    fn values_arrive_once_and_in_order() {
        loom::model(|| {
            const VALUES: u32 = 3;
            let ring = Arc::new(Spsc::<u32, 2>::new());
            let feeder = {
                let ring = Arc::clone(&ring);
                thread::spawn(move || {
                    // SAFETY: the only producer.
                    let (mut producer, _) = unsafe { ring.ends() };
                    for value in 0..VALUES {
                        while producer.push(value).is_err() {
                            thread::yield_now();
                        }
                    }
                })
            };
            // SAFETY: the only consumer.
            let (_, mut consumer) = unsafe { ring.ends() };
            for expected in 0..VALUES {
                let got = loop {
                    match consumer.pop() {
                        Some(value) => break value,
                        None => thread::yield_now(),
                    }
                };
                assert_eq!(got, expected);
            }
            assert_eq!(consumer.pop(), None);
            feeder.join().expect("the producer ends");
        });
    }

    #[test]
    fn a_bystander_never_counts_more_than_there_is() {
        loom::model(|| {
            let ring = Arc::new(Spsc::<u32, 2>::new());
            let consumer = {
                let ring = Arc::clone(&ring);
                // SAFETY: the only consumer.
                thread::spawn(move || unsafe { ring.ends() }.1.pop())
            };
            let bystander = {
                let ring = Arc::clone(&ring);
                thread::spawn(move || ring.len())
            };
            // SAFETY: the only producer.
            assert_eq!(unsafe { ring.ends() }.0.push(1), Ok(()));
            assert!(bystander.join().expect("the bystander ends") <= 1);
            let popped = consumer.join().expect("the consumer ends");
            assert_eq!(ring.len(), usize::from(popped.is_none()));
        });
    }

    #[test]
    fn batches_arrive_once_and_in_order() {
        loom::model(|| {
            let ring = Arc::new(Spsc::<u32, 2>::new());
            let feeder = {
                let ring = Arc::clone(&ring);
                thread::spawn(move || {
                    // SAFETY: the only producer.
                    let (mut producer, _) = unsafe { ring.ends() };
                    let mut left: &[u32] = &[0, 1, 2];
                    while !left.is_empty() {
                        match producer.push_batch(left) {
                            0 => thread::yield_now(),
                            pushed => left = &left[pushed..],
                        }
                    }
                })
            };
            // SAFETY: the only consumer.
            let (_, mut consumer) = unsafe { ring.ends() };
            let mut got = Vec::new();
            while got.len() < 3 {
                let mut batch = [9; 2];
                match consumer.pop_batch(&mut batch) {
                    0 => thread::yield_now(),
                    count => got.extend_from_slice(&batch[..count]),
                }
            }
            assert_eq!(got, [0, 1, 2]);
            feeder.join().expect("the producer ends");
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Spsc;
    use crate::atomic::Ordering;
    use proptest::prelude::{ProptestConfig, Strategy, prop_assert_eq, prop_oneof, proptest};
    use std::collections::VecDeque;

    #[derive(Debug, Clone)]
    enum Step {
        Push(u32),
        PushBatch(Vec<u32>),
        Pop,
        PopBatch(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            proptest::num::u32::ANY.prop_map(Step::Push),
            proptest::collection::vec(proptest::num::u32::ANY, 0..12).prop_map(Step::PushBatch),
            proptest::strategy::Just(Step::Pop),
            (0_usize..12).prop_map(Step::PopBatch),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: if cfg!(miri) { 8 } else { 256 }, ..ProptestConfig::default() })]
        /// Any history, also one that wraps the counters, gives what a plain queue would.
        #[test]
        fn behaves_like_a_bounded_queue(start in prop_oneof![proptest::strategy::Just(0_u32), u32::MAX - 30..=u32::MAX], steps in proptest::collection::vec(step(), 0..200)) {
            let mut ring = Spsc::<u32, 8>::new();
            for side in [&ring.producer, &ring.consumer] {
                side.own.store(start, Ordering::Relaxed);
                side.seen.store(start, Ordering::Relaxed);
            }
            let (mut producer, mut consumer) = ring.split();
            let mut model = VecDeque::new();
            for step in steps {
                match step {
                    Step::Push(value) if model.len() == 8 => prop_assert_eq!(producer.push(value), Err(value)),
                    Step::Push(value) => { prop_assert_eq!(producer.push(value), Ok(())); model.push_back(value); }
                    Step::PushBatch(values) => {
                        let fit = values.len().min(8 - model.len());
                        prop_assert_eq!(producer.push_batch(&values), fit);
                        model.extend(&values[..fit]);
                    }
                    Step::Pop => prop_assert_eq!(consumer.pop(), model.pop_front()),
                    Step::PopBatch(count) => {
                        let mut into = vec![0; count];
                        let taken = consumer.pop_batch(&mut into);
                        let expected: Vec<u32> = model.drain(..count.min(model.len())).collect();
                        prop_assert_eq!(&into[..taken], &expected[..]);
                    }
                }
                prop_assert_eq!(consumer.is_empty(), model.is_empty());
                prop_assert_eq!(consumer.0.len(), model.len());
            }
        }
    }

    #[test]
    fn zero_memory_is_an_empty_ring() {
        let mut ring: Spsc<u64, 4> = bytemuck::Zeroable::zeroed();
        let (mut producer, mut consumer) = ring.split();
        assert_eq!(consumer.pop(), None);
        assert_eq!(producer.push_batch(&[1, 2, 3, 4, 5]), 4);
        assert_eq!(consumer.pop(), Some(1));
    }
}

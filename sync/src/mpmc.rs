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

use bytemuck::Zeroable;

use crate::atomic::{AtomicU64, Ordering, UnsafeCell};
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
unsafe impl<T: Copy> Zeroable for MpmcSlot<T> {}

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
    /// Slots that a queue left behind in the same epoch count as full; nothing worse happens.
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
                // Another thread has moved `end` since; it moved, so somebody made progress.
                seen = end.load(Ordering::Relaxed);
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

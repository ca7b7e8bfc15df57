//! Counters of which exactly one thread sees the end.
//!
//! [`Countdown`] counts what is still missing: whoever takes the last count away owns what comes next.
//! Whoever adds to it holds a count of its own until it has added everything, so the end is not reached early.
//!
//! [`Refs`] counts who still needs a thing that is recycled. It carries the thing's epoch, and at zero it is
//! closed: nobody can take a reference to what has been given up, nor to the thing that has taken its
//! place.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | every releaser | count − n, Release | the last releaser | Acquire fence after it saw the end | what all releasers wrote before |
//! | opener | `Refs`, Release | acquirer | Acquire CAS | what the opener wrote before |

use bytemuck::Zeroable;

use crate::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Counts down to zero; exactly one release is the last.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Countdown(AtomicU32);

// SAFETY: zero is a countdown that has not been started.
#[cfg(not(loom))]
unsafe impl Zeroable for Countdown {}

impl Countdown {
    /// A countdown of `count`.
    #[must_use]
    pub fn new(count: u32) -> Self {
        Self(AtomicU32::new(count))
    }

    /// Starts again at `count`, while nobody else holds a count.
    #[inline]
    pub fn start(&self, count: u32) {
        self.0.store(count, Ordering::Relaxed);
    }

    /// Adds `count`; the caller holds a count that it has not released.
    #[inline]
    pub fn add(&self, count: u32) {
        let before = self.0.fetch_add(count, Ordering::Relaxed);
        debug_assert!(
            before != 0,
            "the end was reached before everything was added"
        );
    }

    /// Takes `count` away and says whether nothing is left: true for exactly one caller.
    ///
    /// That caller sees everything the others did before they released.
    #[inline]
    #[must_use]
    pub fn release(&self, count: u32) -> bool {
        let before = self.0.fetch_sub(count, Ordering::Release);
        debug_assert!(before >= count, "more was released than was added");
        if before != count {
            return false;
        }
        fence(Ordering::Acquire);
        true
    }

    /// What is left, without ordering: for messages and for the holder of the last count.
    #[inline]
    #[must_use]
    pub fn left(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts references to something recycled; closed for good once the last is gone, until it is opened for a new
/// epoch.
///
/// The word is {epoch: high half, references: low half}; zero references are "closed", so zero memory is closed.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Refs(AtomicU64);

// SAFETY: zero is closed.
#[cfg(not(loom))]
unsafe impl Zeroable for Refs {}

impl Refs {
    /// A closed counter.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the closed counter for `epoch` with `count` references that belong to the caller.
    #[inline]
    pub fn open(&self, epoch: u32, count: u32) {
        debug_assert!(
            count != 0,
            "opened without a reference it would be closed at once"
        );
        debug_assert!(
            self.left() == 0,
            "somebody still holds a reference of the epoch before"
        );
        self.0.store(pack(epoch, count), Ordering::Release);
    }

    /// Takes `count` more references to `epoch`, unless it is closed or another epoch has begun.
    #[inline]
    #[must_use]
    pub fn try_acquire(&self, epoch: u32, count: u32) -> bool {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            if !is_open(seen, epoch) {
                return false;
            }
            match self.0.compare_exchange_weak(
                seen,
                seen + u64::from(count),
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
    }

    /// Gives `count` references back and says whether they were the last: true for exactly one caller.
    ///
    /// That caller sees everything the others did before they gave theirs back.
    #[inline]
    #[must_use]
    pub fn release(&self, count: u32) -> bool {
        let before = self.0.fetch_sub(u64::from(count), Ordering::Release);
        debug_assert!(
            references(before) >= count,
            "more was given back than was taken"
        );
        if references(before) != count {
            return false;
        }
        fence(Ordering::Acquire);
        true
    }

    /// Whether `epoch` still has references; a hint to those who hold none.
    #[inline]
    #[must_use]
    pub fn is_open(&self, epoch: u32) -> bool {
        is_open(self.0.load(Ordering::Acquire), epoch)
    }

    /// How many references there are, without ordering.
    #[inline]
    #[must_use]
    pub fn left(&self) -> u32 {
        references(self.0.load(Ordering::Relaxed))
    }
}

#[inline]
const fn is_open(word: u64, epoch: u32) -> bool {
    (word >> 32) as u32 == epoch && references(word) != 0
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
const fn references(word: u64) -> u32 {
    word as u32
}

const fn pack(epoch: u32, count: u32) -> u64 {
    (epoch as u64) << 32 | count as u64
}

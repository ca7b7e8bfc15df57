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

use crate::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Counts down to zero; exactly one release is the last.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Countdown(AtomicU32);

// SAFETY: zero is a countdown that has not been started.
#[cfg(not(loom))]
unsafe impl bytemuck::Zeroable for Countdown {}

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
unsafe impl bytemuck::Zeroable for Refs {}

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
        is_open(self.0.load(Ordering::Relaxed), epoch)
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

#[cfg(all(test, loom))]
mod loom_tests {
    use super::{Countdown, Refs};
    use crate::slots::Slot;
    use loom::sync::Arc;
    use loom::thread;

    #[test]
    fn one_release_is_the_last_and_sees_the_others() {
        loom::model(|| {
            let parts = Arc::new((Countdown::new(1), [Slot::new(0), Slot::new(0)]));
            parts.0.add(2);
            let threads = [0, 1].map(|part| {
                let parts = Arc::clone(&parts);
                thread::spawn(move || {
                    // SAFETY: nobody but the last release reads or writes our part.
                    unsafe { *parts.1[part].get_mut() = 1 };
                    finish(&parts)
                })
            });
            let mine = finish(&parts);
            let theirs = threads.map(|thread| thread.join().expect("the thread ends"));
            assert_eq!(
                u32::from(mine) + theirs.map(u32::from).iter().sum::<u32>(),
                1
            );
        });

        fn finish((count, parts): &(Countdown, [Slot<u32>; 2])) -> bool {
            let last = count.release(1);
            if last {
                for part in parts {
                    // SAFETY: everybody else has released.
                    assert_eq!(unsafe { *part.get() }, 1);
                }
            }
            last
        }
    }

    /// The last release recycles the thing while another thread tries to get hold of it.
    #[test]
    fn nobody_gets_hold_of_what_has_been_given_up() {
        loom::model(|| {
            let thing = Arc::new((Refs::new(), Slot::new(1)));
            thing.0.open(1, 1);
            let late = {
                let thing = Arc::clone(&thing);
                thread::spawn(move || {
                    if !thing.0.try_acquire(1, 1) {
                        return;
                    }
                    // SAFETY: we hold a reference.
                    assert_eq!(unsafe { *thing.1.get() }, 1);
                    give_back(&thing);
                })
            };
            give_back(&thing);
            late.join().expect("the thread ends");
            assert!(!thing.0.is_open(1) && thing.0.is_open(2));
            // SAFETY: nobody else is left.
            assert_eq!(unsafe { *thing.1.get() }, 2);
        });

        fn give_back((refs, value): &(Refs, Slot<u32>)) {
            if refs.release(1) {
                // SAFETY: nobody holds a reference any more.
                unsafe { *value.get_mut() += 1 };
                refs.open(2, 1);
            }
        }
    }

    #[test]
    fn a_reference_shows_what_was_opened() {
        loom::model(|| {
            let thing = Arc::new((Refs::new(), Slot::new(0)));
            let reader = {
                let thing = Arc::clone(&thing);
                thread::spawn(move || {
                    if thing.0.try_acquire(1, 1) {
                        // SAFETY: we hold a reference.
                        assert_eq!(unsafe { *thing.1.get() }, 5);
                    }
                })
            };
            // SAFETY: nobody reads before the opening.
            unsafe { *thing.1.get_mut() = 5 };
            thing.0.open(1, 1);
            reader.join().expect("the thread ends");
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Countdown, Refs};
    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: if cfg!(miri) { 8 } else { 256 }, ..ProptestConfig::default() })]
        /// Any history of references gives what a map from epoch to count would.
        #[test]
        fn references_count_within_their_epoch(first in proptest::num::u32::ANY, steps in proptest::collection::vec((0_u8..3, 0_u32..3, 1_u32..4), 0..80)) {
            let (refs, mut epoch, mut held) = (Refs::new(), first, 0_u32);
            for (kind, age, count) in steps {
                match kind {
                    0 if held == 0 => { epoch = epoch.wrapping_add(1); refs.open(epoch, count); held = count; }
                    1 if held >= count => { held -= count; prop_assert_eq!(refs.release(count), held == 0); }
                    _ => {
                        let open = age == 0 && held != 0;
                        prop_assert_eq!(refs.try_acquire(epoch.wrapping_sub(age), count), open);
                        if open { held += count; }
                    }
                }
                prop_assert_eq!((refs.left(), refs.is_open(epoch)), (held, held != 0));
            }
        }
    }

    #[test]
    fn zero_references_are_closed_even_for_the_first_epoch() {
        let refs: Refs = bytemuck::Zeroable::zeroed();
        assert!(!refs.try_acquire(0, 1));
        refs.open(0, 1);
        assert!(refs.try_acquire(0, 1));
    }

    #[test]
    fn a_countdown_may_be_released_in_portions() {
        let count: Countdown = bytemuck::Zeroable::zeroed();
        count.start(1);
        count.add(4);
        assert!(!count.release(3));
        assert_eq!(count.left(), 2);
        assert!(count.release(2));
    }
}

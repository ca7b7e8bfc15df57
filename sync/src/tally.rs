//! A count that many threads add to and few ask for.
//!
//! Each thread adds on a line of its own, without a locked instruction; whoever asks sums the lines.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | the owner of the part | its part, Release | whoever asks | Acquire | what was done before it was counted |

use crate::atomic::{AtomicU64, Ordering};
use crate::line::Line;

/// A sum of parts, each with one writer.
#[derive(Debug)]
pub struct Tally {
    parts: Box<[Line<AtomicU64>]>,
}

impl Tally {
    /// A zero sum of `parts` parts.
    #[must_use]
    pub fn new(parts: usize) -> Self {
        Self {
            parts: (0..parts).map(|_| Line(AtomicU64::new(0))).collect(),
        }
    }

    /// Adds `count` to `part`, which no other thread adds to: what two add at once may be lost.
    ///
    /// # Panics
    ///
    /// If there is no such part.
    #[inline]
    pub fn add(&self, part: usize, count: u64) {
        let part = &self.parts[part];
        let sum = part.load(Ordering::Relaxed).wrapping_add(count);
        part.store(sum, Ordering::Release);
    }

    /// What `part` has added.
    ///
    /// # Panics
    ///
    /// If there is no such part.
    #[inline]
    #[must_use]
    pub fn part(&self, part: usize) -> u64 {
        self.parts[part].load(Ordering::Acquire)
    }

    /// The sum; everything counted in it is visible. It may miss what is added meanwhile, never more.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| {
            sum.wrapping_add(part.load(Ordering::Acquire))
        })
    }

    /// Starts again at zero, while nobody else uses it.
    pub fn restart(&self) {
        for part in &self.parts {
            part.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::Tally;
    use crate::slots::Slot;
    use loom::sync::Arc;
    use loom::thread;

    /// The reader is spawned: loom explores a load before a load and a store of another thread only then.
    fn counted(parts: usize, seen: fn(&Tally) -> bool) {
        loom::model(move || {
            let shared = Arc::new((Tally::new(parts), [Slot::new(0), Slot::new(0)]));
            let reader = {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    if seen(&shared.0) {
                        for slot in &shared.1[..parts] {
                            // SAFETY: counted, and written no more.
                            assert_eq!(unsafe { *slot.get() }, 1);
                        }
                    }
                })
            };
            for part in 0..parts {
                // SAFETY: read only after it has been counted.
                unsafe { *shared.1[part].get_mut() = 1 };
                shared.0.add(part, 1);
            }
            reader.join().expect("the reader ends");
            assert!(seen(&shared.0));
        });
    }

    #[test]
    fn what_is_counted_is_visible() {
        counted(1, |tally| tally.part(0) == 1);
        counted(2, |tally| tally.sum() == 2);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Tally;

    #[test]
    fn parts_add_up_and_start_again() {
        let tally = Tally::new(3);
        for (part, count) in [(0, 1), (2, 5), (2, 10)] {
            tally.add(part, count);
        }
        assert_eq!((tally.part(2), tally.part(1), tally.sum()), (15, 0, 16));
        tally.restart();
        assert_eq!(tally.sum(), 0);
    }
}

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

    /// Starts again at zero, while nobody adds.
    pub fn restart(&self) {
        for part in &self.parts {
            part.store(0, Ordering::Release);
        }
    }
}

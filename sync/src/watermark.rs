//! Retiring in order what finishes in any order.
//!
//! The mark is the number of the oldest slot that is not retired. Whoever finishes that slot moves the mark over it
//! and over all finished slots behind it; everyone else only looks at the mark and goes. While one thread
//! moves the mark the word is locked, and nobody waits for the lock: a finisher that finds it taken relies
//! on the holder to look again after unlocking.
//!
//! Both the finisher (stores "finished", then looks at the word) and the holder (stores the word, then
//! looks at "finished") store before they load, so both need a full fence; then at least one of them sees the
//! other and no slot is left behind.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | finisher | its "finished" (caller's, Release), then fence | holder | "finished" (caller's, Acquire) | the finished slot |
//! | holder | word unlocked, Release, then fence | finisher | fence, then word | that the holder's last look came before, so the finisher must move the mark |
//! | holder | word unlocked, Release | next holder, readers | word, Acquire | the reset of every slot below the mark |

use bytemuck::Zeroable;

use crate::atomic::{AtomicU64, Ordering, fence};

const LOCKED: u64 = 1;

/// The mark of one ring, counted from 0 without end; all-zero memory is a mark at 0.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Watermark(AtomicU64);

// SAFETY: zero is an unlocked mark at 0.
#[cfg(not(loom))]
unsafe impl Zeroable for Watermark {}

impl Watermark {
    /// A mark at 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the mark at `slot`, while nobody finishes anything.
    pub fn restart(&self, slot: u64) {
        self.0.store(slot << 1, Ordering::Release);
    }

    /// The oldest slot that is not retired; the reset of everything below it is visible.
    #[inline]
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.0.load(Ordering::Acquire) >> 1
    }

    /// Says that `slot` has finished and moves the mark as far as it goes; says how many slots that retired.
    ///
    /// The caller has stored that `slot` is finished before. `is_finished(n)` loads that (Acquire) for
    /// the oldest slot; it must be false for a slot that has not been handed out yet in this round of the
    /// ring. `reset(n)` prepares slot `n` for its next use and is called in order, by one thread at a time.
    #[inline]
    pub fn finish(
        &self,
        slot: u64,
        is_finished: impl FnMut(u64) -> bool,
        reset: impl FnMut(u64),
    ) -> u64 {
        // Finished before looking; pairs with the fence after unlocking in `advance`.
        fence(Ordering::SeqCst);
        let word = self.0.load(Ordering::Relaxed);
        if word != slot << 1 {
            // Locked: the holder looks again. Below us: whoever finishes that slot finds ours finished.
            return 0;
        }
        self.advance(word, is_finished, reset)
    }

    #[cold]
    #[inline(never)]
    fn advance(
        &self,
        mut word: u64,
        mut is_finished: impl FnMut(u64) -> bool,
        mut reset: impl FnMut(u64),
    ) -> u64 {
        let mut retired = 0;
        loop {
            let lock =
                self.0
                    .compare_exchange(word, word | LOCKED, Ordering::Acquire, Ordering::Relaxed);
            if lock.is_err() {
                // Somebody else holds the lock, or did since we looked, and looks after us.
                return retired;
            }
            let first = word >> 1;
            let mut slot = first;
            while is_finished(slot) {
                reset(slot);
                slot += 1;
            }
            retired += slot - first;
            word = slot << 1;
            self.0.store(word, Ordering::Release);
            // Unlocked before looking again; pairs with the fence in `finish`.
            fence(Ordering::SeqCst);
            if !is_finished(slot) {
                return retired;
            }
        }
    }
}

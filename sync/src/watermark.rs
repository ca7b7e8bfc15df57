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

use crate::atomic::{AtomicU64, Ordering, fence};

const LOCKED: u64 = 1;

/// The mark of one ring, counted from 0 without end; all-zero memory is a mark at 0.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Watermark(AtomicU64);

// SAFETY: zero is an unlocked mark at 0.
#[cfg(not(loom))]
unsafe impl bytemuck::Zeroable for Watermark {}

impl Watermark {
    /// A mark at 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the mark at `slot`, while nobody else uses it.
    pub fn restart(&self, slot: u64) {
        self.0.store(slot << 1, Ordering::Relaxed);
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

#[cfg(all(test, loom))]
mod loom_tests {
    use super::Watermark;
    use crate::cell::Word32;
    use crate::slots::Slot;
    use loom::sync::Arc;
    use loom::thread;

    const SLOTS: usize = 3;

    #[derive(Debug, Default)]
    struct Ring {
        mark: Watermark,
        finished: [Word32; SLOTS],
        payloads: [Slot<u32>; SLOTS],
        resets: Slot<u64>,
    }

    impl Ring {
        fn finish(&self, slot: usize) {
            // SAFETY: the slot is ours until it is finished.
            unsafe { *self.payloads[slot].get_mut() = 1 };
            self.finished[slot].publish(1);
            let is_finished = |slot: u64| {
                let flag = usize::try_from(slot)
                    .ok()
                    .and_then(|slot| self.finished.get(slot));
                flag.is_some_and(|flag| flag.observe() == 1)
            };
            self.mark.finish(slot as u64, is_finished, |slot| {
                // SAFETY: a finished slot below the next mark belongs to who moves the mark.
                unsafe { *self.payloads[slot as usize].get_mut() += 1 };
                // SAFETY: one thread at a time moves the mark.
                let resets = unsafe { self.resets.get_mut() };
                assert_eq!(*resets, slot, "in order, each once");
                *resets += 1;
            });
        }
    }

    fn finish_all(threads: &'static [&'static [usize]]) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(move || {
            let ring = Arc::new(Ring::default());
            let finishers: Vec<_> = threads
                .iter()
                .map(|slots| {
                    let ring = Arc::clone(&ring);
                    thread::spawn(move || slots.iter().for_each(|&slot| ring.finish(slot)))
                })
                .collect();
            for finisher in finishers {
                finisher.join().expect("the finisher ends");
            }
            assert_eq!(ring.mark.mark(), SLOTS as u64, "no slot is left behind");
        });
    }

    /// What is below the mark has been reset, and a reader sees that.
    #[test]
    fn a_reader_of_the_mark_sees_the_resets() {
        loom::model(|| {
            let ring = Arc::new(Ring::default());
            let reader = {
                let ring = Arc::clone(&ring);
                thread::spawn(move || {
                    if ring.mark.mark() == 1 {
                        // SAFETY: nobody writes a retired slot in this model.
                        assert_eq!(unsafe { *ring.payloads[0].get() }, 2);
                    }
                })
            };
            ring.finish(0);
            reader.join().expect("the reader ends");
            assert_eq!(ring.mark.mark(), 1);
        });
    }

    #[test]
    fn no_slot_is_left_behind_by_two_threads() {
        finish_all(&[&[1, 0], &[2]]);
    }

    #[test]
    fn no_slot_is_left_behind_by_three_threads() {
        finish_all(&[&[0], &[1], &[2]]);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Watermark;
    use core::cell::RefCell;
    use proptest::prelude::{Just, ProptestConfig, Strategy, prop_assert_eq, proptest};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: if cfg!(miri) { 8 } else { 256 }, ..ProptestConfig::default() })]
        /// Whatever the order, the mark is the length of the finished prefix, and resets come in order.
        #[test]
        fn the_mark_is_the_length_of_the_finished_prefix(order in Just((0_usize..40).collect::<Vec<_>>()).prop_shuffle()) {
            let (mark, mut finished, resets) = (Watermark::new(), vec![false; 40], RefCell::new(Vec::new()));
            for slot in order {
                let before = mark.mark();
                finished[slot] = true;
                let is_finished = |slot| finished.get(usize::try_from(slot).expect("small")) == Some(&true);
                let retired = mark.finish(slot as u64, is_finished, |slot| resets.borrow_mut().push(slot));
                let prefix = finished.iter().take_while(|&&finished| finished).count() as u64;
                prop_assert_eq!((mark.mark(), retired), (prefix, prefix - before));
            }
            prop_assert_eq!(resets.into_inner(), (0..40).collect::<Vec<u64>>());
        }
    }

    #[test]
    fn a_mark_starts_where_it_is_put() {
        let mark: Watermark = bytemuck::Zeroable::zeroed();
        assert_eq!(mark.mark(), 0);
        mark.restart(1 << 40);
        assert_eq!(mark.finish(1 << 40, |slot| slot == 1 << 40, |_| ()), 1);
        assert_eq!(mark.mark(), (1 << 40) + 1);
    }
}

//! Questions and answers in place: a ring of frames between one asker and one answerer.
//!
//! The asker fills a frame and counts it as asked; the answerer reads it where it lies, writes the answer into
//! the same frame and counts it as answered; the asker takes the answer, and the frame is free again. Several
//! questions may be under way; answers come in the order of the questions. Counters count for ever and wrap
//! at 2^32.
//!
//! Either side may be another process, and one that has gone wrong: the asker checks what the other counted
//! before it believes it.
//!
//! The answerer sleeps at the exchange's own doorbell. The asker sleeps wherever it likes, because it may have many
//! exchanges: whoever answers rings there afterwards.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | asker | `asked`, Release | answerer | `asked`, Acquire | the question in its frame |
//! | answerer | `answered`, Release | asker | `answered`, Acquire | the answer in its frame |
//! | asker | `taken`, Relaxed | the asker, and hints | Relaxed | nothing: the asker's own memory |

use crate::atomic::{AtomicU32, Ordering};
use crate::doorbell::Doorbell;
use crate::line::Line;
use crate::slots::Slot;

/// What the asker counts.
#[derive(Debug, Default)]
#[repr(C)]
struct Asking {
    asked: AtomicU32,
    taken: AtomicU32,
}

/// A ring of `FRAMES` frames; all-zero memory is one in which nothing was asked.
///
/// A `SHARED` exchange lies in memory that several processes map.
#[derive(Debug)]
#[repr(C)]
pub struct Exchange<F, const FRAMES: usize, const SHARED: bool = false> {
    asking: Line<Asking>,
    answered: Line<AtomicU32>,
    bell: Line<Doorbell<SHARED>>,
    frames: [Slot<F>; FRAMES],
}

// SAFETY: zero counters are an exchange at rest, and a frame at rest may hold anything that `F` may.
#[cfg(not(loom))]
unsafe impl<F: bytemuck::Zeroable, const FRAMES: usize, const SHARED: bool> bytemuck::Zeroable
    for Exchange<F, FRAMES, SHARED>
{
}

/// The end that asks.
#[derive(Debug)]
pub struct Asker<'a, F, const FRAMES: usize, const SHARED: bool>(&'a Exchange<F, FRAMES, SHARED>);

/// The end that answers.
#[derive(Debug)]
pub struct Answerer<'a, F, const FRAMES: usize, const SHARED: bool>(
    &'a Exchange<F, FRAMES, SHARED>,
);

/// The answerer's counter says more than was asked: its side of the memory is not to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{answered} answers were counted for {asked} questions: the memory of the exchange is damaged, give the other side up"
)]
pub struct Damaged {
    /// Questions under way.
    pub asked: u32,
    /// Answers counted for them.
    pub answered: u32,
}

impl<F, const FRAMES: usize, const SHARED: bool> Exchange<F, FRAMES, SHARED> {
    #[expect(clippy::cast_possible_truncation, reason = "the assertion bounds it")]
    const COUNT: u32 = {
        assert!(FRAMES.is_power_of_two() && FRAMES <= 1 << 16);
        FRAMES as u32
    };

    /// An exchange whose frames hold what `frame` makes for each number.
    #[must_use]
    pub fn new(mut frame: impl FnMut(usize) -> F) -> Self {
        Self {
            asking: Line(Asking::default()),
            answered: Line(AtomicU32::new(0)),
            bell: Line(Doorbell::new()),
            frames: core::array::from_fn(|index| Slot::new(frame(index))),
        }
    }

    /// The end that asks.
    ///
    /// # Safety
    ///
    /// At most one is in use at any time; it may be made anew by another thread that is ordered after the last
    /// use of the one before.
    #[must_use]
    pub const unsafe fn asker(&self) -> Asker<'_, F, FRAMES, SHARED> {
        Asker(self)
    }

    /// The end that answers.
    ///
    /// # Safety
    ///
    /// As for [`asker`](Self::asker).
    #[must_use]
    pub const unsafe fn answerer(&self) -> Answerer<'_, F, FRAMES, SHARED> {
        Answerer(self)
    }

    /// The doorbell at which the answerer sleeps: to wake it for another reason than a question.
    #[must_use]
    pub const fn bell(&self) -> &Doorbell<SHARED> {
        &self.bell.0
    }

    /// Whether an answer waits to be taken; a hint to anyone but the asker.
    #[inline]
    #[must_use]
    pub fn has_answer(&self) -> bool {
        let taken = self.asking.taken.load(Ordering::Relaxed);
        self.answered.load(Ordering::Relaxed) != taken
    }

    #[inline]
    fn frame(&self, counter: u32) -> &Slot<F> {
        &self.frames[(counter & (Self::COUNT - 1)) as usize]
    }
}

impl<F, const FRAMES: usize, const SHARED: bool> Asker<'_, F, FRAMES, SHARED> {
    /// Questions whose answers have not been taken.
    #[inline]
    #[must_use]
    pub fn under_way(&self) -> u32 {
        let asking = &self.0.asking;
        // Only we write either.
        let asked = asking.asked.load(Ordering::Relaxed);
        asked.wrapping_sub(asking.taken.load(Ordering::Relaxed))
    }

    /// Whether there is a free frame.
    #[inline]
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.under_way() < Exchange::<F, FRAMES, SHARED>::COUNT
    }

    /// Asks: `fill` writes the question into a free frame. Says false, without calling it, if there is none.
    #[inline]
    #[must_use]
    pub fn ask(&mut self, fill: impl FnOnce(&mut F)) -> bool {
        if !self.has_room() {
            return false;
        }
        let asked = self.0.asking.asked.load(Ordering::Relaxed);
        // SAFETY: the frame's last answer was taken, so the answerer is done with it.
        fill(unsafe { self.0.frame(asked).get_mut() });
        self.0
            .asking
            .asked
            .store(asked.wrapping_add(1), Ordering::Release);
        self.0.bell.ring_one();
        true
    }

    /// Takes the oldest answer, if it is there: `read` gets its frame.
    ///
    /// # Errors
    ///
    /// [`Damaged`] if the counters contradict each other.
    #[inline]
    pub fn take<R>(&mut self, read: impl FnOnce(&F) -> R) -> Result<Option<R>, Damaged> {
        let exchange = self.0;
        let taken = exchange.asking.taken.load(Ordering::Relaxed);
        let answered = exchange
            .answered
            .load(Ordering::Acquire)
            .wrapping_sub(taken);
        if answered == 0 {
            return Ok(None);
        }
        let asked = self.under_way();
        if answered > asked {
            return Err(Damaged { asked, answered });
        }
        // SAFETY: the answerer counted this frame as answered and writes it no more until it is asked again.
        let value = read(unsafe { exchange.frame(taken).get() });
        exchange
            .asking
            .taken
            .store(taken.wrapping_add(1), Ordering::Relaxed);
        Ok(Some(value))
    }
}

impl<F, const FRAMES: usize, const SHARED: bool> Answerer<'_, F, FRAMES, SHARED> {
    /// Whether a question waits.
    #[inline]
    #[must_use]
    pub fn has_question(&self) -> bool {
        let answered = self.0.answered.load(Ordering::Relaxed); // only we write it
        self.0.asking.asked.load(Ordering::Acquire) != answered
    }

    /// Answers the oldest question, if there is one: `answer` gets its frame, reads the question and leaves the
    /// answer. Whoever asked must be rung afterwards.
    ///
    /// A panic of `answer` leaves the question unanswered.
    #[inline]
    pub fn answer<R>(&mut self, answer: impl FnOnce(&mut F) -> R) -> Option<R> {
        if !self.has_question() {
            return None;
        }
        let answered = self.0.answered.load(Ordering::Relaxed);
        // SAFETY: asked and not yet answered: the frame is ours.
        let value = answer(unsafe { self.0.frame(answered).get_mut() });
        self.0
            .answered
            .store(answered.wrapping_add(1), Ordering::Release);
        Some(value)
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::Exchange;
    use crate::doorbell::Doorbell;
    use loom::sync::Arc;
    use loom::thread;

    #[derive(Debug)]
    struct House {
        exchange: Exchange<u32, 2>,
        bell: Doorbell,
    }

    /// Three questions through two frames: every answer is to its question, and nobody sleeps for ever.
    #[test]
    fn every_question_gets_its_answer() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let house = Arc::new(House {
                exchange: Exchange::new(|_| 0),
                bell: Doorbell::new(),
            });
            let child = {
                let house = Arc::clone(&house);
                thread::spawn(move || {
                    // SAFETY: the only answerer.
                    let mut answerer = unsafe { house.exchange.answerer() };
                    for _ in 0..3 {
                        let waited = house
                            .exchange
                            .bell()
                            .wait_until(None, || answerer.has_question());
                        assert_eq!(waited, Ok(()));
                        answerer
                            .answer(|frame| *frame += 10)
                            .expect("it was seen waiting");
                        house.bell.ring_all();
                    }
                })
            };
            // SAFETY: the only asker.
            let mut asker = unsafe { house.exchange.asker() };
            let mut expected = 0;
            for question in 0..3 {
                while !asker.ask(|frame| *frame = question) {
                    wait_and_take(&house, &mut asker, &mut expected);
                }
            }
            while asker.under_way() != 0 {
                wait_and_take(&house, &mut asker, &mut expected);
            }
            assert_eq!(expected, 3);
            child.join().expect("the child ends");
        });

        fn wait_and_take(
            house: &House,
            asker: &mut super::Asker<'_, u32, 2, false>,
            expected: &mut u32,
        ) {
            let waited = house.bell.wait_until(None, || house.exchange.has_answer());
            assert_eq!(waited, Ok(()));
            let answer = asker.take(|frame| *frame).expect("counters are sound");
            assert_eq!(answer, Some(*expected + 10));
            *expected += 1;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Damaged, Exchange};
    use crate::atomic::Ordering;
    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};
    use std::collections::VecDeque;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: if cfg!(miri) { 8 } else { 256 }, ..ProptestConfig::default() })]
        /// Any history, also one that wraps the counters, gives what two plain queues would.
        #[test]
        fn behaves_like_two_queues(start in proptest::num::u32::ANY, steps in proptest::collection::vec(0_u8..3, 0..200)) {
            let exchange: Exchange<u64, 4> = Exchange::new(|_| 0);
            for word in [&exchange.asking.asked, &exchange.asking.taken, &exchange.answered] {
                word.store(start, Ordering::Relaxed);
            }
            // SAFETY: the only asker.
            let mut asker = unsafe { exchange.asker() };
            // SAFETY: the only answerer.
            let mut answerer = unsafe { exchange.answerer() };
            let (mut asked, mut answered, mut next) = (VecDeque::new(), VecDeque::new(), 0_u64);
            for step in steps {
                match step {
                    0 => {
                        let room = asked.len() + answered.len() < 4;
                        prop_assert_eq!(asker.ask(|frame| *frame = next), room);
                        if room { asked.push_back(next); next += 1; }
                    }
                    1 => {
                        let got = answerer.answer(|frame| { *frame += 1000; *frame - 1000 });
                        prop_assert_eq!(got, asked.pop_front());
                        answered.extend(got.map(|question| question + 1000));
                    }
                    _ => prop_assert_eq!(asker.take(|frame| *frame), Ok(answered.pop_front())),
                }
                prop_assert_eq!(asker.under_way() as usize, asked.len() + answered.len());
                prop_assert_eq!(exchange.has_answer(), !answered.is_empty());
                prop_assert_eq!(answerer.has_question(), !asked.is_empty());
            }
        }
    }

    #[test]
    fn more_answers_than_questions_are_damage() {
        let exchange: Exchange<u8, 2> = bytemuck::Zeroable::zeroed();
        // SAFETY: the only asker.
        let mut asker = unsafe { exchange.asker() };
        assert!(asker.ask(|_| ()));
        exchange.answered.store(5, Ordering::Relaxed);
        let damage = Damaged {
            asked: 1,
            answered: 5,
        };
        assert_eq!(asker.take(|_| ()), Err(damage));
    }
}

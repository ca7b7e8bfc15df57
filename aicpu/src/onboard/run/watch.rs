//! Who looks after a run whose own threads may not.
//!
//! Knows that the orchestration may be code that does not return: the thread in it cannot report then, and the schedulers
//! cannot end the run without it. So what is known of it is reported for it, and the host, which reads that, resets the
//! chip. Refuses to do more: nobody can stop the code.

use core::time::Duration;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use bytemuck::Zeroable;
use protocol::error_code::RunError;
use protocol::run_descriptor::RunDescriptors;
use sync::Progress;

use super::{AGAIN, Frame};
use crate::onboard::stamp::DIGEST;
use crate::onboard::wire::{Outcome, Verdict};
use crate::trb::Executor;

/// How often per limit it is looked whether anything moves.
const LOOKS: u32 = 4;

/// A run that is looked after.
pub(super) struct Watch<'a, A: RunDescriptors> {
    executor: &'a Executor<A>,
    frame: &'a Frame<'a, A>,
    started: Instant,
    moves: Mutex<Progress>,
}

impl<'a, A: RunDescriptors> Watch<'a, A> {
    /// The run that `executor` is about to begin.
    pub(super) fn new(executor: &'a Executor<A>, frame: &'a Frame<'a, A>) -> Self {
        Self {
            executor,
            frame,
            started: Instant::now(),
            // Whoever schedules finds it out first.
            moves: Mutex::new(Progress::new(frame.no_progress + frame.leave)),
        }
    }

    /// How long until the next look, unless the run is to end before.
    pub(super) fn glance(&self) -> Duration {
        let left = self.frame.whole.saturating_sub(self.started.elapsed());
        left.min(self.frame.no_progress / LOOKS).max(AGAIN)
    }

    /// Ends the run if it has taken too long, and reports it if it does not end; how long until the next look.
    pub(super) fn look(&self) -> Duration {
        let elapsed = self.started.elapsed();
        if elapsed >= self.frame.whole {
            self.executor.abort();
        }
        let steps = self.executor.progress();
        let stalled = {
            let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
            moves.check(steps).is_err()
        };
        let ended = elapsed >= self.frame.whole.saturating_add(self.frame.leave);
        if (stalled || ended) && self.executor.orchestrates() {
            self.report(elapsed);
        }
        self.glance()
    }

    fn report(&self, elapsed: Duration) {
        let mut outcome = Outcome::zeroed();
        outcome.digest = DIGEST;
        outcome.verdict = Verdict::Stays as u32;
        outcome.scheduler_code = RunError::SchedulerTimeout.code();
        outcome.nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        if let Some(text) = self.executor.describe() {
            outcome.set_text(&text);
        }
        if let Some((submitted, completed)) = self.executor.counts() {
            (outcome.submitted, outcome.completed) = (submitted, completed);
        }
        outcome.run = self.frame.request.run;
        self.frame.block.report(&outcome);
    }
}

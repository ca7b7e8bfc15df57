//! Deadlines in time, and noticing that nothing moves any more.
//!
//! A [`Deadline`] is a moment. A [`Progress`] watches a number that grows with every step forward and complains when
//! it has stood still for too long. Reading the clock costs about 20 ns, so both look at it only once per
//! [`POLLS`] polls; the limit is still one of time, found up to that many polls late.
//!
//! Time in which the watcher itself could not look counts little: whatever kept it from running (a debugger, a
//! frozen container, a machine with far too much to do) kept those it watches from moving, too.

use core::time::Duration;
use std::time::Instant;

/// Polls from one look at the clock to the next.
const POLLS: u32 = 64;
/// So many looks at least have to find nothing new before it counts as standing still.
const LEAST_LOOKS: u32 = 2;

/// A moment at which waiting ends, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    at: Option<Instant>,
}

impl Deadline {
    /// Waits for ever: for threads that are woken to end.
    pub const NEVER: Self = Self { at: None };

    /// The moment `limit` from now; never, if the clock cannot hold it.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Self {
            at: Instant::now().checked_add(limit),
        }
    }

    /// The moment, for [`Doorbell::wait_until`](crate::Doorbell::wait_until).
    #[must_use]
    pub const fn instant(self) -> Option<Instant> {
        self.at
    }

    /// Whether the moment has come.
    #[must_use]
    pub fn has_passed(self) -> bool {
        self.at.is_some_and(|at| Instant::now() >= at)
    }
}

/// Nothing moved for longer than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no progress for {idle:?} (limit {limit:?}, at step {step}): find what is waited for, or raise the limit"
)]
pub struct Stalled {
    /// How long nothing has moved.
    pub idle: Duration,
    /// How long was allowed.
    pub limit: Duration,
    /// The number at which it stands.
    pub step: u64,
}

/// Watches a number that grows with progress; one watcher's memory.
#[derive(Debug, Clone)]
pub struct Progress {
    limit: Duration,
    step: u64,
    looked: Instant,
    idle: Duration,
    polls: u32,
}

impl Progress {
    /// A watch that allows standing still for `limit`, starting now at step 0.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self {
            limit,
            step: 0,
            looked: Instant::now(),
            idle: Duration::ZERO,
            polls: 0,
        }
    }

    /// Starts again, at `step`.
    pub fn restart(&mut self, step: u64) {
        self.moved(step, Instant::now());
        self.polls = 0;
    }

    /// Notes where things stand; looks at the clock only now and then.
    ///
    /// # Errors
    ///
    /// [`Stalled`] if `step` has not changed for longer than the limit.
    #[inline]
    pub fn poll(&mut self, step: u64) -> Result<(), Stalled> {
        self.polls = self.polls.wrapping_add(1);
        if !self.polls.is_multiple_of(POLLS) {
            return Ok(());
        }
        self.check(step)
    }

    /// Notes where things stand and looks at the clock: for threads that slept since the last poll.
    ///
    /// # Errors
    ///
    /// [`Stalled`] if `step` has not changed for longer than the limit.
    #[cold]
    pub fn check(&mut self, step: u64) -> Result<(), Stalled> {
        self.check_at(step, Instant::now())
    }

    fn moved(&mut self, step: u64, now: Instant) {
        self.step = step;
        self.looked = now;
        self.idle = Duration::ZERO;
    }

    fn check_at(&mut self, step: u64, now: Instant) -> Result<(), Stalled> {
        if step != self.step {
            self.moved(step, now);
            return Ok(());
        }
        let since_look = now.saturating_duration_since(self.looked);
        self.looked = now;
        self.idle += since_look.min(self.limit / LEAST_LOOKS);
        if self.idle < self.limit {
            return Ok(());
        }
        Err(Stalled {
            idle: self.idle,
            limit: self.limit,
            step,
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Deadline, POLLS, Progress, Stalled};
    use core::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn standing_still_for_the_limit_is_a_stall_and_moving_is_not() {
        let mut watch = Progress::new(SECOND);
        let start = watch.looked;
        assert_eq!(watch.check_at(0, start + SECOND / 2), Ok(()));
        assert_eq!(watch.check_at(1, start + 3 * SECOND), Ok(()));
        assert_eq!(watch.check_at(1, start + 7 * SECOND / 2), Ok(()));
        let stalled = |idle| Stalled {
            idle,
            limit: SECOND,
            step: 1,
        };
        let idle = watch.check_at(1, start + 4 * SECOND);
        assert_eq!(idle, Err(stalled(SECOND)));
        let idle = watch.check_at(1, start + 17 * SECOND / 4);
        assert_eq!(idle, Err(stalled(5 * SECOND / 4)));
        assert_eq!(watch.check_at(2, start + 5 * SECOND), Ok(()));
    }

    #[test]
    fn time_in_which_the_watcher_could_not_look_counts_little() {
        let mut watch = Progress::new(SECOND);
        let stopped = watch.looked + 100 * SECOND;
        assert_eq!(watch.check_at(0, stopped), Ok(()));
        assert_eq!(watch.check_at(0, stopped + SECOND / 4), Ok(()));
        assert!(watch.check_at(0, stopped + SECOND / 2).is_err());
    }

    #[test]
    fn the_clock_is_read_once_per_so_many_polls() {
        let mut watch = Progress::new(Duration::ZERO);
        for _ in 1..POLLS {
            assert_eq!(watch.poll(0), Ok(()));
        }
        assert!(watch.poll(0).is_err());
    }

    #[test]
    fn a_deadline_passes_and_never_does_not() {
        assert!(Deadline::after(Duration::ZERO).has_passed());
        assert!(!Deadline::NEVER.has_passed());
        assert!(!Deadline::after(Duration::MAX).has_passed());
    }
}

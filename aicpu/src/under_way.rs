//! The run that is under way: how its threads come together and what the outside may do with it.
//!
//! Knows who leads, when another thread is worth calling and how long each program took last time. Refuses to
//! know what a run does.
//!
//! ```text
//! leading thread:  begin ─▶ (own work) ─▶ drive the roles ─▶ end
//!                    └▶ called ─▶ helping threads: drive the roles ─▶ leave
//! ```
//!
//! The leader alone is the fastest for a graph that is over before another thread has woken, so
//! helpers are called by what the last run of the same program took, and whenever more is left to do than
//! one thread should.

use core::ptr::NonNull;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use protocol::limits::MAX_REGISTERED_CALLABLE_IDS;
use sync::{Spin, Word32};

use crate::crew::Crew;

/// A program whose last run took longer is worth a helper from the start.
const WORTH_HELP: Duration = Duration::from_micros(60);
/// What waking a helper and waiting for it to leave may add to a run; a short run must not look long because it had one.
const HELP_COSTS: Duration = Duration::from_micros(100);
/// Unfinished tasks that are worth a helper.
pub(crate) const MANY_TASKS: u64 = 32;

/// A run that has begun, whichever runtime does it.
pub(crate) trait UnderWay: Sync {
    /// What it says of itself.
    type Report;

    /// A number that changes with everything that happens in it.
    fn progress(&self) -> u64;

    /// Tells it to end.
    fn abort(&self);

    /// What it has done so far.
    fn report(&self) -> Self::Report;

    /// Lets whoever drives it look again.
    fn notify(&self);

    /// Drives its roles, beginning with `first`, until it is over.
    fn drive(&self, first: usize, spin: &mut Spin);
}

/// Shows the runs of a runtime, whose own functions have the names that are asked for.
macro_rules! under_way {
    ($run:ident, $report:ty) => {
        impl<A: protocol::Arch, C: aicore_abi::seam::Cores> $crate::under_way::UnderWay
            for $run<'_, A, C>
        {
            type Report = $report;

            fn progress(&self) -> u64 {
                Self::progress(self)
            }

            fn abort(&self) {
                Self::abort(
                    self,
                    protocol::error_code::RunError::SchedulerTimeout.code(),
                );
            }

            fn report(&self) -> $report {
                Self::report(self)
            }

            fn notify(&self) {
                Self::notify(self);
            }

            fn drive(&self, first: usize, spin: &mut sync::Spin) {
                Self::drive(self, first, spin);
            }
        }
    };
}
pub(crate) use under_way;

type Shown<R> = dyn UnderWay<Report = R>;

/// The run that is under way, if there is one.
pub(crate) struct Current<R>(Mutex<Option<NonNull<Shown<R>>>>);

// SAFETY: the pointer is used under the lock only, and a run is `Sync`.
unsafe impl<R> Send for Current<R> {}
// SAFETY: as above.
unsafe impl<R> Sync for Current<R> {}

impl<R> Default for Current<R> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<R: 'static> Current<R> {
    fn lock(&self) -> MutexGuard<'_, Option<NonNull<Shown<R>>>> {
        lock(&self.0)
    }

    /// Makes `run` the current one while the result lives.
    pub(crate) fn set<'a>(&'a self, run: &'a (dyn UnderWay<Report = R> + 'a)) -> Showing<'a, R> {
        let run: NonNull<dyn UnderWay<Report = R> + 'a> = NonNull::from(run);
        // SAFETY: only the lifetime changes; `Showing` takes the pointer back before it ends.
        let run = unsafe {
            core::mem::transmute::<NonNull<dyn UnderWay<Report = R> + 'a>, NonNull<Shown<R>>>(run)
        };
        *self.lock() = Some(run);
        Showing(self)
    }

    /// Looks at the current run.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Shown<R>) -> T) -> Option<T> {
        let current = self.lock();
        // SAFETY: `Showing` clears it, under this lock, before the run goes away.
        current.map(|run| look(unsafe { run.as_ref() }))
    }
}

/// As long as it lives, a run is the current one.
pub(crate) struct Showing<'a, R: 'static>(&'a Current<R>);

impl<R> Drop for Showing<'_, R> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

/// What the last run of each callable took, in microseconds.
pub(crate) struct History([Word32; MAX_REGISTERED_CALLABLE_IDS]);

impl Default for History {
    fn default() -> Self {
        // Unknown counts as long.
        Self(core::array::from_fn(|_| Word32::new(u32::MAX)))
    }
}

impl History {
    fn of(&self, callable_id: i32) -> Option<&Word32> {
        let place = usize::try_from(callable_id).ok()?;
        self.0.get(place)
    }

    /// Runs `work` on this thread and drives `run` to its end, with as many helpers as are worth their while.
    pub(crate) fn lead<R>(
        &self,
        callable_id: i32,
        run: &dyn UnderWay<Report = R>,
        crew: &dyn Crew,
        work: impl FnOnce(),
    ) {
        let started = Instant::now();
        let took = self.of(callable_id);
        let worth_help = took.is_none_or(|took| u128::from(took.own()) > WORTH_HELP.as_micros());
        let assist = || run.drive(1, &mut Spin::new(crew.crowd()));
        let mut work = Some(work);
        let mut spin = Spin::new(crew.crowd());
        crew.together(&|| run.notify(), &assist, &mut || {
            if worth_help {
                crew.call();
            }
            if let Some(work) = work.take() {
                work();
            }
            run.drive(0, &mut spin);
        });
        if let Some(took) = took {
            let help = if worth_help {
                HELP_COSTS
            } else {
                Duration::ZERO
            };
            let micros = started.elapsed().saturating_sub(help).as_micros();
            took.set_own(u32::try_from(micros).unwrap_or(u32::MAX));
        }
    }
}

/// Locks without poison: what the locks of an executor guard is whole at any moment, so a panic elsewhere does no harm.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! What ends a run that takes too long.
//!
//! Knows one time and whom to tell when it has come. Refuses to know what is told.
//!
//! | writer | store | reader | makes visible |
//! |---|---|---|---|
//! | leader | `set` under the lock | the alarm's thread | when to tell whom |
//! | the alarm's thread | `wakes` under the lock | leader | whether it must be woken to be in time |
//!
//! A run sets the alarm and takes it back, and does not wake the alarm's thread for it: that sleeps until the time it
//! knows, and looks then what time it is to know. So it is woken only by a run with less time than the one before, and
//! once by the first.

use core::time::Duration;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A thread that tells somebody when a time has come.
pub(super) struct Alarm {
    clock: Mutex<Clock>,
    changed: Condvar,
}

struct Clock {
    set: Option<Set>,
    /// When the thread looks by itself; never, if nothing was set when it looked last.
    wakes: Option<Instant>,
    /// There is a thread.
    wound: bool,
}

/// What is told; how long until it is told again.
pub(super) type Tell<'a> = dyn Fn() -> Duration + Sync + 'a;

#[derive(Clone, Copy)]
struct Set {
    at: Instant,
    tell: *const Tell<'static>,
}

// SAFETY: what is told is `Sync`, and is only told under the lock, under which it is taken back before it goes away.
unsafe impl Send for Set {}

impl Alarm {
    pub(super) const fn new() -> Self {
        Self {
            clock: Mutex::new(Clock {
                set: None,
                wakes: None,
                wound: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Does `work`; if it takes longer than `limit`, `tell` is called, and again as it says until the work is over.
    ///
    /// Where there can be no thread the work has no limit, which is logged.
    pub(super) fn during<R>(
        &'static self,
        limit: Duration,
        tell: &Tell<'_>,
        work: impl FnOnce() -> R,
    ) -> R {
        let Some(at) = Instant::now().checked_add(limit) else {
            return work();
        };
        let tell: *const Tell<'_> = tell;
        // SAFETY: only the lifetime changes; `Taken` ends all use before `tell` goes away.
        let tell = unsafe { core::mem::transmute::<*const Tell<'_>, *const Tell<'static>>(tell) };
        let taken = Taken(self);
        self.set(Set { at, tell });
        let result = work();
        drop(taken);
        result
    }

    fn set(&'static self, set: Set) {
        let mut clock = self.lock();
        clock.set = Some(set);
        if !clock.wound {
            let thread = std::thread::Builder::new().name("alarm".to_owned());
            let work = || {
                leave_processor();
                self.watch();
            };
            match thread.spawn(work) {
                Ok(_runs_on) => clock.wound = true,
                Err(error) => log::error!("runs have no limit as a whole: {error}"),
            }
        } else if clock.wakes.is_none_or(|wakes| set.at < wakes) {
            self.changed.notify_one();
        }
    }

    fn watch(&self) {
        let _ends = Unwound(self);
        let mut clock = self.lock();
        loop {
            let now = Instant::now();
            if let Some(set) = &mut clock.set
                && set.at <= now
            {
                // SAFETY: it is taken back under the lock, which is held.
                let again = unsafe { (*set.tell)() };
                set.at = now + again;
            }
            clock.wakes = clock.set.map(|set| set.at);
            clock = match clock.wakes {
                Some(wakes) => {
                    let nap = wakes.saturating_duration_since(now);
                    let slept = self.changed.wait_timeout(clock, nap);
                    slept.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let slept = self.changed.wait(clock);
                    slept.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the calling thread run on any processor, as any other thread: it was made by one that may be pinned, and that never
/// sleeps.
#[cfg(feature = "image")]
fn leave_processor() {
    let mut all = rustix::thread::CpuSet::new();
    for processor in 0..rustix::thread::CpuSet::MAX_CPU {
        all.set(processor);
    }
    if let Err(error) = rustix::thread::sched_setaffinity(None, &all) {
        log::warn!("the alarm shares a processor with the run that it watches: {error}");
    }
    // A thread that is preferred to all others shares nothing with one that is preferred as much.
    let usual = libc::sched_param { sched_priority: 0 };
    // SAFETY: it is about this thread, and the record is read only.
    if unsafe { libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const usual) } != 0 {
        let error = std::io::Error::last_os_error();
        log::warn!("the alarm is scheduled as the run that it watches: {error}");
    }
}

/// Threads of a test are pinned by nobody.
#[cfg(not(feature = "image"))]
fn leave_processor() {}

/// When dropped, there is no thread any more: the next run makes another one.
struct Unwound<'a>(&'a Alarm);

impl Drop for Unwound<'_> {
    fn drop(&mut self) {
        let mut clock = self.0.lock();
        clock.wound = false;
        clock.wakes = None;
    }
}

/// Takes the alarm back when dropped.
struct Taken(&'static Alarm);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.lock().set = None;
    }
}

#[cfg(test)]
mod tests {
    use super::Alarm;
    use core::time::Duration;
    use std::sync::mpsc;

    const LONG: Duration = Duration::from_secs(60);

    /// Whether it was told while the work waited to be told twice.
    fn told(alarm: &'static Alarm, limit: Duration) -> Result<(), mpsc::RecvTimeoutError> {
        let (tell, hear) = mpsc::channel();
        alarm.during(
            limit,
            &move || {
                let _nobody_listens_after_two = tell.send(());
                Duration::from_millis(1)
            },
            || {
                hear.recv_timeout(LONG)?;
                hear.recv_timeout(LONG)
            },
        )
    }

    #[test]
    fn work_that_takes_too_long_is_told_until_it_ends() {
        static ALARM: Alarm = Alarm::new();
        assert_eq!(told(&ALARM, Duration::from_millis(1)), Ok(()));
        assert_eq!(told(&ALARM, Duration::ZERO), Ok(()));
    }

    #[test]
    fn an_alarm_that_was_taken_back_tells_nobody() {
        static ALARM: Alarm = Alarm::new();
        let never = || unreachable!("it was in time");
        assert_eq!(ALARM.during(LONG, &never, || 7), 7);
        assert_eq!(ALARM.during(Duration::MAX, &never, || 8), 8);
        // The thread sleeps for a long time; a shorter limit wakes it.
        assert_eq!(told(&ALARM, Duration::from_millis(1)), Ok(()));
    }
}

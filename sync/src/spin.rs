//! How long a thread may spin before it sleeps.
//!
//! Spinning pays when the event comes soon and a core is free for whoever produces it. The first is
//! learned per thread, by the time a wait took: a short one widens the bound, whether it ended while
//! spinning or had to sleep, a long one narrows it. (Two threads that answer each other's waits would
//! otherwise both sleep for ever: each is slow because the other has to be woken.) The second is known per group: a [`Crowd`] counts the threads that want to run, and when
//! they outnumber the cores nobody spins.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | a thread that comes, goes, sleeps or wakes | `runnable`, Relaxed | any thread about to spin | Relaxed | nothing: a hint |

use core::time::Duration;
use std::sync::Arc;
use std::thread::available_parallelism;

use crate::atomic::{AtomicU32, Ordering, spin_loop};

/// The most looks one wait may take before it sleeps: about as long as [`SHORT`].
const MOST: u32 = 1 << 12;
/// The fewest looks, so that a thread can find out that waits have become short again.
const FEWEST: u32 = 1 << 4;
/// A wait that spinning would have been right for: longer than it takes to wake a thread on an idle core.
const SHORT: Duration = Duration::from_micros(100);

/// The threads of one machine that may want to run at the same time.
#[derive(Debug)]
pub struct Crowd {
    cores: u32,
    runnable: AtomicU32,
}

impl Crowd {
    /// A crowd on as many cores as this process may use.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let cores = available_parallelism().map_or(1, |cores| cores.get());
        Self::on_cores(u32::try_from(cores).unwrap_or(u32::MAX))
    }

    /// A crowd on `cores` cores.
    #[must_use]
    pub fn on_cores(cores: u32) -> Arc<Self> {
        Arc::new(Self {
            cores,
            runnable: AtomicU32::new(0),
        })
    }

    /// The cores the crowd shares.
    #[must_use]
    pub fn cores(&self) -> u32 {
        self.cores
    }

    /// How many threads want to run now.
    #[must_use]
    pub fn runnable(&self) -> u32 {
        self.runnable.load(Ordering::Relaxed)
    }

    /// Whether a spinning thread may steal the core of the one it waits for.
    #[inline]
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        self.runnable() > self.cores
    }

    /// Counts the calling thread as wanting to run until the guard is dropped.
    #[must_use]
    pub fn enter(self: &Arc<Self>) -> Present {
        self.runnable.fetch_add(1, Ordering::Relaxed);
        Present {
            crowd: Arc::clone(self),
        }
    }
}

/// A thread counted in its crowd.
#[derive(Debug)]
pub struct Present {
    crowd: Arc<Crowd>,
}

impl Present {
    /// The crowd the thread is counted in.
    #[must_use]
    pub fn crowd(&self) -> &Arc<Crowd> {
        &self.crowd
    }

    /// Runs `sleep` without being counted.
    pub fn away<R>(&self, sleep: impl FnOnce() -> R) -> R {
        struct Back<'a>(&'a AtomicU32);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.crowd.runnable.fetch_sub(1, Ordering::Relaxed);
        let _back = Back(&self.crowd.runnable);
        sleep()
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.crowd.runnable.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A thread's own patience: how often it looks before it sleeps.
#[derive(Debug)]
pub struct Spin {
    present: Present,
    bound: u32,
}

impl Spin {
    /// The patience of one thread of `crowd`, which counts it as wanting to run except while it sleeps.
    #[must_use]
    pub fn new(crowd: &Arc<Crowd>) -> Self {
        Self {
            present: crowd.enter(),
            bound: MOST / 4,
        }
    }

    /// A thread that goes on where another left off: `patience` is that one's last.
    #[must_use]
    pub fn with_patience(crowd: &Arc<Crowd>, patience: u32) -> Self {
        Self {
            present: crowd.enter(),
            bound: patience.clamp(FEWEST, MOST),
        }
    }

    /// How often the thread looks before it sleeps.
    #[must_use]
    pub const fn patience(&self) -> u32 {
        self.bound
    }

    /// The thread's place in its crowd.
    #[must_use]
    pub fn present(&self) -> &Present {
        &self.present
    }

    /// Looks as often as patience allows; says whether `ready` came true.
    #[inline]
    pub(crate) fn look(&mut self, mut ready: impl FnMut() -> bool) -> bool {
        if self.present.crowd.is_crowded() {
            return false;
        }
        for _ in 0..self.bound {
            spin_loop();
            if ready() {
                self.bound = (self.bound * 2).min(MOST);
                return true;
            }
        }
        false
    }

    /// Takes note of a wait that had to sleep.
    pub(crate) fn slept(&mut self, waited: Duration) {
        // A model must not depend on the time of day.
        self.bound = if waited < SHORT && !cfg!(loom) {
            (self.bound * 2).min(MOST)
        } else {
            (self.bound / 2).max(FEWEST)
        };
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Crowd, Duration, FEWEST, MOST, SHORT, Spin};

    #[test]
    fn a_crowd_larger_than_the_cores_does_not_spin() {
        let crowd = Crowd::on_cores(1);
        let mut spin = Spin::new(&crowd);
        assert!(spin.look(|| true));
        let other = crowd.enter();
        assert!(crowd.is_crowded());
        let mut looks = 0;
        assert!(!spin.look(|| {
            looks += 1;
            false
        }));
        assert_eq!(looks, 0);
        other.away(|| assert!(spin.look(|| true)));
        assert_eq!(crowd.runnable(), 2);
        drop((other, spin));
        assert_eq!(crowd.runnable(), 0);
    }

    #[test]
    fn patience_follows_the_last_waits() {
        let crowd = Crowd::on_cores(4);
        let mut spin = Spin::new(&crowd);
        let long = |spin: &mut Spin| {
            for _ in 0..20 {
                assert!(!spin.look(|| false));
                spin.slept(SHORT);
            }
            assert_eq!(spin.patience(), FEWEST);
        };
        long(&mut spin);
        for _ in 0..20 {
            assert!(spin.look(|| true));
        }
        assert_eq!(spin.patience(), MOST);
        long(&mut spin);
        for _ in 0..20 {
            assert!(!spin.look(|| false));
            spin.slept(Duration::ZERO);
        }
        assert_eq!(
            spin.patience(),
            MOST,
            "short sleeps mean that spinning would have done"
        );
        assert_eq!(Spin::with_patience(&crowd, u32::MAX).patience(), MOST);
    }
}

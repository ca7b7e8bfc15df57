//! How long a thread may spin before it sleeps.
//!
//! Spinning pays when the event comes soon and a core is free for whoever produces it. Both are learned together, per
//! thread, by whether spinning paid: an event that came while the thread looked widens the bound, looking in vain narrows
//! it. What a thread cannot learn so is that spinning *would* pay. Two threads that answer each other's waits could both
//! sleep for ever, each slow because the other has to be woken; and one disturbance of the machine is enough to get there.
//! So after some short sleeps a thread tries a long look, and as long as that does not lead to waits in which spinning
//! pays, it tries more and more rarely: where two threads share one core, it never does.
//!
//! How many want to run is known per group: a [`Crowd`] counts them, and when they outnumber the cores nobody
//! spins, and nobody learns. Threads with cores of their own, as on a chip's control CPUs, need not learn: where
//! they may spin they do not sleep.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | a thread that comes, goes, sleeps or wakes | `runnable`, Relaxed | any thread about to spin | Relaxed | nothing: a hint |

use core::time::Duration;
use std::sync::Arc;
use std::thread::available_parallelism;

use crate::atomic::{AtomicU32, Ordering, spin_loop};

/// The most looks one wait may take before it sleeps: about 100 µs.
const MOST: u32 = 1 << 12;
/// The fewest looks, so that a thread can find out that waits have become short again.
const FEWEST: u32 = 1 << 4;
/// The looks of a try: it has to outlast a wait that waking the other thread is part of.
const TRY: u32 = 2 * MOST;
/// A sleep after which spinning may have been right: longer than both threads take to wake, and what they do.
const SHORT: Duration = Duration::from_micros(300);
/// Short sleeps before the next try, while spinning has paid lately.
const SOON: u32 = 8;
/// Short sleeps before the next try, when no try has led to anything for long.
const RARELY: u32 = 256;

/// The threads of one machine that may want to run at the same time.
#[derive(Debug)]
pub struct Crowd {
    cores: u32,
    /// Each thread has a core that nobody else wants.
    own_cores: bool,
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
            own_cores: false,
            runnable: AtomicU32::new(0),
        })
    }

    /// A crowd each of whose threads has a core that nobody else wants: where they may spin, they look until their deadlines
    /// and do not sleep.
    #[must_use]
    pub fn on_cores_of_their_own() -> Arc<Self> {
        Arc::new(Self {
            cores: u32::MAX,
            own_cores: true,
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

/// What a thread has learned about its waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Looks before it sleeps.
    bound: u32,
    /// Short sleeps until it tries [`TRY`] looks.
    until_try: u32,
    /// How many they will be after that try.
    between_tries: u32,
}

impl Default for Patience {
    /// Nothing yet: it spins for a while.
    fn default() -> Self {
        Self {
            bound: MOST / 4,
            until_try: SOON,
            between_tries: SOON,
        }
    }
}

impl Patience {
    /// How often the thread looks at the next wait.
    const fn looks(self) -> u32 {
        if self.until_try == 0 { TRY } else { self.bound }
    }

    /// The event came while the thread looked.
    #[inline]
    fn paid(&mut self) {
        if self.until_try == 0 {
            // Whether this is worth something is for the next waits to say.
            self.bound = MOST;
            self.tried();
        } else {
            self.bound = (self.bound * 2).min(MOST);
            self.until_try = SOON;
            self.between_tries = SOON;
        }
    }

    /// The thread has looked as often as it may, and has to sleep.
    fn looked_in_vain(&mut self) {
        if self.until_try == 0 {
            self.tried();
        }
        self.bound = (self.bound / 2).max(FEWEST);
    }

    /// The event came while the thread slept, so long after it began to wait.
    fn slept(&mut self, waited: Duration) {
        if waited < SHORT && !cfg!(loom) {
            self.until_try = self.until_try.saturating_sub(1);
        }
    }

    fn tried(&mut self) {
        self.between_tries = (self.between_tries * 2).min(RARELY);
        self.until_try = self.between_tries;
    }
}

/// A thread that may spin before it sleeps.
#[derive(Debug)]
pub struct Spin {
    present: Present,
    patience: Patience,
}

impl Spin {
    /// A thread of `crowd` that has learned nothing yet. It counts as wanting to run except while it sleeps.
    #[must_use]
    pub fn new(crowd: &Arc<Crowd>) -> Self {
        Self::with_patience(crowd, Patience::default())
    }

    /// A thread that goes on where another left off: `patience` is that one's last.
    #[must_use]
    pub fn with_patience(crowd: &Arc<Crowd>, patience: Patience) -> Self {
        Self {
            present: crowd.enter(),
            patience,
        }
    }

    /// What the thread has learned.
    #[must_use]
    pub const fn patience(&self) -> Patience {
        self.patience
    }

    /// The thread's place in its crowd.
    #[must_use]
    pub fn present(&self) -> &Present {
        &self.present
    }

    /// Whether the thread has a core that nobody else wants.
    #[inline]
    pub(crate) fn has_own_core(&self) -> bool {
        self.present.crowd.own_cores
    }

    /// Looks as often as patience allows; says whether `ready` came true.
    #[inline]
    pub(crate) fn look(&mut self, mut ready: impl FnMut() -> bool) -> bool {
        if self.present.crowd.is_crowded() {
            return false;
        }
        for _ in 0..self.patience.looks() {
            spin_loop();
            if ready() {
                self.patience.paid();
                return true;
            }
        }
        self.patience.looked_in_vain();
        false
    }

    /// Takes note that the event came while the thread slept, so long after it began to wait.
    pub(crate) fn slept(&mut self, waited: Duration) {
        self.patience.slept(waited);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Crowd, Duration, FEWEST, MOST, Patience, RARELY, SHORT, Spin, TRY};

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

    /// What one look takes, in nanoseconds.
    const LOOK: u64 = 25;

    /// One wait of a thread whose event comes after so many nanoseconds; says how often it looked, and whether that was
    /// in vain and it had to be woken, which takes `waking`.
    fn wait(patience: &mut Patience, event: u64, waking: u64) -> (u64, bool) {
        let looks = u64::from(patience.looks());
        let needed = event.div_ceil(LOOK);
        if needed <= looks {
            patience.paid();
            return (needed, false);
        }
        patience.looked_in_vain();
        patience.slept(Duration::from_nanos(event + waking));
        (looks, true)
    }

    fn impatient() -> Patience {
        let mut patience = Patience::default();
        while patience.looks() != FEWEST {
            patience.looked_in_vain();
        }
        patience
    }

    #[test]
    fn two_threads_that_answer_each_other_do_not_go_on_sleeping() {
        // How long one works and the other takes to answer, from an idle machine's wake to a slow one's.
        for (works, waking) in [([25, 1], 5), ([25, 5], 45), ([1, 1], 60), ([60, 20], 80)] {
            let mut threads = [impatient(); 2];
            let mut sleeps = [true; 2];
            for turn in 0..400 {
                let (mine, other) = (turn % 2, (turn + 1) % 2);
                // The other one waits until I have woken, if I must, and worked.
                let wakes = if sleeps[mine] { waking } else { 0 };
                let event = (wakes + works[mine]) * 1000;
                sleeps[other] = wait(&mut threads[other], event, waking * 1000).1;
            }
            assert_eq!(sleeps, [false; 2], "{works:?} µs of work, {waking} to wake");
            assert!(threads.iter().all(|thread| thread.bound == MOST));
        }
    }

    #[test]
    fn looks_that_never_pay_become_rare() {
        // The event comes soon, but never while the thread looks: both share one core.
        let mut patience = Patience::default();
        let mut looks = 0;
        for number in 0..100_000 {
            if number == 50_000 {
                looks = 0;
            }
            looks += u64::from(patience.looks());
            patience.looked_in_vain();
            patience.slept(Duration::from_micros(40));
        }
        let per_wait = looks / 50_000;
        assert!(
            per_wait <= u64::from(FEWEST + TRY / RARELY),
            "{per_wait} looks per wait"
        );
    }

    #[test]
    fn waits_that_only_a_try_outlasts_do_not_keep_a_thread_awake() {
        let mut patience = Patience::default();
        let mut looks = 0;
        for number in 0..100_000 {
            if number == 50_000 {
                looks = 0;
            }
            looks += wait(&mut patience, 150_000, 50_000).0;
        }
        let share = looks * LOOK * 100 / (50_000 * 150_000);
        assert!(share <= 1, "{share} % of the time was spent looking");
    }

    #[test]
    fn long_sleeps_lead_to_no_try() {
        let mut patience = impatient();
        for _ in 0..10_000 {
            assert_eq!(patience.looks(), FEWEST);
            patience.looked_in_vain();
            patience.slept(SHORT);
        }
    }

    #[test]
    fn patience_follows_the_last_waits() {
        let crowd = Crowd::on_cores(4);
        let mut spin = Spin::new(&crowd);
        for _ in 0..20 {
            assert!(spin.look(|| true));
        }
        assert_eq!(spin.patience().looks(), MOST);
        let other: Vec<_> = (0..4).map(|_| crowd.enter()).collect();
        assert!(!spin.look(|| true), "nobody spins in a crowd");
        assert_eq!(spin.patience().looks(), MOST, "and nobody learns there");
        drop(other);
        for _ in 0..20 {
            assert!(!spin.look(|| false));
            spin.slept(SHORT);
        }
        assert_eq!(spin.patience().looks(), FEWEST);
        let next = Spin::with_patience(&crowd, spin.patience());
        assert_eq!(next.patience().looks(), FEWEST);
    }
}

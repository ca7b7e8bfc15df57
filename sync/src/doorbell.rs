//! Waiting for another thread to have done something.
//!
//! The waiter looks, announces that it is about to sleep, looks once more and sleeps. The ringer stores
//! what it has done, then checks for announcements. Each side stores before it loads, so without a full
//! fence on both sides each could miss the other's store and the waiter would sleep for ever.
//!
//! `state` counts in its low half the *announced* waiters and in its high half the *claimed* ones: those
//! for whom a wake is already under way. A ringer that finds all announced waiters claimed has nothing to
//! do, because each of them looks again, announced, before it sleeps again; so a ring costs a fence and one load both when
//! nobody sleeps and while a woken thread is still on its way.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | waiter | `state` +1 announced, then fence | ringer | fence, then `state` | either the ringer sees the announcement or the waiter sees the event |
//! | waiter | `state` −1 (leaves); it announces again, with the fence, before it sleeps again | ringer | fence, then `state` | a ringer that relied on a claim did so before that fence, so the waiter sees its event |
//! | waiter | `state` +1 announced, Release, after it has loaded `turn` | ringer | `state` claimed, Acquire | the turn a waiter has seen is older than any claim made for it, so a claimed waiter never sleeps on |
//! | ringer | `turn` +1 | waiter | the kernel's comparison at sleep | nothing: it ends or prevents the sleep |
//!
//! The Release of an announcement and the Acquire of a claim exclude that a waiter sees the turn change before it has
//! announced itself (load buffering); loom does not explore that, so no model fails without them.
//!
//! The event itself is the caller's: it is stored before the ring (Release or stronger if it publishes data)
//! and loaded by the closure (Acquire).

use std::time::Instant;

use crate::atomic::{AtomicU32, Ordering, fence, spin_loop};
use crate::futex::Futex;
use crate::spin::Spin;

const ONE_ANNOUNCED: u32 = 1;
const ONE_CLAIMED: u32 = 1 << 16;

/// The wait ended at its deadline, and what it waited for had not happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline passed while waiting: find out why nobody rang, or wait longer")]
pub struct TimedOut;

/// A place to wait for events and to be woken from; for one waiter or for several (up to 65535).
///
/// `SHARED` doorbells lie in memory that several processes map. All-zero memory is a doorbell at which
/// nobody waits.
#[derive(Debug)]
#[repr(C)]
pub struct Doorbell<const SHARED: bool = false> {
    state: AtomicU32,
    turn: Futex<SHARED>,
}

/// A doorbell in memory that several processes map.
pub type SharedDoorbell = Doorbell<true>;

#[cfg(not(loom))]
const _: () = assert!(size_of::<Doorbell>() == 8 && align_of::<Doorbell>() == 4);

// SAFETY: two zero words are a doorbell with nobody waiting.
#[cfg(not(loom))]
unsafe impl<const SHARED: bool> bytemuck::Zeroable for Doorbell<SHARED> {}

impl<const SHARED: bool> Doorbell<SHARED> {
    /// A doorbell at which nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: AtomicU32::new(0),
            turn: Futex::new(),
        }
    }

    /// Sleeps until `ready` says true, without spinning.
    ///
    /// `ready` is called by this thread only, until it says true for the first time; so it may take what it
    /// finds. Whoever makes it true must ring afterwards.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if `deadline` passed and one last look still said false.
    #[inline]
    pub fn wait_until(
        &self,
        deadline: Option<Instant>,
        mut ready: impl FnMut() -> bool,
    ) -> Result<(), TimedOut> {
        loop {
            // Each look may take what it finds, so the first that says true is the last.
            if ready() {
                return Ok(());
            }
            if self.look_announced(deadline, &mut ready) {
                return Ok(());
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return if ready() { Ok(()) } else { Err(TimedOut) };
            }
        }
    }

    /// Spins while `spin` allows it, then sleeps until `ready` says true. A thread with a core of its own only spins.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if `deadline` passed and one last look still said false.
    #[inline]
    pub fn wait_spinning(
        &self,
        spin: &mut Spin,
        deadline: Option<Instant>,
        mut ready: impl FnMut() -> bool,
    ) -> Result<(), TimedOut> {
        if ready() {
            return Ok(());
        }
        if spin.has_own_core() {
            return look_until(deadline, ready);
        }
        let since = Instant::now();
        if spin.look(&mut ready) {
            return Ok(());
        }
        let waited = spin.present().away(|| self.wait_until(deadline, ready));
        if waited.is_ok() {
            spin.slept(since.elapsed());
        }
        waited
    }

    /// Wakes one waiter if all that wait could use the event and one is enough.
    ///
    /// The event must have been stored before. With waiters that wait for different things at one
    /// doorbell use [`ring_all`](Self::ring_all).
    #[inline]
    pub fn ring_one(&self) {
        // Pairs with the fences in `look_announced`: see the module's table.
        fence(Ordering::SeqCst);
        let state = self.state.load(Ordering::Relaxed);
        if announced(state) != claimed(state) {
            self.claim(state, |_| 1);
        }
    }

    /// Wakes all waiters.
    ///
    /// The event must have been stored before.
    #[inline]
    pub fn ring_all(&self) {
        // Pairs with the fences in `look_announced`: see the module's table.
        fence(Ordering::SeqCst);
        let state = self.state.load(Ordering::Relaxed);
        if announced(state) != claimed(state) {
            self.claim(state, |unclaimed| unclaimed);
        }
    }

    /// Whether somebody sleeps or is about to; a hint.
    #[inline]
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        announced(self.state.load(Ordering::Relaxed)) != 0
    }

    /// One announced look and, if it says false, one sleep.
    #[cold]
    fn look_announced(&self, deadline: Option<Instant>, ready: &mut impl FnMut() -> bool) -> bool {
        // Before announcing: a claim made for us changes the turn after this, so we cannot sleep through it.
        let seen = self.turn.word.load(Ordering::Relaxed);
        self.state.fetch_add(ONE_ANNOUNCED, Ordering::Release);
        // Announce before looking; pairs with the fence of the ringer.
        fence(Ordering::SeqCst);
        let leaves = Leave(&self.state);
        let is_ready = ready();
        if !is_ready {
            self.turn.sleep(seen, deadline);
        }
        drop(leaves);
        is_ready
    }

    #[cold]
    fn claim(&self, mut state: u32, how_many: impl Fn(u32) -> u32) {
        let woken = loop {
            let unclaimed = announced(state) - claimed(state);
            if unclaimed == 0 {
                return;
            }
            let taken = how_many(unclaimed);
            match self.state.compare_exchange_weak(
                state,
                state + taken * ONE_CLAIMED,
                // After the announcements, and with them after the turns their waiters have seen.
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => break taken,
                Err(now) => state = now,
            }
        };
        self.turn.word.fetch_add(1, Ordering::Relaxed);
        self.turn.wake(woken);
    }
}

impl<const SHARED: bool> Default for Doorbell<SHARED> {
    fn default() -> Self {
        Self::new()
    }
}

const fn announced(state: u32) -> u32 {
    state & (ONE_CLAIMED - 1)
}

const fn claimed(state: u32) -> u32 {
    state / ONE_CLAIMED
}

/// Takes one announcement back, and one claim if there is any, also when the look panics.
///
/// The claim may be another waiter's. Then that waiter is woken once more than needed, which is harmless;
/// the other way round, a claim without a waiter, would let a ringer skip a wake.
struct Leave<'a>(&'a AtomicU32);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut state = self.0.load(Ordering::Relaxed);
        loop {
            let claim = if claimed(state) == 0 { 0 } else { ONE_CLAIMED };
            match self.0.compare_exchange_weak(
                state,
                state - ONE_ANNOUNCED - claim,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
    }
}

/// Looks from one look at the time to the next.
const LOOKS: u32 = 64;

/// Looks until `ready` says true or `deadline` has passed.
fn look_until(deadline: Option<Instant>, mut ready: impl FnMut() -> bool) -> Result<(), TimedOut> {
    loop {
        for _ in 0..LOOKS {
            if ready() {
                return Ok(());
            }
            spin_loop();
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return if ready() { Ok(()) } else { Err(TimedOut) };
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::Doorbell;
    use crate::cell::Word32;
    use crate::slots::Slot;
    use loom::sync::Arc;
    use loom::thread;

    #[derive(Debug, Default)]
    struct House {
        bell: Doorbell,
        left: Word32,
        right: Word32,
        parcel: Slot<u32>,
    }

    impl House {
        /// Takes a parcel, if there is one: a look that changes what it looks at.
        fn take(&self) -> bool {
            let mut parcels = self.left.observe();
            while parcels != 0 {
                match self.left.change(parcels, parcels - 1) {
                    Ok(()) => return true,
                    Err(now) => parcels = now,
                }
            }
            false
        }

        fn put_and_ring(&self) {
            self.left.add(1);
            self.bell.ring_one();
        }
    }

    /// A waiter that nobody wakes is a deadlock, which loom reports.
    #[test]
    fn a_ring_after_the_event_always_wakes() {
        loom::model(|| {
            let house = Arc::new(House::default());
            let ringer = {
                let house = Arc::clone(&house);
                thread::spawn(move || {
                    // SAFETY: the waiter reads only what it saw published.
                    unsafe { *house.parcel.get_mut() = 7 };
                    house.left.publish(1);
                    house.bell.ring_one();
                })
            };
            let waited = house.bell.wait_until(None, || house.left.observe() == 1);
            assert_eq!(waited, Ok(()));
            // SAFETY: published before we were let through.
            assert_eq!(unsafe { *house.parcel.get() }, 7);
            ringer.join().expect("the ringer ends");
            assert!(!house.bell.is_awaited());
        });
    }

    /// The second ringer may find the waiter claimed by the first and do nothing; its event must still be seen.
    #[test]
    fn a_ring_that_relies_on_another_is_not_lost() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let house = Arc::new(House::default());
            let ringers = [true, false].map(|left| {
                let house = Arc::clone(&house);
                thread::spawn(move || {
                    if left { &house.left } else { &house.right }.set_own(1);
                    house.bell.ring_one();
                })
            });
            let both = || house.left.own() == 1 && house.right.own() == 1;
            assert_eq!(house.bell.wait_until(None, both), Ok(()));
            for ringer in ringers {
                ringer.join().expect("the ringer ends");
            }
        });
    }

    fn two_waiters(ring: fn(&Doorbell), twice: bool) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(move || {
            let house = Arc::new(House::default());
            let waiters = [(); 2].map(|()| {
                let house = Arc::clone(&house);
                thread::spawn(move || {
                    assert_eq!(house.bell.wait_until(None, || house.take()), Ok(()));
                })
            });
            if twice {
                house.left.add(1);
                ring(&house.bell);
                house.left.add(1);
            } else {
                house.left.add(2);
            }
            ring(&house.bell);
            for waiter in waiters {
                waiter.join().expect("the waiter ends");
            }
            assert!(!house.bell.is_awaited());
        });
    }

    #[test]
    fn two_rings_of_one_serve_two_waiters() {
        two_waiters(Doorbell::ring_one, true);
    }

    #[test]
    fn two_ringers_serve_two_waiters() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            let house = Arc::new(House::default());
            let waiters = [(); 2].map(|()| {
                let house = Arc::clone(&house);
                thread::spawn(move || {
                    assert_eq!(house.bell.wait_until(None, || house.take()), Ok(()));
                })
            });
            let ringer = {
                let house = Arc::clone(&house);
                thread::spawn(move || house.put_and_ring())
            };
            house.put_and_ring();
            for thread in waiters.into_iter().chain([ringer]) {
                thread.join().expect("the thread ends");
            }
        });
    }

    #[test]
    fn one_ring_of_all_serves_two_waiters() {
        two_waiters(Doorbell::ring_all, false);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Doorbell, SharedDoorbell, TimedOut, announced, claimed};
    use crate::atomic::Ordering;
    use crate::cell::Word64;
    use crate::deadline::Deadline;
    use crate::spin::{Crowd, Spin};
    use core::time::Duration;
    use std::thread;
    use std::time::Instant;

    fn watchdog() -> Option<Instant> {
        Deadline::after(Duration::from_secs(60)).instant()
    }

    #[test]
    fn an_event_that_has_happened_needs_no_ring() {
        assert_eq!(Doorbell::<false>::new().wait_until(None, || true), Ok(()));
    }

    #[test]
    fn a_passed_deadline_ends_the_wait_and_leaves_nobody_announced() {
        let bell = Doorbell::<false>::new();
        let now = Deadline::after(Duration::ZERO).instant();
        assert_eq!(bell.wait_until(now, || false), Err(TimedOut));
        assert_eq!(bell.state.load(Ordering::Relaxed), 0);
        let crowd = Crowd::on_cores(8);
        let mut spin = Spin::new(&crowd);
        assert_eq!(bell.wait_spinning(&mut spin, now, || false), Err(TimedOut));
        assert_eq!(crowd.runnable(), 1);
    }

    #[test]
    fn a_thread_with_a_core_of_its_own_never_sleeps() {
        let bell = Doorbell::<false>::new();
        let event = Word64::new(0);
        let mut spin = Spin::new(&Crowd::on_cores_of_their_own());
        let passed = Some(Instant::now());
        assert_eq!(
            bell.wait_spinning(&mut spin, passed, || false),
            Err(TimedOut)
        );
        let looks = Word64::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                let deadline = watchdog();
                // Far more than a thread looks that may sleep.
                while looks.observe() < 100_000 {
                    assert!(!bell.is_awaited(), "it sleeps");
                    assert!(
                        deadline.is_none_or(|it| Instant::now() < it),
                        "it does not look"
                    );
                    thread::yield_now();
                }
                // Nobody rings.
                event.publish(1);
            });
            let looked = || {
                looks.publish(looks.own() + 1);
                event.observe() == 1
            };
            assert_eq!(bell.wait_spinning(&mut spin, watchdog(), looked), Ok(()));
        });
    }

    #[test]
    fn a_panic_while_looking_takes_the_announcement_back() {
        let bell = Doorbell::<false>::new();
        let mut looks = 0;
        let look = core::panic::AssertUnwindSafe(|| {
            bell.wait_until(None, || {
                looks += 1;
                assert!(looks < 2, "the announced look fails");
                false
            })
        });
        assert!(std::panic::catch_unwind(look).is_err());
        assert_eq!(bell.state.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn zero_memory_is_a_doorbell_that_works_across_kinds_of_sharing() {
        let bell: SharedDoorbell = bytemuck::Zeroable::zeroed();
        let event = Word64::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !bell.is_awaited() {
                    thread::yield_now();
                }
                event.publish(1);
                bell.ring_all();
            });
            assert_eq!(bell.wait_until(watchdog(), || event.observe() == 1), Ok(()));
        });
    }

    /// Two threads pass a number to and fro, with and without spinning: every wake is needed.
    #[test]
    fn ping_pong_does_not_lose_a_ring() {
        const ROUNDS: u64 = 2_000;
        let (bells, ball) = ([Doorbell::<false>::new(), Doorbell::new()], Word64::new(0));
        let crowd = Crowd::new();
        let play = |me: u64| {
            let mut spin = Spin::new(&crowd);
            let (mine, other) = (&bells[usize::from(me == 1)], &bells[usize::from(me == 0)]);
            for round in 0..ROUNDS {
                let turn = 2 * round + me;
                let waited = if round % 2 == 0 {
                    mine.wait_spinning(&mut spin, watchdog(), || ball.observe() == turn)
                } else {
                    mine.wait_until(watchdog(), || ball.observe() == turn)
                };
                assert_eq!(waited, Ok(()), "turn {turn}");
                ball.publish(turn + 1);
                other.ring_one();
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| play(0));
            play(1);
        });
        assert_eq!(ball.observe(), 2 * ROUNDS);
        for bell in &bells {
            let state = bell.state.load(Ordering::Relaxed);
            assert_eq!((announced(state), claimed(state)), (0, 0));
        }
    }
}

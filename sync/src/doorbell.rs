//! Waiting for another thread to have done something.
//!
//! The waiter looks, announces that it is about to sleep, looks once more and sleeps. The ringer stores
//! what it has done, then checks for announcements. Each side stores before it loads, so without a full
//! fence on both sides each could miss the other's store and the waiter would sleep for ever.
//!
//! `state` counts in its low half the *announced* waiters and in its high half the *claimed* ones: those
//! for whom a wake is already under way. A ringer that finds all announced waiters claimed has nothing to
//! do, because each of them looks again after it has left; so a ring costs a fence and one load both when
//! nobody sleeps and while a woken thread is still on its way.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | waiter | `state` +1 announced, then fence | ringer | fence, then `state` | either the ringer sees the announcement or the waiter sees the event |
//! | waiter | `state` −1 (leaves), then fence | ringer | fence, then `state` | a ringer that relied on a claim did so before the leaver looked again |
//! | ringer | `turn` +1, after its fence | waiter | `turn`, Acquire, before its last look; the kernel at sleep | a claim seen before the last look: its event; a claim made later ends or prevents the sleep |
//!
//! The event itself is the caller's: it is stored before the ring (Release or stronger if it publishes data)
//! and loaded by the closure (Acquire).

use std::time::Instant;

use bytemuck::Zeroable;

use crate::atomic::{AtomicU32, Ordering, fence};
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
unsafe impl<const SHARED: bool> Zeroable for Doorbell<SHARED> {}

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
    /// `ready` is called by this thread only, any number of times. Whoever makes it true must ring
    /// afterwards.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if `deadline` passed and one last look still said false.
    pub fn wait_until(
        &self,
        deadline: Option<Instant>,
        mut ready: impl FnMut() -> bool,
    ) -> Result<(), TimedOut> {
        loop {
            if ready() {
                return Ok(());
            }
            self.announced(deadline, &mut ready);
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return if ready() { Ok(()) } else { Err(TimedOut) };
            }
        }
    }

    /// Spins while `spin` allows it, then sleeps until `ready` says true.
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
        if ready() || spin.look(&mut ready) {
            return Ok(());
        }
        spin.present().away(|| self.wait_until(deadline, ready))
    }

    /// Wakes one waiter if all that wait could use the event and one is enough.
    ///
    /// The event must have been stored before. With waiters that wait for different things at one
    /// doorbell use [`ring_all`](Self::ring_all).
    #[inline]
    pub fn ring_one(&self) {
        // Pairs with the fences in `announced`: see the module's table.
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
        // Pairs with the fences in `announced`: see the module's table.
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

    /// One announced look and, if it fails, one sleep.
    #[cold]
    fn announced(&self, deadline: Option<Instant>, ready: &mut impl FnMut() -> bool) {
        self.state.fetch_add(ONE_ANNOUNCED, Ordering::Relaxed);
        // Announce before looking; pairs with the fence of the ringer.
        fence(Ordering::SeqCst);
        // Acquire: a claim already seen here came after its event, which the look below must then see.
        let seen = self.turn.word.load(Ordering::Acquire);
        let leaves = Leave(&self.state);
        if !ready() {
            self.turn.sleep(seen, deadline);
        }
        drop(leaves);
        // Leave before the caller looks again; pairs with the fence of a ringer that relied on our claim.
        fence(Ordering::SeqCst);
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
                Ordering::Relaxed,
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

//! Work in roles that any thread may drive.
//!
//! A *role* is a state machine behind a [`Baton`](crate::Baton): whoever holds it makes one step at a time. On a
//! device each thread drives a role of its own for ever; where threads are fewer than roles, every thread drives all of
//! them in turn ([`drive()`]).
//!
//! A driver that found nothing to do sleeps at the work's bell, and looking again *is* making another round: so
//! whatever a step can notice ends the sleep, and whoever brings it about stores it and then rings **all** drivers. One
//! is not enough: the one that wakes may find the role in the hands of another who looked too early.

use core::time::Duration;
use std::time::Instant;

#[cfg(not(loom))]
use crate::deadline::Deadline;
use crate::deadline::{Progress, Stalled};
use crate::doorbell::Doorbell;
use crate::spin::Spin;

/// How often per limit a sleeping driver looks whether anything moves at all.
#[cfg(not(loom))]
const LOOKS: u32 = 4;
/// Longest sleep of a driver: what a ring that reached too few costs at most.
#[cfg(not(loom))]
const NAP: Duration = Duration::from_millis(20);

/// Longest sleep of a driver whom nobody tells what happens.
#[cfg(not(loom))]
const GLANCE: Duration = Duration::from_micros(200);

/// What one step of a role came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// Something moved: another step may be worth while.
    Progress,
    /// Nothing to do now.
    Idle,
    /// Another thread holds the role's baton.
    Busy,
    /// The work is over, for every role.
    Done,
}

/// Work that is done role by role.
pub trait Roles: Sync {
    /// How many roles there are.
    fn roles(&self) -> usize;

    /// Makes one step of `role`, unless somebody else does.
    fn step(&self, role: usize) -> Step;

    /// Rung for all whenever a step that had nothing to do may have something now.
    fn work_bell(&self) -> &Doorbell;

    /// A number that grows while the work gets anywhere.
    fn progress(&self) -> u64;

    /// Whether the bell tells everything: if not, drivers look again by themselves, soon.
    fn is_told(&self) -> bool {
        true
    }

    /// Does something that belongs to no role and says whether there was anything.
    fn help(&self) -> bool {
        false
    }

    /// Nothing has moved for too long: the work has to be ended.
    fn stalled(&self, stalled: Stalled);
}

/// Drives all roles, beginning with `first`, until the work is over; complains when nothing moves for `limit`.
///
/// Work that has been told that it stalls must come to its end; until it does the driver goes on.
pub fn drive<R: Roles + ?Sized>(work: &R, first: usize, limit: Duration, spin: &mut Spin) {
    let roles = work.roles();
    let mut watch = Progress::new(limit);
    watch.restart(work.progress());
    let mut over = false;
    while !over {
        let look = || match round(work, first, roles) {
            Step::Idle | Step::Busy => work.help(),
            Step::Progress => true,
            Step::Done => {
                over = true;
                true
            }
        };
        let until = end_of_nap(work.is_told(), limit);
        let slept_in_vain = work.work_bell().wait_spinning(spin, until, look).is_err();
        if slept_in_vain && let Err(stalled) = watch.check(work.progress()) {
            work.stalled(stalled);
            watch.restart(work.progress());
        }
    }
    // Another may have found every role in our hands, one after the other, and sleep without having seen the end.
    work.work_bell().ring_all();
}

/// When a driver that begins to sleep now looks again by itself.
#[cfg(not(loom))]
fn end_of_nap(is_told: bool, limit: Duration) -> Option<Instant> {
    let nap = if is_told { NAP } else { GLANCE };
    Deadline::after(nap.min(limit / LOOKS)).instant()
}

/// Never: a model has no time, so it finds a driver that nobody wakes.
#[cfg(loom)]
fn end_of_nap(_is_told: bool, _limit: Duration) -> Option<Instant> {
    None
}

/// One step of every role.
#[inline]
fn round<R: Roles + ?Sized>(work: &R, first: usize, roles: usize) -> Step {
    let mut came_to = Step::Idle;
    for offset in 0..roles {
        match work.step((first + offset) % roles) {
            Step::Done => return Step::Done,
            Step::Progress => came_to = Step::Progress,
            Step::Idle | Step::Busy => {}
        }
    }
    came_to
}

#[cfg(test)]
mod relay {
    use super::{Roles, Step};
    use crate::baton::Baton;
    use crate::cell::{Flag, Word64};
    use crate::deadline::Stalled;
    use crate::doorbell::Doorbell;

    /// Roles that move a number on in turn: role `n` moves it when it is `n` modulo the roles.
    pub(super) struct Relay {
        pub(super) roles: Vec<Baton<u64>>,
        pub(super) number: Word64,
        end: u64,
        bell: Doorbell,
        pub(super) ended: Flag,
    }

    impl Relay {
        pub(super) fn new(roles: usize, end: u64) -> Self {
            Self {
                roles: (0..roles).map(|_| Baton::new(0)).collect(),
                number: Word64::new(0),
                end,
                bell: Doorbell::new(),
                ended: Flag::new(),
            }
        }
    }

    impl Roles for Relay {
        fn roles(&self) -> usize {
            self.roles.len()
        }

        fn step(&self, role: usize) -> Step {
            let Some(mut steps) = self.roles[role].try_take() else {
                return Step::Busy;
            };
            let number = self.number.observe();
            if number >= self.end || self.ended.is_set() {
                return Step::Done;
            }
            if number % self.roles.len() as u64 != role as u64 {
                return Step::Idle;
            }
            *steps += 1;
            self.number.publish(number + 1);
            self.bell.ring_all();
            Step::Progress
        }

        fn work_bell(&self) -> &Doorbell {
            &self.bell
        }

        fn progress(&self) -> u64 {
            self.number.observe()
        }

        fn stalled(&self, _: Stalled) {
            self.ended.set();
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use core::time::Duration;

    use super::drive;
    use super::relay::Relay;
    use crate::spin::{Crowd, Spin};
    use loom::sync::Arc;
    use loom::thread;

    /// However the drivers look, sleep and ring, each comes to the end: a lost ring would be a deadlock here.
    #[test]
    fn every_driver_sees_the_end() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            // More threads than cores: nobody spins.
            let crowd = Crowd::on_cores(0);
            let relay = Arc::new(Relay::new(2, 2));
            let other = {
                let (relay, crowd) = (Arc::clone(&relay), std::sync::Arc::clone(&crowd));
                thread::spawn(move || drive(&*relay, 1, Duration::MAX, &mut Spin::new(&crowd)))
            };
            drive(&*relay, 0, Duration::MAX, &mut Spin::new(&crowd));
            other.join().expect("the other driver ends");
            assert_eq!(relay.number.observe(), 2);
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::time::Duration;
    use std::sync::Arc;

    use super::drive;
    use super::relay::Relay;
    use crate::deadline::Deadline;
    use crate::spin::{Crowd, Spin};

    fn drive_with(relay: &Relay, threads: usize, limit: Duration) {
        let crowd = Crowd::new();
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let crowd = Arc::clone(&crowd);
                scope.spawn(move || drive(relay, thread, limit, &mut Spin::new(&crowd)));
            }
        });
    }

    #[test]
    fn any_number_of_threads_drives_any_number_of_roles_to_the_end() {
        for threads in 1..4 {
            for roles in 1..5 {
                let mut relay = Relay::new(roles, 400);
                drive_with(&relay, threads, Duration::from_secs(60));
                let steps = relay.roles.iter_mut().map(|role| *role.exclusive());
                assert_eq!(steps.sum::<u64>(), 400);
                assert!(!relay.ended.is_set());
            }
        }
    }

    #[test]
    fn work_that_stands_still_is_told_so() {
        let relay = Relay::new(1, 1);
        let held = relay.roles[0].try_take().expect("nobody holds it");
        std::thread::scope(|scope| {
            let driver = scope.spawn(|| {
                drive(
                    &relay,
                    0,
                    Duration::from_millis(1),
                    &mut Spin::new(&Crowd::new()),
                );
            });
            let watchdog = Deadline::after(Duration::from_secs(60));
            while !relay.ended.is_set() && !driver.is_finished() && !watchdog.has_passed() {
                std::thread::yield_now();
            }
            // Also if the driver was told nothing: then it can do its step and come to its end.
            drop(held);
        });
        assert_eq!((relay.ended.is_set(), relay.number.observe()), (true, 0));
    }
}

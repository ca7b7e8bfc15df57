//! Tasks whose blocks must all start together.
//!
//! Knows one waiting task and who may collect all roles for it. Refuses to know other tasks: while one waits, nobody
//! dispatches anything, so cores only become free.
//!
//! The role that asked is the *leader*. It takes the batons of all other roles, which stay away from their own while it
//! collects; if one is in use for too long (a kernel runs in it), the leader lets all go and tries again at its next
//! step. Nobody waits for a baton, and every step still polls, so what runs can always end.

use core::hint::spin_loop;
use core::time::Duration;
use std::time::Instant;

use aicore_abi::orchestration::trb::Shape;
use aicore_abi::seam::Cores;
use sync::{Flag, Word64};

use super::Role;
use super::tracker::Phase;
use crate::baton::{Baton, Held};
use crate::record::TaskRef;
use crate::run::Env;
use crate::shared::MAX_ROLES;

/// How long a leader waits for a baton before it lets the others go on.
const PATIENCE: Duration = Duration::from_micros(50);

/// The batons of all roles but one.
pub(crate) type Others<'r> = [Option<Held<'r, Role>>; MAX_ROLES];

/// The task that waits for all roles, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    /// Task + 1 and leader; zero if nobody waits.
    waiting: Word64,
    collecting: Flag,
}

impl Drain {
    /// Lets `task` wait with `leader` in charge, unless another one waits.
    fn ask(&self, task: TaskRef, leader: usize) -> bool {
        let word = (u64::from(task.raw()) + 1) | (leader as u64) << 40;
        self.waiting.change(0, word).is_ok()
    }

    /// The waiting task and its leader.
    #[inline]
    pub(crate) fn pending(&self) -> Option<(TaskRef, usize)> {
        let word = self.waiting.observe();
        if word == 0 {
            return None;
        }
        let task = u32::try_from((word & 0xff_ffff_ffff) - 1).expect("stored as such");
        let leader = usize::try_from(word >> 40).expect("stored as such");
        Some((TaskRef::from_raw(task), leader))
    }

    /// Whether others than `role` should leave batons alone.
    #[inline]
    pub(crate) fn keeps_away(&self, role: usize) -> bool {
        self.collecting.is_set() && self.pending().is_none_or(|(_, leader)| leader != role)
    }

    /// Nobody waits.
    pub(crate) fn clear(&self) {
        self.waiting.publish(0);
        self.collecting.clear();
    }

    /// Takes the batons of all of `roles` but `except`, or none.
    pub(crate) fn collect<'r>(
        &self,
        roles: &'r [Baton<Role>],
        except: Option<usize>,
        patience: Duration,
    ) -> Option<Others<'r>> {
        struct Done<'a>(&'a Flag);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                self.0.clear();
            }
        }
        if !self.collecting.set() {
            return None;
        }
        let _done = Done(&self.collecting);
        let since = Instant::now();
        let mut others: Others<'r> = [const { None }; MAX_ROLES];
        for (number, role) in roles.iter().enumerate() {
            if Some(number) == except {
                continue;
            }
            others[number] = loop {
                if let Some(held) = role.try_take() {
                    break Some(held);
                }
                if since.elapsed() > patience {
                    return None;
                }
                spin_loop();
            };
        }
        Some(others)
    }
}

impl Role {
    /// Lets a task wait until enough cores are free at once; false if another one waits already.
    pub(super) fn ask_for_all<C: Cores>(&self, env: &Env<'_, C>, task: TaskRef) -> bool {
        env.shared.drain.ask(task, self.number)
    }

    /// Starts the waiting task if this role leads and enough cores are free; says whether it was started.
    #[cold]
    pub(super) fn try_start_together<C: Cores>(
        &mut self,
        env: &Env<'_, C>,
        task: TaskRef,
        leader: usize,
    ) -> bool {
        if leader != self.number {
            return false;
        }
        let Some(mut others) = env
            .shared
            .drain
            .collect(env.roles, Some(self.number), PATIENCE)
        else {
            return false;
        };
        let descriptor = env.shared.records.descriptor(task);
        let (shape, blocks) = (descriptor.shape, descriptor.blocks);
        let elsewhere: u32 = others
            .iter()
            .flatten()
            .map(|role| role.tracker.units(shape, Phase::Idle))
            .sum();
        if self.tracker.units(shape, Phase::Idle) + elsewhere < blocks {
            return false;
        }
        let mut next = self.start_blocks(env, task, shape, 0, blocks);
        for role in others.iter_mut().flatten() {
            if next == blocks {
                break;
            }
            next = role.start_blocks(env, task, shape, next, blocks);
            role.publish_counts(env);
        }
        debug_assert!(next == blocks, "the units were counted under all batons");
        env.shared.drain.waiting.publish(0);
        true
    }

    /// Dispatches blocks from `first` on while there are free cores; yields the first that was not.
    fn start_blocks<C: Cores>(
        &mut self,
        env: &Env<'_, C>,
        task: TaskRef,
        shape: Shape,
        first: u32,
        blocks: u32,
    ) -> u32 {
        let mut block = first;
        while block < blocks {
            let Some(unit) = self.tracker.pick(shape, Phase::Idle) else {
                break;
            };
            let descriptor = env.shared.records.descriptor(task);
            self.dispatch_block(env, task, descriptor, unit, block);
            block += 1;
        }
        block
    }
}

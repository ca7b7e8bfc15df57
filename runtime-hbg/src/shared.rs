//! What the roles of a run share.
//!
//! Knows which words several roles write, and who looks at them. Refuses to know what a role does with its cores.

use core::time::Duration;

use aicore_abi::seam::KernelEntry;
use sync::{Countdown, Doorbell, Flag, Latch, Line, Mpmc, Tally, Word32, Word64};

use crate::graph::{GraphView, KINDS};

/// Roles there can be: the scheduling threads of the largest family.
pub(crate) const MAX_ROLES: usize = 8;

/// Places of a shared ready queue. What does not fit stays with the role that has it.
const QUEUE: usize = 1024;

/// Shared by all threads of a run.
///
/// | part | written by | read by |
/// | --- | --- | --- |
/// | ready queues | roles with more than they can use | roles with free cores |
/// | `claimed` | roles without anything else to do | the same |
/// | `hungry` | roles that get or lose free cores they have nothing for | roles with more than they can use |
/// | `completed`, `moves` | each role its own line, per step | roles with nothing to do, watchdogs |
/// | the rest | whoever is first, once | everyone |
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) ready: [Mpmc<u32>; KINDS],
    /// How many of the graph's initially ready tasks have been claimed.
    pub(crate) claimed: [Line<Word32>; KINDS],
    /// Roles, by bit, that have cores free and nothing for them.
    pub(crate) hungry: [Line<Word32>; KINDS],
    pub(crate) work_bell: Doorbell,
    pub(crate) completed: Tally,
    pub(crate) moves: Tally,
    /// Roles, by bit, that have nothing running any more after the run was to end.
    pub(crate) quiet: Word64,
    pub(crate) code: Latch,
    pub(crate) done: Flag,
    /// Cores did not come back from a failed run.
    pub(crate) cores_lost: Flag,
}

impl Shared {
    /// With empty queues.
    pub(crate) fn new() -> Self {
        let queue = || Mpmc::new(QUEUE).expect("a power of two");
        Self {
            ready: [queue(), queue()],
            claimed: Default::default(),
            hungry: Default::default(),
            work_bell: Doorbell::new(),
            completed: Tally::new(MAX_ROLES),
            moves: Tally::new(MAX_ROLES),
            quiet: Word64::new(0),
            code: Latch::new(),
            done: Flag::new(),
            cores_lost: Flag::new(),
        }
    }

    /// Forgets the run before.
    pub(crate) fn begin(&mut self, epoch: u32) {
        for queue in &mut self.ready {
            if !queue.is_empty() {
                queue.reset(epoch);
            }
        }
        for word in self.claimed.iter().chain(&self.hungry) {
            word.set_own(0);
        }
        self.completed.restart();
        self.moves.restart();
        self.quiet.publish(0);
        self.code.clear();
        self.done.clear();
    }

    /// A number that grows with every call dispatched, finished and every task completed.
    pub(crate) fn progress(&self) -> u64 {
        self.completed.sum() + self.moves.sum()
    }
}

/// What a role's step needs to know.
#[derive(Debug)]
pub(crate) struct Env<'r, C> {
    pub(crate) shared: &'r Shared,
    pub(crate) joins: &'r [Countdown],
    pub(crate) graph: GraphView<'r>,
    pub(crate) kernels: &'r [KernelEntry],
    pub(crate) cores: &'r C,
    pub(crate) roles: usize,
    pub(crate) wind_down: Duration,
}

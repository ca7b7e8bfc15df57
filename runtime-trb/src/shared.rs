//! What the threads of a run share.
//!
//! Knows the queues, bells, latches and counters. Refuses to know what is done with them.
//!
//! | part | written by | read by |
//! | --- | --- | --- |
//! | ready queues | orchestrator, roles with more than they can use | roles |
//! | `submitted` | orchestrator, per task | roles once the orchestration is over, watchdogs |
//! | `completed`, `moves` | each role its own line, per step | orchestrator when blocked, watchdogs |
//! | latches, flags | whoever is first | everyone; they stay in every cache until something happens |

use aicore_abi::orchestration::trb::Shape;
use sync::{Arena, Doorbell, Flag, Latch, Line, Mpmc, MpmcSlot, Slab, Tally, Word32, Word64};

use crate::error::Result;
use crate::limits::{Limits, RINGS};
use crate::record::{Records, TaskRef};
use crate::role::Drain;

/// Roles there can be: the scheduling threads of the largest family, the orchestrator's included.
pub(crate) const MAX_ROLES: usize = 8;

type ReadyQueue = Mpmc<TaskRef, Slab<MpmcSlot<TaskRef>>>;

/// Shared by all threads of a run; lives as long as the context.
pub(crate) struct Shared {
    pub(crate) records: Records,
    ready: [ReadyQueue; Shape::ALL.len()],
    /// Rung for drivers with nothing to do.
    pub(crate) work_bell: Line<Doorbell>,
    /// Rung for a blocked orchestration.
    pub(crate) room_bell: Line<Doorbell>,
    /// Moved by whoever has news for drivers that the queues do not show.
    pub(crate) news: Line<Word32>,
    /// Tasks published so far.
    pub(crate) submitted: Line<Word64>,
    /// Moved by the orchestrator after each task it has put into a ready queue.
    pub(crate) queued: Line<Word64>,
    /// Tasks completed so far, by role.
    pub(crate) completed: Tally,
    /// Dispatches and finished kernel calls so far, by role.
    pub(crate) moves: Tally,
    /// Roles that have no core running any more, after a fatal error.
    pub(crate) quiet: Word64,
    /// Cores that did not end in time; whoever has them may still write.
    pub(crate) cores_lost: Flag,
    /// The task that needs the cores of several roles at once.
    pub(crate) drain: Drain,
    pub(crate) orchestrator_code: Latch,
    pub(crate) scheduler_code: Latch,
    /// No further task will come.
    pub(crate) orchestration_over: Flag,
    /// Nothing is left to do.
    pub(crate) done: Flag,
}

const _: () = assert!(usize::BITS == 64, "this crate is for 64-bit machines");

/// Slots of each ready queue: every live task fits, so a push cannot fail.
const fn ready_capacity(limits: &Limits) -> usize {
    (limits.task_window as usize * RINGS).next_power_of_two()
}

/// Address space the shared parts take.
#[expect(clippy::cast_possible_truncation, reason = "asserted above")]
pub(crate) const fn bytes(limits: &Limits) -> usize {
    let queues = ready_capacity(limits) * size_of::<MpmcSlot<TaskRef>>() * Shape::ALL.len();
    let records = limits.record_granules() as usize * RINGS * crate::record::GRANULE;
    queues + records + 8 * 4096
}

impl Shared {
    /// Everything zero, in `arena`.
    pub(crate) fn new(arena: &Arena, limits: &Limits, records: Records) -> Result<Self> {
        let queue =
            || -> Result<ReadyQueue> { Ok(Mpmc::over(arena.take(ready_capacity(limits))?, 0)?) };
        Ok(Self {
            records,
            ready: [queue()?, queue()?, queue()?],
            work_bell: Line::default(),
            room_bell: Line::default(),
            news: Line::default(),
            submitted: Line::default(),
            queued: Line::default(),
            completed: Tally::new(MAX_ROLES),
            moves: Tally::new(MAX_ROLES),
            quiet: Word64::default(),
            cores_lost: Flag::new(),
            drain: Drain::default(),
            orchestrator_code: Latch::new(),
            scheduler_code: Latch::new(),
            orchestration_over: Flag::new(),
            done: Flag::new(),
        })
    }

    /// Forgets the run before; `run` is its successor's number.
    pub(crate) fn begin(&mut self, run: u32) {
        for queue in &mut self.ready {
            if !queue.is_empty() {
                queue.reset(run);
            }
        }
        self.submitted.publish(0);
        self.queued.publish(0);
        self.completed.restart();
        self.moves.restart();
        self.quiet.publish(0);
        self.drain.clear();
        self.orchestrator_code.clear();
        self.scheduler_code.clear();
        self.orchestration_over.clear();
        self.done.clear();
    }

    /// The tasks of a shape that any role may take.
    #[inline]
    pub(crate) fn ready(&self, shape: Shape) -> &ReadyQueue {
        &self.ready[shape as usize]
    }

    /// Makes a task available to all roles.
    #[inline]
    pub(crate) fn make_ready(&self, shape: Shape, task: TaskRef) {
        let pushed = self.ready(shape).push(task);
        debug_assert!(pushed.is_ok(), "the queue has a slot for every live task");
    }

    /// Whether the run is to end without finishing its tasks.
    #[inline]
    pub(crate) fn is_fatal(&self) -> bool {
        self.orchestrator_code.is_latched() || self.scheduler_code.is_latched()
    }

    /// Tasks published and not completed, as far as one look can tell; never too few.
    pub(crate) fn outstanding(&self) -> u64 {
        let completed = self.completed.sum();
        self.submitted.observe() - completed
    }

    /// A number that grows with everything that is submitted, dispatched, finished or completed.
    pub(crate) fn progress(&self) -> u64 {
        self.submitted.observe() + self.completed.sum() + self.moves.sum()
    }

    /// Tells sleeping drivers that something happened that the queues do not show.
    pub(crate) fn notify(&self) {
        self.news.add(1);
        self.work_bell.ring_all();
    }

    /// Wakes everyone who waits for anything.
    pub(crate) fn wake_all(&self) {
        self.notify();
        self.room_bell.ring_all();
    }
}

impl core::fmt::Debug for Shared {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Shared")
            .field("submitted", &self.submitted.observe())
            .field("completed", &self.completed.sum())
            .finish_non_exhaustive()
    }
}

//! A scheduler, as a state machine that somebody drives.
//!
//! Knows the cores of some clusters and which tasks are on them. Refuses to know threads: whoever holds a role's baton
//! drives it, on a chip always the same thread, in simulation any thread with nothing better to do.
//!
//! One step: *poll* the cores that run something, *complete* what finished (which makes consumers ready), *dispatch*
//! ready tasks to free cores, *share* what this role cannot use now. A task that becomes ready here usually
//! runs here: it goes to the role's own stack first and to the shared queue only when other roles have cores free or the
//! stack is full.

mod complete;
mod deferred;
mod dispatch;
mod drain;
mod poll;
mod step;
mod tracker;

use aicore_abi::orchestration::trb::Shape;
use aicore_abi::registers::{Token, TokenSequence};
use aicore_abi::seam::CoreId;
use protocol::limits::trb::SUBTASK_SLOTS;
use sync::Lifo;

use crate::record::TaskRef;

pub(crate) use deferred::Deferred;
pub(crate) use drain::Drain;
pub(crate) use tracker::{Lane, Tracker};

/// Ready tasks of one shape a role keeps to itself.
const OWN_READY: usize = 64;

/// One kernel call that was dispatched and has not finished.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    token: Token,
    task: TaskRef,
}

/// What is on one core.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Core {
    id: CoreId,
    tokens: TokenSequence,
    running: Option<Flight>,
    pending: Option<Flight>,
}

impl Core {
    pub(crate) const fn new(id: CoreId) -> Self {
        Self {
            id,
            tokens: TokenSequence::after(0),
            running: None,
            pending: None,
        }
    }

    pub(crate) const fn id(&self) -> CoreId {
        self.id
    }
}

/// The cores of one cluster, by lane.
pub(crate) type Cluster = [Core; SUBTASK_SLOTS];

/// One scheduler's own state.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) number: usize,
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) tracker: Tracker,
    own_ready: [Lifo<TaskRef, OWN_READY>; Shape::ALL.len()],
    deferred: Deferred,
    /// Completed tasks of the current step.
    completed: u64,
    /// Dispatches and finished kernel calls of the current step.
    moves: u64,
    /// Rounds that were written down.
    rounds: u32,
    /// When the role first saw that the run is to end.
    ending: Option<std::time::Instant>,
    /// The role has said that it is quiet.
    quiet: bool,
}

impl Role {
    /// A role without cores.
    pub(crate) fn new(number: usize) -> Self {
        Self {
            number,
            clusters: Vec::new(),
            tracker: Tracker::default(),
            own_ready: [Lifo::new(), Lifo::new(), Lifo::new()],
            deferred: Deferred::default(),
            completed: 0,
            moves: 0,
            rounds: 0,
            ending: None,
            quiet: false,
        }
    }

    /// Starts a run without cores.
    pub(crate) fn begin(&mut self) {
        self.clusters.clear();
        self.tracker = Tracker::default();
        for stack in &mut self.own_ready {
            stack.clear();
        }
        self.deferred.clear();
        self.completed = 0;
        self.moves = 0;
        self.rounds = 0;
        self.ending = None;
        self.quiet = false;
    }

    /// Adds a cluster.
    pub(crate) fn adopt(&mut self, cluster: Cluster) {
        self.tracker.adopt(
            self.clusters.len(),
            cluster.map(|core| core.running.is_some()),
            cluster.map(|core| core.running.is_some()),
        );
        self.clusters.push(cluster);
    }

    /// Gives all clusters away, with what runs on them.
    pub(crate) fn give_up_clusters(&mut self) -> Vec<Cluster> {
        self.tracker = Tracker::default();
        core::mem::take(&mut self.clusters)
    }

    /// Whether nothing is on any of the role's cores.
    pub(crate) fn has_nothing_running(&self) -> bool {
        Lane::ALL
            .iter()
            .all(|&lane| self.tracker.running(lane) == 0)
    }

    fn core(&mut self, lane: Lane, cluster: usize) -> &mut Core {
        &mut self.clusters[cluster][lane as usize]
    }
}

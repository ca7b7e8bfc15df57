//! A scheduler, as a state machine that somebody drives.
//!
//! Knows some cores of either kind and the ready tasks it has for them. Refuses to know threads.
//!
//! One round: *poll* the cores that run something, *complete* what finished (which makes successors ready), *dispatch*
//! to free cores. A task that becomes ready here usually runs here: it lies on the role's own stack, newest on top,
//! and goes to the shared queue, oldest first, only when another role has cores free that this one's are not. The
//! stack has no limit, so nothing ever waits for room.

mod dispatch;
mod wind_down;

use std::collections::VecDeque;
use std::time::Instant;

use aicore_abi::in_flight::{InFlight, Occupancy};
use aicore_abi::seam::{CoreId, Cores};
use protocol::CoreType;
use protocol::diagnostics::TensorDumpStage;
use sync::Step;

use crate::graph::{KINDS, Target};
use crate::recording;
use crate::shared::Env;

/// Rounds of one step while there is progress, so that holding the baton pays.
const ROUNDS: u32 = 8;

/// One core of a role.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Core {
    pub(crate) id: CoreId,
    /// Lane among the vector cores of its cluster.
    pub(crate) lane: u16,
    pub(crate) calls: InFlight<u32>,
}

/// The cores of one kind and the tasks for them.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) cores: Vec<Core>,
    occupancy: Occupancy,
    /// Ready tasks, the newest last.
    pub(crate) ready: VecDeque<u32>,
    /// The role has said that it has cores free and nothing for them.
    hungry: bool,
}

/// One scheduler's own state.
#[derive(Debug)]
pub(crate) struct Role {
    number: usize,
    pub(crate) sides: [Side; KINDS],
    /// Completed tasks of the current step.
    completed: u64,
    /// Calls dispatched and finished in the current step.
    moves: u64,
    /// When the role first saw that the run is to end.
    ending: Option<Instant>,
    /// The role has said that nothing of it runs any more.
    quiet: bool,
}

impl Role {
    /// A role without cores.
    pub(crate) fn new(number: usize) -> Self {
        Self {
            number,
            sides: Default::default(),
            completed: 0,
            moves: 0,
            ending: None,
            quiet: false,
        }
    }

    /// Starts a run without cores; what it had allocated stays.
    pub(crate) fn begin(&mut self) {
        for side in &mut self.sides {
            side.cores.clear();
            side.occupancy = Occupancy::default();
            side.ready.clear();
            side.hungry = false;
        }
        self.completed = 0;
        self.moves = 0;
        self.ending = None;
        self.quiet = false;
    }

    /// Adds a core; `index` is its number among those of its kind.
    pub(crate) fn adopt(&mut self, kind: CoreType, id: CoreId, index: u16) {
        let side = &mut self.sides[kind as usize];
        side.cores.push(Core {
            id,
            lane: match kind {
                CoreType::Aic => 0,
                CoreType::Aiv => index % 2,
            },
            calls: InFlight::after(0),
        });
        side.occupancy = Occupancy::all_idle(side.cores.len());
    }

    /// Polls, completes and dispatches while that gets anywhere.
    #[inline]
    pub(crate) fn step<C: Cores>(&mut self, env: &Env<'_, C>) -> Step {
        if env.shared.code.is_latched() {
            return self.wind_down(env);
        }
        let mut progress = false;
        for _ in 0..ROUNDS {
            if !self.round(env) {
                break;
            }
            progress = true;
        }
        self.publish_counts(env);
        if progress {
            Step::Progress
        } else if env.shared.completed.sum() == env.graph.task_count() as u64 {
            env.shared.done.set();
            env.shared.work_bell.ring_all();
            Step::Done
        } else {
            Step::Idle
        }
    }

    #[inline]
    fn round<C: Cores>(&mut self, env: &Env<'_, C>) -> bool {
        let mut progress = false;
        for kind in 0..KINDS {
            progress |= self.poll(env, kind);
        }
        for kind in 0..KINDS {
            progress |= self.dispatch(env, kind);
        }
        progress
    }

    /// Looks once at every core of a kind that has something on it; says whether anything finished.
    #[inline]
    fn poll<C: Cores>(&mut self, env: &Env<'_, C>, kind: usize) -> bool {
        let before = self.completed;
        for place in self.sides[kind].occupancy.running() {
            let side = &mut self.sides[kind];
            let core = &mut side.cores[place];
            let before = core.calls.calls();
            let seen = core.calls.look(env.cores.status(core.id));
            if let Some(recorder) = env.cores.recorder() {
                let core = core.id;
                recording::finished(recorder, env.cores, core, before, seen.finished);
            }
            side.occupancy.set_room(place, seen.room);
            for task in seen.finished.into_iter().flatten() {
                self.complete(env, task);
            }
        }
        self.completed != before
    }

    /// Releases what waits for a task.
    #[inline]
    fn complete<C: Cores>(&mut self, env: &Env<'_, C>, task: u32) {
        let graph = env.graph;
        if let Some(recorder) = env.cores.recorder() {
            let after = TensorDumpStage::AfterCompletion;
            recording::tensors(recorder, &graph, self.number, task, after);
        }
        for edge in graph.successors_of(&graph.records[task as usize]) {
            let ready = match edge.target() {
                Target::Task(task) => task,
                Target::Join(join) => {
                    if !env.joins[join as usize].release(1) {
                        continue;
                    }
                    graph.joins[join as usize].task
                }
            };
            let kind = graph.records[ready as usize].core_type as usize;
            self.sides[kind].ready.push_back(ready);
        }
        self.completed += 1;
        self.moves += 1;
    }

    /// Tells everyone what this step did.
    #[inline]
    fn publish_counts<C: Cores>(&mut self, env: &Env<'_, C>) {
        if self.moves != 0 {
            env.shared.moves.add(self.number, self.moves);
            self.moves = 0;
        }
        if self.completed != 0 {
            env.shared.completed.add(self.number, self.completed);
            self.completed = 0;
        }
    }
}

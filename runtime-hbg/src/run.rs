//! One run of a sealed graph.
//!
//! Knows who may be called from where and when the run is over. Refuses to know how tasks are scheduled.
//!
//! Any thread may drive any role at any time; [`Run::step`] does a little of it and says what came of it. On a chip each
//! scheduling thread calls it for its own role until [`Step::Done`]; in simulation any number of threads call
//! [`Run::drive`], which takes turns over all roles and sleeps when there is nothing to do. There are as many roles as
//! threads: building the graph has cost the device none.

use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;
use std::sync::OnceLock;

use aicore_abi::seam::{Cores, KernelEntry};
use protocol::Arch;
use protocol::error_code::RunError;
use sync::{Baton, Countdown, Doorbell, Roles, Spin, Stalled};

use crate::diagnosis::Diagnosis;
use crate::error::{Error, Result};
use crate::graph::GraphView;
use crate::role::Role;
use crate::shared::{Env, Shared};

pub use sync::Step;

/// How long nothing may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Without any dispatch or completion while tasks are unfinished.
    pub no_progress: Duration,
    /// For the cores to end after the run was to.
    pub wind_down: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            no_progress: Duration::from_secs(60),
            wind_down: Duration::from_secs(5),
        }
    }
}

/// What a run is given.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// The program's kernels by function id; address 0 where there is none.
    pub kernels: &'a [KernelEntry],
    /// Clusters of one cube and two vector cores.
    pub clusters: u16,
    /// Scheduling threads of the run.
    pub threads: u8,
    /// How long nothing may move.
    pub deadlines: Deadlines,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunReport {
    /// Tasks of the graph.
    pub tasks: u64,
    /// Of those, complete.
    pub completed: u64,
    /// The first code it was to end with, 0 for none.
    pub code: i32,
}

/// A run that has begun.
pub struct Run<'c, A, C> {
    env: Env<'c, C>,
    roles: &'c [Baton<Role>],
    no_progress: Duration,
    stall: OnceLock<Stalled>,
    arch: PhantomData<A>,
}

impl<'c, A: Arch, C: Cores> Run<'c, A, C> {
    pub(crate) fn new(
        shared: &'c Shared,
        joins: &'c [Countdown],
        roles: &'c [Baton<Role>],
        graph: GraphView<'c>,
        cores: &'c C,
        setup: Setup<'c>,
    ) -> Self {
        Self {
            env: Env {
                shared,
                joins,
                graph,
                kernels: setup.kernels,
                cores,
                roles: roles.len(),
                wind_down: setup.deadlines.wind_down,
            },
            roles,
            no_progress: setup.deadlines.no_progress,
            stall: OnceLock::new(),
            arch: PhantomData,
        }
    }

    /// How many roles there are to drive.
    #[must_use]
    pub const fn roles(&self) -> usize {
        self.roles.len()
    }

    /// Does a little of role `role`.
    ///
    /// # Panics
    ///
    /// If there is no such role.
    #[inline]
    pub fn step(&self, role: usize) -> Step {
        if self.env.shared.done.is_set() {
            return Step::Done;
        }
        match self.roles[role].try_take() {
            Some(mut held) => held.step(&self.env),
            None => Step::Busy,
        }
    }

    /// Drives all roles, beginning with `first`, until the run is over; `spin` is the calling thread's patience.
    pub fn drive(&self, first: usize, spin: &mut Spin) {
        sync::drive(self, first, self.no_progress, spin);
    }

    /// Ends the run with `code`, unless it has one. A zero does nothing.
    pub fn abort(&self, code: i32) {
        self.env.shared.code.latch(code);
        self.notify();
    }

    /// Ends the run because nothing has moved for too long, and logs what it waits for. [`drive`](Self::drive) does
    /// this by itself; threads that only call [`step`](Self::step) watch [`progress`](Self::progress).
    #[cold]
    pub fn give_up(&self, stalled: Stalled) {
        if !self.env.shared.code.is_latched() {
            // Whoever is first is the one whose figures are reported.
            self.stall.get_or_init(|| stalled);
            log::error!("{}", self.diagnosis());
        }
        self.abort(RunError::SchedulerTimeout.code());
    }

    /// What the run waits for.
    #[must_use]
    pub fn diagnosis(&self) -> Diagnosis {
        Diagnosis::of(&self.env, self.roles)
    }

    /// Lets drivers that sleep look again: a core has news.
    pub fn notify(&self) {
        self.env.shared.work_bell.ring_all();
    }

    /// The bell at which drivers without work sleep. News of cores must ring it for all.
    #[must_use]
    pub const fn work_bell(&self) -> &'c Doorbell {
        &self.env.shared.work_bell
    }

    /// Whether the run is over.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.env.shared.done.is_set()
    }

    /// A number that grows with everything that happens in the run.
    #[must_use]
    pub fn progress(&self) -> u64 {
        self.env.shared.progress()
    }

    /// The first code the run was to end with, 0 for none.
    #[must_use]
    pub fn status(&self) -> i32 {
        self.env.shared.code.code()
    }

    /// What the run did so far.
    #[must_use]
    pub fn report(&self) -> RunReport {
        RunReport {
            tasks: self.env.graph.task_count() as u64,
            completed: self.env.shared.completed.sum(),
            code: self.status(),
        }
    }

    /// What became of the run: good only if it is over and every task is complete.
    ///
    /// # Errors
    ///
    /// It was ended, it stalled, or it is not over.
    pub fn outcome(&self) -> Result<RunReport> {
        let report = self.report();
        let RunReport {
            tasks,
            completed,
            code,
        } = report;
        match (code, self.stall.get()) {
            (0, _) if self.is_done() && completed == tasks => Ok(report),
            (0, _) => Err(Error::Unfinished { completed, tasks }),
            (code, Some(stalled)) if code == RunError::SchedulerTimeout.code() => {
                Err(Error::Stalled {
                    idle: stalled.idle,
                    completed,
                    tasks,
                })
            }
            (code, _) => Err(Error::Aborted {
                code,
                completed,
                tasks,
            }),
        }
    }
}

impl<A: Arch, C: Cores> Roles for Run<'_, A, C> {
    fn roles(&self) -> usize {
        Run::roles(self)
    }

    fn step(&self, role: usize) -> Step {
        Run::step(self, role)
    }

    fn work_bell(&self) -> &Doorbell {
        Run::work_bell(self)
    }

    fn progress(&self) -> u64 {
        Run::progress(self)
    }

    fn is_told(&self) -> bool {
        C::TELL
    }

    fn help(&self) -> bool {
        self.env.cores.help()
    }

    fn stalled(&self, stalled: Stalled) {
        self.give_up(stalled);
    }
}

impl<A, C> fmt::Debug for Run<'_, A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("tasks", &self.env.graph.task_count())
            .field("completed", &self.env.shared.completed.sum())
            .finish_non_exhaustive()
    }
}

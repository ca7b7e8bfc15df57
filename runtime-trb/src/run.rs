//! One run: the orchestration on one side, the roles on the other.
//!
//! Knows who may be called from where and when the run is over. Refuses to know how tasks are made or scheduled.
//!
//! Any thread may drive any role at any time; [`Run::step`] does a little of it and says what came of it. On a chip each
//! scheduling thread calls it for its own role until [`Step::Done`]; in simulation any number of threads call
//! [`Run::drive`], which takes turns over all roles and sleeps when there is nothing to do.

use core::marker::PhantomData;
use core::time::Duration;
use std::sync::Mutex;
use std::time::Instant;

use aicore_abi::seam::{Cores, KernelEntry};
use protocol::Arch;
use protocol::error_code::RunError;
use sync::{Doorbell, Progress, Spin};

use crate::baton::Baton;
use crate::error::Fatal;
use crate::graph::Graph;
use crate::limits::Limits;
use crate::ops::LogBinding;
use crate::orchestrator::{Help, Orchestrator, Surroundings};
use crate::record::TaskRef;
use crate::report::{RingReport, RunReport, RunStatus};
use crate::role::Role;
use crate::shared::Shared;

/// Longest sleep of a driver while cores run something that nobody may announce.
const GLANCE: Duration = Duration::from_micros(200);
/// Longest sleep of a driver.
const NAP: Duration = Duration::from_millis(5);

/// How long nothing may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Without any submission, dispatch or completion while tasks are unfinished.
    pub no_progress: Duration,
    /// For the producers of a tensor whose element the orchestration accesses.
    pub tensor_wait: Duration,
    /// For the cores to end after a fatal error.
    pub wind_down: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            no_progress: Duration::from_secs(60),
            tensor_wait: Duration::from_secs(15),
            wind_down: Duration::from_secs(5),
        }
    }
}

/// What a run is given.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// The program's kernels by function id; address 0 where there is none.
    pub kernels: &'a [KernelEntry],
    /// Clusters of one cube and two vector cores.
    pub clusters: u16,
    /// Threads of the run: one orchestrates, the others schedule; one alone does both.
    pub threads: u8,
    /// The orchestrator's thread becomes another scheduler when the orchestration is over.
    pub orch_to_sched: bool,
    /// Capacities of this run, if not all of the context's.
    pub limits: Option<Limits>,
    /// How long nothing may move.
    pub deadlines: Deadlines,
    /// Where the run logs.
    pub log: &'a dyn log::Log,
}

impl core::fmt::Debug for Setup<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Setup")
            .field("kernels", &self.kernels.len())
            .field("clusters", &self.clusters)
            .field("threads", &self.threads)
            .field("orch_to_sched", &self.orch_to_sched)
            .field("limits", &self.limits)
            .field("deadlines", &self.deadlines)
            .finish_non_exhaustive()
    }
}

/// What a step of a role came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something finished or was dispatched.
    Progress,
    /// Nothing to do now.
    Idle,
    /// Somebody else drives the role.
    Busy,
    /// The run is over.
    Done,
}

/// What a role's step needs to know.
#[derive(Clone, Copy)]
pub(crate) struct Env<'r, C> {
    pub(crate) shared: &'r Shared,
    pub(crate) cores: &'r C,
    pub(crate) kernels: &'r [KernelEntry],
    pub(crate) roles: &'r [Baton<Role>],
    /// Roles that share the ready queues.
    pub(crate) sharers: usize,
    /// The family's kernels may wait for event records.
    pub(crate) sdma_events: bool,
    pub(crate) wind_down: Duration,
    pub(crate) log: &'r dyn log::Log,
}

impl<C> Env<'_, C> {
    /// Ends the run because of a task.
    #[cold]
    pub(crate) fn fail(&self, code: i32, what: &str, task: TaskRef) {
        let id = self.shared.records.descriptor(task).id;
        self.shared.scheduler_code.latch(code);
        crate::logging::log(
            self.log,
            log::Level::Error,
            format_args!("task {id}: {what} (code {code})"),
        );
        self.shared.wake_all();
    }
}

/// A run that has begun.
pub struct Run<'c, A, C> {
    shared: &'c Shared,
    graph: Mutex<Option<&'c mut Graph>>,
    rings: Mutex<[RingReport; crate::limits::RINGS]>,
    roles: &'c [Baton<Role>],
    cores: &'c C,
    setup: Setup<'c>,
    heap_base: u64,
    joins: bool,
    arch: PhantomData<A>,
}

impl<'c, A: Arch, C: Cores> Run<'c, A, C> {
    pub(crate) fn new(
        shared: &'c Shared,
        graph: &'c mut Graph,
        roles: &'c [Baton<Role>],
        cores: &'c C,
        setup: Setup<'c>,
        heap_base: u64,
        joins: bool,
    ) -> Self {
        Self {
            shared,
            graph: Mutex::new(Some(graph)),
            rings: Mutex::default(),
            roles,
            cores,
            setup,
            heap_base,
            joins,
            arch: PhantomData,
        }
    }

    /// Runs the orchestration in the outermost scope, then lets the run end once everything submitted is complete.
    ///
    /// However `body` ends, by a panic too, the run can end. `None` if the run was orchestrated before.
    pub fn orchestrate<R>(
        &self,
        help: &dyn Help,
        body: impl FnOnce(&mut Orchestrator<'_>) -> R,
    ) -> Option<R> {
        let graph = self
            .graph
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()?;
        let over = Over(self);
        let mut orchestrator = Orchestrator::new(
            Surroundings {
                shared: self.shared,
                kernels: self.setup.kernels,
                help,
                log: self.setup.log,
                recorder: self.cores.recorder(),
                clusters: u32::from(self.setup.clusters),
                heap_base: self.heap_base,
                no_progress: self.setup.deadlines.no_progress,
                tensor_wait: self.setup.deadlines.tensor_wait,
            },
            graph,
        );
        let bound = LogBinding::new(self.setup.log);
        orchestrator.open_outermost();
        let result = body(&mut orchestrator);
        drop(bound);
        orchestrator.close();
        let reports = orchestrator.ring_reports();
        *self
            .rings
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = reports;
        drop(over);
        Some(result)
    }

    /// How many roles there are to drive.
    #[must_use]
    pub const fn roles(&self) -> usize {
        self.roles.len()
    }

    /// Does a little of role `role`.
    #[inline]
    pub fn step(&self, role: usize) -> Step {
        if self.shared.done.is_set() {
            return Step::Done;
        }
        if self.shared.drain.keeps_away(role) {
            return Step::Busy;
        }
        let Some(mut held) = self.roles[role].try_take() else {
            return Step::Busy;
        };
        held.step(&self.env())
    }

    /// Drives all roles, beginning with `first`, until the run is over; `spin` is the calling thread's patience.
    pub fn drive(&self, first: usize, spin: &mut Spin) {
        let mut watch = Progress::new(self.setup.deadlines.no_progress);
        watch.restart(self.shared.progress());
        loop {
            let news = self.shared.news.observe();
            let queued = self.shared.queued.observe();
            match self.drive_once(first) {
                Step::Done => return,
                Step::Progress => continue,
                Step::Idle | Step::Busy => {}
            }
            if self.cores.help() {
                continue;
            }
            self.check_stalled(&mut watch);
            let nap = if self.shared.outstanding() == 0 {
                NAP
            } else {
                GLANCE
            };
            let look = || {
                // Cores that tell nobody are looked at.
                (!C::TELL && self.drive_once(first) == Step::Progress)
                    || self.shared.done.is_set()
                    || self.shared.queued.observe() != queued
                    || self.shared.news.observe() != news
            };
            let until = Instant::now().checked_add(nap);
            // Passing the short limit is not a failure: the roles are looked at again.
            let _passed = self.shared.work_bell.wait_spinning(spin, until, look);
        }
    }

    /// Steps every role until it has nothing to do.
    fn drive_once(&self, first: usize) -> Step {
        let roles = self.roles.len();
        let mut result = Step::Idle;
        for offset in 0..roles {
            loop {
                match self.step((first + offset) % roles) {
                    Step::Progress => result = Step::Progress,
                    Step::Done => return Step::Done,
                    Step::Idle | Step::Busy => break,
                }
            }
        }
        result
    }

    /// Ends the run if tasks are unfinished and nothing has moved for longer than allowed; says whether it did.
    pub fn check_stalled(&self, watch: &mut Progress) -> bool {
        let progress = self.shared.progress();
        if self.shared.outstanding() == 0 || self.shared.is_fatal() {
            // A slow orchestration is not a stall, and neither is the end of a failed run.
            watch.restart(progress);
            return false;
        }
        let Err(stalled) = watch.check(progress) else {
            return false;
        };
        crate::logging::log(
            self.setup.log,
            log::Level::Error,
            format_args!(
                "scheduler timeout: {stalled}; submitted {}, completed {}",
                self.shared.submitted.observe(),
                self.shared.completed.sum()
            ),
        );
        self.abort(RunError::SchedulerTimeout.code());
        true
    }

    /// Ends the run with scheduler code `code`, unless it has one. A zero does nothing.
    pub fn abort(&self, code: i32) {
        self.shared.scheduler_code.latch(code);
        self.shared.wake_all();
    }

    /// Tells drivers that something happened that only a look at the cores will show.
    pub fn notify(&self) {
        self.shared.notify();
    }

    /// The bell at which drivers without work sleep. Whoever rings it moves [`notify`](Self::notify)'s counter too.
    #[must_use]
    pub const fn work_bell(&self) -> &'c Doorbell {
        &self.shared.work_bell.0
    }

    /// Whether the run is over.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.shared.done.is_set()
    }

    /// A number that grows with everything that happens in the run.
    #[must_use]
    pub fn progress(&self) -> u64 {
        self.shared.progress()
    }

    /// The codes that were latched so far.
    #[must_use]
    pub fn status(&self) -> RunStatus {
        RunStatus {
            orchestrator_code: self.shared.orchestrator_code.code(),
            scheduler_code: self.shared.scheduler_code.code(),
        }
    }

    /// What the run did; complete once it is over.
    #[must_use]
    pub fn report(&self) -> RunReport {
        RunReport {
            submitted: self.shared.submitted.observe(),
            completed: self.shared.completed.sum(),
            rings: *self
                .rings
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
            status: self.status(),
        }
    }

    fn env(&self) -> Env<'_, C> {
        Env {
            shared: self.shared,
            cores: self.cores,
            kernels: self.setup.kernels,
            roles: self.roles,
            sharers: self.roles.len(),
            sdma_events: A::HAS_SDMA_EVENTS,
            wind_down: self.setup.deadlines.wind_down,
            log: self.setup.log,
        }
    }

    /// Spreads the clusters over one role more, if that is wanted.
    fn redistribute(&self) {
        if !self.joins || self.shared.is_fatal() {
            return;
        }
        let patience = self.setup.deadlines.no_progress.min(Duration::from_secs(1));
        let Some(mut held) = self.shared.drain.collect(self.roles, None, patience) else {
            crate::logging::log(
                self.setup.log,
                log::Level::Warn,
                format_args!(
                    "the orchestrator's thread joins as scheduler without cores: a role was in use for {patience:?}"
                ),
            );
            return;
        };
        let roles = self.roles.len();
        let mut clusters = Vec::new();
        for role in held.iter_mut().flatten() {
            clusters.append(&mut role.give_up_clusters());
        }
        clusters.sort_by_key(|cluster| cluster[0].id());
        for (index, cluster) in clusters.into_iter().enumerate() {
            if let Some(role) = &mut held[index % roles] {
                role.adopt(cluster);
            }
        }
    }
}

/// The run's own way of helping a blocked orchestration: a step of every role.
impl<A: Arch, C: Cores> Help for Run<'_, A, C> {
    fn help(&self) -> bool {
        let mut worked = false;
        for role in 0..self.roles.len() {
            worked |= self.step(role) == Step::Progress;
        }
        worked || self.cores.help()
    }
}

/// Ends the orchestration when dropped, however it ended.
struct Over<'r, 'c, A: Arch, C: Cores>(&'r Run<'c, A, C>);

impl<A: Arch, C: Cores> Drop for Over<'_, '_, A, C> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0
                .shared
                .orchestrator_code
                .latch(RunError::ExplicitOrchFatal.code());
        }
        self.0.redistribute();
        self.0.shared.orchestration_over.set();
        self.0.shared.wake_all();
    }
}

impl<A, C> core::fmt::Debug for Run<'_, A, C> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Run")
            .field("shared", &self.shared)
            .field("setup", &self.setup)
            .finish_non_exhaustive()
    }
}

impl From<&Fatal> for RunStatus {
    fn from(fatal: &Fatal) -> Self {
        Self {
            orchestrator_code: fatal.code(),
            scheduler_code: 0,
        }
    }
}

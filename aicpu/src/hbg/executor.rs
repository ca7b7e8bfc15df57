//! One run of the host-built runtime, by whatever threads there are.
//!
//! Knows how a graph comes about and that it is run when it is whole. Refuses to know where the threads come from
//! and what becomes of device memory.

use core::any::Any;
use core::fmt;
use core::marker::PhantomData;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Mutex;

use aicore_abi::seam::{Cores, KernelEntry};
use protocol::error_code::RunError;
use protocol::{Arch, ChipStorageTaskArgs};
use runtime_hbg::{
    Blueprint, Context, CopyBack, Deadlines, Error, Graph, HostMemory, Plan, Run, RunReport, Setup,
};
use sync::{Flag, Spin, Word64};

use super::orchestration::{Body, Loaded, What};
use crate::crew::Crew;
use crate::guarded_call::{self, BuildEntry, Thrown, panic_text};
use crate::under_way::{Current, History, MANY_TASKS, UnderWay, lock};

/// One run, as it is ordered.
pub struct Order<'a> {
    /// The id the program is registered under.
    pub callable_id: i32,
    /// What builds its graph.
    pub orchestration: &'a Loaded,
    /// Its kernels by function id.
    pub kernels: &'a [KernelEntry],
    /// Its arguments: as the caller gave them for an image, bound to device memory for a function.
    pub args: &'a ChipStorageTaskArgs,
    /// Where the orchestration's device memory comes from. What the run has taken from there is in use until the
    /// cores have stopped, which may be after the end.
    pub memory: &'a dyn HostMemory,
    /// Clusters of one cube core and two vector cores.
    pub clusters: u16,
    /// Control CPUs; all schedule.
    pub threads: u8,
    /// How long nothing may move.
    pub deadlines: Deadlines,
}

impl fmt::Debug for Order<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("callable_id", &self.callable_id)
            .field("orchestration", &self.orchestration)
            .field("clusters", &self.clusters)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// Why a run did not do what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunFailure {
    /// A C++ exception left the orchestration.
    #[error("the orchestration threw: {0}")]
    Threw(#[from] Thrown),
    /// The orchestration panicked.
    #[error("the orchestration panicked: {0}")]
    Panicked(String),
    /// There is no device memory for intermediate results.
    #[error("there are no {bytes} bytes of device memory for intermediate results")]
    NoScratch {
        /// Bytes wanted.
        bytes: u64,
    },
    /// The graph was refused, or its run failed.
    #[error(transparent)]
    Graph(#[from] Error),
}

/// How a run ended.
#[derive(Debug)]
pub struct End {
    /// What was done, or why not.
    pub result: Result<RunReport, RunFailure>,
    /// What is to be copied to the host; nothing of a failed run.
    pub copies: Vec<CopyBack>,
    /// What cores may still read if they have not stopped.
    pub graph: Option<Box<dyn Any + Send>>,
}

impl End {
    fn failed(failure: impl Into<RunFailure>) -> Self {
        Self {
            result: Err(failure.into()),
            copies: Vec::new(),
            graph: None,
        }
    }
}

impl<A: Arch, C: Cores> UnderWay for Run<'_, A, C> {
    type Report = RunReport;

    fn progress(&self) -> u64 {
        Self::progress(self)
    }

    fn abort(&self) {
        Self::abort(self, RunError::SchedulerTimeout.code());
    }

    fn report(&self) -> RunReport {
        Self::report(self)
    }

    fn notify(&self) {
        Self::notify(self);
    }

    fn drive(&self, first: usize, spin: &mut Spin) {
        Self::drive(self, first, spin);
    }
}

/// The host-built runtime of one chip: the memory its runs use.
pub struct Executor<A: Arch> {
    context: Mutex<Context>,
    current: Current<RunReport>,
    history: History,
    /// The orchestration of the run that is under way has not returned.
    orchestrating: Flag,
    /// What orchestrations have done so far.
    steps: Word64,
    /// The run that is under way is to end.
    aborted: Flag,
    arch: PhantomData<A>,
}

impl<A: Arch> Default for Executor<A> {
    fn default() -> Self {
        Self {
            context: Mutex::default(),
            current: Current::default(),
            history: History::default(),
            orchestrating: Flag::new(),
            steps: Word64::new(0),
            aborted: Flag::new(),
            arch: PhantomData,
        }
    }
}

impl<A: Arch> fmt::Debug for Executor<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").finish_non_exhaustive()
    }
}

impl<A: Arch> Executor<A> {
    /// Executes one run to its end. Runs of one executor follow one another.
    pub fn run<C: Cores>(&self, order: &Order<'_>, cores: &C, crew: &dyn Crew) -> End {
        self.aborted.clear();
        match &order.orchestration.0 {
            What::Image { entry, .. } => self.run_image(*entry, order, cores, crew),
            What::Graph(body, last) => self.run_described(&**body, last, order, cores, crew),
        }
    }

    fn run_image<C: Cores>(
        &self,
        entry: BuildEntry,
        order: &Order<'_>,
        cores: &C,
        crew: &dyn Crew,
    ) -> End {
        let memory = Watched {
            memory: order.memory,
            steps: &self.steps,
        };
        let mut orchestration = runtime_hbg::Orchestration::new(&memory);
        let mut thrown = Ok(());
        let orchestrated = self.orchestrate(|| {
            orchestration.orchestrate(|handle| {
                // SAFETY: the entry takes the handle and a pointer to the argument block; both outlive the call.
                match unsafe {
                    guarded_call::build(
                        entry,
                        handle.cast(),
                        core::ptr::from_ref(order.args).cast(),
                    )
                } {
                    Ok(code) => code,
                    Err(text) => {
                        thrown = Err(text);
                        -1
                    }
                }
            })
        });
        if let Err(thrown) = thrown {
            return End::failed(thrown);
        }
        let built = orchestrated.and_then(|()| orchestration.seal(order.kernels));
        let built = match built {
            Ok(built) => built,
            Err(error) => return End::failed(error),
        };
        let (graph, copies) = built.leave_memory();
        let result = self.execute(&graph, order, cores, crew);
        End {
            copies: if result.is_ok() { copies } else { Vec::new() },
            result: result.map_err(RunFailure::from),
            graph: Some(Box::new(graph)),
        }
    }

    fn run_described<C: Cores>(
        &self,
        body: &Body,
        last: &Mutex<Option<Box<Plan>>>,
        order: &Order<'_>,
        cores: &C,
        crew: &dyn Crew,
    ) -> End {
        let plan = Loaded::plan(last, order.args).map_or_else(
            || self.orchestrate(|| describe(body, order)).map(Box::new),
            Ok,
        );
        let mut plan = match plan {
            Ok(plan) => plan,
            Err(failure) => return End::failed(failure),
        };
        let bytes = plan.scratch_bytes();
        let scratch = match usize::try_from(bytes).map_or(0, |bytes| match bytes {
            0 => 0,
            bytes => order.memory.malloc(bytes),
        }) {
            0 if bytes != 0 => return End::failed(RunFailure::NoScratch { bytes }),
            scratch => scratch,
        };
        let result = match plan.fill(order.args, scratch) {
            Ok(graph) => self.execute(graph, order, cores, crew),
            Err(error) => Err(error),
        };
        let mut end = End {
            copies: Vec::new(),
            result: result.map_err(RunFailure::from),
            graph: None,
        };
        if end.result.is_ok() {
            *lock(last) = Some(plan);
        } else {
            end.graph = Some(plan);
        }
        end
    }

    /// Calls code of the program that builds a graph.
    fn orchestrate<R>(&self, build: impl FnOnce() -> R) -> R {
        self.orchestrating.set();
        let built = build();
        self.orchestrating.clear();
        built
    }

    fn execute<C: Cores>(
        &self,
        graph: &Graph,
        order: &Order<'_>,
        cores: &C,
        crew: &dyn Crew,
    ) -> Result<RunReport, Error> {
        let mut context = lock(&self.context);
        if context.has_lost_cores() {
            *context = Context::new();
        }
        order.memory.complete();
        let setup = Setup {
            kernels: order.kernels,
            clusters: order.clusters,
            threads: order.threads,
            deadlines: order.deadlines,
        };
        let run: Run<'_, A, C> = context.begin(graph, setup, cores)?;
        let _showing = self.current.set(&run);
        if self.aborted.is_set() {
            // It was to end before there was anything that could be told so.
            UnderWay::abort(&run);
        }
        self.history.lead(order.callable_id, &run, crew, || {
            if graph.task_count() as u64 > MANY_TASKS {
                crew.call();
            }
        });
        run.outcome()
    }

    /// A number that changes with everything that happens in the run that is under way.
    pub fn progress(&self) -> u64 {
        let run = self.current.with(UnderWay::progress).unwrap_or(0);
        run.wrapping_add(self.steps.own())
    }

    /// Tells the run that is under way to end.
    pub fn abort(&self) {
        self.aborted.set();
        self.current.with(UnderWay::abort);
    }

    /// What the run that is under way has done so far; nothing before its graph is whole.
    pub fn underway(&self) -> Option<RunReport> {
        self.current.with(UnderWay::report)
    }

    /// Whether the orchestration of the run that is under way has not returned.
    pub fn is_orchestrating(&self) -> bool {
        self.orchestrating.is_set()
    }
}

fn describe(body: &Body, order: &Order<'_>) -> Result<Plan, RunFailure> {
    let mut blueprint = Blueprint::new();
    catch_unwind(AssertUnwindSafe(|| body(&mut blueprint, order.args)))
        .map_err(|panic| RunFailure::Panicked(panic_text(&*panic)))??;
    Ok(blueprint.seal(order.kernels, order.args)?)
}

/// Device memory, and a count of what an orchestration does.
struct Watched<'a> {
    memory: &'a dyn HostMemory,
    steps: &'a Word64,
}

impl HostMemory for Watched<'_> {
    fn malloc(&self, bytes: usize) -> u64 {
        self.memory.malloc(bytes)
    }

    fn free(&self, device: u64) {
        self.memory.free(device);
    }

    unsafe fn copy_to(&self, device: u64, host: *const u8, bytes: usize) -> i32 {
        // SAFETY: the caller's promise.
        unsafe { self.memory.copy_to(device, host, bytes) }
    }

    fn complete(&self) {
        self.memory.complete();
    }

    fn stepped(&self) {
        // Nobody else counts here.
        self.steps.set_own(self.steps.own().wrapping_add(1));
    }
}

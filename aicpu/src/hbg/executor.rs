//! One run of the host-built runtime, by whatever threads there are.
//!
//! Knows that a graph is run when it is whole. Refuses to know how it comes about, where the threads come from and what
//! becomes of device memory.

use core::any::Any;
use core::fmt;
use core::marker::PhantomData;
use std::sync::Mutex;

use aicore_abi::recorder::Recorder;
use aicore_abi::seam::{Cores, KernelEntry, Recorded};
use protocol::Arch;
use runtime_hbg::{Context, CopyBack, Deadlines, Error, GraphView, Run, RunReport, Setup};
use sync::Flag;

use super::build::{BuildOrder, Builder};
use super::failure::RunFailure;
use crate::crew::Crew;
use crate::under_way::{Current, History, MANY_TASKS, UnderWay, lock, under_way};

/// One run, as it is ordered.
#[derive(Debug)]
pub struct Order<'a> {
    /// What its graph is built for.
    pub build: BuildOrder<'a>,
    /// How the graph is run.
    pub work: Work<'a>,
}

/// How a graph is run.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// The id the program is registered under.
    pub callable_id: i32,
    /// Its kernels by function id.
    pub kernels: &'a [KernelEntry],
    /// Clusters of one cube core and two vector cores.
    pub clusters: u16,
    /// Control CPUs; all schedule.
    pub threads: u8,
    /// How long nothing may move.
    pub deadlines: Deadlines,
    /// Where the run is written down, if it is.
    pub recorder: Option<&'a Recorder>,
}

impl fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work")
            .field("callable_id", &self.callable_id)
            .field("clusters", &self.clusters)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
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

under_way!(Run, RunReport);

/// The host-built runtime of one chip: the memory its runs use.
pub struct Executor<A: Arch> {
    context: Mutex<Context>,
    current: Current<RunReport>,
    history: History,
    builder: Builder,
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
            builder: Builder::default(),
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
        let ready = match self.builder.build(&order.build) {
            Ok(ready) => ready,
            Err(failure) => {
                return End {
                    result: Err(failure),
                    copies: Vec::new(),
                    graph: None,
                };
            }
        };
        let result = self.execute(ready.graph(), &order.work, cores, crew);
        let (copies, graph) = ready.finish(order.build.orchestration, result.is_ok());
        End {
            result: result.map_err(RunFailure::from),
            copies,
            graph,
        }
    }

    /// Runs a graph to its end. Runs of one executor follow one another.
    ///
    /// # Errors
    ///
    /// The graph does not fit the chip or its cores, or its run failed.
    pub fn run_graph<C: Cores>(
        &self,
        graph: GraphView<'_>,
        work: &Work<'_>,
        cores: &C,
        crew: &dyn Crew,
    ) -> Result<RunReport, Error> {
        self.aborted.clear();
        self.execute(graph, work, cores, crew)
    }

    fn execute<C: Cores>(
        &self,
        graph: GraphView<'_>,
        work: &Work<'_>,
        cores: &C,
        crew: &dyn Crew,
    ) -> Result<RunReport, Error> {
        match work.recorder {
            None => self.execute_on(graph, work, cores, crew),
            Some(recorder) => self.execute_on(graph, work, &Recorded { cores, recorder }, crew),
        }
    }

    fn execute_on<C: Cores>(
        &self,
        graph: GraphView<'_>,
        work: &Work<'_>,
        cores: &C,
        crew: &dyn Crew,
    ) -> Result<RunReport, Error> {
        let mut context = lock(&self.context);
        if context.has_lost_cores() {
            *context = Context::new();
        }
        let setup = Setup {
            kernels: work.kernels,
            clusters: work.clusters,
            threads: work.threads,
            deadlines: work.deadlines,
        };
        let run: Run<'_, A, C> = context.begin(graph, setup, cores)?;
        let _showing = self.current.set(&run);
        if self.aborted.is_set() {
            // It was to end before there was anything that could be told so.
            UnderWay::abort(&run);
        }
        self.history.lead(work.callable_id, &run, crew, || {
            if graph.task_count() as u64 > MANY_TASKS {
                crew.call();
            }
        });
        run.outcome()
    }

    /// A number that changes with everything that happens in the run that is under way.
    pub fn progress(&self) -> u64 {
        let run = self.current.with(UnderWay::progress).unwrap_or(0);
        run.wrapping_add(self.builder.progress())
    }

    /// Tells the run that is under way to end.
    pub fn abort(&self) {
        self.aborted.set();
        self.current.with(UnderWay::abort);
    }

    /// What the run that is under way is doing, in words.
    pub fn describe(&self) -> Option<String> {
        if self.builder.is_orchestrating() {
            return Some("the orchestration has not returned".to_owned());
        }
        let report = self.current.with(UnderWay::report)?;
        Some(format!(
            "the graph has {} tasks and {} are complete",
            report.tasks, report.completed
        ))
    }
}

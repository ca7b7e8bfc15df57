//! One run of the device-built runtime, by whatever threads there are.
//!
//! Knows what the leading thread does before it drives the schedulers' roles. Refuses to know where the
//! threads come from.
//!
//! ```text
//! leading thread:  load (first run) ─▶ begin ─▶ orchestrate ─▶ drive the roles ─▶ end
//!                                        │            └ blocked: drive the roles
//! helping threads:                       └▶ called ─▶ drive the roles ──────────▶ leave
//! ```

use core::fmt;
use core::marker::PhantomData;
use std::sync::Mutex;

use aicore_abi::recorder::Recorder;
use aicore_abi::seam::{Cores, KernelEntry, Recorded};
use protocol::error_code::RunError;
use protocol::{Arch, ChipStorageTaskArgs};
use runtime_trb::{Context, Deadlines, Limits, Run, RunReport, RunStatus, Setup};
use sync::Flag;

use super::orchestration::{CallError, Orchestration};
use super::table::{Registration, Table, TableError};
use crate::crew::Crew;
use crate::first_error::FirstError;
use crate::under_way::{Current, History, MANY_TASKS, lock, under_way};

/// One run, as it is ordered.
pub struct Order<'a> {
    /// The id the program is registered under.
    pub callable_id: i32,
    /// Which act of registering it is.
    pub registration: Registration,
    /// The program's orchestration.
    pub orchestration: &'a Orchestration,
    /// Its kernels by function id.
    pub kernels: &'a [KernelEntry],
    /// Its arguments, every tensor in device memory.
    pub args: &'a ChipStorageTaskArgs,
    /// Clusters of one cube core and two vector cores.
    pub clusters: u16,
    /// Control CPUs, the orchestrating one included.
    pub threads: u8,
    /// The orchestrating one becomes a scheduler afterwards.
    pub orch_to_sched: bool,
    /// Ring sizes.
    pub limits: Limits,
    /// How long nothing may move.
    pub deadlines: Deadlines,
    /// Where the run is written down, if it is.
    pub recorder: Option<&'a Recorder>,
}

impl fmt::Debug for Order<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("callable_id", &self.callable_id)
            .field("registration", &self.registration)
            .field("clusters", &self.clusters)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// Why a run did not do what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunFailure {
    /// The orchestration could not be loaded.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The orchestration did not come to its end.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The run could not begin.
    #[error(transparent)]
    Begin(#[from] runtime_trb::Error),
    /// The run ended with an error code.
    #[error("{text}")]
    Code {
        /// The codes of the run.
        status: RunStatus,
        /// Tasks submitted until then.
        submitted: u64,
        /// Of those, complete.
        completed: u64,
        /// The first error that was logged.
        text: String,
    },
}

/// How a run ended.
#[derive(Debug)]
pub struct End {
    /// The orchestration was loaded during this run.
    pub loaded: bool,
    /// What was done, or why not.
    pub result: Result<RunReport, RunFailure>,
}

under_way!(Run, RunReport);

/// The device-built runtime of one chip: its loaded orchestrations and the memory its runs use.
pub struct Executor<A: Arch> {
    table: Mutex<Table>,
    context: Mutex<Option<Context>>,
    current: Current<RunReport>,
    /// The orchestration of the run that is under way has not returned.
    orchestrating: Flag,
    history: History,
    arch: PhantomData<A>,
}

impl<A: Arch> Default for Executor<A> {
    fn default() -> Self {
        Self {
            table: Mutex::default(),
            context: Mutex::default(),
            current: Current::default(),
            orchestrating: Flag::new(),
            history: History::default(),
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
    /// An executor whose runs use the memory of `context`.
    pub fn in_context(context: Context) -> Self {
        Self {
            context: Mutex::new(Some(context)),
            ..Self::default()
        }
    }

    /// Executes one run to its end. Runs of one executor follow one another.
    pub fn run<C: Cores>(&self, order: &Order<'_>, cores: &C, crew: &dyn Crew) -> End {
        let mut table = lock(&self.table);
        let before = table.loads();
        let loaded = table.ready(order.callable_id, order.registration, order.orchestration);
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                return End {
                    loaded: false,
                    result: Err(error.into()),
                };
            }
        };
        let result = loaded
            .check(order.args)
            .map_err(RunFailure::from)
            .and_then(|()| {
                let body = |orchestrator: &mut runtime_trb::Orchestrator<'_>| {
                    loaded.call(orchestrator, order.args)
                };
                match order.recorder {
                    None => self.execute(order, cores, crew, body),
                    Some(recorder) => {
                        self.execute(order, &Recorded { cores, recorder }, crew, body)
                    }
                }
            });
        End {
            loaded: table.loads() != before,
            result,
        }
    }

    fn execute<C: Cores>(
        &self,
        order: &Order<'_>,
        cores: &C,
        crew: &dyn Crew,
        mut body: impl FnMut(&mut runtime_trb::Orchestrator<'_>) -> Result<(), CallError>,
    ) -> Result<RunReport, RunFailure> {
        let mut context = lock(&self.context);
        let context = context_for(&mut context, &order.limits)?;
        let errors = FirstError::default();
        let run: Run<'_, A, C> = context.begin(
            Setup {
                kernels: order.kernels,
                clusters: order.clusters,
                threads: order.threads,
                orch_to_sched: order.orch_to_sched,
                limits: Some(order.limits),
                deadlines: order.deadlines,
                log: &errors,
            },
            cores,
        )?;
        let _shown = self.current.set(&run);
        let mut called: Result<(), CallError> = Ok(());
        self.history.lead(order.callable_id, &run, crew, || {
            run.orchestrate(&run, |orchestrator| {
                self.orchestrating.set();
                let result = body(orchestrator);
                self.orchestrating.clear();
                // What comes after a fatal error follows from it: code that goes on with empty
                // results may well throw.
                if orchestrator.is_fatal() {
                    return;
                }
                if let Err(error) = &result {
                    orchestrator
                        .report_fatal(RunError::ExplicitOrchFatal.code(), &error.to_string());
                }
                called = result;
            });
            let so_far = run.report();
            if so_far.submitted - so_far.completed > MANY_TASKS {
                crew.call();
            }
        });
        called?;
        let report = run.report();
        if report.status.is_good() {
            return Ok(report);
        }
        let status = report.status;
        Err(RunFailure::Code {
            status,
            submitted: report.submitted,
            completed: report.completed,
            text: errors.text_or(|| format!("the run ended with code {}", status.value())),
        })
    }

    /// A number that changes with everything that happens in the run that is under way.
    pub fn progress(&self) -> u64 {
        self.current.with(|run| run.progress()).unwrap_or(0)
    }

    /// Tells the run that is under way to end.
    pub fn abort(&self) {
        self.current.with(|run| run.abort());
    }

    /// Whether the orchestration of the run that is under way has not returned.
    pub fn orchestrates(&self) -> bool {
        self.orchestrating.is_set()
    }

    /// Tasks of the run that is under way that were submitted, and those that are complete.
    pub fn counts(&self) -> Option<(u64, u64)> {
        let report = self.current.with(|run| run.report())?;
        Some((report.submitted, report.completed))
    }

    /// What the run that is under way is doing, in words.
    pub fn describe(&self) -> Option<String> {
        let (submitted, completed) = self.counts()?;
        let orchestration = if self.orchestrates() {
            "the orchestration has not returned, "
        } else {
            ""
        };
        Some(format!(
            "{orchestration}{submitted} tasks were submitted and {completed} are complete"
        ))
    }

    /// Unloads what a callable id has loaded. Waits for the run that is under way.
    pub fn forget(&self, callable_id: i32) {
        lock(&self.table).forget(callable_id);
    }
}

/// The context, made anew if a run wants more than the one there is.
fn context_for<'c>(
    place: &'c mut Option<Context>,
    limits: &Limits,
) -> Result<&'c mut Context, runtime_trb::Error> {
    let fits = place.as_ref().is_some_and(|context| {
        let has = context.limits();
        has.task_window >= limits.task_window
            && has.heap_bytes >= limits.heap_bytes
            && has.map_entries >= limits.map_entries
            && !context.has_lost_cores()
    });
    if !fits {
        *place = None;
        *place = Some(Context::new(limits)?);
    }
    Ok(place.as_mut().expect("made above"))
}

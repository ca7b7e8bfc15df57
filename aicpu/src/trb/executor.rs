//! One run of the device-built runtime, by whatever threads there are.
//!
//! Knows which thread orchestrates, which ones drive the schedulers' roles, and when another one is
//! worth calling. Refuses to know where the threads come from.
//!
//! ```text
//! leading thread:  load (first run) ─▶ begin ─▶ orchestrate ─▶ drive the roles ─▶ end
//!                                        │            └ blocked: drive the roles
//! helping threads:                       └▶ called ─▶ drive the roles ──────────▶ leave
//! ```
//!
//! The leader alone is the fastest for a graph that is over before another thread has woken, so
//! helpers are called by what the last run of the same program took, and whenever the orchestration
//! leaves more behind than one thread should do.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use aicore_abi::seam::{Cores, KernelEntry};
use protocol::error_code::RunError;
use protocol::limits::MAX_REGISTERED_CALLABLE_IDS;
use protocol::{Arch, ChipStorageTaskArgs};
use runtime_trb::{Context, Deadlines, Limits, Run, RunReport, RunStatus, Setup};
use sync::{Flag, Spin, Word32};

use super::orchestration::{CallError, Orchestration};
use super::table::{Registration, Table, TableError};
use crate::crew::Crew;
use crate::first_error::FirstError;

/// A program whose last run took longer is worth a helper from the start.
const WORTH_HELP: Duration = Duration::from_micros(60);
/// Unfinished tasks at the end of an orchestration that are worth a helper.
const MANY_TASKS: u64 = 32;

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

/// What the outside may do with a run that is under way.
trait Underway: Sync {
    fn progress(&self) -> u64;
    fn abort(&self);
    fn report(&self) -> RunReport;
}

impl<A: Arch, C: Cores> Underway for Run<'_, A, C> {
    fn progress(&self) -> u64 {
        Self::progress(self)
    }

    fn abort(&self) {
        Self::abort(self, RunError::SchedulerTimeout.code());
    }

    fn report(&self) -> RunReport {
        Self::report(self)
    }
}

/// The run that is under way, if there is one.
#[derive(Default)]
struct Current(Mutex<Option<NonNull<dyn Underway>>>);

// SAFETY: the pointer is used under the lock only, and a run is `Sync`.
unsafe impl Send for Current {}
// SAFETY: as above.
unsafe impl Sync for Current {}

impl Current {
    fn lock(&self) -> MutexGuard<'_, Option<NonNull<dyn Underway>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `run` the current one while the result lives.
    fn set<'a>(&'a self, run: &'a dyn Underway) -> Shown<'a> {
        let run: NonNull<dyn Underway + 'a> = NonNull::from(run);
        // SAFETY: only the lifetime changes; `Shown` takes the pointer back before it ends.
        let run = unsafe {
            core::mem::transmute::<NonNull<dyn Underway + 'a>, NonNull<dyn Underway>>(run)
        };
        *self.lock() = Some(run);
        Shown(self)
    }

    fn with<R>(&self, look: impl FnOnce(&dyn Underway) -> R) -> Option<R> {
        let current = self.lock();
        // SAFETY: `Shown` clears it, under this lock, before the run goes away.
        current.map(|run| look(unsafe { run.as_ref() }))
    }
}

struct Shown<'a>(&'a Current);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

/// The device-built runtime of one chip: its loaded orchestrations and the memory its runs use.
pub struct Executor<A: Arch> {
    table: Mutex<Table>,
    context: Mutex<Option<Context>>,
    current: Current,
    /// The orchestration of the run that is under way has not returned.
    orchestrating: Flag,
    /// What the last run of each callable took, in microseconds.
    took: [Word32; MAX_REGISTERED_CALLABLE_IDS],
    arch: PhantomData<A>,
}

impl<A: Arch> Default for Executor<A> {
    fn default() -> Self {
        Self {
            table: Mutex::default(),
            context: Mutex::default(),
            current: Current::default(),
            orchestrating: Flag::new(),
            // Unknown counts as long.
            took: core::array::from_fn(|_| Word32::new(u32::MAX)),
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
                self.execute(order, cores, crew, |orchestrator| {
                    loaded.call(orchestrator, order.args)
                })
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
        let started = Instant::now();
        let place = usize::try_from(order.callable_id).ok();
        let took = place.and_then(|place| self.took.get(place));
        let worth_help = took.is_none_or(|took| u128::from(took.own()) > WORTH_HELP.as_micros());
        let mut called: Result<(), CallError> = Ok(());
        let mut spin = Spin::new(crew.crowd());
        let assist = || {
            let mut spin = Spin::new(crew.crowd());
            run.drive(1, &mut spin);
        };
        crew.together(&|| run.notify(), &assist, &mut || {
            if worth_help {
                crew.call();
            }
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
            run.drive(0, &mut spin);
        });
        if let Some(took) = took {
            let micros = started.elapsed().as_micros();
            took.set_own(u32::try_from(micros).unwrap_or(u32::MAX));
        }
        called?;
        let report = run.report();
        if report.status.is_good() {
            return Ok(report);
        }
        let status = report.status;
        Err(RunFailure::Code {
            status,
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

    /// What the run that is under way has done so far.
    pub fn underway(&self) -> Option<RunReport> {
        self.current.with(|run| run.report())
    }

    /// Whether the orchestration of the run that is under way has not returned.
    pub fn is_orchestrating(&self) -> bool {
        self.orchestrating.is_set()
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the locks here guard is whole at any moment, so a panic elsewhere does no harm.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

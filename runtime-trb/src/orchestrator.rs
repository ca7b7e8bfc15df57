//! The sequential side of a run: user code submits, the orchestrator turns that into records and edges.
//!
//! Knows what one submission does, in order. Refuses to know cores; it ends with a task in a ready queue or in its
//! producers' lists.
//!
//! One submission:
//!
//! 1. read and check every argument; nothing is written before all of it is known to be good;
//! 2. collect producers: named ones, owners of buffers, overlapping writers;
//! 3. take a slot, a record and output memory, waiting for room if need be (what retired meanwhile is no
//!    producer any more);
//! 4. write the record; put one edge into each producer's list, counting those that were closed already;
//! 5. drop the orchestrator's own count; whoever brings it to zero queues the task;
//! 6. register the writes, off the path of the task that has just been published.

mod allocate;
mod blocked;
mod deadlock;
mod element;
mod operands;
mod request;
mod submit;

use core::marker::PhantomData;
use core::time::Duration;

use aicore_abi::orchestration::trb::{Runtime, ScopeMode, TaskOutputTensors};
use aicore_abi::recorder::Recorder;
use aicore_abi::seam::KernelEntry;
use aicore_abi::tensor::Tensor;
use protocol::TaskId;

pub use blocked::{Help, NoHelp};
pub use request::{Args, Blocks};

use crate::error::Fatal;
use crate::graph::Graph;
use crate::limits::RINGS;
use crate::ops::OPERATIONS;
use crate::record::GRANULE;
use crate::report::RingReport;
use crate::shared::Shared;

/// The surroundings of an orchestration.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'r> {
    pub(crate) shared: &'r Shared,
    pub(crate) kernels: &'r [KernelEntry],
    pub(crate) help: &'r dyn Help,
    pub(crate) log: &'r dyn log::Log,
    pub(crate) recorder: Option<&'r Recorder>,
    pub(crate) clusters: u32,
    pub(crate) heap_base: u64,
    pub(crate) no_progress: Duration,
    pub(crate) tensor_wait: Duration,
}

/// What an orchestration calls.
///
/// Once something fatal was reported, every call does nothing and returns something empty; the orchestration should
/// end soon, and the run ends with the first code.
///
/// Its first bytes are the runtime object that C++ orchestrations know.
#[repr(C)]
pub struct Orchestrator<'r> {
    visible: Runtime,
    pub(crate) around: Surroundings<'r>,
    pub(crate) graph: &'r mut Graph,
    submitted: u64,
    fatal: bool,
}

impl<'r> Orchestrator<'r> {
    pub(crate) fn new(around: Surroundings<'r>, graph: &'r mut Graph) -> Self {
        Self {
            visible: Runtime {
                ops: &raw const OPERATIONS,
                pending_scope_mode: ScopeMode::Auto as u8,
                reserved: [0; 7],
            },
            around,
            graph,
            submitted: 0,
            fatal: false,
        }
    }

    /// The runtime object that a C++ orchestration is bound to, for as long as nothing else uses the orchestrator.
    #[must_use]
    pub const fn as_runtime(&mut self) -> *mut Runtime {
        core::ptr::from_mut(self).cast()
    }

    /// What the orchestration has asked the next scope to be; later ones are automatic again.
    pub(crate) const fn take_pending_scope_mode(&mut self) -> u8 {
        core::mem::replace(&mut self.visible.pending_scope_mode, ScopeMode::Auto as u8)
    }

    /// Ends the run because `operation` was called with a null pointer or with more indices than a tensor can have.
    pub(crate) fn refuse_null(&mut self, operation: &'static str) {
        self.report(&Fatal::BadCall { operation });
    }

    /// Ends the run because a scope was to be opened in a mode there is not.
    pub(crate) fn refuse_scope_mode(&mut self, mode: u8) {
        self.report(&Fatal::BadScopeMode { mode });
    }

    /// Whether the run is to end without finishing its tasks.
    #[inline]
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.fatal || self.around.shared.is_fatal()
    }

    /// Ends the run with `code`, unless something else ended it before. Code 0 stops this orchestration only.
    pub fn report_fatal(&mut self, code: i32, message: &str) {
        self.report(&Fatal::Reported {
            code,
            message: message.to_owned(),
        });
    }

    /// Opens a scope.
    ///
    /// # Errors
    /// When it is automatic inside a manual one, or too deep; the run is then over.
    #[inline]
    pub fn scope_begin(&mut self, mode: ScopeMode) -> Result<(), Fatal> {
        self.unless_fatal(|this| {
            let ring = this.graph.scopes.next_ring();
            let first = this.graph.rings[ring].next();
            this.graph.scopes.begin(mode, first)
        })
    }

    /// Closes the innermost scope: its tasks may retire once they and their consumers are done.
    ///
    /// # Errors
    /// When none is open; the run is then over.
    #[inline]
    pub fn scope_end(&mut self) -> Result<(), Fatal> {
        self.unless_fatal(|this| {
            if this.graph.scopes.depth() <= 1 {
                // The outermost scope belongs to the run.
                return Err(Fatal::NoScope);
            }
            this.graph.scopes.end()
        })
    }

    /// Runs `body` in a scope of its own.
    ///
    /// # Errors
    /// When the scope cannot be opened or closed; the run is then over.
    #[inline]
    pub fn scope<R>(
        &mut self,
        mode: ScopeMode,
        body: impl FnOnce(&mut Self) -> R,
    ) -> Result<R, Fatal> {
        self.scope_begin(mode)?;
        let result = body(self);
        self.scope_end()?;
        Ok(result)
    }

    /// Where a run logs.
    #[must_use]
    pub fn log(&self) -> &'r dyn log::Log {
        self.around.log
    }

    /// Tasks submitted so far that have a kernel.
    #[must_use]
    pub const fn submitted(&self) -> u64 {
        self.submitted
    }

    pub(crate) fn open_outermost(&mut self) {
        let first = self.graph.rings[0].next();
        let opened = self.graph.scopes.begin(ScopeMode::Auto, first);
        debug_assert!(opened.is_ok(), "nothing is open before");
    }

    /// Closes everything that is still open: the outermost scope, and what user code forgot.
    pub(crate) fn close(&mut self) {
        // The outermost one is the run's own.
        let open = self.graph.scopes.depth().saturating_sub(1);
        if open != 0 && !self.is_fatal() {
            self.report(&Fatal::ScopesLeftOpen { open });
        }
        self.graph.scopes.clear();
        self.graph.retire(&self.around.shared.records);
    }

    /// How much of each ring was used.
    pub(crate) fn ring_reports(&self) -> [RingReport; RINGS] {
        self.graph.rings.each_ref().map(|ring| RingReport {
            tasks: ring.submitted(),
            window: ring.window(),
            active_high_water: ring.active_high_water(),
            heap_bytes: ring.heap().capacity(),
            heap_high_water: ring.heap().high_water(),
            record_high_water: ring.records().high_water() * GRANULE as u64,
        })
    }

    #[inline]
    fn unless_fatal<T: Default>(
        &mut self,
        call: impl FnOnce(&mut Self) -> Result<T, Fatal>,
    ) -> Result<T, Fatal> {
        if self.is_fatal() {
            return Err(self.stopped_because());
        }
        // Results are as large as their errors: only those are to be moved.
        match call(self) {
            Ok(result) => Ok(result),
            Err(fatal) => {
                self.report(&fatal);
                Err(fatal)
            }
        }
    }

    /// Why nothing can be done any more, if that is so.
    #[inline]
    pub(crate) fn stopped(&self) -> Option<Fatal> {
        self.is_fatal().then(|| self.stopped_because())
    }

    #[cold]
    fn stopped_because(&self) -> Fatal {
        Fatal::Aborted {
            code: match self.around.shared.orchestrator_code.code() {
                0 => self.around.shared.scheduler_code.code(),
                code => code,
            },
        }
    }

    #[cold]
    fn report(&mut self, fatal: &Fatal) {
        self.fatal = true;
        let shared = self.around.shared;
        let code = fatal.code();
        shared.orchestrator_code.latch(code);
        let latched = shared.orchestrator_code.code();
        let mut message = fatal.to_string();
        // The reference's limit for one message.
        message.truncate(message.floor_char_boundary(1023));
        let separator = if message.is_empty() { "" } else { ": " };
        let latched = if latched == code || latched == 0 {
            String::new()
        } else {
            format!(", latched={latched}")
        };
        crate::logging::log(
            self.around.log,
            log::Level::Error,
            format_args!("FATAL(code={code}{latched}){separator}{message}"),
        );
        shared.wake_all();
    }
}

impl core::fmt::Debug for Orchestrator<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Orchestrator")
            .field("submitted", &self.submitted)
            .field("fatal", &self.fatal)
            .field("graph", &self.graph)
            .finish_non_exhaustive()
    }
}

/// A submitted task and the outputs that were allocated for it.
///
/// The outputs' descriptors lie in the task's record, which may go away with a later call; copy what is needed longer.
#[derive(Clone, Copy, Debug)]
pub struct Submitted<'o> {
    raw: TaskOutputTensors,
    outputs: PhantomData<&'o Tensor>,
}

impl<'o> Submitted<'o> {
    const fn new(raw: TaskOutputTensors) -> Self {
        Self {
            raw,
            outputs: PhantomData,
        }
    }

    /// The task.
    #[must_use]
    pub const fn task(&self) -> TaskId {
        self.raw.task_id
    }

    /// How many outputs were allocated.
    #[must_use]
    pub const fn outputs(&self) -> usize {
        self.raw.output_count() as usize
    }

    /// The output `index`, in argument order.
    #[must_use]
    pub fn output(&self, index: usize) -> Option<&'o Tensor> {
        let tensor = self.raw.get(index)?;
        // SAFETY: the runtime wrote the descriptor, and its record lives at least until the orchestrator is used
        // again, which the borrow forbids.
        Some(unsafe { &*tensor })
    }

    /// What a C program gets.
    #[must_use]
    pub const fn into_raw(self) -> TaskOutputTensors {
        self.raw
    }
}

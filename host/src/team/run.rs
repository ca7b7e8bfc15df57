//! A run that was submitted.
//!
//! Knows how to wait for it. Refuses to cancel it.

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use super::engine::Core;
use super::failure::Failure;
use super::fault::{FaultKind, TaskFailure};
use super::shared::Shared;
use crate::error::{Error, Result};

/// A run whose graph is complete; its tasks may still be at work.
///
/// Dropping it does not stop the run.
#[derive(Debug)]
pub struct RunHandle {
    shared: Arc<Shared>,
    run: u64,
    graph: Option<Failure>,
}

impl RunHandle {
    pub(crate) const fn new(shared: Arc<Shared>, run: u64, graph: Option<Failure>) -> Self {
        Self { shared, run, graph }
    }

    pub(crate) const fn graph_failed(&self) -> bool {
        self.graph.is_some()
    }

    /// Has the worker's driver see to the run.
    pub(crate) fn drive(&self) -> Result<()> {
        self.shared.drive()
    }

    /// Whether every task is over.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let mut core = self.shared.lock();
        self.shared.nudge(&mut core);
        core.is_over(self.run)
    }

    /// Waits until every task is over, at most for `timeout`; says whether they are. A wait that ends early
    /// changes nothing.
    ///
    /// # Errors
    /// None so far; a worker that is lost may have some.
    pub fn wait(&self, timeout: Duration) -> Result<bool> {
        let done = self.wait_until(Instant::now().checked_add(timeout), |core| {
            core.is_over(self.run).then_some(())
        })?;
        Ok(done.is_some())
    }

    /// Waits for the end and says how it was.
    ///
    /// # Errors
    /// All tasks that failed or were skipped, the first one first, or what the graph function
    /// returned.
    pub fn result(mut self) -> Result<()> {
        let failures = self.wait_until(None, |core| core.take_failures(self.run))?;
        let failures = failures.expect("there is no deadline");
        match (failures.is_empty(), self.graph.take()) {
            (true, None) => Ok(()),
            (true, Some(graph)) => Err(graph.into_error()),
            (false, graph) => Err(Error::Run {
                failures: in_order(failures),
                graph: graph.map(|graph| graph.fault),
            }),
        }
    }

    fn wait_until<R>(
        &self,
        deadline: Option<Instant>,
        done: impl FnMut(&mut Core) -> Option<R>,
    ) -> Result<Option<R>> {
        let limit = self.shared.limits.no_progress;
        self.shared.wait_for(deadline, limit, done, |core| {
            // Ending them ends the run; their tasks fail with a message of their own.
            core.end_stuck();
            None
        })
    }
}

impl Drop for RunHandle {
    fn drop(&mut self) {
        self.shared.lock().abandon(self.run);
    }
}

/// Failures before what was skipped because of them.
fn in_order(mut failures: Vec<TaskFailure>) -> Vec<TaskFailure> {
    failures.sort_by_key(|it| it.fault.kind == FaultKind::Skipped);
    failures
}

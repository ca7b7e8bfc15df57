//! A lower worker as the hands of a child.
//!
//! Knows how a task becomes a run of the lower worker. Refuses to know where it runs.

use std::sync::Arc;

use super::call::Call;
use super::failure::Failure;
use super::fault::Fault;
use super::frame::{Request, Words};
use super::hands::{Hands, unsupported, wrong_target};
use super::shared::Shared;
use super::supply::Supply;
use super::target::Target;
use super::worker::Worker;

/// A started worker that does what its parent asks; dropped, it is closed.
#[derive(Debug)]
pub(crate) struct Lower {
    worker: Arc<Worker>,
    /// This start of it: somebody may have closed it and started it again since.
    started: Arc<Shared>,
}

impl Lower {
    pub(crate) fn start(worker: Arc<Worker>) -> Result<Self, Fault> {
        let started = worker.init().and_then(|()| worker.shared("lower"));
        let started = started.map_err(crate::Error::into_fault)?;
        Ok(Self { worker, started })
    }
}

impl Drop for Lower {
    fn drop(&mut self) {
        if let Err(error) = self.worker.close_start(&self.started) {
            log::warn!("worker of level {}: {error}", self.worker.level());
        }
    }
}

impl Hands for Lower {
    fn prepare(&mut self, _: u64, target: &Target) -> Result<(), Fault> {
        match target {
            Target::Graph(_) => Ok(()),
            other => Err(wrong_target("a lower worker", other)),
        }
    }

    fn forget(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }

    fn run(&mut self, _: u64, target: &Target, call: &Call<'_>) -> Result<(), Fault> {
        let Target::Graph(function) = target else {
            return Err(wrong_target("a lower worker", target));
        };
        let run = self
            .worker
            .run(|graph| -> Result<(), Failure> { function(graph, call) });
        run.map_err(crate::Error::into_fault)
    }

    fn control(
        &mut self,
        request: Request,
        _: [u64; 4],
        _: &mut dyn Supply,
    ) -> Result<Words, Fault> {
        Err(unsupported("a lower worker", request))
    }
}

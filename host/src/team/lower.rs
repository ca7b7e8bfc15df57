//! A lower worker as the hands of a child.
//!
//! Knows how a task becomes a run of the lower worker. Refuses to know where it runs.

use super::call::Call;
use super::fault::{Failure, Fault};
use super::frame::Request;
use super::hands::{Hands, Words, unsupported};
use super::supply::Supply;
use super::target::Target;
use super::worker::Worker;

/// A started worker that does what its parent asks.
#[derive(Debug)]
pub(crate) struct Lower(Worker);

impl Lower {
    pub(crate) fn start(worker: Worker) -> Result<Self, Fault> {
        worker.init().map_err(crate::Error::into_fault)?;
        Ok(Self(worker))
    }
}

impl Hands for Lower {
    fn prepare(&mut self, _: u64, target: &Target) -> Result<(), Fault> {
        match target {
            Target::Graph(_) => Ok(()),
            other => Err(Fault::new(
                super::FaultKind::Unsupported,
                format!("a lower worker cannot run a {}", other.kind()),
            )),
        }
    }

    fn forget(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }

    fn run(&mut self, _: u64, target: &Target, call: &Call<'_>) -> Result<(), Fault> {
        let Target::Graph(function) = target else {
            return Err(Fault::new(
                super::FaultKind::Unsupported,
                format!("a lower worker cannot run a {}", target.kind()),
            ));
        };
        let run = self
            .0
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

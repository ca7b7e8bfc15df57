//! The control CPUs of a simulated chip: the AICPU program, linked in.
//!
//! Knows how an order of the chip becomes one of the AICPU program, and back. Refuses to know how
//! either is carried out.

use core::time::Duration;
use std::time::Instant;

use aicpu::Crew;
use aicpu::trb::{Order, Registration, RunFailure};
use protocol::Arch;
use runtime_trb::Limits;

use super::cores::SimCores;
use super::executor::{Executor, RunEnd, RunOrder};
use crate::error::{Error, Result};
use crate::launch::RunReport;
use crate::options::Rings;
use crate::program::Orchestration;

/// The AICPU program of one chip of family `A`.
#[derive(Debug, Default)]
pub(super) struct ControlCpus<A: Arch> {
    trb: aicpu::trb::Executor<A>,
}

impl<A: Arch> Executor for ControlCpus<A> {
    fn run(&self, order: &RunOrder, cores: &SimCores, crew: &dyn Crew) -> RunEnd {
        let limits = match limits(&order.options.rings) {
            Ok(limits) => limits,
            Err(error) => {
                return RunEnd {
                    loaded: false,
                    result: Err(error),
                };
            }
        };
        let Orchestration::Trb(orchestration) = &order.program.orchestration;
        let deadlines = order.options.deadlines;
        let started = Instant::now();
        let end = self.trb.run(
            &Order {
                callable_id: order.callable_id,
                registration: Registration(order.registration),
                orchestration,
                kernels: &order.program.entries,
                args: &order.args,
                clusters: order.clusters,
                threads: order.threads,
                orch_to_sched: order.options.orchestrator_schedules,
                limits,
                deadlines: runtime_trb::Deadlines {
                    no_progress: deadlines.no_progress,
                    tensor_wait: deadlines.no_progress,
                    wind_down: deadlines.grace,
                },
            },
            cores,
            crew,
        );
        RunEnd {
            loaded: end.loaded,
            result: end
                .result
                .map(|report| done(&report, started.elapsed()))
                .map_err(|failure| failed(order.callable_id, failure)),
        }
    }

    fn progress(&self) -> u64 {
        self.trb.progress()
    }

    fn abort(&self) {
        self.trb.abort();
    }

    fn describe(&self) -> String {
        self.trb.underway().map_or_else(
            || "the orchestration is being loaded".to_owned(),
            |report| {
                let orchestration = if self.trb.is_orchestrating() {
                    "the orchestration has not returned, "
                } else {
                    ""
                };
                format!(
                    "{orchestration}{} tasks were submitted and {} are complete",
                    report.submitted, report.completed
                )
            },
        )
    }

    fn forget(&self, callable_id: i32) {
        self.trb.forget(callable_id);
    }
}

/// The capacities a run asks for, the rest as usual.
fn limits(rings: &Rings) -> Result<Limits> {
    let mut limits = Limits::default();
    if let Some(window) = rings.task_window {
        limits.task_window = u32::try_from(window).unwrap_or(u32::MAX);
    }
    if let Some(bytes) = rings.heap_bytes {
        limits.heap_bytes = bytes;
    }
    limits.validate()?;
    Ok(limits)
}

fn done(report: &runtime_trb::RunReport, execution: Duration) -> RunReport {
    RunReport {
        submitted: report.submitted,
        completed: report.completed,
        execution,
        ..RunReport::default()
    }
}

fn failed(id: i32, failure: RunFailure) -> Error {
    match failure {
        RunFailure::Code { status, text } => Error::Runtime {
            orchestrator: status.orchestrator_code,
            scheduler: status.scheduler_code,
            text,
        },
        RunFailure::Begin(error) => error.into(),
        other => Error::Orchestration {
            id,
            text: other.to_string(),
        },
    }
}

//! The device-built runtime on simulated control CPUs.

use core::time::Duration;
use std::time::Instant;

use aicore_abi::recorder::Recorder;
use aicpu::Crew;
use aicpu::trb::{Executor, Orchestration, Order, Registration, RunFailure};
use protocol::Arch;
use runtime_trb::Limits;

use crate::error::{Error, Result};
use crate::launch::RunReport;
use crate::options::Rings;
use crate::sim::clock;
use crate::sim::cores::SimCores;
use crate::sim::executor::{RunEnd, RunOrder};

/// Executes one run.
pub(super) fn run<A: Arch>(
    executor: &Executor<A>,
    orchestration: &Orchestration,
    order: &RunOrder,
    cores: &SimCores,
    crew: &dyn Crew,
) -> RunEnd {
    let limits = match limits(&order.options.rings) {
        Ok(limits) => limits,
        Err(error) => {
            return RunEnd {
                loaded: false,
                result: Err(error),
            };
        }
    };
    let deadlines = order.options.deadlines;
    // SAFETY: the order's promise.
    let recorder = unsafe { Recorder::at(order.recording, clock::counter::<A>) };
    let started = Instant::now();
    let end = executor.run(
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
            recorder: recorder.as_ref(),
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
        RunFailure::Code { status, text, .. } => Error::Runtime {
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

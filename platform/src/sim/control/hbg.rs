//! The host-built runtime on simulated control CPUs.

use core::time::Duration;
use std::time::Instant;

use aicore_abi::recorder::Recorder;
use aicpu::Crew;
use aicpu::hbg::{BuildOrder, Executor, Order, RunFailure, Work};
use protocol::Arch;

use crate::error::Error;
use crate::launch::RunReport;
use crate::sim::clock;
use crate::sim::cores::SimCores;
use crate::sim::executor::{RunEnd, RunOrder};

/// Executes one run.
pub(super) fn run<A: Arch>(
    executor: &Executor<A>,
    order: &RunOrder,
    cores: &SimCores,
    crew: &dyn Crew,
) -> RunEnd {
    let deadlines = order.options.deadlines;
    // SAFETY: the order's promise.
    let recorder = unsafe { Recorder::at(order.recording, clock::counter::<A>) };
    let started = Instant::now();
    let orchestration = order.program.host.as_ref();
    let end = executor.run(
        &Order {
            build: BuildOrder {
                orchestration: orchestration.expect("loaded when the program was prepared"),
                kernels: &order.program.entries,
                args: &order.args,
                memory: &*order.host,
            },
            work: Work {
                callable_id: order.callable_id,
                kernels: &order.program.entries,
                clusters: order.clusters,
                threads: order.threads,
                deadlines: runtime_hbg::Deadlines {
                    no_progress: deadlines.no_progress,
                    wind_down: deadlines.grace,
                },
                recorder: recorder.as_ref(),
            },
        },
        cores,
        crew,
    );
    order.host.leave(end.copies, end.graph);
    RunEnd {
        // That was when the program was prepared.
        loaded: false,
        result: end
            .result
            .map(|report| done(&report, started.elapsed()))
            .map_err(|failure| failed(order.callable_id, failure)),
    }
}

fn done(report: &runtime_hbg::RunReport, execution: Duration) -> RunReport {
    RunReport {
        submitted: report.tasks,
        completed: report.completed,
        execution,
        ..RunReport::default()
    }
}

fn failed(id: i32, failure: RunFailure) -> Error {
    match failure {
        RunFailure::Graph(error) => error.into(),
        other => Error::Orchestration {
            id,
            text: other.to_string(),
        },
    }
}

//! What came of a run on a chip.
//!
//! Knows what the control CPUs reported, and what it means when they did not. Refuses to know how the report came here.

use core::time::Duration;

use aicpu::onboard::wire::{Outcome as Report, Request, Verdict};
use protocol::error_code::{RunError, run_status};
use protocol::run_descriptor::RunDescriptors;

use crate::cann::Code;
use crate::error::{Error, Result};
use crate::launch::{Launch, RunReport};

use super::chip::{Chip, OnboardKernel};
use super::limits::OPERATION;
use super::run::millis;

impl<A: RunDescriptors> Chip<A> {
    /// Why streams are not done, for whoever asked for a run with a deadline.
    pub(super) fn not_done(
        &self,
        error: Error,
        launch: &Launch<'_, OnboardKernel>,
        execution: Duration,
    ) -> Error {
        let limit = launch.options.deadlines.run;
        if error.code() != Code::STREAM_TIMEOUT.0 || execution < limit {
            return error;
        }
        Error::Deadline {
            missed: "end",
            limit,
            progress: 0,
            waiting: format!(
                "the control CPUs of device {} have not returned: {error}",
                self.driver.device()
            ),
        }
    }

    /// What the chip's report says about the run.
    pub(super) fn judge(
        &self,
        report: &Report,
        request: &Request,
        launch: &Launch<'_, OnboardKernel>,
        execution: Duration,
    ) -> Result<RunReport> {
        let judged = self.judge_report(report, request, launch, execution);
        let whole = Duration::from_millis(u64::from(request.run_ms));
        let may_be_that = Duration::from_nanos(report.nanoseconds) >= whole;
        let gave_up = |error: &Error| {
            has_stalled(report) || error.code() == -RunError::SchedulerTimeout.code()
        };
        match judged {
            Err(error) if may_be_that && gave_up(&error) => {
                Err(self.too_long(report, request, launch))
            }
            // What the caller asked for first: that the chip is lost too is in the text, and the next call's error.
            Err(_) if has_stalled(report) => Err(Error::Deadline {
                missed: "make progress",
                limit: launch
                    .options
                    .deadlines
                    .no_progress
                    .min(self.options.limits.scheduler),
                progress: report.completed,
                waiting: report.text(),
            }),
            judged => judged,
        }
    }

    /// The image has ended the run because it took too long as a whole.
    fn too_long(
        &self,
        report: &Report,
        request: &Request,
        launch: &Launch<'_, OnboardKernel>,
    ) -> Error {
        let limits = &self.options.limits;
        let (limit, why) = if request.run_ms == millis(limits.whole()) {
            let why = format!(
                ", and the hardware ends an operation after {:?} (raise {OPERATION})",
                limits.operation
            );
            (limits.whole(), why)
        } else {
            (launch.options.deadlines.run, String::new())
        };
        Error::Deadline {
            missed: "end",
            limit,
            progress: report.completed,
            waiting: format!("{}{why}", report.text()),
        }
    }

    fn judge_report(
        &self,
        report: &Report,
        request: &Request,
        launch: &Launch<'_, OnboardKernel>,
        execution: Duration,
    ) -> Result<RunReport> {
        let verdict = Verdict::from_wire(report.verdict).filter(|_| report.run == request.run);
        match verdict {
            Some(Verdict::Good) => Ok(RunReport {
                submitted: report.submitted,
                completed: report.completed,
                kernels: report.kernels,
                execution,
                ..RunReport::default()
            }),
            Some(Verdict::Code) => Err(Error::Runtime {
                orchestrator: report.orchestrator_code,
                scheduler: report.scheduler_code,
                text: report.text(),
            }),
            Some(Verdict::Orchestration) => Err(Error::Orchestration {
                id: launch.callable_id,
                text: report.text(),
            }),
            Some(Verdict::Refused) => Err(Error::Start {
                reason: report.text(),
            }),
            Some(Verdict::Cores | Verdict::Stays) => {
                let reason = report.text();
                self.condemn(&reason);
                Err(Error::Unusable {
                    device: self.driver.device(),
                    reason,
                })
            }
            None => {
                let reason = format!(
                    "the image reported run {} with verdict {} where run {} was launched",
                    report.run, report.verdict, request.run
                );
                self.condemn(&reason);
                Err(Error::Unusable {
                    device: self.driver.device(),
                    reason,
                })
            }
        }
    }
}

/// Whether something of the run is still at work.
pub(super) fn costs_the_chip(report: &Report) -> bool {
    matches!(
        Verdict::from_wire(report.verdict),
        Some(Verdict::Cores | Verdict::Stays)
    )
}

/// Whether nothing moved in a run until it was given up, and something of it is still at work.
fn has_stalled(report: &Report) -> bool {
    let status = run_status(report.orchestrator_code, report.scheduler_code);
    costs_the_chip(report) && status == -RunError::SchedulerTimeout.code()
}

//! The device-built runtime in an image.

use core::ffi::CStr;
use core::slice;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use aicore_abi::recorder::Recorder;
use protocol::Arch;
use protocol::limits::MAX_REGISTERED_CALLABLE_IDS;
use runtime_trb::Limits;
use sync::Crowd;

use super::foreign::Parts;
use super::{Inside, loading};
use crate::image::{EndRecord, OrderRecord};
use crate::trb;

/// The device-built runtime.
#[derive(Debug)]
pub struct Trb<A: Arch> {
    executor: trb::Executor<A>,
    crowd: Arc<Crowd>,
    /// The orchestrations of registrations that have run.
    known: Mutex<[Option<(u64, trb::Orchestration)>; MAX_REGISTERED_CALLABLE_IDS]>,
}

impl<A: Arch> Default for Trb<A> {
    fn default() -> Self {
        Self {
            executor: trb::Executor::default(),
            crowd: Crowd::new(),
            known: Mutex::new([const { None }; MAX_REGISTERED_CALLABLE_IDS]),
        }
    }
}

impl<A: Arch> Trb<A> {
    /// The order's orchestration, its bytes copied at the first run of its registration.
    ///
    /// # Safety
    /// As [`Inside::run`].
    unsafe fn orchestration(&self, order: &OrderRecord) -> Option<trb::Orchestration> {
        let mut known = crate::under_way::lock(&self.known);
        let place = known.get_mut(usize::try_from(order.callable_id).ok()?)?;
        if place
            .as_ref()
            .is_none_or(|(of, _)| *of != order.registration)
        {
            let (first, length) = (order.orchestration, order.orchestration_bytes);
            // SAFETY: the caller's promise, here as in both that follow.
            let bytes = unsafe { slice::from_raw_parts(first, length) };
            // SAFETY: as above.
            let entry = unsafe { CStr::from_ptr(order.entry) };
            // SAFETY: as above.
            let config = unsafe { CStr::from_ptr(order.config) };
            let image = trb::OrchestrationImage {
                bytes: bytes.into(),
                entry: entry.to_owned(),
                config: config.to_owned(),
            };
            *place = Some((order.registration, trb::Orchestration::Image(image)));
        }
        place
            .as_ref()
            .map(|(_, orchestration)| orchestration.clone())
    }
}

fn limits(order: &OrderRecord) -> Result<Limits, runtime_trb::Error> {
    let mut limits = Limits::default();
    if order.task_window != 0 {
        limits.task_window = u32::try_from(order.task_window).unwrap_or(u32::MAX);
    }
    if order.heap_bytes != 0 {
        limits.heap_bytes = order.heap_bytes;
    }
    limits.validate()?;
    Ok(limits)
}

impl<A: Arch> Inside for Trb<A> {
    unsafe fn run(&self, order: &OrderRecord, end: &mut EndRecord) {
        // SAFETY: passed on.
        let parts = unsafe { Parts::of(order, &self.crowd) };
        // SAFETY: passed on.
        let Some(orchestration) = (unsafe { self.orchestration(order) }) else {
            return end.fail(-1, "the callable id is out of range");
        };
        let limits = match limits(order) {
            Ok(limits) => limits,
            Err(error) => return end.fail(-1, &error.to_string()),
        };
        let no_progress = Duration::from_nanos(order.no_progress);
        // SAFETY: passed on.
        let recorder = unsafe { Recorder::at(order.recording, order.clock) };
        let done = self.executor.run(
            &trb::Order {
                callable_id: order.callable_id,
                registration: trb::Registration(order.registration),
                orchestration: &orchestration,
                kernels: parts.kernels,
                args: parts.args,
                clusters: order.clusters,
                threads: order.threads,
                orch_to_sched: order.orch_to_sched != 0,
                limits,
                deadlines: runtime_trb::Deadlines {
                    no_progress,
                    tensor_wait: no_progress,
                    wind_down: Duration::from_nanos(order.wind_down),
                },
                recorder: recorder.as_ref(),
            },
            &parts.cores,
            &parts.crew,
        );
        end.loaded = u32::from(done.loaded);
        match done.result {
            Ok(report) => {
                end.submitted = report.submitted;
                end.completed = report.completed;
            }
            Err(trb::RunFailure::Code { status, text, .. }) => {
                end.fail_with(status.orchestrator_code, status.scheduler_code, &text);
            }
            Err(trb::RunFailure::Begin(error)) => end.fail(-1, &error.to_string()),
            Err(other) => end.fail_orchestration(&other.to_string()),
        }
    }

    fn progress(&self) -> u64 {
        self.executor.progress()
    }

    fn abort(&self) {
        self.executor.abort();
    }

    fn describe(&self) -> String {
        self.executor.describe().unwrap_or_else(loading)
    }

    fn forget(&self, callable_id: i32) {
        let mut known = crate::under_way::lock(&self.known);
        let index = usize::try_from(callable_id).ok();
        if let Some(place) = index.and_then(|index| known.get_mut(index)) {
            *place = None;
        }
        drop(known);
        self.executor.forget(callable_id);
    }
}

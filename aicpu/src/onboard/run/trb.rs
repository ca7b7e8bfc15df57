//! The device-built runtime on a chip.
//!
//! Knows what it keeps from run to run: loaded orchestrations, and the executor that has the block's memory.

use core::time::Duration;
use std::collections::HashMap;

use protocol::run_descriptor::{RunDescriptors, TrbBody};
use runtime_trb::{Context, Deadlines, Limits};
use sync::Arena;

use super::watch::Watch;
use super::{ALARM, DeviceHalf, Frame, Refusal};
use crate::onboard::block::{Block, at};
use crate::onboard::cache;
use crate::onboard::cores::DeviceCores;
use crate::onboard::team::Led;
use crate::onboard::wire::{Outcome, Request, Verdict};
use crate::trb::{End, Executor, Orchestration, Order, Registration, RunFailure};

/// What is kept.
pub(super) struct Half<A: RunDescriptors> {
    /// The executor and the number of the memory it uses.
    executor: Option<(u64, Executor<A>)>,
    /// What each callable id was registered with last.
    orchestrations: HashMap<i32, (u64, Orchestration)>,
}

impl<A: RunDescriptors> Default for Half<A> {
    fn default() -> Self {
        Self {
            executor: None,
            orchestrations: HashMap::new(),
        }
    }
}

/// What one run uses of it.
pub(super) struct Ready<'k, A: RunDescriptors> {
    executor: &'k Executor<A>,
    orchestration: &'k Orchestration,
    limits: Limits,
}

impl<A: RunDescriptors> DeviceHalf<A> for Half<A> {
    type Ready<'k> = Ready<'k, A>;

    fn ready<'k>(&'k mut self, frame: &Frame<'k, A>) -> Result<Ready<'k, A>, Refusal> {
        let Frame { block, request, .. } = frame;
        let limits = Limits {
            task_window: request.task_window,
            heap_bytes: request.heap_bytes,
            map_entries: request.map_entries,
        };
        let orchestration =
            orchestration_of(&mut self.orchestrations, block.body(), request.registration)?;
        Ok(Ready {
            executor: executor_for(&mut self.executor, block, request, &limits)?,
            orchestration,
            limits,
        })
    }

    fn run(
        ready: Ready<'_, A>,
        frame: &Frame<'_, A>,
        cores: &DeviceCores<'_, A>,
        crew: &Led<'_>,
        outcome: &mut Outcome,
    ) {
        let body = frame.block.body();
        let order = Order {
            callable_id: body.active_callable_id,
            registration: Registration(frame.request.registration),
            orchestration: ready.orchestration,
            kernels: &frame.kernels,
            args: &body.orch_args_storage,
            clusters: frame.clusters,
            threads: frame.threads,
            orch_to_sched: body.orch_to_sched != 0,
            limits: ready.limits,
            deadlines: Deadlines {
                no_progress: frame.no_progress,
                tensor_wait: Duration::from_millis(u64::from(frame.request.tensor_wait_ms)),
                wind_down: frame.leave,
            },
            recorder: frame.recorder.as_ref(),
        };
        let watch = Watch::new(ready.executor, frame);
        let end = ALARM.during(watch.glance(), &|| watch.look(), || {
            ready.executor.run(&order, cores, crew)
        });
        note(outcome, end);
    }
}

/// Writes down how the run ended.
fn note(outcome: &mut Outcome, end: End) {
    outcome.loaded = u32::from(end.loaded);
    if let Err(failure) = &end.result {
        outcome.set_text(&failure.to_string());
    }
    let (verdict, submitted, completed) = match end.result {
        Ok(report) => (Verdict::Good, report.submitted, report.completed),
        Err(RunFailure::Code {
            status,
            submitted,
            completed,
            ..
        }) => {
            outcome.orchestrator_code = status.orchestrator_code;
            outcome.scheduler_code = status.scheduler_code;
            (Verdict::Code, submitted, completed)
        }
        Err(RunFailure::Begin(_)) => (Verdict::Refused, 0, 0),
        Err(RunFailure::Table(_) | RunFailure::Call(_)) => (Verdict::Orchestration, 0, 0),
    };
    outcome.verdict = verdict as u32;
    (outcome.submitted, outcome.completed) = (submitted, completed);
}

/// The orchestration of a run, its bytes fetched if the id was registered anew.
fn orchestration_of<'a>(
    known: &'a mut HashMap<i32, (u64, Orchestration)>,
    body: &TrbBody,
    registration: u64,
) -> Result<&'a Orchestration, Refusal> {
    let id = body.active_callable_id;
    if known
        .get(&id)
        .is_none_or(|(registered, _)| *registered != registration)
    {
        let bytes = at::<u8>(body.dev_orch_so_addr)
            .ok_or(Refusal::Descriptor("it has no orchestration"))?;
        let length = usize::try_from(body.dev_orch_so_size)
            .map_err(|_| Refusal::Descriptor("its orchestration is too long"))?;
        cache::invalidate(bytes.as_ptr(), length);
        // SAFETY: the host put the shared object there and leaves it for the run.
        let image = unsafe { core::slice::from_raw_parts(bytes.as_ptr(), length) };
        let entry = text_of(&body.device_orch_func_name);
        let config = text_of(&body.device_orch_config_name);
        let orchestration = Orchestration::image(image, &entry, &config)
            .map_err(|_| Refusal::Descriptor("a symbol of its orchestration has a zero byte"))?;
        known.insert(id, (registration, orchestration));
    }
    Ok(&known[&id].1)
}

/// The executor, made anew if its memory is.
fn executor_for<'a, A: RunDescriptors>(
    place: &'a mut Option<(u64, Executor<A>)>,
    block: &Block<A>,
    request: &Request,
    limits: &Limits,
) -> Result<&'a mut Executor<A>, Refusal> {
    if place
        .as_ref()
        .is_none_or(|(epoch, _)| *epoch != request.epoch)
    {
        // The old executor ends before its memory is anyone else's.
        *place = None;
        let bytes = usize::try_from(request.memory)
            .map_err(|_| Refusal::Descriptor("its memory is too large"))?;
        cache::invalidate(block.memory().as_ptr(), bytes);
        // SAFETY: a new epoch says that the memory is fresh and zero; it starts on a page, and from now
        // on it is only this executor's, until the next epoch.
        let arena = unsafe { Arena::adopt(block.memory(), bytes) };
        let context = Context::in_arena(limits, arena)?;
        *place = Some((request.epoch, Executor::in_context(context)));
    }
    let (_, executor) = place.as_mut().expect("made above");
    Ok(executor)
}

fn text_of(field: &[u8]) -> String {
    let end = field
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

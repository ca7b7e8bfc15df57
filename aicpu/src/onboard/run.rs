//! One run on the chip, led by one of its threads.
//!
//! Knows the order: read the request, meet the cores, execute, let the cores go, report. Refuses to
//! fail towards the launcher: whatever happens is in the report, because a launch that fails takes
//! the whole device with it.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use aicore_abi::seam::KernelEntry;
use bytemuck::Zeroable;
use protocol::CoreCallableHeader;
use protocol::registers::AICPU_IDLE_TASK_ID;
use protocol::run_descriptor::{RunDescriptors, TrbBody};
use runtime_trb::{Context, Deadlines, Limits};
use sync::{Arena, Crowd};

use super::block::{Block, at};
use super::cache;
use super::cores::{DeviceCores, MeetError};
use super::team::{Lead, Led};
use super::wire::{DIGEST, Outcome, Request, Verdict};
use crate::trb::{End, Executor, Orchestration, Order, Registration, RunFailure};

/// What the image keeps from run to run.
pub(super) struct Chip<A: RunDescriptors> {
    kept: Mutex<Kept<A>>,
    crowd: Arc<Crowd>,
}

struct Kept<A: RunDescriptors> {
    /// The executor and the number of the memory it uses.
    executor: Option<(u64, Executor<A>)>,
    /// What each callable id was registered with last.
    orchestrations: HashMap<i32, (u64, Orchestration)>,
}

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(
        "the host and the image disagree about shared layouts (digest {host:#x}, {image:#x}): build both from one source"
    )]
    Digest { host: u64, image: u64 },
    #[error("the run descriptor is not usable: {0}")]
    Descriptor(&'static str),
    #[error(transparent)]
    Runtime(#[from] runtime_trb::Error),
}

impl<A: RunDescriptors> Chip<A> {
    pub(super) fn new() -> Self {
        Self {
            kept: Mutex::new(Kept {
                executor: None,
                orchestrations: HashMap::new(),
            }),
            crowd: Crowd::new(),
        }
    }

    /// Does the run of `block` and reports. `table` is the address of the register bases.
    pub(super) fn lead(&self, block: &Block<A>, table: u64, lead: &Lead<'_>) {
        let started = Instant::now();
        let request = *block.request();
        let mut outcome = Outcome::zeroed();
        outcome.digest = DIGEST;
        if let Err(refusal) = self.execute(block, &request, table, lead, &mut outcome) {
            outcome.verdict = Verdict::Refused as u32;
            outcome.set_text(&refusal.to_string());
        }
        outcome.nanoseconds = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        outcome.run = request.run;
        block.report(&outcome);
    }

    fn execute(
        &self,
        block: &Block<A>,
        request: &Request,
        table: u64,
        lead: &Lead<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Refusal> {
        if request.digest != DIGEST {
            return Err(Refusal::Digest {
                host: request.digest,
                image: DIGEST,
            });
        }
        let body = block.body();
        let workers = usize::try_from(body.worker_count)
            .ok()
            .filter(|&workers| workers <= A::WORKER_SLOTS && workers != 0)
            .ok_or(Refusal::Descriptor("its number of workers is out of range"))?;
        let table = table_at(table, A::PHYSICAL_ID_BOUND as usize)
            .ok_or(Refusal::Descriptor("it has no register table"))?;
        let limits = Limits {
            task_window: request.task_window,
            heap_bytes: request.heap_bytes,
            map_entries: request.map_entries,
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept {
            executor,
            orchestrations,
        } = &mut *kept;
        let orchestration = orchestration_of(orchestrations, body, request.registration)?;
        let executor = executor_for(executor, block, request, &limits)?;
        let kernels = kernels_of(body);
        let patience = Duration::from_millis(u64::from(request.cores_ms));

        let cores = match DeviceCores::meet(block, workers, table, request.cores, patience) {
            Ok(cores) => cores,
            Err(error) => {
                outcome.verdict = Verdict::Cores as u32;
                outcome.set_text(&error.to_string());
                if let MeetError::Lost(lost) = error {
                    outcome.lost_cores = lost.missing;
                }
                return Ok(());
            }
        };
        let millis = |millis: u32| Duration::from_millis(u64::from(millis));
        let threads = u8::try_from(request.threads)
            .map_err(|_| Refusal::Descriptor("its number of threads is out of range"))?;
        let order = Order {
            callable_id: body.active_callable_id,
            registration: Registration(request.registration),
            orchestration,
            kernels: &kernels,
            args: &body.orch_args_storage,
            clusters: u16::try_from(workers / A::CORES_PER_BLOCK as usize).expect("checked above"),
            threads,
            orch_to_sched: body.orch_to_sched != 0,
            limits,
            deadlines: Deadlines {
                no_progress: millis(request.no_progress_ms),
                tensor_wait: millis(request.tensor_wait_ms),
                wind_down: patience,
            },
        };
        let crew = Led {
            lead,
            helpers: usize::from(threads) - 1,
            crowd: &self.crowd,
        };
        let end = executor.run(&order, &cores, &crew);
        outcome.kernels = cores.calls();
        note(outcome, end);
        if let Err(lost) = cores.dismiss() {
            outcome.verdict = Verdict::Cores as u32;
            outcome.lost_cores = lost.missing;
            outcome.set_text(&lost.to_string());
        }
        Ok(())
    }
}

/// Writes down how the run ended.
fn note(outcome: &mut Outcome, end: End) {
    outcome.loaded = u32::from(end.loaded);
    let report = match end.result {
        Ok(report) => {
            outcome.verdict = Verdict::Good as u32;
            report
        }
        Err(failure) => {
            outcome.set_text(&failure.to_string());
            outcome.verdict = match failure {
                RunFailure::Code { status, .. } => {
                    outcome.orchestrator_code = status.orchestrator_code;
                    outcome.scheduler_code = status.scheduler_code;
                    Verdict::Code
                }
                RunFailure::Begin(_) => Verdict::Refused,
                RunFailure::Table(_) | RunFailure::Call(_) => Verdict::Orchestration,
            } as u32;
            return;
        }
    };
    outcome.submitted = report.submitted;
    outcome.completed = report.completed;
}

/// The register bases, as the host wrote them.
fn table_at(address: u64, entries: usize) -> Option<&'static [u64]> {
    let table = at::<u64>(address)?;
    cache::invalidate(table.as_ptr().cast(), entries * size_of::<u64>());
    // SAFETY: the host keeps the table while it is attached and does not write to it during a run.
    Some(unsafe { core::slice::from_raw_parts(table.as_ptr(), entries) })
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

/// How to call each kernel of the run, by function id.
fn kernels_of(body: &TrbBody) -> Vec<KernelEntry> {
    let count = usize::try_from(body.registered_kernel_count).unwrap_or(0);
    let used = || {
        let ids = body.registered_kernel_func_ids.iter().take(count);
        ids.filter_map(|&id| usize::try_from(id).ok())
            .filter(|&id| id < body.func_id_to_addr.len())
    };
    let mut kernels = vec![KernelEntry::default(); used().max().map_or(0, |last| last + 1)];
    for id in used() {
        if let Some(header) = at::<CoreCallableHeader>(body.func_id_to_addr[id]) {
            cache::invalidate(header.as_ptr().cast(), size_of::<CoreCallableHeader>());
            // SAFETY: the host put a kernel image there and leaves it for the run.
            kernels[id].address = unsafe { header.as_ref() }.resolved_addr;
        }
    }
    kernels
}

fn text_of(field: &[u8]) -> String {
    let end = field
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

impl<A: RunDescriptors> DeviceCores<'_, A> {
    /// Kernel calls so far: a core's tokens count up from 1.
    fn calls(&self) -> u64 {
        self.tokens()
            .filter(|&token| token < AICPU_IDLE_TASK_ID)
            .map(u64::from)
            .sum()
    }
}

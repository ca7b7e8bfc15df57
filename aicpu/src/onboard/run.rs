//! One run on the chip, led by one of its threads.
//!
//! Knows the order: read the request, meet the cores, execute, let the cores go, report. Refuses to
//! fail towards the launcher: whatever happens is in the report, because a launch that fails takes
//! the whole device with it.

#[cfg(feature = "hbg")]
mod hbg;
#[cfg(feature = "trb")]
mod trb;
#[cfg(feature = "trb")]
mod watch;

use core::time::Duration;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use aicore_abi::recorder::Recorder;
use aicore_abi::seam::KernelEntry;
use bytemuck::Zeroable;
use protocol::CoreCallableHeader;
use protocol::recording::SECTIONS_AT;
use protocol::registers::AICPU_IDLE_TASK_ID;
use protocol::run_descriptor::{RunDescriptors, TrbBody};

use super::alarm::Alarm;
use super::block::{Block, at};
use super::cache;
use super::clock;
use super::cores::{DeviceCores, MeetError, Patience};
use super::stamp::{DIGEST, Runtime, Stamp};
use super::team::{Lead, Led};
use super::wire::{Outcome, Request, Verdict};

/// What the image keeps from run to run.
pub(super) struct Chip<A: RunDescriptors> {
    kept: Mutex<Kept<A>>,
}

struct Kept<A: RunDescriptors> {
    #[cfg(feature = "trb")]
    trb: trb::Half<A>,
    #[cfg(feature = "hbg")]
    hbg: hbg::Half<A>,
}

/// Ends runs that take too long.
static ALARM: Alarm = Alarm::new();
/// How long until a run is told again to end: it may not have been listening the first time.
const AGAIN: Duration = Duration::from_millis(10);

/// One run, as far as it is the same with every runtime.
struct Frame<'a, A: RunDescriptors> {
    block: &'a Block<A>,
    request: &'a Request,
    kernels: Vec<KernelEntry>,
    clusters: u16,
    threads: u8,
    /// How long nothing may move.
    no_progress: Duration,
    /// How long it may take as a whole.
    whole: Duration,
    /// How long cores may take to end what they run, and to go.
    leave: Duration,
    /// Where the run is written down, if it is.
    recorder: Option<Recorder>,
}

/// The device's half of a runtime.
trait DeviceHalf<A: RunDescriptors> {
    /// What a run needs, found before cores are met.
    type Ready<'k>
    where
        Self: 'k;

    fn ready<'k>(&'k mut self, frame: &Frame<'k, A>) -> Result<Self::Ready<'k>, Refusal>;

    /// Executes the run and writes down how it ended.
    fn run(
        ready: Self::Ready<'_>,
        frame: &Frame<'_, A>,
        cores: &DeviceCores<'_, A>,
        crew: &Led<'_>,
        outcome: &mut Outcome,
    );
}

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(
        "the host and the image disagree about shared layouts (digest {host:#x}, {image:#x}): build both from one source"
    )]
    Digest { host: u64, image: u64 },
    #[error(
        "the image has no runtime {wanted}: build it with `cargo xtask image --runtime {wanted}`"
    )]
    Runtime { wanted: &'static str },
    #[error("the run descriptor is not usable: {0}")]
    Descriptor(&'static str),
    #[cfg(feature = "trb")]
    #[error(transparent)]
    Trb(#[from] runtime_trb::Error),
    #[cfg(feature = "hbg")]
    #[error(transparent)]
    Graph(#[from] runtime_hbg::packed::UnpackError),
}

impl<A: RunDescriptors> Chip<A> {
    pub(super) fn new() -> Self {
        Self {
            kept: Mutex::new(Kept {
                #[cfg(feature = "trb")]
                trb: trb::Half::default(),
                #[cfg(feature = "hbg")]
                hbg: hbg::Half::default(),
            }),
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
        let wanted = match block.body().orch_built_on_host {
            0 => Runtime::Trb,
            _ => Runtime::Hbg,
        };
        if !Stamp::OURS.has(wanted) {
            let wanted = wanted.name();
            return Err(Refusal::Runtime { wanted });
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match wanted {
            #[cfg(feature = "trb")]
            Runtime::Trb => self.execute_with(&mut kept.trb, block, request, table, lead, outcome),
            #[cfg(feature = "hbg")]
            Runtime::Hbg => self.execute_with(&mut kept.hbg, block, request, table, lead, outcome),
            #[cfg(not(all(feature = "trb", feature = "hbg")))]
            _ => unreachable!("it is not in the stamp"),
        }
    }

    fn execute_with<H: DeviceHalf<A>>(
        &self,
        half: &mut H,
        block: &Block<A>,
        request: &Request,
        table: u64,
        lead: &Lead<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Refusal> {
        let body = block.body();
        let workers = usize::try_from(body.worker_count)
            .ok()
            .filter(|&workers| workers <= A::WORKER_SLOTS && workers != 0)
            .ok_or(Refusal::Descriptor("its number of workers is out of range"))?;
        let table = table_at(table, A::PHYSICAL_ID_BOUND as usize)
            .ok_or(Refusal::Descriptor("it has no register table"))?;
        let millis = |millis: u32| Duration::from_millis(u64::from(millis));
        let frame = Frame {
            block,
            request,
            kernels: kernels_of(body),
            clusters: u16::try_from(workers / A::CORES_PER_BLOCK as usize).expect("checked above"),
            threads: u8::try_from(request.threads)
                .map_err(|_| Refusal::Descriptor("its number of threads is out of range"))?,
            no_progress: millis(request.no_progress_ms),
            whole: millis(request.run_ms),
            leave: millis(request.leave_ms),
            recorder: recorder_of::<A>(request.recording),
        };
        let ready = half.ready(&frame)?;
        let patience = Patience {
            come: millis(request.cores_ms),
            leave: frame.leave,
        };
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
        let crew = Led {
            lead,
            helpers: usize::from(frame.threads) - 1,
            crowd: lead.crowd(),
        };
        H::run(ready, &frame, &cores, &crew, outcome);
        for (address, bytes) in frame.recorder.iter().flat_map(Recorder::written) {
            if let (Some(first), Ok(bytes)) = (at::<u8>(address), usize::try_from(bytes)) {
                cache::clean(first.as_ptr(), bytes);
            }
        }
        outcome.kernels = cores.calls();
        if let Err(lost) = cores.dismiss() {
            outcome.verdict = Verdict::Cores as u32;
            outcome.lost_cores = lost.missing;
            let why = outcome.text();
            let runs = cores.kernels_under_way(&frame.kernels);
            let texts = [runs, lost.to_string(), why];
            let texts: Vec<_> = texts.into_iter().filter(|text| !text.is_empty()).collect();
            outcome.set_text(&texts.join("; "));
        }
        Ok(())
    }
}

/// The region that the run is written down in, as the host prepared it.
fn recorder_of<A: RunDescriptors>(address: u64) -> Option<Recorder> {
    let head = at::<u8>(address)?;
    let bytes = usize::try_from(SECTIONS_AT).expect("a few pages");
    cache::invalidate(head.as_ptr(), bytes);
    // SAFETY: the host keeps the region for the run.
    unsafe { Recorder::at(address, clock::counter::<A>) }
}

/// The register bases, as the host wrote them.
fn table_at(address: u64, entries: usize) -> Option<&'static [u64]> {
    let table = at::<u64>(address)?;
    cache::invalidate(table.as_ptr().cast(), entries * size_of::<u64>());
    // SAFETY: the host keeps the table while it is attached and does not write to it during a run.
    Some(unsafe { core::slice::from_raw_parts(table.as_ptr(), entries) })
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

impl<A: RunDescriptors> DeviceCores<'_, A> {
    /// Kernel calls so far: a core's tokens count up from 1.
    fn calls(&self) -> u64 {
        self.tokens()
            .filter(|&token| token < AICPU_IDLE_TASK_ID)
            .map(u64::from)
            .sum()
    }
}

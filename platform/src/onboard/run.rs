//! One run on a chip.
//!
//! ```text
//! (graph) ─▶ images (once) ─▶ block (if limits changed) ─▶ orchestration (once) or graph ─▶ descriptor, request
//!     ─▶ cores ─▶ control CPUs ─▶ both streams done ─▶ outcome
//! ```
//!
//! The vendor's loader opens the image of control CPUs when its first function is launched. That is done when the
//! image is put onto the chip, and waited for: no run is late because of it, and no run launches more than twice.
//!
//! The cores are launched first: on a chip that idles, loading their program takes a moment; beside
//! control CPUs that wait for them it can take longer than the hardware allows an operation.

use core::time::Duration;
use std::time::Instant;

use aicpu::onboard::stamp::Runtime;
use aicpu::onboard::wire::{OUTCOME_AT, Outcome as Report, REQUEST_AT, Request, Verdict};
use bytemuck::Zeroable;
use protocol::kernel_args::LAUNCH_RUN_NAME;
use protocol::run_descriptor::RunDescriptors;

use crate::cann::{Buffer, CoreLaunch};
use crate::error::{Error, Result};
use crate::launch::{Launch, Outcome, RunReport};
use crate::lock::lock;
use crate::program::Orchestration;

use super::chip::{Arguments, Chip, Kept, OnboardKernel};
use super::descriptor::{self, Content, LaunchBlock, OnChip};
use super::family::{CoreArgument, KernelArgs};
use super::images::ImageError;
use super::loaded::{self, Loaded};
use super::memory::{Block, RuntimeMemory};
use super::verdict::costs_the_chip;

/// Which bits of a run's number are its context's.
const CONTEXT: u64 = u64::MAX << 32;

/// What a run brings onto the chip beyond the program's kernels.
enum Work<'a> {
    /// What builds the graph there.
    Orchestration(&'a aicpu::trb::OrchestrationImage),
    /// The graph.
    #[cfg(feature = "hbg")]
    Graph(aicpu::hbg::Ready),
}

/// How many of what a run uses, and since when.
#[derive(Clone, Copy)]
struct Extent {
    clusters: u32,
    threads: u32,
    started: Instant,
}

impl<A: RunDescriptors> Chip<A> {
    /// Does one run.
    pub(super) fn run(&self, launch: &Launch<'_, OnboardKernel>) -> Outcome {
        let failed = |error| Outcome {
            loaded: false,
            left_behind: false,
            result: Err(error),
        };
        let extent = match self.extent(launch) {
            Ok(extent) => extent,
            Err(error) => return failed(error),
        };
        let work = match &launch.program.orchestration {
            Orchestration::Trb(aicpu::trb::Orchestration::Image(image)) => {
                Work::Orchestration(image)
            }
            #[cfg(feature = "hbg")]
            Orchestration::Hbg(_) => {
                let built = super::host_built::build(launch);
                match built.result {
                    Ok(ready) => Work::Graph(ready),
                    Err(error) => {
                        return Outcome {
                            left_behind: built.left_behind,
                            ..failed(error)
                        };
                    }
                }
            }
            Orchestration::Trb(aicpu::trb::Orchestration::InProcess(_)) => {
                unreachable!("not accepted when it was prepared")
            }
        };
        self.run_work(launch, extent, work)
    }

    /// What the run wants, if the chip has it.
    fn extent(&self, launch: &Launch<'_, OnboardKernel>) -> Result<Extent> {
        let started = Instant::now();
        let clusters = u32::try_from(launch.config.block_dim).expect("checked");
        let working = self.held().table.clusters();
        if clusters > working {
            return Err(Error::Clusters { clusters, working });
        }
        let threads = u32::try_from(launch.config.aicpu_thread_num).expect("checked");
        check_threads(threads, self.held().launched_threads)?;
        Ok(Extent {
            clusters,
            threads,
            started,
        })
    }

    fn run_work(
        &self,
        launch: &Launch<'_, OnboardKernel>,
        extent: Extent,
        work: Work<'_>,
    ) -> Outcome {
        let result = match work {
            Work::Orchestration(image) => self.run_orchestration(launch, extent, image),
            #[cfg(feature = "hbg")]
            Work::Graph(mut graph) => {
                let result = self.run_graph(launch, extent, &mut graph);
                let good = matches!(result, Ok((_, Ok(_))));
                let loaded = launch.program.host.as_ref();
                let loaded = loaded.expect("loaded when the program was prepared");
                let (copies, graph) = graph.finish(loaded, good);
                launch.host.leave(copies, graph);
                result
            }
        };
        let (loaded, result) = match result {
            Ok((loaded, report)) => (loaded, report),
            Err(error) => (false, Err(error)),
        };
        Outcome {
            loaded,
            left_behind: false,
            result,
        }
    }

    /// Runs a graph that is built on the chip; whether the orchestration was loaded, and what was done or why not.
    ///
    /// # Errors
    /// What failed before the chip reported.
    fn run_orchestration(
        &self,
        launch: &Launch<'_, OnboardKernel>,
        extent: Extent,
        image: &aicpu::trb::OrchestrationImage,
    ) -> Result<(bool, Result<RunReport>)> {
        let mut kept = lock(&self.kept);
        self.prepare(&mut kept, Runtime::Trb)?;
        let memory = RuntimeMemory::of(&launch.options.rings)?;
        if kept.block.as_ref().is_none_or(|it| it.runtime != memory) {
            self.renew_block(&mut kept, memory)?;
        }
        let buffer = kept
            .orchestrations
            .place(&self.driver, launch.callable_id, &image.bytes)?;
        let orchestration = OnChip {
            args: launch.args,
            orch_to_sched: launch.options.orchestrator_schedules,
            image: (buffer.address(), buffer.bytes()),
            names: [&image.entry, &image.config],
        };
        self.execute(&mut kept, launch, extent, Some(orchestration), (0, 0))
    }

    /// Runs a graph that was built here; as above.
    ///
    /// # Errors
    /// As above.
    #[cfg(feature = "hbg")]
    fn run_graph(
        &self,
        launch: &Launch<'_, OnboardKernel>,
        extent: Extent,
        graph: &mut aicpu::hbg::Ready,
    ) -> Result<(bool, Result<RunReport>)> {
        let mut kept = lock(&self.kept);
        self.prepare(&mut kept, Runtime::Hbg)?;
        if kept.block.is_none() {
            self.renew_block(&mut kept, RuntimeMemory::default())?;
        }
        let graph = kept.graph.send(&self.driver, graph)?;
        self.execute(&mut kept, launch, extent, None, graph)
    }

    /// Puts images onto the chip, if they are not there.
    fn prepare(&self, kept: &mut Kept, runtime: Runtime) -> Result<()> {
        #[cfg(feature = "c-api")]
        if let Some(brought) = &self.brought
            && let Some(images) = brought.images()?
        {
            self.take_images(kept, images)?;
        }
        let images = kept.images.as_ref().ok_or(ImageError::None)?;
        images.check(runtime)?;
        if kept.loaded.is_none() {
            let device = self.driver.device();
            if !self.options.library.claim_image(device, images.id()) {
                return Err(ImageError::Second { device }.into());
            }
            kept.loaded = Some(Loaded::load(&self.driver, images)?);
        }
        if kept.arguments.is_none() {
            let loaded = kept.loaded.as_ref().expect("loaded above");
            kept.arguments = Some(self.arguments(loaded)?);
        }
        Ok(())
    }

    /// The kernel arguments of all runs; the image has been opened with them.
    fn arguments(&self, loaded: &Loaded) -> Result<Arguments> {
        let held = self.held();
        let bytes = (self.options.family.kernel_args)(&KernelArgs {
            device_args: loaded.device_args(),
            descriptor: held.descriptor.address(),
            registers: held.table_on_chip.address(),
            cross_core_base: held.cross_core_base,
            log_level: self
                .options
                .log_level
                .and_then(|it| u32::try_from(it).ok())
                .unwrap_or(1),
            log_info: 5,
        });
        let on_chip = match self.options.family.core_argument {
            CoreArgument::Descriptor => None,
            CoreArgument::KernelArgs => Some(Buffer::upload(&self.driver, &bytes)?),
        };
        let bound = self.driver.bind()?;
        let limit = self.options.limits.stream;
        let said = loaded::open(&bound, &held.aicpu, &bytes, &held.descriptor, limit).inspect_err(
            |error| {
                log::error!("the image was not opened: {error}");
                self.condemn(&error.to_string());
            },
        )?;
        Ok(Arguments {
            run: LaunchBlock::new(&bytes, LAUNCH_RUN_NAME),
            on_chip,
            threads: match said.processors.count_ones() {
                0 => held.launched_threads,
                some => some.min(A::LAUNCHED_AICPU_THREADS),
            },
        })
    }

    fn renew_block(&self, kept: &mut Kept, memory: RuntimeMemory) -> Result<()> {
        kept.block = None;
        kept.numbers += 1;
        kept.block = Some(Block::allocate::<A>(&self.driver, memory, kept.numbers)?);
        Ok(())
    }

    fn execute(
        &self,
        kept: &mut Kept,
        launch: &Launch<'_, OnboardKernel>,
        extent: Extent,
        orchestration: Option<OnChip<'_>>,
        graph: (u64, u64),
    ) -> Result<(bool, Result<RunReport>)> {
        kept.numbers += 1;
        let ready = Prepared::of(kept);
        // The chip may know of fewer than the host.
        check_threads(extent.threads, ready.arguments.threads)?;
        let descriptor = descriptor::descriptor::<A>(
            ready.block,
            &Content {
                callable_id: launch.callable_id,
                entries: &launch.program.entries,
                clusters: extent.clusters,
                threads: extent.threads,
                orchestration,
            },
        )?;
        self.held().descriptor.write(0, &descriptor)?;
        let numbers = (kept.numbers, ready.arguments.threads);
        let request = self.request(ready.block, numbers, extent, launch, graph);
        ready
            .block
            .write(REQUEST_AT, bytemuck::bytes_of(&request))?;
        let started = Instant::now();
        let done = self.launch_and_wait(&ready, extent.clusters, &request, launch);
        let execution = started.elapsed();
        if let Err(error) = &done {
            self.condemn(&error.to_string());
        }
        let mut report = Report::zeroed();
        let read = ready
            .block
            .read(OUTCOME_AT, bytemuck::bytes_of_mut(&mut report));
        if let Err(error) = done {
            // What the control CPUs have said of it says more than that a stream is not done.
            let said = read.is_ok() && report.run == request.run;
            return match said && report.verdict != Verdict::Good as u32 {
                true => Ok((false, self.judge(&report, &request, launch, execution))),
                false => Err(self.not_done(error, launch, execution)),
            };
        }
        read?;
        Ok((
            report.loaded != 0,
            self.judge(&report, &request, launch, execution),
        ))
    }

    fn request(
        &self,
        block: &Block,
        (run, launched): (u64, u32),
        extent: Extent,
        launch: &Launch<'_, OnboardKernel>,
        (graph, graph_bytes): (u64, u64),
    ) -> Request {
        let limits = &self.options.limits;
        let deadlines = &launch.options.deadlines;
        let no_progress = millis(limits.scheduler.min(deadlines.no_progress));
        let left = deadlines.run.saturating_sub(extent.started.elapsed());
        Request {
            run,
            // As a run's number: also the context's own.
            registration: run & CONTEXT | launch.registration,
            launched,
            threads: extent.threads,
            no_progress_ms: no_progress,
            tensor_wait_ms: no_progress,
            cores_ms: millis(limits.cores),
            leave_ms: millis(limits.leave()),
            run_ms: millis(left.min(limits.whole())),
            device: self.driver.device().unsigned_abs(),
            cores: self.held().table.usable(),
            graph,
            graph_bytes,
            recording: launch.recording,
            ..descriptor::request(block)
        }
    }

    fn launch_and_wait(
        &self,
        ready: &Prepared<'_>,
        clusters: u32,
        request: &Request,
        launch: &Launch<'_, OnboardKernel>,
    ) -> Result<()> {
        let held = self.held();
        let Arguments { run, on_chip, .. } = ready.arguments;
        let bound = self.driver.bind()?;
        let cores = CoreLaunch {
            binary: ready.loaded.binary(),
            blocks: clusters,
            argument: on_chip.as_ref().unwrap_or(&held.descriptor).address(),
        };
        bound.launch_cores(held.aicore.handle(), &cores)?;
        bound.launch_aicpu(held.aicpu.handle(), &run.launch(request.launched))?;
        let block = ready.block;
        let is_lost = || {
            let mut report = Report::zeroed();
            let read = block.read(OUTCOME_AT, bytemuck::bytes_of_mut(&mut report));
            read.is_ok() && report.run == request.run && costs_the_chip(&report)
        };
        Ok(self.wait(&bound, &launch.options.deadlines, is_lost)?)
    }
}

/// Refuses a run that wants more control CPUs than kernels may use.
fn check_threads(threads: u32, usable: u32) -> Result<()> {
    if threads <= usable {
        return Ok(());
    }
    // One of them would wait for a processor that another keeps until the run is over.
    Err(Error::Start {
        reason: format!("the run wants {threads} control CPUs of {usable}: lower aicpu_thread_num"),
    })
}

/// A limit as the image takes it.
pub(super) fn millis(limit: Duration) -> u32 {
    u32::try_from(limit.as_millis()).unwrap_or(u32::MAX).max(1)
}

/// What a run needs of what is kept.
struct Prepared<'k> {
    loaded: &'k Loaded,
    arguments: &'k Arguments,
    block: &'k Block,
}

impl<'k> Prepared<'k> {
    fn of(kept: &'k Kept) -> Self {
        match (&kept.loaded, &kept.arguments, &kept.block) {
            (Some(loaded), Some(arguments), Some(block)) => Self {
                loaded,
                arguments,
                block,
            },
            _ => unreachable!("a run is prepared first"),
        }
    }
}

//! One run on a chip.
//!
//! ```text
//! images (once) ─▶ block (if limits changed) ─▶ descriptor, request ─▶ cores ─▶ init ─▶ control CPUs
//!     ─▶ both streams done ─▶ outcome
//! ```
//!
//! The cores are launched first: on a chip that idles, loading their program takes a moment; beside
//! control CPUs that wait for them it can take longer than the hardware allows an operation.

use core::time::Duration;
use std::time::Instant;

use aicpu::onboard::wire::{OUTCOME_AT, Outcome as Report, REQUEST_AT, Request, Verdict};
use bytemuck::Zeroable;
use protocol::kernel_args::{LAUNCH_INIT_NAME, LAUNCH_RUN_NAME};
use protocol::run_descriptor::RunDescriptors;

use crate::cann::{self, AicpuLaunch, Bound, Buffer, Code, CoreLaunch, Stream};
use crate::error::{Error, Result};
use crate::launch::{Launch, RunReport};
use crate::lock::lock;
use crate::options::Deadlines;
use crate::program::Orchestration;

use super::chip::{Chip, Kept};
use super::descriptor::{self, Content, LaunchBlock};
use super::family::{CoreArgument, KernelArgs};
use super::images::{ImageError, Loaded};
use super::memory::{self, Block};

/// Which bits of a run's number are its context's.
const CONTEXT: u64 = u64::MAX << 32;
/// Shortest and longest pause between two looks at the streams.
const PAUSES: (Duration, Duration) = (Duration::from_micros(20), Duration::from_millis(1));

impl<A: RunDescriptors> Chip<A> {
    /// Does one run; whether the orchestration was loaded, and what was done or why not.
    ///
    /// # Errors
    /// What failed before the chip reported.
    pub(super) fn run(&self, launch: &Launch<'_, Self>) -> Result<(bool, Result<RunReport>)> {
        let clusters = u32::try_from(launch.config.block_dim).expect("checked");
        let working = self.held().table.clusters();
        if clusters > working {
            return Err(Error::Clusters { clusters, working });
        }
        let threads = u32::try_from(launch.config.aicpu_thread_num).expect("checked");
        let usable = self.held().launched_threads;
        if threads > usable {
            // One of them would wait for a processor that another keeps until the run is over.
            return Err(Error::Start {
                reason: format!(
                    "the run wants {threads} control CPUs of {usable}: lower aicpu_thread_num"
                ),
            });
        }
        let Orchestration::Trb(aicpu::trb::Orchestration::Image(image)) =
            &launch.program.orchestration
        else {
            return Err(Error::Unsupported {
                what: "a graph that is built in this process",
                machine: self.options.family.platform,
                instead: "a shared object built for the chip's control CPUs",
            });
        };
        let mut kept = lock(&self.kept);
        self.prepare(&mut kept, memory::limits(&launch.options.rings)?)?;
        let orchestration =
            kept.orchestrations
                .place(&self.driver, launch.callable_id, &image.bytes)?;
        kept.numbers += 1;
        let (loaded, block) = ready(&kept);
        let descriptor = descriptor::descriptor::<A>(
            block,
            &Content {
                callable_id: launch.callable_id,
                entries: &launch.program.entries,
                args: launch.args,
                clusters,
                threads,
                orch_to_sched: launch.options.orchestrator_schedules,
                orchestration: (orchestration.address(), orchestration.bytes()),
                names: [&image.entry, &image.config],
            },
        )?;
        let descriptor = Buffer::upload(&self.driver, &descriptor)?;
        let request = self.request(block, kept.numbers, threads, launch);
        block.write(REQUEST_AT, bytemuck::bytes_of(&request))?;
        let done = self.launch_and_wait(loaded, &descriptor, clusters, &request, launch);
        let started = done.inspect_err(|error| self.condemn(&error.to_string()))?;
        let mut report = Report::zeroed();
        block.read(OUTCOME_AT, bytemuck::bytes_of_mut(&mut report))?;
        Ok((
            report.loaded != 0,
            self.judge(&report, &request, launch, started),
        ))
    }

    /// Puts images and block onto the chip, if they are not there.
    fn prepare(&self, kept: &mut Kept, limits: runtime_trb::Limits) -> Result<()> {
        if kept.loaded.is_none() {
            let images = kept.images.as_ref().ok_or(ImageError::None)?;
            let device = self.driver.device();
            if !self.options.library.claim_image(device, images.id()) {
                return Err(ImageError::Second { device }.into());
            }
            kept.loaded = Some(Loaded::load(&self.driver, images)?);
        }
        if kept
            .block
            .as_ref()
            .is_none_or(|block| block.limits != limits)
        {
            kept.block = None;
            kept.numbers += 1;
            kept.block = Some(Block::allocate::<A>(&self.driver, limits, kept.numbers)?);
        }
        Ok(())
    }

    fn request(&self, block: &Block, run: u64, threads: u32, launch: &Launch<'_, Self>) -> Request {
        let limits = &self.options.limits;
        let millis = |limit: Duration| u32::try_from(limit.as_millis()).unwrap_or(u32::MAX).max(1);
        let no_progress = millis(limits.scheduler.min(launch.options.deadlines.no_progress));
        Request {
            run,
            // As a run's number: also the context's own.
            registration: run & CONTEXT | launch.registration,
            launched: self.held().launched_threads,
            threads,
            no_progress_ms: no_progress,
            tensor_wait_ms: no_progress,
            cores_ms: millis(limits.cores),
            device: self.driver.device().unsigned_abs(),
            cores: self.held().table.usable(),
            ..descriptor::request(block)
        }
    }

    fn launch_and_wait(
        &self,
        loaded: &Loaded,
        descriptor: &Buffer,
        clusters: u32,
        request: &Request,
        launch: &Launch<'_, Self>,
    ) -> Result<Duration> {
        let held = self.held();
        let arguments = (self.options.family.kernel_args)(&KernelArgs {
            device_args: loaded.device_args(),
            descriptor: descriptor.address(),
            registers: held.table_on_chip.address(),
            cross_core_base: held.cross_core_base,
            log_level: self
                .options
                .log_level
                .and_then(|it| u32::try_from(it).ok())
                .unwrap_or(1),
            log_info: 5,
        });
        let bound = self.driver.bind()?;
        let copy = match self.options.family.core_argument {
            CoreArgument::Descriptor => None,
            CoreArgument::KernelArgs => Some(Buffer::upload(&self.driver, &arguments)?),
        };
        let started = Instant::now();
        let cores = CoreLaunch {
            binary: loaded.binary(),
            blocks: clusters,
            argument: copy.as_ref().unwrap_or(descriptor).address(),
        };
        bound.launch_cores(held.aicore.handle(), &cores)?;
        for (function, threads) in [(LAUNCH_INIT_NAME, 1), (LAUNCH_RUN_NAME, request.launched)] {
            let block = LaunchBlock::new(&arguments, function);
            let aicpu = AicpuLaunch {
                block: &block.bytes,
                kernel_name_at: block.kernel_name_at,
                so_name_at: block.so_name_at,
                threads,
            };
            bound.launch_aicpu(held.aicpu.handle(), &aicpu)?;
        }
        self.wait(&bound, &launch.options.deadlines)?;
        Ok(started.elapsed())
    }

    /// Waits for both streams; an error of either ends the wait.
    fn wait(&self, bound: &Bound<'_>, deadlines: &Deadlines) -> Result<(), cann::Error> {
        let streams = [&self.held().aicpu, &self.held().aicore];
        let limit = self.options.limits.stream.min(deadlines.run);
        let started = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            // Both are asked even if the first is not done: a core that failed is not waited for.
            let mut done = true;
            for stream in streams {
                match bound.stream_done(stream.handle()) {
                    Ok(this) => done &= this,
                    // Without the question the blocking waits below must do.
                    Err(cann::Error::Function { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            if done || started.elapsed() >= limit {
                break;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSES.1);
        }
        for stream in streams {
            let left = limit.saturating_sub(started.elapsed()).max(PAUSES.1);
            bound
                .stream_synchronize(stream.handle(), left)
                .inspect_err(|error| self.explain(stream, error, limit))?;
        }
        Ok(())
    }

    fn explain(&self, stream: &Stream, error: &cann::Error, limit: Duration) {
        let device = self.driver.device();
        if error.code() == Some(Code::STREAM_TIMEOUT) {
            log::error!(
                "device {device}: the {:?} stream was not done within {limit:?}",
                stream.kind()
            );
        } else {
            log::error!(
                "device {device}: the {:?} stream failed: {error}",
                stream.kind()
            );
        }
    }

    /// What the chip's report says about the run.
    fn judge(
        &self,
        report: &Report,
        request: &Request,
        launch: &Launch<'_, Self>,
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
            Some(Verdict::Cores) => {
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

/// What [`Chip::prepare`] made.
fn ready(kept: &Kept) -> (&Loaded, &Block) {
    match (&kept.loaded, &kept.block) {
        (Some(loaded), Some(block)) => (loaded, block),
        _ => unreachable!("a run is prepared first"),
    }
}

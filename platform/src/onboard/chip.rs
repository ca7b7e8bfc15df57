//! A chip, attached.
//!
//! Knows what is made when it is attached and in which order it is given back. How a run goes is in
//! `run`.

use core::any::Any;
use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use aicore_abi::seam::KernelEntry;
use protocol::callable::CORE_PAYLOAD_OFFSET;
use protocol::run_descriptor::RunDescriptors;
use protocol::{CoreCallableHeader, CoreType, core_callable_image};

use crate::address::DeviceAddress;
use crate::cann::{self, Buffer, Driver, Library, Stream, StreamKind};
use crate::comm::Comm;
use crate::error::{Error, Result};
use crate::launch::{Launch, Outcome};
use crate::lock::lock;
use crate::machine::{DeviceMemory, LoadedKernel, Machine, NoMemory};
use crate::program::{Kernel, Orchestration};

use super::comm::{Rank, Windows};
use super::descriptor::LaunchBlock;
use super::family::Family;
use super::images::{ImageError, Images};
use super::limits::TimeLimits;
use super::loaded::Loaded;
use super::meeting::Meeting;
#[cfg(feature = "hbg")]
use super::memory::GraphMemory;
use super::memory::{Block, Orchestrations};
use super::recovery;
use super::registers::RegisterTable;
use super::text::kernel_text;

/// What one may choose about a chip.
#[derive(Clone, Debug)]
pub struct ChipOptions {
    /// The vendor's libraries.
    pub library: Arc<Library>,
    /// The family's ways.
    pub family: Family,
    /// The programs of the chip, if they are known before the first run.
    pub images: Option<Images>,
    /// How long what may take.
    pub limits: TimeLimits,
    /// Floor of the vendor's log, 0 to 4; `None` leaves it alone.
    pub log_level: Option<i32>,
}

/// A chip of family `A`.
pub struct Chip<A: RunDescriptors> {
    pub(super) options: ChipOptions,
    pub(super) driver: Arc<Driver>,
    /// What the chip holds of ours; gone once the chip is given back.
    pub(super) held: Option<Held>,
    pub(super) kept: Mutex<Kept>,
    /// Where images come from if callers bring them.
    #[cfg(feature = "c-api")]
    pub(super) brought: Option<Arc<super::brought::Brought>>,
    /// Memory of ranks that are this chip.
    windows: Arc<Windows>,
    /// Why no further run may begin.
    pub(super) unusable: Mutex<Option<String>>,
    arch: PhantomData<A>,
}

/// What is made when the chip is attached.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) table: RegisterTable,
    pub(super) table_on_chip: Buffer,
    pub(super) aicpu: Stream,
    pub(super) aicore: Stream,
    /// Where the descriptor of each run goes.
    pub(super) descriptor: Buffer,
    pub(super) cross_core_base: u64,
    /// On how many control CPUs a run is launched, as far as the host knows.
    pub(super) launched_threads: u32,
}

/// What is made when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) images: Option<Images>,
    pub(super) loaded: Option<Loaded>,
    pub(super) arguments: Option<Arguments>,
    pub(super) block: Option<Block>,
    pub(super) orchestrations: Orchestrations,
    #[cfg(feature = "hbg")]
    pub(super) graph: GraphMemory,
    /// Runs and blocks so far, counted on from a number that is the context's own: an image that a failed
    /// reset left on the chip takes none of them for one it knows.
    pub(super) numbers: u64,
}

/// The kernel arguments, which are the same for every run.
#[derive(Debug)]
pub(super) struct Arguments {
    /// Of the function that does a run.
    pub(super) run: LaunchBlock,
    /// For cores that are started with them.
    pub(super) on_chip: Option<Buffer>,
    /// On how many control CPUs a run is launched.
    pub(super) threads: u32,
}

impl<A: RunDescriptors> fmt::Debug for Chip<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chip")
            .field("driver", &self.driver)
            .field("unusable", &*lock(&self.unusable))
            .finish_non_exhaustive()
    }
}

impl<A: RunDescriptors> Chip<A> {
    /// Attaches to chip `device_id`.
    ///
    /// # Errors
    /// What the driver refused. Nothing is left behind then.
    pub fn start(device_id: i32, options: &ChipOptions) -> Result<Self> {
        let driver = Arc::new(Driver::new(Arc::clone(&options.library), device_id)?);
        let bound = driver.bind()?;
        // The image serves one host: it keeps that one's memory and knows its runs by their numbers.
        let number = options
            .library
            .enter(device_id)
            .ok_or_else(|| Error::Start {
                reason: format!(
                    "device {device_id} is attached in this process already: use that context, or finalize it first"
                ),
            })?;
        let mut chip = Self {
            options: options.clone(),
            driver: Arc::clone(&driver),
            held: None,
            kept: Mutex::new(Kept {
                images: options.images.clone(),
                numbers: number << 32,
                ..Kept::default()
            }),
            #[cfg(feature = "c-api")]
            brought: None,
            windows: Arc::default(),
            unusable: Mutex::default(),
            arch: PhantomData,
        };
        match bound.set_operation_timeout(options.limits.operation) {
            Ok(actual) => {
                log::debug!("device {device_id}: one operation may take {actual:?}");
                let limit = &mut chip.options.limits.operation;
                *limit = (*limit).min(actual);
            }
            Err(error) => log::warn!(
                "the limit of one operation stays as it is, and a run that takes longer may cost the chip: {error}"
            ),
        }
        if let Some(level) = options.log_level
            && std::env::var_os("ASCEND_GLOBAL_LOG_LEVEL").is_none()
            && let Err(error) = driver.set_log_level(level)
        {
            log::warn!("the vendor's log level stays as it is: {error}");
        }
        // From here on dropping the chip gives the device back.
        let table = RegisterTable::discover::<A>(&bound, options.family.registers)?;
        let words = bytemuck::cast_slice(&table.bases);
        chip.held = Some(Held {
            table_on_chip: Buffer::upload(&driver, words)?,
            descriptor: Buffer::allocate(&driver, size_of::<A::Trb>() as u64)?,
            aicpu: Stream::create(&driver, StreamKind::Aicpu)?,
            aicore: Stream::create(&driver, StreamKind::Aicore)?,
            cross_core_base: if options.family.cross_core_unit {
                bound.cross_core_base()?
            } else {
                0
            },
            launched_threads: launched_threads::<A>(&bound),
            table,
        });
        Ok(chip)
    }

    /// Gives the chip its programs.
    ///
    /// # Errors
    /// When others are on the chip.
    pub fn set_images(&self, images: Images) -> Result<()> {
        self.take_images(&mut lock(&self.kept), images)
    }

    pub(super) fn take_images(&self, kept: &mut Kept, images: Images) -> Result<()> {
        let same = |it: &Images| it.is_same(&images);
        if kept.loaded.is_some() && !kept.images.as_ref().is_some_and(same) {
            let device = self.driver.device();
            return Err(ImageError::Second { device }.into());
        }
        kept.images = Some(images);
        Ok(())
    }

    pub(super) fn held(&self) -> &Held {
        self.held.as_ref().expect("given up when dropped only")
    }

    /// No further run may begin: the chip is in a state that only a reset ends.
    pub(super) fn condemn(&self, reason: &str) {
        let mut unusable = lock(&self.unusable);
        if unusable.is_none() {
            log::error!("device {} is unusable: {reason}", self.driver.device());
            *unusable = Some(reason.to_owned());
            // Handles of a chip that failed are not given back: each such call can hang or fail anew.
            self.driver.set_lost();
        }
    }

    fn refuse_if_unusable(&self) -> Result<()> {
        match &*lock(&self.unusable) {
            None => Ok(()),
            Some(reason) => Err(Error::Unusable {
                device: self.driver.device(),
                reason: reason.clone(),
            }),
        }
    }

    /// An error of a transfer or an allocation, after which the chip is condemned if it is the chip's fault.
    fn transferred<T>(&self, result: Result<T, cann::Error>) -> Result<T> {
        result.map_err(|error| {
            if error.code().is_some_and(recovery::is_fatal) {
                self.condemn(&error.to_string());
            }
            error.into()
        })
    }
}

impl<A: RunDescriptors> Drop for Chip<A> {
    fn drop(&mut self) {
        let device = self.driver.device();
        let condemned = lock(&self.unusable).is_some();
        // Streams and memory first, the device after them.
        let kept = core::mem::take(&mut *lock(&self.kept));
        drop((kept, self.held.take()));
        let given_back = if condemned {
            recovery::force_reset(&self.driver, &self.options.limits)
        } else {
            self.driver.bind().and_then(|bound| bound.reset())
        };
        match given_back {
            Ok(()) => self.options.library.forget_image(device),
            Err(error) => log::error!("device {device} could not be reset: {error}"),
        }
        // What code that was left behind still holds went with the reset.
        self.driver.set_lost();
        self.options.library.leave(device);
        if let Err(error) = self.driver.finalize_acl() {
            log::warn!("ACL stays initialised: {error}");
        }
        // What others still hold of it is gone.
        self.driver.set_lost();
    }
}

/// How many control CPUs to launch on: all that kernels may use, so that enough are in one cluster.
fn launched_threads<A: RunDescriptors>(bound: &cann::Bound<'_>) -> u32 {
    match bound.usable_cpus().map(u64::count_ones) {
        Ok(cpus @ 1..) => cpus.min(A::LAUNCHED_AICPU_THREADS),
        Ok(0) => A::LAUNCHED_AICPU_THREADS,
        Err(error) => {
            log::debug!("all control CPUs are taken to be usable: {error}");
            A::LAUNCHED_AICPU_THREADS
        }
    }
}

/// Memory of a chip.
#[derive(Debug)]
pub struct OnboardMemory(Buffer);

impl DeviceMemory for OnboardMemory {
    fn address(&self) -> DeviceAddress {
        DeviceAddress(self.0.address())
    }

    fn bytes(&self) -> u64 {
        self.0.bytes()
    }
}

/// A kernel's code on a chip, behind its header.
#[derive(Debug)]
pub struct KernelImage(Buffer);

/// A kernel of one program.
#[derive(Debug)]
pub struct OnboardKernel(Arc<KernelImage>);

impl LoadedKernel for OnboardKernel {
    fn entry(&self) -> KernelEntry {
        KernelEntry {
            address: self.0.0.address() + CORE_PAYLOAD_OFFSET as u64,
            handle: 0,
        }
    }
}

impl<A: RunDescriptors> Machine for Chip<A> {
    type Memory = OnboardMemory;
    type Code = KernelImage;
    type Kernel = OnboardKernel;

    fn allocate(&self, bytes: u64) -> Result<OnboardMemory, NoMemory> {
        self.refuse_if_unusable().map_err(NoMemory::Failed)?;
        let allocated = Buffer::allocate(&self.driver, bytes);
        let buffer = match allocated {
            Err(error) if error.code() == Some(cann::Code::NO_MEMORY) => {
                return Err(NoMemory::Full(error.to_string()));
            }
            other => self.transferred(other).map_err(NoMemory::Failed)?,
        };
        let cleared = buffer.clear(0, bytes);
        self.transferred(cleared).map_err(NoMemory::Failed)?;
        Ok(OnboardMemory(buffer))
    }

    unsafe fn copy_in(&self, to: DeviceAddress, from: *const u8, bytes: usize) -> Result<()> {
        self.refuse_if_unusable()?;
        if bytes == 0 {
            return Ok(());
        }
        let bound = self.driver.bind()?;
        // SAFETY: passed on from the caller.
        self.transferred(unsafe { bound.copy_in(to.0, from, bytes as u64) })
    }

    unsafe fn copy_out(&self, to: *mut u8, from: DeviceAddress, bytes: usize) -> Result<()> {
        self.refuse_if_unusable()?;
        if bytes == 0 {
            return Ok(());
        }
        let bound = self.driver.bind()?;
        // SAFETY: passed on from the caller.
        self.transferred(unsafe { bound.copy_out(to, from.0, bytes as u64) })
    }

    unsafe fn fill(&self, to: DeviceAddress, byte: u8, bytes: usize) -> Result<()> {
        self.refuse_if_unusable()?;
        if bytes == 0 {
            return Ok(());
        }
        let bound = self.driver.bind()?;
        self.transferred(bound.fill(to.0, byte, bytes as u64))
    }

    fn accept(&self, orchestration: &Orchestration) -> Result<()> {
        match orchestration {
            Orchestration::Trb(aicpu::trb::Orchestration::InProcess(_)) => {
                Err(Error::Unsupported {
                    what: "a graph that a function of this process builds task by task",
                    machine: self.options.family.platform,
                    instead: "a shared object built for the chip's control CPUs",
                })
            }
            _ => Ok(()),
        }
    }

    fn load_code(&self, func_id: i32, kernel: &Kernel) -> Result<KernelImage> {
        self.refuse_if_unusable()?;
        let Kernel::Image(bytes) = kernel else {
            return Err(Error::Unsupported {
                what: "a kernel that is a function of this process",
                machine: self.options.family.platform,
                instead: "an object file built by ccec, or its .text",
            });
        };
        let text = kernel_text(bytes).map_err(|source| Error::KernelText { func_id, source })?;
        let mut image = core_callable_image(&[], &text)?;
        let buffer = Buffer::allocate(&self.driver, image.len() as u64)?;
        let code = buffer.address() + CORE_PAYLOAD_OFFSET as u64;
        let at = core::mem::offset_of!(CoreCallableHeader, resolved_addr);
        image[at..at + 8].copy_from_slice(&code.to_le_bytes());
        buffer.write(0, &image)?;
        Ok(KernelImage(buffer))
    }

    fn kernel(&self, _: i32, _: Option<CoreType>, code: Arc<KernelImage>) -> OnboardKernel {
        OnboardKernel(code)
    }

    fn forget(&self, callable_id: i32) {
        lock(&self.kept).orchestrations.forget(callable_id);
    }

    fn join(
        &self,
        rank: i32,
        ranks: i32,
        meeting: &[u8],
        patience: Duration,
    ) -> Result<Box<dyn Comm>> {
        self.refuse_if_unusable()?;
        if !self.options.family.communicators {
            return Err(Error::Unsupported {
                what: "a communicator",
                machine: self.options.family.platform,
                instead: "use one chip per program, or the simulated platform",
            });
        }
        let meeting = Meeting::new(rank, ranks, meeting, patience)?;
        Ok(Box::new(Rank::new(&self.driver, meeting, &self.windows)))
    }

    fn has_window(&self, address: DeviceAddress, bytes: u64) -> bool {
        self.windows.hold(address.0, bytes)
    }

    fn set_talking(&self, _: bool) {
        // Cores run at once by nature.
    }

    fn launch(&self, launch: &Launch<'_, OnboardKernel>) -> Outcome {
        let mut outcome = match self.refuse_if_unusable() {
            Ok(()) => self.run(launch),
            Err(error) => Outcome {
                loaded: false,
                left_behind: false,
                result: Err(error),
            },
        };
        if lock(&self.unusable).is_some() {
            // Until the reset the chip may still write to what the run could reach.
            let held: Box<dyn Any + Send> = (launch.hold)();
            drop(held);
            outcome.left_behind = true;
        }
        outcome
    }
}

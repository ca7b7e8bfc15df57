//! The simulated chip as a machine.

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use protocol::{Arch, CoreType};

use crate::address::DeviceAddress;
use crate::comm::Comm;
use crate::error::Result;
use crate::launch::{Launch, Outcome};
use crate::lock::lock;
use crate::machine::{Machine, NoMemory};
use crate::program::Kernel;

use super::comm::Communicator;
use super::cores::SimCores;
use super::engine::Engine;
use super::executor::{Executor, RunOrder};
use super::family::Family;
use super::kernels::{SimCode, SimKernel};
use super::memory::{Budget, MemoryFault, SimMemory};
use super::talking::{Talking, Talks};

/// Makes the program of a simulated chip's control CPUs.
pub type StartExecutor = Arc<dyn Fn() -> Result<Box<dyn Executor>> + Send + Sync>;

/// What one may choose about a simulated chip.
#[derive(Clone)]
pub struct ChipOptions {
    /// Makes the program of its control CPUs.
    pub executor: StartExecutor,
    /// Bytes of its memory.
    pub memory: u64,
    /// Makes its allocations fail on purpose.
    pub memory_fault: Option<Arc<MemoryFault>>,
    /// Most kernels that can wait for one another at once.
    pub group_threads: usize,
    /// Threads that help a run; `None` for as many as this machine has cores to spare.
    pub helpers: Option<u32>,
    /// Its programs, if they are not linked in.
    #[cfg(feature = "c-api")]
    pub images: Option<Arc<super::image::Images>>,
}

impl ChipOptions {
    /// A chip with this control program, and otherwise limited only by this machine.
    pub fn new(executor: impl Fn() -> Result<Box<dyn Executor>> + Send + Sync + 'static) -> Self {
        Self {
            executor: Arc::new(executor),
            memory: u64::MAX,
            memory_fault: None,
            group_threads: usize::MAX,
            helpers: None,
            #[cfg(feature = "c-api")]
            images: None,
        }
    }
}

impl fmt::Debug for ChipOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChipOptions")
            .field("memory", &self.memory)
            .field("group_threads", &self.group_threads)
            .field("helpers", &self.helpers)
            .finish_non_exhaustive()
    }
}

/// One simulated chip.
#[derive(Debug)]
pub struct Chip {
    device_id: i32,
    family: Family,
    options: ChipOptions,
    memory: Arc<Budget>,
    talking: Arc<Talking>,
    engine: Mutex<Option<Arc<Engine>>>,
}

impl Chip {
    /// A chip of family `A`, its threads asleep.
    ///
    /// # Errors
    /// When the system refuses a thread or address space, or the control program does not start.
    pub fn start<A: Arch>(device_id: i32, options: &ChipOptions) -> Result<Self> {
        let chip = Self {
            device_id,
            family: Family::of::<A>(),
            options: options.clone(),
            memory: Budget::with_fault(options.memory, options.memory_fault.clone()),
            talking: Arc::default(),
            engine: Mutex::default(),
        };
        chip.engine()?;
        Ok(chip)
    }

    /// The engine, with the programs that the next run is to use.
    fn ready(&self) -> Result<Arc<Engine>> {
        let engine = self.engine()?;
        #[cfg(feature = "c-api")]
        if let Some(images) = &self.options.images {
            images.load()?;
            engine.cores().use_program(images.cores());
        }
        Ok(engine)
    }

    /// The engine, a new one if code was left behind in the old.
    fn engine(&self) -> Result<Arc<Engine>> {
        let mut engine = lock(&self.engine);
        if let Some(engine) = engine.as_ref().filter(|engine| !engine.is_left_behind()) {
            return Ok(Arc::clone(engine));
        }
        let threads = self.options.group_threads;
        let cores = SimCores::new(self.family, self.device_id, threads, &self.talking)?;
        let new = Engine::start((self.options.executor)()?, cores, self.options.helpers)?;
        Ok(Arc::clone(engine.insert(Arc::new(new))))
    }
}

impl Machine for Chip {
    type Memory = SimMemory;
    type Code = SimCode;
    type Kernel = SimKernel;

    fn allocate(&self, bytes: u64) -> Result<SimMemory, NoMemory> {
        SimMemory::allocate(bytes, &self.memory).map_err(NoMemory::Full)
    }

    unsafe fn copy_in(&self, to: DeviceAddress, from: *const u8, bytes: usize) -> Result<()> {
        if bytes != 0 {
            // SAFETY: both ranges are the caller's promise; the device's was allocated by us, so it
            // overlaps no host memory.
            unsafe { pointer(to).copy_from_nonoverlapping(from, bytes) };
        }
        Ok(())
    }

    unsafe fn copy_out(&self, to: *mut u8, from: DeviceAddress, bytes: usize) -> Result<()> {
        if bytes != 0 {
            // SAFETY: as above.
            unsafe { to.copy_from_nonoverlapping(pointer(from), bytes) };
        }
        Ok(())
    }

    unsafe fn fill(&self, to: DeviceAddress, byte: u8, bytes: usize) -> Result<()> {
        // SAFETY: the range is the caller's promise.
        unsafe { pointer(to).write_bytes(byte, bytes) };
        Ok(())
    }

    fn load_code(&self, func_id: i32, kernel: &Kernel) -> Result<SimCode> {
        SimCode::load(func_id, kernel)
    }

    fn kernel(&self, func_id: i32, core: Option<CoreType>, code: Arc<SimCode>) -> SimKernel {
        SimKernel::new(func_id, core, code)
    }

    fn join(
        &self,
        rank: i32,
        ranks: i32,
        meeting: &[u8],
        patience: Duration,
    ) -> Result<Box<dyn Comm>> {
        let comm = Communicator::new(rank, ranks, meeting, patience)?;
        Ok(Box::new(Member {
            comm,
            _talks: self.talking.join(),
        }))
    }

    fn set_talking(&self, talking: bool) {
        self.talking.set(talking);
    }

    fn forget(&self, callable_id: i32) {
        if let Some(engine) = &*lock(&self.engine) {
            engine.forget(callable_id);
        }
    }

    fn launch(&self, launch: &Launch<'_, SimKernel>) -> Outcome {
        let engine = match self.ready() {
            Ok(engine) => engine,
            Err(error) => {
                return Outcome {
                    loaded: false,
                    left_behind: false,
                    result: Err(error),
                };
            }
        };
        let checked = "checked against the chip's limits";
        let clusters = u16::try_from(launch.config.block_dim).expect(checked);
        let mut outcome = engine.run(
            RunOrder {
                callable_id: launch.callable_id,
                registration: launch.registration,
                program: Arc::clone(launch.program),
                args: *launch.args,
                #[cfg(feature = "hbg")]
                host: Arc::clone(launch.host),
                clusters,
                threads: u8::try_from(launch.config.aicpu_thread_num).expect(checked),
                options: *launch.options,
                recording: launch.recording,
            },
            launch.hold,
        );
        if outcome.left_behind {
            *lock(&self.engine) = None;
        }
        match &mut outcome.result {
            Ok(report) if report.submitted == 0 => {}
            Ok(report) => report.kernels = engine.cores().calls_since(clusters),
            // Not to be counted with the next run's.
            Err(_) => drop(engine.cores().calls_since(clusters)),
        }
        outcome
    }
}

/// A rank of a communicator that is no chip's in particular.
///
/// # Errors
/// As [`Device::join`](crate::Device::join).
#[cfg(feature = "c-api")]
pub fn join(rank: i32, ranks: i32, meeting: &[u8], patience: Duration) -> Result<Box<dyn Comm>> {
    Ok(Box::new(Member {
        comm: Communicator::new(rank, ranks, meeting, patience)?,
        _talks: Arc::<Talking>::default().join(),
    }))
}

fn pointer(address: DeviceAddress) -> *mut u8 {
    let address = usize::try_from(address.0).expect("an address of this process");
    core::ptr::with_exposed_provenance_mut(address)
}

/// A rank that is this chip.
#[derive(Debug)]
struct Member {
    comm: Communicator,
    /// As long as it lives, kernels may wait for the other ranks.
    _talks: Talks,
}

impl Comm for Member {
    fn rank(&self) -> u32 {
        self.comm.rank()
    }

    fn ranks(&self) -> u32 {
        self.comm.ranks()
    }

    fn alloc_windows(&mut self, bytes: u64) -> Result<DeviceAddress> {
        let context = core::ptr::from_ref(self.comm.alloc_windows(bytes)?);
        Ok(DeviceAddress(context.expose_provenance() as u64))
    }

    fn window_base(&self) -> DeviceAddress {
        DeviceAddress(self.comm.context().windows_in[self.rank() as usize])
    }

    fn window_bytes(&self) -> u64 {
        self.comm.context().win_size
    }

    fn barrier(&self) -> Result<()> {
        self.comm.barrier()
    }

    fn destroy(self: Box<Self>) -> Result<()> {
        self.comm.destroy()
    }
}

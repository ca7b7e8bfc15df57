//! A worker of level 2: one chip.
//!
//! Knows which programs are registered and under which ids. Refuses to know how the chip runs them.
//!
//! Programs are registered once and run many times; a registration outlives `finalize` and `init`,
//! so it may also come before the first `init`.

use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use platform::{Device, DeviceAddress, MemoryStats, Program, RunOptions, RunReport};
use protocol::limits::MAX_REGISTERED_CALLABLE_IDS;
use protocol::{ArgDirection, CallConfig, ChipStorageTaskArgs};

use crate::args::Arguments;
use crate::diagnostics::Diagnostics;
use crate::error::{Error, Result};

/// How one run is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunConfig {
    /// Clusters, each of one cube core and two vector cores.
    pub block_dim: u32,
    /// Control CPUs that take part.
    pub aicpu_threads: u32,
    /// Deadlines and ring sizes.
    pub options: RunOptions,
    /// What is written down of it.
    pub diagnostics: Diagnostics,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            block_dim: 24,
            aicpu_threads: 4,
            options: RunOptions::default(),
            diagnostics: Diagnostics::default(),
        }
    }
}

impl RunConfig {
    fn to_wire(&self) -> Result<CallConfig> {
        // Numbers beyond the wire's are beyond every chip's: they are refused as such.
        let wire = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let mut config = CallConfig {
            block_dim: wire(self.block_dim),
            aicpu_thread_num: wire(self.aicpu_threads),
            ..CallConfig::default()
        };
        self.diagnostics.say_in(&mut config)?;
        Ok(config)
    }
}

/// A registered program, as its worker knows it.
#[derive(Debug)]
struct Registered {
    program: Program,
    /// The device has it.
    prepared: bool,
    /// Identifies this act of registering: an id may be used again.
    serial: u64,
}

/// What is registered. Runs read it, so that a program stays registered while it runs.
#[derive(Debug)]
struct Places {
    by_id: [Option<Registered>; MAX_REGISTERED_CALLABLE_IDS],
    serial: u64,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            by_id: [const { None }; MAX_REGISTERED_CALLABLE_IDS],
            serial: 0,
        }
    }
}

impl Places {
    fn get(&self, id: i32) -> Option<&Registered> {
        let index = usize::try_from(id).ok()?;
        self.by_id.get(index)?.as_ref()
    }

    fn place(&mut self, id: i32) -> Result<&mut Option<Registered>, platform::Error> {
        let index = usize::try_from(id).ok();
        index
            .and_then(|index| self.by_id.get_mut(index))
            .ok_or(platform::Error::CallableId { id })
    }
}

/// One chip: its memory, its registered programs, its runs.
///
/// Every call may come from any thread; runs follow one another. Dropping the worker finalizes the
/// chip.
#[derive(Debug)]
pub struct ChipWorker {
    device: Box<dyn Device>,
    places: Arc<RwLock<Places>>,
}

/// A registered program.
///
/// Belongs to the worker that registered it, and to no other.
#[derive(Clone, Debug)]
pub struct Callable {
    id: i32,
    serial: u64,
    signature: Arc<[ArgDirection]>,
    worker: Arc<RwLock<Places>>,
}

impl Callable {
    /// The id that the program is registered under.
    #[must_use]
    pub const fn id(&self) -> i32 {
        self.id
    }
}

impl ChipWorker {
    /// A worker on `device`, which may be attached already or not.
    #[must_use]
    pub fn new(device: Box<dyn Device>) -> Self {
        Self {
            device,
            places: Arc::default(),
        }
    }

    /// A worker on the platform called `name`, such as `a2a3sim`; not attached to a chip yet.
    ///
    /// # Errors
    ///
    /// This build has no such platform.
    pub fn on(name: &str) -> Result<Self> {
        Ok(Self::new(crate::platforms::device(name)?))
    }

    /// Its device, with whatever state it is in.
    #[must_use]
    pub fn into_device(self) -> Box<dyn Device> {
        self.device
    }

    /// Attaches to chip number `device_id` and prepares what has been registered so far.
    ///
    /// # Errors
    ///
    /// There is no such chip, or a registered program cannot be prepared; then the chip is given back.
    pub fn init(&self, device_id: i32) -> Result<()> {
        // Taken first, so that nobody finds the chip attached and its programs not prepared.
        let mut places = self.change();
        self.device.init(device_id)?;
        for (id, place) in (0..).zip(&mut places.by_id) {
            if let Some(registered) = place
                && !registered.prepared
            {
                if let Err(source) = self.device.prepare(id, &registered.program) {
                    self.give_back(&mut places)?;
                    return Err(Error::EarlyRegistration { id, source });
                }
                registered.prepared = true;
            }
        }
        Ok(())
    }

    /// Releases the chip. What is registered stays registered and is prepared anew by the next
    /// [`init`](Self::init).
    ///
    /// # Errors
    ///
    /// The device cannot be released.
    pub fn finalize(&self) -> Result<()> {
        self.give_back(&mut self.change())
    }

    fn give_back(&self, places: &mut Places) -> Result<()> {
        for registered in places.by_id.iter_mut().flatten() {
            registered.prepared = false;
        }
        Ok(self.device.finalize()?)
    }

    /// Registers `program` under the lowest free id.
    ///
    /// # Errors
    ///
    /// All ids are taken, or the program cannot be prepared.
    pub fn register(&self, program: Program) -> Result<Callable> {
        let mut places = self.change();
        let free = (0..).zip(&places.by_id).find(|(_, place)| place.is_none());
        let (id, _) = free.ok_or(Error::NoFreeId)?;
        self.register_in(&mut places, id, program)
    }

    /// Registers `program` under `id`.
    ///
    /// # Errors
    ///
    /// The id is out of range or taken, or the program cannot be prepared.
    pub fn register_as(&self, id: i32, program: Program) -> Result<Callable> {
        self.register_in(&mut self.change(), id, program)
    }

    fn register_in(&self, places: &mut Places, id: i32, program: Program) -> Result<Callable> {
        if places.place(id)?.is_some() {
            return Err(platform::Error::AlreadyRegistered { id }.into());
        }
        let prepared = self.device.device_id().is_some();
        if prepared {
            self.device.prepare(id, &program)?;
        }
        let signature = program.signature.as_slice().into();
        places.serial += 1;
        let serial = places.serial;
        *places.place(id)? = Some(Registered {
            program,
            prepared,
            serial,
        });
        Ok(Callable {
            id,
            serial,
            signature,
            worker: Arc::clone(&self.places),
        })
    }

    /// Unregisters a program; handles to it that are left are refused from then on.
    ///
    /// # Errors
    ///
    /// The handle is another worker's, or its program was unregistered before.
    pub fn unregister(&self, callable: &Callable) -> Result<()> {
        let mut places = self.change();
        self.own(&places, callable)?;
        self.unregister_in(&mut places, callable.id)
    }

    /// Unregisters whatever `id` has.
    ///
    /// # Errors
    ///
    /// It is out of range, or nothing is registered under it.
    pub fn unregister_id(&self, id: i32) -> Result<()> {
        self.unregister_in(&mut self.change(), id)
    }

    fn unregister_in(&self, places: &mut Places, id: i32) -> Result<()> {
        let registered = places.place(id)?.take();
        let registered = registered.ok_or(platform::Error::NotRegistered { id })?;
        if registered.prepared {
            self.device.unregister(id)?;
        }
        Ok(())
    }

    /// Runs a registered program.
    ///
    /// # Errors
    ///
    /// Bad arguments or settings, before anything happens; or why the run failed.
    pub fn run(
        &self,
        callable: &Callable,
        args: &mut Arguments<'_>,
        config: &RunConfig,
    ) -> Result<RunReport> {
        // Held to the end of the run: the signature that is checked is the one that is used.
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        self.own(&places, callable)?;
        let block = args.check(&callable.signature)?;
        // SAFETY: `args` borrows the host memory of every tensor for the call, exclusively where
        // the signature, which `check` compared, lets the program write; the device refuses addresses
        // that are not its own unless `config` holds somebody's promise.
        unsafe { self.run_id(callable.id, block, config) }
    }

    /// Runs whatever is registered under `id`.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Safety
    ///
    /// As [`Device::run`]: host tensors are readable, and writable unless the signature says `IN`.
    pub unsafe fn run_id(
        &self,
        id: i32,
        args: &ChipStorageTaskArgs,
        config: &RunConfig,
    ) -> Result<RunReport> {
        // SAFETY: passed on from the caller.
        let report = unsafe {
            self.device
                .run(id, args, &config.to_wire()?, &config.options)
        };
        Ok(report?)
    }

    /// Allocates device memory, zeroed.
    ///
    /// # Errors
    ///
    /// There is not enough.
    pub fn malloc(&self, bytes: u64) -> Result<DeviceAddress> {
        Ok(self.device.malloc(bytes)?)
    }

    /// Frees device memory.
    ///
    /// # Errors
    ///
    /// `address` is not the start of a live allocation.
    pub fn free(&self, address: DeviceAddress) -> Result<()> {
        Ok(self.device.free(address)?)
    }

    /// Copies to device memory.
    ///
    /// # Errors
    ///
    /// The range is not in one live allocation.
    pub fn copy_to<T: bytemuck::NoUninit>(&self, to: DeviceAddress, from: &[T]) -> Result<()> {
        Ok(self.device.copy_to(to, bytemuck::cast_slice(from))?)
    }

    /// Copies from device memory.
    ///
    /// # Errors
    ///
    /// The range is not in one live allocation.
    pub fn copy_from<T: bytemuck::Pod>(&self, to: &mut [T], from: DeviceAddress) -> Result<()> {
        Ok(self.device.copy_from(bytemuck::cast_slice_mut(to), from)?)
    }

    /// The device, for counters and whatever else a worker has no word for.
    #[must_use]
    pub fn device(&self) -> &dyn Device {
        &*self.device
    }

    /// How much device memory is in use.
    #[must_use]
    pub fn memory(&self) -> MemoryStats {
        self.device.memory()
    }

    /// Refuses handles of other workers and of programs that are not registered any more.
    fn own(&self, places: &Places, callable: &Callable) -> Result<()> {
        if !Arc::ptr_eq(&callable.worker, &self.places) {
            return Err(Error::ForeignHandle);
        }
        let id = callable.id;
        let registered = places.get(id).filter(|it| it.serial == callable.serial);
        registered
            .map(drop)
            .ok_or(platform::Error::NotRegistered { id }.into())
    }

    fn change(&self) -> RwLockWriteGuard<'_, Places> {
        // What the lock guards is whole at any moment, so a panic elsewhere does no harm.
        self.places.write().unwrap_or_else(PoisonError::into_inner)
    }
}

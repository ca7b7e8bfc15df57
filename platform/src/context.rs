//! A device context: everything about a chip that is the same on every machine.
//!
//! Knows states, validation, programs and runs. Refuses to know how a run is
//! executed: that is [`Machine`]'s.
//!
//! Locks are taken one at a time and never held while code of a program runs, except `turn`, which
//! is what makes runs follow one another.

use core::any::Any;
use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use aicore_abi::seam::KernelEntry;
use protocol::{Arch, CallConfig, ChipStorageTaskArgs};
use sync::Word64;

use crate::address::DeviceAddress;
use crate::bind::{self, Bindings, Bound};
use crate::comm::Comm;
use crate::device::Device;
use crate::diagnostics::About;
use crate::error::{Error, Result};
#[cfg(feature = "hbg")]
use crate::host_side::{HostSide, load_on_host};
use crate::kernel_cache::KernelCache;
#[cfg(feature = "hbg")]
use crate::launch::HostRun;
use crate::launch::{Launch, Prepared, RunReport};
use crate::lock::lock;
use crate::machine::{LoadedKernel, Machine};
use crate::memory::MemoryStats;
use crate::options::RunOptions;
use crate::program::Program;
use crate::recorded::Recorded;
use crate::registry::Registry;
use crate::store::Store;

/// Starts the machine of a device.
type Start<M> = Box<dyn Fn(i32) -> Result<M> + Send + Sync>;

/// A device of family `A` on machine `M`.
pub struct DeviceContext<A: Arch, M: Machine> {
    platform: &'static str,
    start: Start<M>,
    state: Mutex<Option<Arc<Attached<M>>>>,
    /// Orchestrations that were loaded on the host while the context was attached before.
    earlier_host_loads: Word64,
    arch: PhantomData<A>,
}

/// What a context has while it is attached.
#[derive(Debug)]
pub(crate) struct Attached<M: Machine> {
    platform: &'static str,
    device_id: i32,
    spare_bindings: Mutex<Vec<Bound<M>>>,
    registry: Mutex<Registry<M>>,
    kernels: Mutex<KernelCache<M>>,
    turn: Mutex<()>,
    /// Callable ids whose programs are gone and what was loaded for them is not.
    forgotten: Mutex<Vec<i32>>,
    // Last: everything above may refer to what it has loaded.
    pub(crate) store: Arc<Store<M>>,
}

impl<A: Arch, M: Machine> DeviceContext<A, M> {
    /// A context that is not attached yet; `start` brings up the machine of a device.
    pub fn new(
        platform: &'static str,
        start: impl Fn(i32) -> Result<M> + Send + Sync + 'static,
    ) -> Self {
        Self {
            platform,
            start: Box::new(start),
            state: Mutex::new(None),
            earlier_host_loads: Word64::new(0),
            arch: PhantomData,
        }
    }

    pub(crate) fn attached(&self, operation: &'static str) -> Result<Arc<Attached<M>>> {
        lock(&self.state)
            .clone()
            .ok_or(Error::NotAttached { operation })
    }

    fn if_attached<R: Default>(&self, read: impl FnOnce(&Attached<M>) -> R) -> R {
        let attached = lock(&self.state).clone();
        attached.as_deref().map(read).unwrap_or_default()
    }
}

impl<A: Arch, M: Machine> fmt::Debug for DeviceContext<A, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceContext")
            .field("platform", &self.platform)
            .field("device_id", &self.device_id())
            .finish()
    }
}

impl<A: Arch, M: Machine> Drop for DeviceContext<A, M> {
    fn drop(&mut self) {
        if let Err(error) = self.finalize() {
            log::warn!("{}: finalize on drop: {error}", self.platform);
        }
    }
}

impl<A: Arch, M: Machine> Device for DeviceContext<A, M> {
    fn platform(&self) -> &'static str {
        self.platform
    }

    fn init(&self, device_id: i32) -> Result<()> {
        if device_id < 0 {
            return Err(Error::InvalidDevice { device_id });
        }
        let mut state = lock(&self.state);
        if let Some(attached) = &*state {
            return if attached.device_id == device_id {
                Ok(())
            } else {
                Err(Error::OtherDevice {
                    attached: attached.device_id,
                    requested: device_id,
                })
            };
        }
        *state = Some(Arc::new(Attached {
            platform: self.platform,
            device_id,
            spare_bindings: Mutex::default(),
            registry: Mutex::new(Registry::new()),
            kernels: Mutex::new(KernelCache::new()),
            turn: Mutex::new(()),
            forgotten: Mutex::default(),
            store: Arc::new(Store::new((self.start)(device_id)?)),
        }));
        Ok(())
    }

    fn finalize(&self) -> Result<()> {
        let Some(attached) = lock(&self.state).take() else {
            return Ok(());
        };
        // A run that is under way ends first: its deadlines bound this wait.
        drop(lock(&attached.turn));
        self.earlier_host_loads
            .add(lock(&attached.registry).host_loads());
        let left = attached.store.stats();
        if left.allocations != 0 {
            log::debug!(
                "finalize releases {} allocations of {} bytes that were never freed",
                left.allocations,
                left.allocated
            );
        }
        Ok(())
    }

    fn device_id(&self) -> Option<i32> {
        lock(&self.state)
            .as_ref()
            .map(|attached| attached.device_id)
    }

    fn malloc(&self, bytes: u64) -> Result<DeviceAddress> {
        self.attached("malloc")?.store.malloc(bytes)
    }

    fn free(&self, address: DeviceAddress) -> Result<()> {
        self.attached("free")?.store.free(address)
    }

    fn copy_to(&self, to: DeviceAddress, from: &[u8]) -> Result<()> {
        self.attached("copy_to")?.store.copy_to(to, from)
    }

    fn copy_from(&self, to: &mut [u8], from: DeviceAddress) -> Result<()> {
        self.attached("copy_from")?.store.copy_from(to, from)
    }

    fn prepare(&self, callable_id: i32, program: &Program) -> Result<()> {
        let device = self.attached("prepare")?;
        lock(&device.registry).vacant(callable_id)?;
        program.check(callable_id)?;
        device.store.machine.accept(&program.orchestration)?;
        let prepared = device.load(callable_id, program)?;
        #[cfg(feature = "hbg")]
        let on_host = prepared.host.is_some();
        #[cfg(not(feature = "hbg"))]
        let on_host = false;
        lock(&device.registry).insert(callable_id, Arc::new(prepared), on_host)
    }

    unsafe fn run(
        &self,
        callable_id: i32,
        args: &ChipStorageTaskArgs,
        config: &CallConfig,
        options: &RunOptions,
    ) -> Result<RunReport> {
        let device = self.attached("run")?;
        config.validate_for::<A>()?;
        bind::check(&device.store, args, options.foreign_memory)?;
        let _turn = lock(&device.turn);
        device.forget();
        // SAFETY: the caller promises what `run` asks for.
        unsafe { device.run::<A>(callable_id, args, config, options) }
    }

    fn unregister(&self, callable_id: i32) -> Result<()> {
        let device = self.attached("unregister")?;
        let program = lock(&device.registry).remove(callable_id);
        if program.is_some() {
            lock(&device.forgotten).push(callable_id);
            // A run that is under way may hold what the machine has loaded; then the next run does it.
            if let Ok(_turn) = device.turn.try_lock() {
                device.forget();
            }
        }
        Ok(())
    }

    fn join(
        &self,
        rank: i32,
        ranks: i32,
        meeting: &[u8],
        patience: Duration,
    ) -> Result<Box<dyn Comm>> {
        self.attached("join")?
            .store
            .machine
            .join(rank, ranks, meeting, patience)
    }

    fn set_talking(&self, talking: bool) -> Result<()> {
        self.attached("set_talking")?
            .store
            .machine
            .set_talking(talking);
        Ok(())
    }

    fn aicpu_dlopen_count(&self) -> u64 {
        self.if_attached(|device| lock(&device.registry).loads())
    }

    fn host_dlopen_count(&self) -> u64 {
        let now = self.if_attached(|device| lock(&device.registry).host_loads());
        self.earlier_host_loads.observe() + now
    }

    fn loaded_kernels(&self) -> usize {
        self.if_attached(|device| lock(&device.kernels).loaded())
    }

    fn memory(&self) -> MemoryStats {
        self.if_attached(|device| device.store.stats())
    }
}

impl<M: Machine> Attached<M> {
    /// Forgets what was loaded for programs that are gone. Only for whoever has the turn.
    fn forget(&self) {
        for id in lock(&self.forgotten).drain(..) {
            self.store.machine.forget(id);
        }
    }

    /// Loads a checked program.
    #[cfg_attr(
        not(feature = "hbg"),
        expect(
            unused_variables,
            reason = "the id is for the errors of a host's orchestration"
        )
    )]
    fn load(&self, callable_id: i32, program: &Program) -> Result<Prepared<M::Kernel>> {
        let mut kernels = Vec::with_capacity(program.kernels.len());
        for it in &program.kernels {
            let code = lock(&self.kernels).code(&self.store.machine, it.func_id, &it.kernel)?;
            kernels.push(self.store.machine.kernel(it.func_id, it.core, code));
        }
        let ids = program
            .kernels
            .iter()
            .map(|it| it.func_id.unsigned_abs() as usize);
        let mut entries =
            vec![KernelEntry::default(); ids.clone().max().map_or(0, |last| last + 1)];
        for (id, kernel) in ids.zip(&kernels) {
            entries[id] = kernel.entry();
        }
        let mut orchestration = program.orchestration.clone();
        if let Some(bytes) = orchestration.image_mut() {
            *bytes = lock(&self.registry).share(bytes);
        }
        Ok(Prepared {
            #[cfg(feature = "hbg")]
            host: load_on_host(callable_id, &orchestration)?,
            orchestration,
            signature: program.signature.clone(),
            entries: entries.into(),
            kernels,
        })
    }

    /// Runs a program whose arguments were checked.
    ///
    /// # Safety
    /// As [`Device::run`].
    unsafe fn run<A: Arch>(
        self: &Arc<Self>,
        callable_id: i32,
        args: &ChipStorageTaskArgs,
        config: &CallConfig,
        options: &RunOptions,
    ) -> Result<RunReport> {
        let (program, registration) = lock(&self.registry).find(callable_id)?;
        let mut args = *args;
        let bound = program.orchestration.is_bound();
        let signature = bound.then_some(program.signature.as_slice());
        // SAFETY: passed on from the caller.
        let mut bindings =
            unsafe { Bindings::new(&self.store, &self.spare_bindings, signature, &mut args) }?;
        let recorded = Recorded::prepare(&self.store, config, &options.recording)?;
        #[cfg(feature = "hbg")]
        let host = HostSide::new(&self.store);
        #[cfg(feature = "hbg")]
        let host_run: Arc<dyn HostRun> = Arc::clone(&host) as _;
        let outcome = self.store.machine.launch(&Launch {
            callable_id,
            program: &program,
            registration,
            args: &args,
            #[cfg(feature = "hbg")]
            host: &host_run,
            config,
            options,
            recording: recorded.as_ref().map_or(0, |it| it.region.address()),
            hold: &|| {
                let region = recorded.as_ref().map(|it| it.region.hold());
                let held = Box::new((self.hold(&program, &bindings), region));
                #[cfg(feature = "hbg")]
                let held = Box::new((held, host.hold()));
                held
            },
        });
        if outcome.loaded {
            lock(&self.registry).count_load();
        }
        if outcome.left_behind {
            bindings.leave_behind();
        }
        #[cfg(feature = "hbg")]
        let moved = host.end(&self.store, &args, &outcome);
        let about = About {
            platform: self.platform,
            device_id: self.device_id,
            config,
            events: options.counted_events,
            failed: outcome.result.is_err(),
        };
        let written = recorded
            .as_ref()
            .map_or(Ok(()), |it| it.write::<A>(&self.store.machine, &about));
        let report = outcome.result.inspect_err(|_| {
            if let Err(error) = &written {
                log::error!("{error}");
            }
        })?;
        bindings.check_guards()?;
        let report = RunReport {
            copied_in: bindings.copied_in,
            copied_out: bindings.copy_back()?,
            ..report
        };
        #[cfg(feature = "hbg")]
        let report = {
            let (copied_in, copied_out) = moved?;
            RunReport {
                copied_in: report.copied_in + copied_in,
                copied_out: report.copied_out + copied_out,
                ..report
            }
        };
        written.and(Ok(report))
    }

    /// Everything that code of a run can reach.
    fn hold(
        &self,
        program: &Arc<Prepared<M::Kernel>>,
        bindings: &Bindings<'_, M>,
    ) -> Box<dyn Any + Send> {
        let allocations = self.store.allocations();
        Box::new((Arc::clone(program), bindings.hold(), allocations))
    }
}

#[cfg(all(test, feature = "sim", feature = "trb"))]
mod tests;

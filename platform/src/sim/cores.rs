//! The simulated cores of one chip.
//!
//! Knows registers, payloads and who runs which call. Refuses to know tasks and graphs, and which
//! family it simulates: that is a [`Family`] of numbers.
//!
//! A dispatch only writes registers. The core is *started* when its status is first read, in one of
//! three ways:
//!
//! | the kernel | runs | costs |
//! | --- | --- | --- |
//! | is short and waits for nobody | right there, inside [`Cores::status`](aicore_abi::seam::Cores::status) | nothing |
//! | is long and waits for nobody | on any thread that has nothing else to do ([`Cores::help`](aicore_abi::seam::Cores::help)) | a hand-over |
//! | may wait for another kernel | on a thread of its own, with its whole group | a thread and a wake |
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | the scheduler that has the core | token register | the same | own | – |
//! | the scheduler | `apart`, own; then the queue or the group thread's word | who runs the call | pops or observes it | payload and token |
//! | who runs the call | status register, Release; then `apart` zero, Release | the scheduler | Acquire | what the kernel wrote |
//!
//! Each core's state lies on a line of its own. What one run leaves in it is stale in the next by the
//! number of the run, so a run costs nothing for cores it does not use.
//!
//! What happens to one call is in `calls`; here is what a run begins and ends with, and what is said of it.

mod calls;
#[cfg(test)]
mod tests;

use core::any::Any;
use std::sync::{Arc, Mutex, Weak};

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::DispatchPayload;
use aicore_abi::recorder::Clock;
use protocol::registers::TASK_ID_MASK;
use sync::{Arena, Flag, Line, Mpmc, Register, Slab, Word32, Word64};

use super::family::Family;
use super::groups::Groups;
use super::hooks;
#[cfg(feature = "c-api")]
use super::image::CoreImage;
use super::kernels::{CoreCall, Record};
use super::news::{Listener, News};
use super::storage::SharedStorage;
use super::talking::Talking;
use crate::error::{Error, Result};
use crate::lock::lock;

/// Scheduler code of a run in which a kernel threw, panicked or could not be started.
pub const KERNEL_FAILED: i32 = 104;
/// Places of the queue of long calls; every core has at most one call in it.
const QUEUE: usize = 256;

/// What one core does.
#[derive(Debug, Default)]
struct Core {
    /// The run in which the core was used last.
    run: Word32,
    /// How the last dispatch is to be started: one of the values of `calls`.
    way: Word32,
    /// Not zero: its call runs, or waits to run, on a thread that is not its scheduler's.
    apart: Word32,
    /// Calls that ended on the core.
    calls: Word32,
    /// Handle of the kernel that runs; 0 for none.
    kernel: Word64,
}

/// The program of the cores, if it is an image.
#[cfg(feature = "c-api")]
#[derive(Debug, Default)]
struct Program {
    /// Address of its [`CoreCall`]; 0 for none.
    call: Word64,
    image: Mutex<Option<Arc<CoreImage>>>,
}

/// The simulated cores of one chip.
#[derive(Debug)]
pub struct SimCores {
    family: Family,
    device_id: i32,
    me: Weak<Self>,
    registers: Slab<Register>,
    payloads: Slab<DispatchPayload>,
    deferred: Slab<DeferredIngressBuffer>,
    cores: Box<[Line<Core>]>,
    storage: SharedStorage,
    long: Mpmc<u32>,
    groups: Groups,
    listener: Listener,
    failure: Mutex<Option<Error>>,
    /// Calls of each core that were counted for a report.
    counted: Mutex<Vec<u32>>,
    /// What code that was left behind can reach.
    held: Mutex<Vec<Box<dyn Any + Send>>>,
    /// Cores per kind in the current run: as many clusters as AIC cores.
    clusters: Word32,
    run: Word32,
    /// No call is started any more.
    stopped: Flag,
    /// Whether kernels may wait for something outside of their group.
    talking: Arc<Talking>,
    /// What runs kernels, if it is not linked in.
    #[cfg(feature = "c-api")]
    program: Program,
}

impl SimCores {
    /// The cores of a chip, with at most `group_threads` threads for kernels that wait.
    ///
    /// # Errors
    /// When there is no address space.
    pub fn new(
        family: Family,
        device_id: i32,
        group_threads: usize,
        talking: &Arc<Talking>,
    ) -> Result<Arc<Self>> {
        let cores = family.cores;
        let bytes = cores
            * (family.block * size_of::<Register>()
                + 2 * size_of::<DispatchPayload>()
                + 2 * size_of::<DeferredIngressBuffer>());
        // Each of the three slabs may begin on a page of its own.
        let arena = Arena::reserve(bytes + 3 * 4096)?;
        let registers = arena.take(cores * family.block)?;
        let payloads = arena.take(2 * cores)?;
        let deferred = arena.take(2 * cores)?;
        let long = Mpmc::new(QUEUE)?;
        Ok(Arc::new_cyclic(|me| Self {
            family,
            device_id,
            me: me.clone(),
            registers,
            payloads,
            deferred,
            cores: (0..cores).map(|_| Line::default()).collect(),
            storage: SharedStorage::new(),
            long,
            groups: Groups::new(group_threads),
            listener: Listener::default(),
            failure: Mutex::default(),
            counted: Mutex::new(vec![0; family.cores]),
            held: Mutex::default(),
            clusters: Word32::new(0),
            run: Word32::new(0),
            stopped: Flag::new(),
            talking: Arc::clone(talking),
            #[cfg(feature = "c-api")]
            program: Program::default(),
        }))
    }

    /// Starts a run on the first `clusters` clusters; the run before has ended.
    pub fn begin(&self, clusters: u16) {
        self.clusters.set_own(u32::from(clusters));
        self.run.publish(self.run.own().wrapping_add(1));
        self.stopped.clear();
        *lock(&self.failure) = None;
        self.storage.clear();
        hooks::begin_run(self.device_id);
        // What a failed run dispatched and nobody started.
        self.take_back();
        self.groups.cancel_all();
    }

    /// Makes kernels be run by this program; no run is under way.
    #[cfg(feature = "c-api")]
    pub(crate) fn use_program(&self, image: Option<Arc<CoreImage>>) {
        let call = image.as_ref().map_or(0, |image| image.call as usize as u64);
        self.program.call.publish(call);
        *lock(&self.program.image) = image;
    }

    /// What runs kernels, if it is not linked in.
    #[inline]
    #[cfg_attr(
        not(feature = "c-api"),
        expect(clippy::unused_self, reason = "it is then linked in")
    )]
    fn program(&self) -> Option<CoreCall> {
        #[cfg(feature = "c-api")]
        {
            let call = usize::try_from(self.program.call.own())
                .ok()
                .filter(|&call| call != 0)?;
            // SAFETY: the number is the address of such a function, whose image is kept.
            Some(unsafe { core::mem::transmute::<usize, CoreCall>(call) })
        }
        #[cfg(not(feature = "c-api"))]
        None
    }

    /// The chip's counter.
    pub(crate) const fn clock(&self) -> Clock {
        self.family.clock
    }

    /// Starts no call any more: those not started yet end at once, as failures.
    pub fn stop(&self) {
        self.stopped.set();
        self.listener.tell(News::Ended);
    }

    /// What went wrong on a core of this run, once.
    pub fn take_failure(&self) -> Option<Error> {
        lock(&self.failure).take()
    }

    /// Calls that have ended since the chip was made; a sign of progress.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.cores
            .iter()
            .map(|core| u64::from(core.calls.own()))
            .sum()
    }

    /// Calls that ended since this was last asked, on the cores of a run with so many clusters.
    pub(crate) fn calls_since(&self, clusters: u16) -> u64 {
        let cores = self.cores.iter().take(usize::from(clusters) * 3);
        let counted = &mut *lock(&self.counted);
        let calls = cores.zip(counted).map(|(core, counted)| {
            let calls = core.calls.own();
            u64::from(calls.wrapping_sub(core::mem::replace(counted, calls)))
        });
        calls.sum()
    }

    /// Whether a thread other than a scheduler's runs a call or is about to.
    #[must_use]
    pub fn any_apart(&self) -> bool {
        self.cores.iter().any(|core| core.apart.observe() != 0)
    }

    /// Takes back the calls that wait for a thread with nothing else to do. There is none any more.
    pub(crate) fn take_back(&self) {
        while let Some(core) = self.long.pop() {
            self.cores[core as usize].apart.publish(0);
        }
    }

    /// Which cores run what, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut running = self.cores.iter().enumerate().filter_map(|(index, core)| {
            let handle = core.kernel.observe();
            // SAFETY: a run keeps its kernels alive, and so does code that was left behind.
            let record = unsafe { Record::of(handle) }?;
            let status = self.status_register(index).read();
            Some(format!(
                "core {index} runs kernel func_id {} (token {})",
                record.func_id,
                status & TASK_ID_MASK
            ))
        });
        let shown: Vec<String> = running.by_ref().take(4).collect();
        match running.count() {
            _ if shown.is_empty() => "no core runs a kernel".to_owned(),
            0 => shown.join(", "),
            more => format!("{}, {more} more", shown.join(", ")),
        }
    }

    /// Tells `news` what happens on the cores, as long as `body` runs.
    pub fn with_news<R>(&self, news: &(dyn Fn(News) + Sync), body: impl FnOnce() -> R) -> R {
        self.listener.during(news, body)
    }

    /// Keeps what code that does not stop can reach until the last thread is out of it.
    pub(crate) fn keep(&self, held: Box<dyn Any + Send>) {
        lock(&self.held).push(held);
    }

    pub(crate) fn close(&self) {
        self.groups.close();
    }
}

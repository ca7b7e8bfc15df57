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
//! | is short and waits for nobody | right there, inside [`Cores::status`] | nothing |
//! | is long and waits for nobody | on any thread that has nothing else to do ([`Cores::help`]) | a hand-over |
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

use core::any::Any;
use core::ptr::NonNull;
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::DispatchPayload;
use aicore_abi::recorder::{Clock, stamp_end, stamp_start};
use aicore_abi::seam::{CoreId, Cores, Togetherness};
use protocol::registers::{AICORE_IDLE_VALUE, TASK_ID_MASK, TASK_STATE_MASK};
use protocol::{Arch, CoreType};
use sync::{Arena, Flag, Line, Mpmc, Register, Slab, Word32, Word64};

use crate::error::{Error, Result};
use crate::lock::lock;
use crate::program::{KernelCall, Waits};

use super::clock;
use super::groups::Groups;
use super::hooks::{self, Running};
#[cfg(feature = "c-api")]
use super::image::CoreImage;
use super::kernels::{CoreCall, Record};
use super::news::{Listener, News};
use super::storage::SharedStorage;
use super::talking::Talking;

/// Scheduler code of a run in which a kernel threw, panicked or could not be started.
pub const KERNEL_FAILED: i32 = 104;
/// Calls of a known kernel from one that is timed to the next, per core.
const TIMED: u32 = 16;
/// Places of the queue of long calls; every core has at most one call in it.
const QUEUE: usize = 256;

/// The kernel waits for nobody.
const ALONE: u32 = 0;
/// The kernel may wait for others and has a place among the groups.
const PLACED: u32 = 1;
/// The kernel may wait for others and there is no thread for it.
const REFUSED: u32 = 2;

/// What differs between chip families, as numbers.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    name: &'static str,
    cores: usize,
    block: usize,
    token: usize,
    status: usize,
    clock: Clock,
}

impl Family {
    /// The numbers of `A`.
    #[must_use]
    pub fn of<A: Arch>() -> Self {
        let word = |offset| {
            let place =
                A::sim_register_place(offset).expect("every family simulates its registers");
            place / size_of::<Register>()
        };
        Self {
            name: A::NAME,
            cores: A::WORKER_SLOTS,
            block: A::SIM_REGISTER_BLOCK / size_of::<Register>(),
            token: word(A::REGISTERS.data_main_base),
            status: word(A::REGISTERS.cond),
            clock: clock::counter::<A>,
        }
    }

    /// The family's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// What one core does.
#[derive(Debug, Default)]
struct Core {
    /// The run in which the core was used last.
    run: Word32,
    /// How the last dispatch is to be started: one of the values below.
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
            let status = self.registers[index * self.family.block + self.family.status].read();
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

    pub(crate) fn groups(&self) -> &Groups {
        &self.groups
    }

    pub(crate) fn close(&self) {
        self.groups.close();
    }

    /// Runs a call that was handed over to the calling thread. `ending` comes before the end is seen.
    pub(crate) fn run_apart(&self, core: u16, token: u32, ending: impl FnOnce()) {
        let index = usize::from(core);
        if self.stopped.is_set() {
            self.acknowledge(index, token);
            self.set_error_code(index, token);
        } else {
            self.run_kernel(index, token, true);
        }
        ending();
        self.finish(index, token);
        self.cores[index].apart.publish(0);
        self.listener.tell(News::Ended);
    }

    fn token_register(&self, index: usize) -> &Register {
        &self.registers[index * self.family.block + self.family.token]
    }

    fn status_register(&self, index: usize) -> &Register {
        &self.registers[index * self.family.block + self.family.status]
    }

    fn payload_of(&self, index: usize, token: u32) -> NonNull<DispatchPayload> {
        debug_assert!(index < self.cores.len());
        let place = 2 * index + (token & 1) as usize;
        // SAFETY: there are two payloads per core.
        let payload = unsafe { self.payloads.as_ptr().add(place) };
        NonNull::new(payload).expect("a slab is not at address 0")
    }

    fn deferred_of(&self, index: usize, token: u32) -> NonNull<DeferredIngressBuffer> {
        debug_assert!(index < self.cores.len());
        let place = 2 * index + (token & 1) as usize;
        // SAFETY: there are two buffers per core.
        let deferred = unsafe { self.deferred.as_ptr().add(place) };
        NonNull::new(deferred).expect("a slab is not at address 0")
    }

    /// The payload of a call between its dispatch and its end.
    fn payload_ref(&self, index: usize, token: u32) -> &DispatchPayload {
        // SAFETY: the contract of `Cores`: nobody rewrites it before the call has ended.
        unsafe { self.payload_of(index, token).as_ref() }
    }

    fn record(&self, index: usize, token: u32) -> Option<&Record> {
        // SAFETY: a handle in a payload comes from the entries of the run's program, which outlives
        // the run; zero memory is a payload without a kernel.
        unsafe { Record::of(self.payload_ref(index, token).kernel_handle) }
    }

    /// Which cluster and lane a core is, and how many lanes its kind has.
    fn place(&self, index: usize) -> (u32, u32, u32) {
        #[expect(clippy::cast_possible_truncation, reason = "fewer cores than 2^32")]
        let index = index as u32;
        let clusters = self.clusters.own();
        match index.checked_sub(clusters) {
            None => (index, 0, 1),
            Some(vector) => (vector / 2, vector % 2, 2),
        }
    }

    /// Starts the core's last dispatch, which has not been acknowledged.
    fn start(&self, index: usize, token: u32) {
        let core = &self.cores[index];
        let way = core.way.own();
        if self.stopped.is_set() {
            if way == PLACED {
                self.groups.cancel();
            }
            self.refuse(index, token);
        } else if way == PLACED {
            core.apart.set_own(1);
            self.groups.start(to_core(index), token);
        } else if let Some(record) = self.record(index, token) {
            if !record.is_long() {
                let timed = record.is_new() || core.calls.own().is_multiple_of(TIMED);
                self.run_kernel(index, token, timed);
                self.finish(index, token);
            } else {
                core.apart.set_own(1);
                let queued = self.long.push(u32::from(to_core(index)));
                debug_assert!(queued.is_ok(), "the queue has a place for every core");
                self.listener.tell(News::Work);
            }
        } else {
            self.acknowledge(index, token);
            if self.payload_ref(index, token).function_bin_addr != 0 {
                self.fail(
                    index,
                    token,
                    "the dispatch names a kernel that this chip has not loaded".to_owned(),
                );
            }
            self.finish(index, token);
        }
    }

    fn needs_thread(&self, record: &Record, grouped: bool) -> bool {
        match record.waits() {
            Waits::Always => true,
            Waits::WithinGroup => grouped || self.talking.is_on(),
            Waits::Never => false,
        }
    }

    #[inline]
    fn acknowledge(&self, index: usize, token: u32) {
        self.status_register(index).write(token);
    }

    #[inline]
    fn finish(&self, index: usize, token: u32) {
        let core = &self.cores[index];
        core.calls.set_own(core.calls.own().wrapping_add(1));
        self.status_register(index).write(token | TASK_STATE_MASK);
    }

    #[inline]
    fn run_kernel(&self, index: usize, token: u32, timed: bool) {
        self.acknowledge(index, token);
        let payload = self.payload_ref(index, token);
        let Some(record) = self.record(index, token) else {
            return;
        };
        let core = &self.cores[index];
        core.kernel.publish(payload.kernel_handle);
        let (cluster, lane, lanes) = self.place(index);
        let running = Running {
            payload,
            token,
            storage: &self.storage,
            device_id: self.device_id,
            cluster,
            lane,
            lanes,
            context: Default::default(),
            shares: Default::default(),
            refusal: Default::default(),
        };
        #[expect(clippy::cast_possible_truncation, reason = "fewer clusters than 2^16")]
        let call = KernelCall {
            payload,
            core: to_core(index),
            cluster: cluster as u16,
            sub_block: lane as u16,
        };
        let started = timed.then(Instant::now);
        if payload.record != 0 {
            // SAFETY: a scheduler of this run put it there.
            unsafe { stamp_start(payload.record, self.clock()()) };
        }
        let result = match record.core {
            Some(CoreType::Aic) if lanes != 1 => {
                Err("it is for AIC cores and was submitted to an AIV core".to_owned())
            }
            Some(CoreType::Aiv) if lanes == 1 => {
                Err("it is for AIV cores and was submitted to an AIC core".to_owned())
            }
            _ => record.call(&call, &running, self.program()),
        };
        if payload.record != 0 {
            // SAFETY: as above.
            unsafe { stamp_end(payload.record, self.clock()()) };
        }
        if let Some(started) = started {
            record.note_time(started.elapsed());
        }
        core.kernel.publish(0);
        if running.shares.get() {
            record.note_sharing();
        }
        if let Some(text) = result.err().or_else(|| running.refusal.take()) {
            self.fail(index, token, text);
        }
    }

    /// Ends a call that is not started because of what happened elsewhere.
    fn refuse(&self, index: usize, token: u32) {
        self.acknowledge(index, token);
        self.set_error_code(index, token);
        self.finish(index, token);
    }

    /// Makes a call the reason for its run to fail.
    #[cold]
    fn fail(&self, index: usize, token: u32, text: String) {
        let error = Error::Kernel {
            func_id: self
                .record(index, token)
                .map_or(-1, |record| record.func_id),
            core: to_core(index),
            text,
        };
        lock(&self.failure).get_or_insert(error);
        self.set_error_code(index, token);
    }

    fn set_error_code(&self, index: usize, token: u32) {
        // SAFETY: until its end is seen, the buffer is the call's.
        unsafe { self.deferred_of(index, token).as_mut() }.error_code = KERNEL_FAILED;
    }

    /// Gets a call a place among the groups, if it can have one.
    #[cold]
    fn reserve(&self) -> u32 {
        let me = self
            .me
            .upgrade()
            .expect("a call is dispatched through a reference");
        match self.groups.reserve(&me) {
            Ok(()) => PLACED,
            Err(refusal) => {
                lock(&self.failure).get_or_insert(refusal.into());
                // None of its group may start: the others would wait for it.
                self.stopped.set();
                REFUSED
            }
        }
    }
}

fn to_core(index: usize) -> u16 {
    u16::try_from(index).expect("a chip has fewer cores than 2^16")
}

// SAFETY: the slabs live as long as `self`; payloads and buffers are distinct per core and parity.
unsafe impl Cores for SimCores {
    fn count(&self) -> u16 {
        u16::try_from(3 * self.clusters.own()).expect("a chip has fewer cores than 2^16")
    }

    #[inline]
    fn payload(&self, core: CoreId, token: u32) -> NonNull<DispatchPayload> {
        self.payload_of(usize::from(core.0), token)
    }

    #[inline]
    fn deferred(&self, core: CoreId, token: u32) -> NonNull<DeferredIngressBuffer> {
        self.deferred_of(usize::from(core.0), token)
    }

    #[inline]
    fn dispatch(&self, core: CoreId, token: u32, togetherness: Togetherness) {
        let index = usize::from(core.0);
        let state = &self.cores[index];
        let run = self.run.own();
        if state.run.own() != run {
            state.run.set_own(run);
            self.status_register(index).write(AICORE_IDLE_VALUE);
        }
        let grouped = togetherness == Togetherness::Group;
        let way = match self.record(index, token) {
            Some(record) if self.needs_thread(record, grouped) => self.reserve(),
            _ => ALONE,
        };
        state.way.set_own(way);
        self.token_register(index).write(token);
    }

    #[inline]
    fn status(&self, core: CoreId) -> u32 {
        let index = usize::from(core.0);
        if self.cores[index].run.own() != self.run.own() {
            return AICORE_IDLE_VALUE;
        }
        let status = self.status_register(index).read();
        let token = self.token_register(index).read();
        if status & TASK_ID_MASK == token {
            return status;
        }
        if self.cores[index].apart.observe() != 0 {
            return status;
        }
        // On another thread the call may have come to its end since the first look: what it is now decides
        // whether it was ever started.
        let status = self.status_register(index).read();
        if status & TASK_ID_MASK == token {
            return status;
        }
        self.start(index, token);
        self.status_register(index).read()
    }

    fn help(&self) -> bool {
        let Some(core) = self.long.pop() else {
            return false;
        };
        let index = core as usize;
        let token = self.token_register(index).read();
        self.run_apart(to_core(index), token, || {});
        true
    }
}

#[cfg(test)]
mod tests;

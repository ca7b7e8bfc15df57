//! The image's half: an executor behind functions of C.
//!
//! No panic leaves: one in a thread of the simulator ends the run there.

use core::any::Any;
use core::ffi::{CStr, c_void};
use core::fmt::Debug;
use core::panic::AssertUnwindSafe;
use core::ptr::NonNull;
use core::slice;
use core::time::Duration;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, OnceLock};

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::DispatchPayload;
use aicore_abi::recorder::Recorder;
use aicore_abi::seam::{CoreId, Cores, KernelEntry, Togetherness};
use log::{LevelFilter, Log, Metadata, Record};
use protocol::limits::MAX_REGISTERED_CALLABLE_IDS;
use protocol::{Arch, ChipStorageTaskArgs};
use runtime_hbg::HostMemory;
use runtime_trb::Limits;
use sync::Crowd;

use super::{
    Callback, CoresTable, CrewTable, EndRecord, LogLine, MemoryTable, OrderRecord, Program, SEAM,
    put,
};
use crate::crew::Crew;
use crate::guarded_call::panic_text;
use crate::{hbg, trb};

/// A runtime of an image.
pub trait Inside: Debug + Default + Send + Sync + 'static {
    /// Executes one run.
    ///
    /// # Safety
    /// Everything that `order` points to is there until the end.
    unsafe fn run(&self, order: &OrderRecord, end: &mut EndRecord);
    /// A number that changes with everything that happens.
    fn progress(&self) -> u64;
    /// Tells the run to end.
    fn abort(&self);
    /// What the run is doing.
    fn describe(&self) -> String;
    /// Unloads what a callable id has loaded.
    fn forget(&self, callable_id: i32);
}

/// The functions of an image with runtime `R`.
#[must_use]
pub const fn program<R: Inside>(family: &'static CStr, runtime: &'static CStr) -> Program {
    Program {
        seam: SEAM,
        family: family.as_ptr(),
        runtime: runtime.as_ptr(),
        open: open::<R>,
        close: close::<R>,
        run: run::<R>,
        progress: progress::<R>,
        abort: abort::<R>,
        describe: describe::<R>,
        forget: forget::<R>,
    }
}

/// # Safety
/// As all that follow: `instance` comes from `open` and was not closed.
unsafe fn of<'a, R>(instance: *const c_void) -> &'a R {
    // SAFETY: the caller's promise.
    unsafe { &*instance.cast::<R>() }
}

unsafe extern "C" fn open<R: Inside>(line: LogLine) -> *mut c_void {
    install_log(line);
    Box::into_raw(Box::<R>::default()).cast()
}

unsafe extern "C" fn close<R: Inside>(instance: *mut c_void) {
    // SAFETY: the caller gives back what `open` made, once.
    let instance = unsafe { Box::from_raw(instance.cast::<R>()) };
    kept("closing", AssertUnwindSafe(|| drop(instance)));
}

unsafe extern "C" fn run<R: Inside>(
    instance: *const c_void,
    order: *const OrderRecord,
    end: *mut EndRecord,
) {
    // SAFETY: the caller's promise.
    let instance = unsafe { of::<R>(instance) };
    // SAFETY: as above.
    let order = unsafe { &*order };
    // SAFETY: as above; nobody else has it.
    let end = unsafe { &mut *end };
    // SAFETY: passed on.
    let ran = catch_unwind(AssertUnwindSafe(|| unsafe { instance.run(order, end) }));
    if let Err(panic) = ran {
        let text = panic_text(&*panic);
        end.fail(-1, &format!("the control program panicked: {text}"));
    }
}

unsafe extern "C" fn progress<R: Inside>(instance: *const c_void) -> u64 {
    // SAFETY: passed on.
    unsafe { of::<R>(instance) }.progress()
}

unsafe extern "C" fn abort<R: Inside>(instance: *const c_void) {
    // SAFETY: passed on.
    unsafe { of::<R>(instance) }.abort();
}

unsafe extern "C" fn describe<R: Inside>(
    instance: *const c_void,
    text: *mut u8,
    capacity: usize,
) -> usize {
    // SAFETY: the caller promises a writable place.
    let place = unsafe { slice::from_raw_parts_mut(text, capacity) };
    // SAFETY: passed on.
    put(&unsafe { of::<R>(instance) }.describe(), place)
}

unsafe extern "C" fn forget<R: Inside>(instance: *const c_void, callable_id: i32) {
    // SAFETY: passed on.
    unsafe { of::<R>(instance) }.forget(callable_id);
}

/// Runs `body` and logs a panic.
fn kept(what: &str, body: impl FnOnce() + core::panic::UnwindSafe) {
    if let Err(panic) = catch_unwind(body) {
        log::error!("{what} panicked: {}", panic_text(&*panic));
    }
}

/// Log lines of the image, written by the simulator.
struct Lines(LogLine);

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let (target, text) = (record.target(), record.args().to_string());
        // SAFETY: both texts are there for the call; the simulator outlives its image.
        unsafe {
            (self.0)(
                record.level() as u32,
                target.as_ptr(),
                target.len(),
                text.as_ptr(),
                text.len(),
            );
        }
    }

    fn flush(&self) {}
}

fn install_log(line: LogLine) {
    static LINES: OnceLock<Lines> = OnceLock::new();
    let lines = LINES.get_or_init(|| Lines(line));
    if log::set_logger(lines).is_ok() {
        // What is kept is the simulator's business.
        log::set_max_level(LevelFilter::Debug);
    }
}

/// The simulator's cores.
struct ForeignCores {
    of: *const c_void,
    table: CoresTable,
}

// SAFETY: the table's functions may be called from any thread.
unsafe impl Sync for ForeignCores {}

// SAFETY: the pointers are those of the simulator's cores, which keep the contract.
unsafe impl Cores for ForeignCores {
    fn count(&self) -> u16 {
        // SAFETY: the simulator gave both, here as in all that follow.
        unsafe { (self.table.count)(self.of) }
    }

    #[inline]
    fn payload(&self, core: CoreId, token: u32) -> NonNull<DispatchPayload> {
        // SAFETY: as above.
        let payload = unsafe { (self.table.payload)(self.of, core.0, token) };
        NonNull::new(payload).expect("cores have payloads")
    }

    #[inline]
    fn deferred(&self, core: CoreId, token: u32) -> NonNull<DeferredIngressBuffer> {
        // SAFETY: as above.
        let deferred = unsafe { (self.table.deferred)(self.of, core.0, token) };
        NonNull::new(deferred).expect("cores have buffers")
    }

    #[inline]
    fn dispatch(&self, core: CoreId, token: u32, togetherness: Togetherness) {
        let group = togetherness == Togetherness::Group;
        // SAFETY: as above.
        unsafe { (self.table.dispatch)(self.of, core.0, token, group) };
    }

    #[inline]
    fn status(&self, core: CoreId) -> u32 {
        // SAFETY: as above.
        unsafe { (self.table.status)(self.of, core.0) }
    }

    fn help(&self) -> bool {
        // SAFETY: as above.
        unsafe { (self.table.help)(self.of) }
    }
}

/// The simulator's threads.
struct ForeignCrew<'a> {
    of: *const c_void,
    table: CrewTable,
    crowd: &'a Arc<Crowd>,
}

// SAFETY: the table's functions may be called from any thread.
unsafe impl Sync for ForeignCrew<'_> {}

/// # Safety
/// `of` is a `&dyn Fn`.
unsafe extern "C" fn call_shared(of: *const c_void) {
    // SAFETY: the caller's promise.
    let body = unsafe { &*of.cast::<&(dyn Fn() + Sync)>() };
    kept("a helper of the control program", AssertUnwindSafe(body));
}

/// What a leader runs, and what it panicked with.
struct Lead<'a> {
    body: &'a mut dyn FnMut(),
    panic: Option<Box<dyn Any + Send>>,
}

/// # Safety
/// `of` is a [`Lead`] that nobody else has.
unsafe extern "C" fn call_lead(of: *const c_void) {
    // SAFETY: the caller's promise.
    let lead = unsafe { &mut *of.cast_mut().cast::<Lead<'_>>() };
    lead.panic = catch_unwind(AssertUnwindSafe(|| (lead.body)())).err();
}

fn shared<'a>(body: &'a &'a (dyn Fn() + Sync)) -> Callback {
    Callback {
        call: call_shared,
        of: core::ptr::from_ref(body).cast(),
    }
}

impl Crew for ForeignCrew<'_> {
    fn helpers(&self) -> usize {
        // SAFETY: the simulator gave both.
        unsafe { (self.table.helpers)(self.of) }
    }

    fn together(
        &self,
        news: &(dyn Fn() + Sync),
        assist: &(dyn Fn() + Sync),
        lead: &mut dyn FnMut(),
    ) {
        let mut lead = Lead {
            body: lead,
            panic: None,
        };
        let leading = Callback {
            call: call_lead,
            of: (&raw mut lead).cast_const().cast(),
        };
        // SAFETY: as above; it returns when nobody uses the three any more.
        unsafe { (self.table.together)(self.of, shared(&news), shared(&assist), leading) };
        if let Some(panic) = lead.panic {
            resume_unwind(panic);
        }
    }

    fn call(&self) {
        // SAFETY: as above.
        unsafe { (self.table.call)(self.of) };
    }

    fn crowd(&self) -> &Arc<Crowd> {
        self.crowd
    }
}

/// The order's parts that both runtimes want.
struct Parts<'a> {
    cores: ForeignCores,
    crew: ForeignCrew<'a>,
    kernels: &'a [KernelEntry],
    args: &'a ChipStorageTaskArgs,
}

impl<'a> Parts<'a> {
    /// # Safety
    /// As [`Inside::run`].
    unsafe fn of(order: &'a OrderRecord, crowd: &'a Arc<Crowd>) -> Self {
        // SAFETY: the caller's promise, here as in all that follow.
        let cores_table = unsafe { *order.cores_table };
        // SAFETY: as above.
        let crew_table = unsafe { *order.crew_table };
        // SAFETY: as above.
        let kernels = unsafe { slice::from_raw_parts(order.kernels, order.kernel_count) };
        Self {
            cores: ForeignCores {
                of: order.cores,
                table: cores_table,
            },
            crew: ForeignCrew {
                of: order.crew,
                table: crew_table,
                crowd,
            },
            kernels,
            // SAFETY: as above.
            args: unsafe { &*order.args },
        }
    }
}

/// The device-built runtime.
#[derive(Debug)]
pub struct Trb<A: Arch> {
    executor: trb::Executor<A>,
    crowd: Arc<Crowd>,
    /// The orchestrations of registrations that have run.
    known: Mutex<[Option<(u64, trb::Orchestration)>; MAX_REGISTERED_CALLABLE_IDS]>,
}

impl<A: Arch> Default for Trb<A> {
    fn default() -> Self {
        Self {
            executor: trb::Executor::default(),
            crowd: Crowd::new(),
            known: Mutex::new([const { None }; MAX_REGISTERED_CALLABLE_IDS]),
        }
    }
}

impl<A: Arch> Trb<A> {
    /// The order's orchestration, its bytes copied at the first run of its registration.
    ///
    /// # Safety
    /// As [`Inside::run`].
    unsafe fn orchestration(&self, order: &OrderRecord) -> Option<trb::Orchestration> {
        let mut known = crate::under_way::lock(&self.known);
        let place = known.get_mut(usize::try_from(order.callable_id).ok()?)?;
        if place
            .as_ref()
            .is_none_or(|(of, _)| *of != order.registration)
        {
            let (first, length) = (order.orchestration, order.orchestration_bytes);
            // SAFETY: the caller's promise, here as in both that follow.
            let bytes = unsafe { slice::from_raw_parts(first, length) };
            // SAFETY: as above.
            let entry = unsafe { CStr::from_ptr(order.entry) };
            // SAFETY: as above.
            let config = unsafe { CStr::from_ptr(order.config) };
            let image = trb::OrchestrationImage {
                bytes: bytes.into(),
                entry: entry.to_owned(),
                config: config.to_owned(),
            };
            *place = Some((order.registration, trb::Orchestration::Image(image)));
        }
        place
            .as_ref()
            .map(|(_, orchestration)| orchestration.clone())
    }
}

/// What a run does that no runtime knows of yet.
fn loading() -> String {
    "the orchestration is being loaded".to_owned()
}

fn limits(order: &OrderRecord) -> Result<Limits, runtime_trb::Error> {
    let mut limits = Limits::default();
    if order.task_window != 0 {
        limits.task_window = u32::try_from(order.task_window).unwrap_or(u32::MAX);
    }
    if order.heap_bytes != 0 {
        limits.heap_bytes = order.heap_bytes;
    }
    limits.validate()?;
    Ok(limits)
}

impl<A: Arch> Inside for Trb<A> {
    unsafe fn run(&self, order: &OrderRecord, end: &mut EndRecord) {
        // SAFETY: passed on.
        let parts = unsafe { Parts::of(order, &self.crowd) };
        // SAFETY: passed on.
        let Some(orchestration) = (unsafe { self.orchestration(order) }) else {
            return end.fail(-1, "the callable id is out of range");
        };
        let limits = match limits(order) {
            Ok(limits) => limits,
            Err(error) => return end.fail(-1, &error.to_string()),
        };
        let no_progress = Duration::from_nanos(order.no_progress);
        // SAFETY: passed on.
        let recorder = unsafe { Recorder::at(order.recording, order.clock) };
        let done = self.executor.run(
            &trb::Order {
                callable_id: order.callable_id,
                registration: trb::Registration(order.registration),
                orchestration: &orchestration,
                kernels: parts.kernels,
                args: parts.args,
                clusters: order.clusters,
                threads: order.threads,
                orch_to_sched: order.orch_to_sched != 0,
                limits,
                deadlines: runtime_trb::Deadlines {
                    no_progress,
                    tensor_wait: no_progress,
                    wind_down: Duration::from_nanos(order.wind_down),
                },
                recorder: recorder.as_ref(),
            },
            &parts.cores,
            &parts.crew,
        );
        end.loaded = u32::from(done.loaded);
        match done.result {
            Ok(report) => {
                end.submitted = report.submitted;
                end.completed = report.completed;
            }
            Err(trb::RunFailure::Code { status, text }) => {
                end.fail_with(status.orchestrator_code, status.scheduler_code, &text);
            }
            Err(trb::RunFailure::Begin(error)) => end.fail(-1, &error.to_string()),
            Err(other) => end.fail_orchestration(&other.to_string()),
        }
    }

    fn progress(&self) -> u64 {
        self.executor.progress()
    }

    fn abort(&self) {
        self.executor.abort();
    }

    fn describe(&self) -> String {
        self.executor.describe().unwrap_or_else(loading)
    }

    fn forget(&self, callable_id: i32) {
        let mut known = crate::under_way::lock(&self.known);
        let index = usize::try_from(callable_id).ok();
        if let Some(place) = index.and_then(|index| known.get_mut(index)) {
            *place = None;
        }
        drop(known);
        self.executor.forget(callable_id);
    }
}

/// The simulator's device memory.
struct ForeignMemory {
    of: *const c_void,
    table: MemoryTable,
}

impl HostMemory for ForeignMemory {
    fn malloc(&self, bytes: usize) -> u64 {
        // SAFETY: the simulator gave both, here as in all that follow.
        unsafe { (self.table.malloc)(self.of, bytes) }
    }

    fn free(&self, device: u64) {
        // SAFETY: as above.
        unsafe { (self.table.free)(self.of, device) };
    }

    unsafe fn copy_to(&self, device: u64, host: *const u8, bytes: usize) -> i32 {
        // SAFETY: as above, and the caller's promise.
        unsafe { (self.table.copy_to)(self.of, device, host, bytes) }
    }

    fn complete(&self) {
        // SAFETY: as above.
        unsafe { (self.table.complete)(self.of) };
    }
}

/// The host-built runtime.
#[derive(Debug)]
pub struct Hbg<A: Arch> {
    executor: hbg::Executor<A>,
    crowd: Arc<Crowd>,
    /// What cores of the last run may still read if they have not stopped.
    graph: Mutex<Graph>,
}

/// A graph that is only kept.
#[derive(Default)]
struct Graph(
    #[expect(dead_code, reason = "kept for cores that have not stopped")]
    Option<Box<dyn Any + Send>>,
);

impl Debug for Graph {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Graph")
    }
}

impl<A: Arch> Default for Hbg<A> {
    fn default() -> Self {
        Self {
            executor: hbg::Executor::default(),
            crowd: Crowd::new(),
            graph: Mutex::default(),
        }
    }
}

impl<A: Arch> Inside for Hbg<A> {
    unsafe fn run(&self, order: &OrderRecord, end: &mut EndRecord) {
        // SAFETY: passed on.
        let parts = unsafe { Parts::of(order, &self.crowd) };
        let memory = ForeignMemory {
            of: order.memory,
            // SAFETY: passed on.
            table: unsafe { *order.memory_table },
        };
        let Some(build) = order.build else {
            return end.fail(-1, "the orchestration is no image: use an embedded chip");
        };
        // SAFETY: passed on.
        let recorder = unsafe { Recorder::at(order.recording, order.clock) };
        let done = self.executor.run(
            &hbg::Order {
                build: hbg::BuildOrder {
                    orchestration: &hbg::Loaded::elsewhere(build),
                    kernels: parts.kernels,
                    args: parts.args,
                    memory: &memory,
                },
                work: hbg::Work {
                    callable_id: order.callable_id,
                    kernels: parts.kernels,
                    clusters: order.clusters,
                    threads: order.threads,
                    deadlines: runtime_hbg::Deadlines {
                        no_progress: Duration::from_nanos(order.no_progress),
                        wind_down: Duration::from_nanos(order.wind_down),
                    },
                    recorder: recorder.as_ref(),
                },
            },
            &parts.cores,
            &parts.crew,
        );
        for copy in &done.copies {
            // SAFETY: the simulator gave both.
            unsafe {
                (memory.table.copy_back)(memory.of, copy.host, copy.device, copy.bytes);
            }
        }
        *crate::under_way::lock(&self.graph) = Graph(done.graph);
        match done.result {
            Ok(report) => {
                end.submitted = report.tasks;
                end.completed = report.completed;
            }
            Err(hbg::RunFailure::Graph(error)) => end.fail(error.code(), &error.to_string()),
            Err(other) => end.fail_orchestration(&other.to_string()),
        }
    }

    fn progress(&self) -> u64 {
        self.executor.progress()
    }

    fn abort(&self) {
        self.executor.abort();
    }

    fn describe(&self) -> String {
        self.executor.describe().unwrap_or_else(loading)
    }

    fn forget(&self, _: i32) {
        // What the host loaded it keeps with the program.
    }
}

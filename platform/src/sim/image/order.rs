//! What a run's order is to an image: a record of numbers, addresses and tables of functions.
//!
//! Knows how cores, crew and memory of this process are called from there. Refuses to know the image.

use core::ffi::c_void;
use std::sync::Mutex;

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::DispatchPayload;
use aicore_abi::seam::{CoreId, Cores, Togetherness};
use aicpu::Crew;
use aicpu::image::{Callback, CoresTable, CrewTable, MemoryTable, OrderRecord};
use runtime_hbg::CopyBack;

use crate::launch::HostRun;
use crate::lock::lock;
use crate::program::Orchestration;
use crate::sim::cores::SimCores;
use crate::sim::executor::RunOrder;

/// Device memory of one run.
pub(super) struct Memory<'a> {
    host: &'a dyn HostRun,
    copies: Mutex<Vec<CopyBack>>,
}

impl<'a> Memory<'a> {
    /// The memory that `host` gives; nothing is to be copied back yet.
    pub(super) fn of(host: &'a dyn HostRun) -> Self {
        Self {
            host,
            copies: Mutex::default(),
        }
    }

    /// What is to be copied back after the run.
    pub(super) fn take_copies(&self) -> Vec<CopyBack> {
        core::mem::take(&mut *lock(&self.copies))
    }
}

/// The order as it travels; everything that it points to is borrowed.
pub(super) fn record(
    order: &RunOrder,
    cores: &SimCores,
    crew: &&dyn Crew,
    memory: &Memory<'_>,
) -> OrderRecord {
    let none = (&[][..], c"", c"");
    let (orchestration, entry, config) = match &order.program.orchestration {
        Orchestration::Trb(aicpu::trb::Orchestration::Image(image)) => {
            (&*image.bytes, &*image.entry, &*image.config)
        }
        _ => none,
    };
    let options = &order.options;
    OrderRecord {
        callable_id: order.callable_id,
        clusters: order.clusters,
        threads: order.threads,
        orch_to_sched: u8::from(options.orchestrator_schedules),
        registration: order.registration,
        orchestration: orchestration.as_ptr(),
        orchestration_bytes: orchestration.len(),
        entry: entry.as_ptr(),
        config: config.as_ptr(),
        build: order
            .program
            .host
            .as_ref()
            .and_then(|loaded| loaded.entry()),
        kernels: order.program.entries.as_ptr(),
        kernel_count: order.program.entries.len(),
        args: &raw const order.args,
        task_window: options.rings.task_window.unwrap_or(0),
        heap_bytes: options.rings.heap_bytes.unwrap_or(0),
        no_progress: nanoseconds(options.deadlines.no_progress),
        wind_down: nanoseconds(options.deadlines.grace),
        cores: core::ptr::from_ref(cores).cast(),
        cores_table: &raw const CORES,
        crew: core::ptr::from_ref(crew).cast(),
        crew_table: &raw const CREW,
        memory: core::ptr::from_ref(memory).cast(),
        memory_table: &raw const MEMORY,
        recording: order.recording,
        clock: cores.clock(),
    }
}

fn nanoseconds(time: core::time::Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

static CORES: CoresTable = CoresTable {
    count: cores_count,
    payload: cores_payload,
    deferred: cores_deferred,
    dispatch: cores_dispatch,
    status: cores_status,
    help: cores_help,
};

/// # Safety
/// As all that follow: it is given what [`record`] has put beside its table.
unsafe fn cores<'a>(of: *const c_void) -> &'a SimCores {
    // SAFETY: the caller's promise.
    unsafe { &*of.cast() }
}

unsafe extern "C" fn cores_count(of: *const c_void) -> u16 {
    // SAFETY: passed on, here as in all that follow.
    unsafe { cores(of) }.count()
}

unsafe extern "C" fn cores_payload(
    of: *const c_void,
    core: u16,
    token: u32,
) -> *mut DispatchPayload {
    // SAFETY: as above.
    unsafe { cores(of) }.payload(CoreId(core), token).as_ptr()
}

unsafe extern "C" fn cores_deferred(
    of: *const c_void,
    core: u16,
    token: u32,
) -> *mut DeferredIngressBuffer {
    // SAFETY: as above.
    unsafe { cores(of) }.deferred(CoreId(core), token).as_ptr()
}

unsafe extern "C" fn cores_dispatch(of: *const c_void, core: u16, token: u32, group: bool) {
    let togetherness = if group {
        Togetherness::Group
    } else {
        Togetherness::Alone
    };
    // SAFETY: as above.
    unsafe { cores(of) }.dispatch(CoreId(core), token, togetherness);
}

unsafe extern "C" fn cores_status(of: *const c_void, core: u16) -> u32 {
    // SAFETY: as above.
    unsafe { cores(of) }.status(CoreId(core))
}

unsafe extern "C" fn cores_help(of: *const c_void) -> bool {
    // SAFETY: as above.
    unsafe { cores(of) }.help()
}

static CREW: CrewTable = CrewTable {
    helpers: crew_helpers,
    together: crew_together,
    call: crew_call,
};

unsafe fn crew<'a>(of: *const c_void) -> &'a dyn Crew {
    // SAFETY: the caller's promise.
    unsafe { *of.cast::<&dyn Crew>() }
}

unsafe extern "C" fn crew_helpers(of: *const c_void) -> usize {
    // SAFETY: passed on, here as in all that follow.
    unsafe { crew(of) }.helpers()
}

/// A function of the image that any thread may call.
struct Shared(Callback);

// SAFETY: the image says so of news and assistance.
unsafe impl Sync for Shared {}

impl Shared {
    fn call(&self) {
        // SAFETY: the image keeps it callable until `together` returns.
        unsafe { (self.0.call)(self.0.of) };
    }
}

unsafe extern "C" fn crew_together(
    of: *const c_void,
    news: Callback,
    assist: Callback,
    lead: Callback,
) {
    let (news, assist) = (Shared(news), Shared(assist));
    // SAFETY: as above.
    unsafe { crew(of) }.together(&|| news.call(), &|| assist.call(), &mut || {
        // SAFETY: the image keeps it callable until this returns.
        unsafe { (lead.call)(lead.of) };
    });
}

unsafe extern "C" fn crew_call(of: *const c_void) {
    // SAFETY: as above.
    unsafe { crew(of) }.call();
}

static MEMORY: MemoryTable = MemoryTable {
    malloc: memory_malloc,
    free: memory_free,
    copy_to: memory_copy_to,
    complete: memory_complete,
    copy_back: memory_copy_back,
};

unsafe fn memory<'a>(of: *const c_void) -> &'a Memory<'a> {
    // SAFETY: the caller's promise.
    unsafe { &*of.cast() }
}

unsafe extern "C" fn memory_malloc(of: *const c_void, bytes: usize) -> u64 {
    // SAFETY: passed on, here as in all that follow.
    unsafe { memory(of) }.host.malloc(bytes)
}

unsafe extern "C" fn memory_free(of: *const c_void, device: u64) {
    // SAFETY: as above.
    unsafe { memory(of) }.host.free(device);
}

unsafe extern "C" fn memory_copy_to(
    of: *const c_void,
    device: u64,
    host: *const u8,
    bytes: usize,
) -> i32 {
    // SAFETY: as above, and the orchestration's promise about the host side.
    let memory = unsafe { memory(of) };
    // SAFETY: as above.
    unsafe { memory.host.copy_to(device, host, bytes) }
}

unsafe extern "C" fn memory_complete(of: *const c_void) {
    // SAFETY: as above.
    unsafe { memory(of) }.host.complete();
}

unsafe extern "C" fn memory_copy_back(of: *const c_void, host: u64, device: u64, bytes: usize) {
    // SAFETY: as above.
    let copies = &unsafe { memory(of) }.copies;
    lock(copies).push(CopyBack {
        host,
        device,
        bytes,
    });
}

//! The programs of a simulated chip as shared objects of their own.
//!
//! Knows how bytes become the program of the control CPUs or of the cores, and refuses those of another build,
//! family or runtime. Refuses to know what either does.
//!
//! | program | loaded | kept |
//! | --- | --- | --- |
//! | of the control CPUs | when they first come, at a registration or a run | until the context is finalized |
//! | of the cores | when they first come, then when a run brings other bytes than the last | until then |

use core::ffi::{CStr, c_char, c_void};
use core::fmt;
use core::slice;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::DispatchPayload;
use aicore_abi::seam::{CoreId, Cores, Togetherness};
use aicpu::Crew;
use aicpu::image::{
    Callback, CoresTable, CrewTable, DIGEST_SYMBOL, EndRecord, MemoryTable, ORCHESTRATION,
    OrderRecord, PROGRAM_SYMBOL, Program, RUNTIME, SEAM, TEXT,
};
use aicpu::shared_object::SharedObject;
use protocol::PROTOCOL_DIGEST;
use runtime_hbg::CopyBack;

use crate::c_api::Programs;

use super::cores::SimCores;
use super::executor::{Executor, RunEnd, RunOrder};
use super::kernels::CoreCall;
use crate::error::{Error, Result};
use crate::launch::{HostRun, RunReport};
use crate::lock::lock;
use crate::program::Orchestration;

const CORE_CALL: &CStr = c"simpler_aicore_call";
const CORE_FAMILY: &CStr = c"simpler_aicore_family";

/// What an image is for, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The chip family.
    pub family: &'static str,
    /// The runtime.
    pub runtime: &'static str,
}

/// The images of one context.
#[derive(Debug)]
pub struct Images {
    wanted: Wanted,
    control: Mutex<Option<Arc<ControlImage>>>,
    cores: Mutex<Option<Arc<CoreImage>>>,
    /// What the run that is about to start has brought and nobody has loaded.
    brought: Mutex<Brought>,
}

#[derive(Default)]
struct Brought {
    control: Option<Vec<u8>>,
    cores: Option<Vec<u8>>,
}

impl fmt::Debug for Brought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Brought")
    }
}

impl Images {
    /// None yet.
    #[must_use]
    pub fn new(wanted: Wanted) -> Arc<Self> {
        Arc::new(Self {
            wanted,
            control: Mutex::default(),
            cores: Mutex::default(),
            brought: Mutex::default(),
        })
    }

    /// Loads what was brought; a run that was refused earlier loads nothing.
    pub(crate) fn load(&self) -> Result<()> {
        let brought = core::mem::take(&mut *lock(&self.brought));
        if let Some(control) = brought.control {
            let image = ControlImage::load(&control, self.wanted)?;
            *lock(&self.control) = Some(Arc::new(image));
        }
        if let Some(cores) = brought.cores {
            let image = CoreImage::load(cores, self.wanted)?;
            *lock(&self.cores) = Some(Arc::new(image));
        }
        Ok(())
    }

    pub(crate) fn cores(&self) -> Option<Arc<CoreImage>> {
        lock(&self.cores).clone()
    }
}

impl Programs for Images {
    /// Loads what there is not yet, so that a registration refuses what its runs would refuse; nothing of an image that
    /// is empty, which then comes with a run.
    fn foresee(&self, control: &[u8], cores: &[u8]) -> Result<()> {
        let mut loaded = lock(&self.control);
        if loaded.is_none() && !control.is_empty() {
            *loaded = Some(Arc::new(ControlImage::load(control, self.wanted)?));
        }
        drop(loaded);
        let mut loaded = lock(&self.cores);
        if loaded.is_none() && !cores.is_empty() {
            *loaded = Some(Arc::new(CoreImage::load(cores.to_vec(), self.wanted)?));
        }
        Ok(())
    }

    /// Takes the images that a run brings, of which those are copied that are not loaded.
    fn bring(&self, control: &[u8], cores: &[u8]) {
        let loaded = lock(&self.control).is_some();
        let same = lock(&self.cores)
            .as_ref()
            .is_some_and(|image| *image.bytes == *cores);
        *lock(&self.brought) = Brought {
            control: (!loaded).then(|| control.to_vec()),
            cores: (!same).then(|| cores.to_vec()),
        };
    }

    /// Forgets all; they are unloaded with the last run that uses them.
    fn clear(&self) {
        *lock(&self.control) = None;
        *lock(&self.cores) = None;
        *lock(&self.brought) = Brought::default();
    }

    fn set_log_level(&self, _: i32) {
        // The library has one level, which the caller sets.
    }
}

fn refused(program: &'static str, reason: impl fmt::Display) -> Error {
    Error::SimImage {
        program,
        reason: reason.to_string(),
    }
}

/// Loads an image after a look at its digest.
fn load(program: &'static str, bytes: &[u8]) -> Result<SharedObject> {
    // SAFETY: the caller of a run trusts the programs it brings.
    let object =
        unsafe { SharedObject::load(bytes, program) }.map_err(|error| refused(program, error))?;
    let Some(digest) = object.find(DIGEST_SYMBOL) else {
        return Err(refused(
            program,
            "it exports no `simpler_protocol_digest`, so it belongs to another implementation: pass the image \
             that was built with this library",
        ));
    };
    // SAFETY: the symbol is that of a number, which need not be aligned in an image of others.
    let digest = unsafe { digest.cast::<u64>().read_unaligned() };
    if digest != PROTOCOL_DIGEST {
        return Err(refused(
            program,
            format!(
                "its layout digest is {digest:#018x}, this library's {PROTOCOL_DIGEST:#018x}: build both from one \
                 source"
            ),
        ));
    }
    Ok(object)
}

fn same(program: &'static str, what: &str, has: *const c_char, wants: &str) -> Result<()> {
    // SAFETY: an image with our digest exports names closed by NUL.
    let has = unsafe { CStr::from_ptr(has) }.to_string_lossy();
    if has != wants {
        return Err(refused(
            program,
            format!(
                "it is for the {what} {has}, this library for {wants}: pass the image beside it"
            ),
        ));
    }
    Ok(())
}

/// The program of the cores.
pub(crate) struct CoreImage {
    bytes: Vec<u8>,
    pub(crate) call: CoreCall,
    #[expect(dead_code, reason = "keeps the function's code loaded")]
    object: SharedObject,
}

impl fmt::Debug for CoreImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CoreImage({} bytes)", self.bytes.len())
    }
}

impl CoreImage {
    fn load(bytes: Vec<u8>, wanted: Wanted) -> Result<Self> {
        let program = "aicore_sim";
        let object = load(program, &bytes)?;
        let find = |name| {
            object
                .require(name)
                .map_err(|error| refused(program, error))
        };
        same(program, "family", find(CORE_FAMILY)?.cast(), wanted.family)?;
        let call = find(CORE_CALL)?;
        Ok(Self {
            bytes,
            // SAFETY: an image with our digest gives the symbol this type.
            call: unsafe { core::mem::transmute::<*mut c_void, CoreCall>(call) },
            object,
        })
    }
}

/// The program of the control CPUs.
#[derive(Debug)]
pub(crate) struct ControlImage {
    program: Program,
    #[expect(dead_code, reason = "keeps the functions' code loaded")]
    object: SharedObject,
}

impl ControlImage {
    fn load(bytes: &[u8], wanted: Wanted) -> Result<Self> {
        let name = "aicpu_sim";
        let object = load(name, bytes)?;
        let program = object
            .require(PROGRAM_SYMBOL)
            .map_err(|error| refused(name, error))?;
        // SAFETY: an image with our digest gives the symbol this type.
        let program = unsafe {
            core::mem::transmute::<*mut c_void, extern "C" fn() -> *const Program>(program)
        };
        // SAFETY: the function yields a table that lives as long as the image.
        let program = unsafe { *program() };
        if program.seam != SEAM {
            return Err(refused(
                name,
                "it is of another build: build both from one source",
            ));
        }
        same(name, "family", program.family, wanted.family)?;
        same(name, "runtime", program.runtime, wanted.runtime)?;
        Ok(Self { program, object })
    }
}

/// An instance of the program of the control CPUs.
struct Instance {
    of: *mut c_void,
    // Last: closing runs its code.
    image: Arc<ControlImage>,
}

// SAFETY: an instance may be used from any thread; runs follow one another.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

impl Instance {
    fn open(image: Arc<ControlImage>) -> Self {
        // SAFETY: the function may be called any number of times.
        let of = unsafe { (image.program.open)(log_line) };
        Self { of, image }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: it was opened, and nobody uses it any more.
        unsafe { (self.image.program.close)(self.of) };
    }
}

unsafe extern "C" fn log_line(
    level: u32,
    target: *const u8,
    target_bytes: usize,
    text: *const u8,
    text_bytes: usize,
) {
    // SAFETY: the image passes texts with their lengths.
    let target = unsafe { slice::from_raw_parts(target, target_bytes) };
    // SAFETY: as above.
    let text = unsafe { slice::from_raw_parts(text, text_bytes) };
    let level = match level {
        1 => log::Level::Error,
        2 => log::Level::Warn,
        3 => log::Level::Info,
        _ => log::Level::Debug,
    };
    let target = String::from_utf8_lossy(target);
    log::log!(target: &target, level, "{}", String::from_utf8_lossy(text));
}

/// An executor whose code is in the image that the context's first run brings.
pub(crate) struct ImageExecutor {
    images: Arc<Images>,
    instance: Mutex<Option<Arc<Instance>>>,
}

impl fmt::Debug for ImageExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageExecutor")
            .field("images", &self.images)
            .finish_non_exhaustive()
    }
}

impl ImageExecutor {
    pub(crate) fn new(images: Arc<Images>) -> Self {
        Self {
            images,
            instance: Mutex::default(),
        }
    }

    fn ready(&self) -> Option<Arc<Instance>> {
        let mut instance = lock(&self.instance);
        if instance.is_none() {
            let image = lock(&self.images.control).clone()?;
            *instance = Some(Arc::new(Instance::open(image)));
        }
        instance.clone()
    }

    fn opened(&self) -> Option<Arc<Instance>> {
        lock(&self.instance).clone()
    }
}

impl Executor for ImageExecutor {
    fn run(&self, order: &RunOrder, cores: &SimCores, crew: &dyn Crew) -> RunEnd {
        let Some(instance) = self.ready() else {
            return RunEnd {
                loaded: false,
                result: Err(refused("aicpu_sim", "the run brought none")),
            };
        };
        let memory = Memory {
            host: &*order.host,
            copies: Mutex::default(),
        };
        let record = record(order, cores, &crew, &memory);
        let mut end = EndRecord::default();
        let started = Instant::now();
        // SAFETY: everything that the record points to is there until the end.
        unsafe { (instance.image.program.run)(instance.of, &raw const record, &raw mut end) };
        // Graphs that cores may still read are the image's; it is kept with the engine.
        order
            .host
            .leave(core::mem::take(&mut *lock(&memory.copies)), None);
        RunEnd {
            loaded: end.loaded != 0,
            result: match end.code {
                0 => Ok(RunReport {
                    submitted: end.submitted,
                    completed: end.completed,
                    execution: started.elapsed(),
                    ..RunReport::default()
                }),
                code => Err(failure(order.callable_id, code, &end)),
            },
        }
    }

    fn progress(&self) -> u64 {
        // SAFETY: the instance is open.
        self.opened()
            .map_or(0, |it| unsafe { (it.image.program.progress)(it.of) })
    }

    fn abort(&self) {
        if let Some(it) = self.opened() {
            // SAFETY: the instance is open.
            unsafe { (it.image.program.abort)(it.of) };
        }
    }

    fn describe(&self) -> String {
        let Some(it) = self.opened() else {
            return "the orchestration is being loaded".to_owned();
        };
        let mut text = [0; TEXT];
        // SAFETY: the instance is open and the text writable.
        let bytes = unsafe { (it.image.program.describe)(it.of, text.as_mut_ptr(), text.len()) };
        String::from_utf8_lossy(text.get(..bytes).unwrap_or_default()).into_owned()
    }

    fn forget(&self, callable_id: i32) {
        if let Some(it) = self.opened() {
            // SAFETY: the instance is open.
            unsafe { (it.image.program.forget)(it.of, callable_id) };
        }
    }
}

/// The error that an embedded control program would have returned.
fn failure(id: i32, code: i32, end: &EndRecord) -> Error {
    let text = end.text();
    match end.kind {
        RUNTIME => Error::Runtime {
            orchestrator: end.orchestrator,
            scheduler: end.scheduler,
            text,
        },
        ORCHESTRATION => Error::Orchestration { id, text },
        _ => Error::ControlProgram { code, text },
    }
}

/// Device memory of one run.
struct Memory<'a> {
    host: &'a dyn HostRun,
    copies: Mutex<Vec<CopyBack>>,
}

fn nanoseconds(time: core::time::Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn record(
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

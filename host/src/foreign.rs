//! A host runtime that is a library of its own, behind the same [`Device`] as the chips of this build.
//!
//! Knows the C interface of host runtimes and where the parts of one stand. Refuses to know who built them.
//!
//! ```text
//! <dir>/{libhost_runtime.so, libaicpu_kernel.so, libaicore_kernel.so or aicore_kernel.o}
//! <dir> or up to three folders above it, there or in `lib`: libsimpler_log.so, libcpu_sim_context.so
//! ```
//!
//! The interface allows one call per context at a time, so calls wait for one another here. A library that knows
//! our extension is told deadlines and sizes and asked what it did and what went wrong; to others sizes of rings go
//! through the environment, which they read themselves, deadlines are their own, and a failure is a number.

mod interface;
mod rank;

use core::ffi::{CStr, c_char, c_int, c_void};
use core::fmt;
use core::ops::Deref;
use core::time::Duration;
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytemuck::Zeroable;
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};
use platform::{
    Comm, Device, DeviceAddress, Error as DeviceError, Kernel, MemoryStats, Orchestration, Program,
    RunOptions, RunReport,
};
use protocol::callable::{ChipCallableBuilder, CoreCallable, core_callable_image};
use protocol::extension::{Holdings, RunRecord, RunSettings};
use protocol::{CallConfig, ChipStorageTaskArgs};

use self::interface::{Extension, Functions, Handle};
use self::rank::Rank;
use crate::error::{Error, Result};
use crate::worker::ChipWorker;

/// The library of a host runtime, and the programs that it starts on its chip.
const RUNTIME: &str = "libhost_runtime.so";
const CONTROL: &str = "libaicpu_kernel.so";
const CORES: &str = "libaicore_kernel.so";
/// What a real chip's cores run instead.
const CORE_PROGRAM: &str = "aicore_kernel.o";
/// Libraries that are loaded before it, for the whole process; the second only matters in simulation.
const LOG: &str = "libsimpler_log.so";
const CONTEXT: &str = "libcpu_sim_context.so";

impl ChipWorker {
    /// A worker on the host runtime in `dir`, whoever built it; not attached to a chip yet.
    ///
    /// # Errors
    ///
    /// A file is not there or cannot be loaded, or the library lacks functions, which the error names.
    ///
    /// # Safety
    ///
    /// The libraries in `dir` are what their names say: loading runs their code.
    pub unsafe fn open(dir: &Path) -> Result<Self> {
        // SAFETY: the caller's promise.
        Ok(Self::new(Box::new(unsafe { Foreign::open(dir) }?)))
    }
}

/// A device of a host runtime that was loaded by path.
#[derive(Debug)]
struct Foreign {
    runtime: Arc<Runtime>,
    control: Vec<u8>,
    cores: Vec<u8>,
    platform: &'static str,
}

/// What a device and its ranks share: the library with one context. Goes with the last of them.
struct Runtime {
    context: Mutex<Context>,
    functions: Functions,
    extension: Option<Extension>,
    // Last: everything above is of it.
    _library: Library,
}

/// The library's context, used by one call at a time.
struct Context {
    handle: Handle,
    device_id: Option<i32>,
    /// What the library was told of coming runs.
    settings: Option<RunSettings>,
    /// What a run is lent; as the interface wants it, with the alignment of words.
    buffer: Vec<u64>,
}

// SAFETY: the interface binds a context to no thread; one call at a time is what the lock is for.
unsafe impl Send for Context {}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

fn failed(path: &Path, reason: impl fmt::Display) -> Error {
    Error::Runtime {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

fn read(path: PathBuf) -> Result<Vec<u8>> {
    std::fs::read(&path).map_err(|error| failed(&path, error))
}

/// Loads a companion library for the whole process, if there is one and it is not there already.
///
/// # Safety
/// The library is what its name says.
unsafe fn load_companion(dir: &Path, name: &str, symbol: &[u8]) -> Result<()> {
    // SAFETY: only whether it is there is asked.
    if unsafe { Library::this().get::<*const c_void>(symbol) }.is_ok() {
        return Ok(());
    }
    let candidates = dir.ancestors().take(4);
    let places = candidates.flat_map(|folder| [folder.join(name), folder.join("lib").join(name)]);
    let Some(path) = places.into_iter().find(|path| path.is_file()) else {
        return if name == LOG {
            Err(failed(
                &dir.join(name),
                "there is none here or up to three folders above",
            ))
        } else {
            Ok(())
        };
    };
    // SAFETY: the caller's promise.
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) }
        .map_err(|error| failed(&path, loader_text(&error)))?;
    // Others have its addresses for as long as the process lives.
    core::mem::forget(library);
    Ok(())
}

fn loader_text(error: &libloading::Error) -> String {
    core::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

impl Foreign {
    /// # Safety
    /// The libraries in `dir` are what their names say.
    unsafe fn open(dir: &Path) -> Result<Self> {
        let dir = &dir.canonicalize().map_err(|error| failed(dir, error))?;
        // SAFETY: the caller's promise, here as in all that follow.
        unsafe { load_companion(dir, LOG, b"unified_log_error\0") }?;
        // SAFETY: as above.
        unsafe { load_companion(dir, CONTEXT, b"pto_cpu_sim_bind_device\0") }?;
        let path = dir.join(RUNTIME);
        // SAFETY: as above.
        let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }
            .map_err(|error| failed(&path, loader_text(&error)))?;
        // SAFETY: as above.
        let functions = unsafe { Functions::of(&library) }
            .map_err(|missing| failed(&path, format!("it lacks {}", missing.join(", "))))?;
        // SAFETY: as above.
        let extension = unsafe { Extension::of(&library) }.ok();
        let control = read(dir.join(CONTROL))?;
        let program = dir.join(CORE_PROGRAM);
        let cores = read(if program.exists() {
            program
        } else {
            dir.join(CORES)
        })?;
        // SAFETY: as above.
        let platform = unsafe { platform(&library) };
        // SAFETY: the function takes nothing.
        let words = unsafe { (functions.get_runtime_size)() }.div_ceil(8);
        // SAFETY: as above.
        let handle = unsafe { (functions.create_device_context)() };
        if handle.is_null() {
            return Err(failed(&path, "it makes no device context"));
        }
        Ok(Self {
            runtime: Arc::new(Runtime {
                context: Mutex::new(Context {
                    handle,
                    device_id: None,
                    settings: None,
                    buffer: vec![0; words],
                }),
                functions,
                extension,
                _library: library,
            }),
            control,
            cores,
            platform,
        })
    }
}

impl Runtime {
    fn lock(&self) -> MutexGuard<'_, Context> {
        self.context.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attached(&self, operation: &'static str) -> platform::Result<MutexGuard<'_, Context>> {
        let context = self.lock();
        match context.device_id {
            Some(_) => Ok(context),
            None => Err(DeviceError::NotAttached { operation }),
        }
    }

    /// What the code says of the call that this thread has just made.
    fn check(&self, function: &'static str, code: c_int) -> platform::Result<()> {
        match code {
            0 => Ok(()),
            code => Err(DeviceError::Library {
                function,
                code,
                words: self.words(),
            }),
        }
    }

    /// What the library says of the call that this thread has just made, if it went wrong.
    fn words(&self) -> Option<String> {
        let ask = self.extension.as_ref()?.simpler_last_error;
        // SAFETY: null asks for the length alone.
        let bytes = unsafe { ask(core::ptr::null_mut(), 0) };
        let mut words = vec![0_u8; bytes];
        // SAFETY: the place is as large as said.
        unsafe { ask(words.as_mut_ptr().cast(), bytes) };
        (bytes > 0).then(|| String::from_utf8_lossy(&words).into_owned())
    }

    /// The same for a call that has no code.
    fn heard(&self, function: &'static str) -> platform::Result<()> {
        match self.words() {
            None => Ok(()),
            words => Err(DeviceError::Library {
                function,
                code: -1,
                words,
            }),
        }
    }

    /// Tells the library how coming runs are to be done, unless it knows.
    fn tell(&self, context: &mut Context, settings: RunSettings) -> platform::Result<()> {
        if let Some(extension) = &self.extension
            && context.settings != Some(settings)
        {
            // SAFETY: the context is the library's and ours alone. Whoever let runs use memory that the
            // library does not know has promised that it is there.
            let code =
                unsafe { (extension.simpler_run_settings)(context.handle, &raw const settings) };
            self.check("simpler_run_settings", code)?;
            context.settings = Some(settings);
        }
        Ok(())
    }
}

impl Foreign {
    /// What the context holds; nothing where the interface does not say.
    fn holdings(&self) -> Holdings {
        let mut held = Holdings::zeroed();
        if let Some(extension) = &self.extension {
            let context = self.lock();
            // SAFETY: as for every call; the record is ours, and stays as it is if that fails.
            unsafe { (extension.simpler_holdings)(context.handle, &raw mut held) };
        }
        held
    }
}

/// The options of a run as the library takes them.
fn settings(options: &RunOptions, talking: bool) -> RunSettings {
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    RunSettings {
        run: nanoseconds(options.deadlines.run),
        no_progress: nanoseconds(options.deadlines.no_progress),
        grace: nanoseconds(options.deadlines.grace),
        task_window: options.rings.task_window.unwrap_or(0),
        heap_bytes: options.rings.heap_bytes.unwrap_or(0),
        dep_pool: options.rings.dep_pool.unwrap_or(0),
        orchestrator_schedules: options.orchestrator_schedules.into(),
        foreign_memory: options.foreign_memory.is_promised().into(),
        talking: talking.into(),
        reserved: 0,
    }
}

/// The name that a library gives its platform.
///
/// # Safety
/// What it exports as `get_platform` yields a string.
unsafe fn platform(library: &Library) -> &'static str {
    // SAFETY: the caller's promise.
    let name = unsafe { library.get::<unsafe extern "C" fn() -> *const c_char>(b"get_platform\0") };
    let Ok(name) = name else {
        return "a library";
    };
    // SAFETY: as above.
    let name = unsafe { name() };
    // SAFETY: as above.
    let name = unsafe { CStr::from_ptr(name) };
    match name.to_bytes() {
        b"a2a3sim" => "a2a3sim",
        b"a5sim" => "a5sim",
        b"a2a3" => "a2a3",
        b"a5" => "a5",
        _ => "a library",
    }
}

fn place(address: DeviceAddress) -> *mut c_void {
    let address = usize::try_from(address.0).unwrap_or(usize::MAX);
    core::ptr::with_exposed_provenance_mut(address)
}

/// The image that the library takes.
fn image(program: &Program) -> platform::Result<Vec<u8>> {
    let only_images = |what| DeviceError::Unsupported {
        what,
        machine: "a runtime that was loaded by path",
        instead: "give it as a shared object",
    };
    let (bytes, entry, config) = shared_object(&program.orchestration)
        .ok_or_else(|| only_images("an orchestration that is a function of this process"))?;
    let mut kernels = Vec::with_capacity(program.kernels.len());
    for it in &program.kernels {
        let Kernel::Image(payload) = &it.kernel else {
            return Err(only_images("a kernel that is a function of this process"));
        };
        kernels.push((it.func_id, core_callable_image(&[], payload)?));
    }
    let mut builder = ChipCallableBuilder::new(bytes)
        .signature(&program.signature)
        .func_name(entry)
        .config_name(config);
    for (func_id, kernel) in &kernels {
        builder = builder.child(*func_id, CoreCallable::read(kernel)?);
    }
    Ok(builder.build()?)
}

impl Deref for Foreign {
    type Target = Runtime;

    fn deref(&self) -> &Runtime {
        &self.runtime
    }
}

impl Device for Foreign {
    fn platform(&self) -> &'static str {
        self.platform
    }

    fn init(&self, device_id: i32) -> platform::Result<()> {
        let mut context = self.lock();
        let level = match log::max_level() {
            log::LevelFilter::Off => 4,
            log::LevelFilter::Error => 3,
            log::LevelFilter::Warn => 2,
            log::LevelFilter::Info => 1,
            log::LevelFilter::Debug | log::LevelFilter::Trace => 0,
        };
        // SAFETY: the context is the library's and ours alone, here as in all that follow.
        let code = unsafe { (self.functions.simpler_init)(context.handle, device_id, level, 5) };
        self.check("simpler_init", code)?;
        context.device_id = Some(device_id);
        Ok(())
    }

    fn finalize(&self) -> platform::Result<()> {
        let mut context = self.lock();
        context.device_id = None;
        // SAFETY: as above.
        let code = unsafe { (self.functions.finalize_device)(context.handle) };
        self.check("finalize_device", code)
    }

    fn device_id(&self) -> Option<i32> {
        self.lock().device_id
    }

    fn malloc(&self, bytes: u64) -> platform::Result<DeviceAddress> {
        let context = self.attached("malloc")?;
        let size = usize::try_from(bytes).unwrap_or(usize::MAX);
        // SAFETY: as above.
        let memory = unsafe { (self.functions.device_malloc_ctx)(context.handle, size) };
        if memory.is_null() {
            self.heard("device_malloc_ctx")?;
            return Err(DeviceError::OutOfMemory {
                bytes,
                in_use: 0,
                reason: "the library gives none".to_owned(),
            });
        }
        Ok(DeviceAddress(memory.expose_provenance() as u64))
    }

    fn free(&self, address: DeviceAddress) -> platform::Result<()> {
        let context = self.attached("free")?;
        // SAFETY: as above; what the address is worth is the library's to say.
        unsafe { (self.functions.device_free_ctx)(context.handle, place(address)) };
        self.heard("device_free_ctx")
    }

    fn copy_to(&self, to: DeviceAddress, from: &[u8]) -> platform::Result<()> {
        let context = self.attached("copy_to")?;
        let (function, first) = (self.functions.copy_to_device_ctx, from.as_ptr().cast());
        // SAFETY: as above; the host side is a slice.
        let code = unsafe { function(context.handle, place(to), first, from.len()) };
        self.check("copy_to_device_ctx", code)
    }

    fn copy_from(&self, to: &mut [u8], from: DeviceAddress) -> platform::Result<()> {
        let context = self.attached("copy_from")?;
        let (function, first) = (self.functions.copy_from_device_ctx, to.as_mut_ptr().cast());
        // SAFETY: as above; the host side is a slice that is ours.
        let code = unsafe { function(context.handle, first, place(from), to.len()) };
        self.check("copy_from_device_ctx", code)
    }

    fn prepare(&self, callable_id: i32, program: &Program) -> platform::Result<()> {
        program.check(callable_id)?;
        let image = image(program)?;
        let context = self.attached("prepare")?;
        // SAFETY: as above; the image is whole, and the library may write to none of it but ours.
        let code = unsafe {
            (self.functions.prepare_callable)(
                context.handle,
                callable_id,
                image.as_ptr().cast(),
                context.device_id.unwrap_or(-1),
                self.control.as_ptr(),
                self.control.len(),
                self.cores.as_ptr(),
                self.cores.len(),
            )
        };
        self.check("prepare_callable", code)
    }

    unsafe fn run(
        &self,
        callable_id: i32,
        args: &ChipStorageTaskArgs,
        config: &CallConfig,
        options: &RunOptions,
    ) -> platform::Result<RunReport> {
        if self.extension.is_none() {
            // A library that says why it refuses something knows more of its chip than this.
            config.validate()?;
            args.view()?;
        }
        let prefix = CString::new(config.output_prefix()?).unwrap_or_default();
        let mut context = self.attached("run")?;
        let device_id = context.device_id.unwrap_or(-1);
        let talking = context.settings.is_some_and(|told| told.talking != 0);
        self.tell(&mut context, settings(options, talking))?;
        // SAFETY: as above, and the caller's promise about the tensors.
        let code = unsafe {
            (self.functions.run_prepared)(
                context.handle,
                context.buffer.as_mut_ptr().cast(),
                callable_id,
                core::ptr::from_ref(args).cast(),
                config.block_dim,
                config.aicpu_thread_num,
                device_id,
                self.control.as_ptr(),
                self.control.len(),
                self.cores.as_ptr(),
                self.cores.len(),
                config.enable_l2_swimlane,
                config.enable_dump_tensor,
                config.enable_pmu,
                prefix.as_ptr(),
            )
        };
        self.check("run_prepared", code)?;
        let Some(extension) = &self.extension else {
            // The interface tells nothing of what was done.
            return Ok(RunReport::default());
        };
        let mut done = RunRecord::zeroed();
        // SAFETY: as above; the record is ours.
        let code = unsafe { (extension.simpler_last_run)(context.handle, &raw mut done) };
        self.check("simpler_last_run", code)?;
        Ok(RunReport {
            submitted: done.submitted,
            completed: done.completed,
            kernels: done.kernels,
            copied_in: done.copied_in,
            copied_out: done.copied_out,
            execution: Duration::from_nanos(done.execution),
        })
    }

    fn unregister(&self, callable_id: i32) -> platform::Result<()> {
        let context = self.attached("unregister")?;
        // SAFETY: as above.
        let code = unsafe { (self.functions.unregister_callable)(context.handle, callable_id) };
        self.check("unregister_callable", code)
    }

    fn join(
        &self,
        rank: i32,
        ranks: i32,
        meeting: &[u8],
        _patience: Duration,
    ) -> platform::Result<Box<dyn Comm>> {
        let meeting = CString::new(meeting).unwrap_or_default();
        let context = self.attached("join")?;
        let device_id = context.device_id.unwrap_or(-1);
        // SAFETY: as above.
        let code = unsafe { (self.functions.ensure_acl_ready_ctx)(context.handle, device_id) };
        self.check("ensure_acl_ready_ctx", code)?;
        // SAFETY: as above.
        let stream = unsafe { (self.functions.create_comm_stream_ctx)(context.handle) };
        drop(context);
        let mut joined = Rank {
            runtime: Arc::clone(&self.runtime),
            rank: u32::try_from(rank).unwrap_or(0),
            ranks: u32::try_from(ranks).unwrap_or(0),
            stream,
            handle: core::ptr::null_mut(),
        };
        // SAFETY: the stream is the library's, the path a string.
        joined.handle =
            unsafe { (self.functions.comm_init)(rank, ranks, stream, meeting.as_ptr()) };
        if joined.handle.is_null() {
            self.heard("comm_init")?;
            return Err(DeviceError::Comm {
                rank: joined.rank,
                ranks: joined.ranks,
                text: "the library refuses; its log says why".to_owned(),
            });
        }
        Ok(Box::new(joined))
    }

    fn set_talking(&self, talking: bool) -> platform::Result<()> {
        let mut context = self.attached("set_talking")?;
        let told = context
            .settings
            .unwrap_or_else(|| settings(&RunOptions::default(), talking));
        let talking = talking.into();
        self.tell(&mut context, RunSettings { talking, ..told })
    }

    fn aicpu_dlopen_count(&self) -> u64 {
        // SAFETY: as above.
        unsafe { (self.functions.get_aicpu_dlopen_count)(self.lock().handle) as u64 }
    }

    fn host_dlopen_count(&self) -> u64 {
        // SAFETY: as above.
        unsafe { (self.functions.get_host_dlopen_count)(self.lock().handle) as u64 }
    }

    fn loaded_kernels(&self) -> usize {
        usize::try_from(self.holdings().kernels).unwrap_or(usize::MAX)
    }

    fn memory(&self) -> MemoryStats {
        let held = self.holdings();
        MemoryStats {
            allocations: held.allocations,
            allocated: held.allocated,
            pooled_buffers: held.pooled_buffers,
            pooled: held.pooled,
            bound_buffers: held.bound_buffers,
            bound: held.bound,
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let handle = self.lock().handle;
        // SAFETY: as above; it is not used after this.
        unsafe { (self.functions.destroy_device_context)(handle) };
    }
}

/// Bytes, entry and configuration function of an orchestration that is a shared object.
fn shared_object(orchestration: &Orchestration) -> Option<(&[u8], &[u8], &[u8])> {
    match orchestration {
        #[cfg(feature = "trb")]
        Orchestration::Trb(aicpu::trb::Orchestration::Image(image)) => Some((
            &image.bytes,
            image.entry.to_bytes(),
            image.config.to_bytes(),
        )),
        #[cfg(feature = "hbg")]
        Orchestration::Hbg(aicpu::hbg::Orchestration::Image(image)) => {
            Some((&image.bytes, image.entry.to_bytes(), b""))
        }
        _ => None,
    }
}

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
//!
//! | question | file |
//! | --- | --- |
//! | where do its parts stand? | `parts` |
//! | which functions does it export? | `interface` |
//! | what is told and asked with a call? | `runtime` |
//! | how does it take a program? | `image` |
//! | how do its chips become ranks? | `rank` |
//!
//! Here → `rank`, `parts`, `image` → `runtime` → `interface`, never back.

mod image;
mod interface;
mod parts;
mod rank;
mod runtime;

use core::ffi::c_void;
use core::ops::Deref;
use core::time::Duration;
use std::ffi::CString;
use std::path::Path;
use std::sync::Arc;

use bytemuck::Zeroable;
use platform::{
    Comm, Device, DeviceAddress, Error as DeviceError, MemoryStats, Program, RunOptions, RunReport,
};
use protocol::extension::{RunRecord, RunSettings};
use protocol::{CallConfig, ChipStorageTaskArgs};

use self::image::image;
use self::interface::{Extension, Functions};
use self::parts::failed;
use self::rank::Rank;
use self::runtime::{Runtime, settings};
use crate::error::Result;
use crate::worker::ChipWorker;

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

impl Foreign {
    /// # Safety
    /// The libraries in `dir` are what their names say.
    unsafe fn open(dir: &Path) -> Result<Self> {
        let dir = &dir.canonicalize().map_err(|error| failed(dir, error))?;
        // SAFETY: the caller's promise, here as in all that follow.
        let (library, path) = unsafe { parts::library(dir) }?;
        // SAFETY: as above.
        let functions = unsafe { Functions::of(&library) }
            .map_err(|missing| failed(&path, format!("it lacks {}", missing.join(", "))))?;
        // SAFETY: as above.
        let extension = unsafe { Extension::of(&library) }.ok();
        let (control, cores) = parts::programs(dir)?;
        // SAFETY: as above.
        let platform = unsafe { parts::platform(&library) };
        // SAFETY: as above.
        let runtime = unsafe { Runtime::open(library, functions, extension) }
            .ok_or_else(|| failed(&path, "it makes no device context"))?;
        Ok(Self {
            runtime: Arc::new(runtime),
            control,
            cores,
            platform,
        })
    }
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

fn place(address: DeviceAddress) -> *mut c_void {
    let address = usize::try_from(address.0).unwrap_or(usize::MAX);
    core::ptr::with_exposed_provenance_mut(address)
}

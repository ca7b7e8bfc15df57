//! One context of a loaded library, and what is said with it.
//!
//! Knows that the interface allows one call at a time, and what a library with our extension is told and asked. Refuses
//! to know what a call is for.

use core::ffi::c_int;
use core::fmt;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytemuck::Zeroable;
use libloading::os::unix::Library;
use platform::{Error as DeviceError, RunOptions};
use protocol::extension::{Holdings, RunSettings};

use super::interface::{Extension, Functions, Handle};

/// What a device and its ranks share: the library with one context. Goes with the last of them.
pub(super) struct Runtime {
    context: Mutex<Context>,
    pub(super) functions: Functions,
    pub(super) extension: Option<Extension>,
    // Last: everything above is of it.
    _library: Library,
}

/// The library's context, used by one call at a time.
pub(super) struct Context {
    pub(super) handle: Handle,
    pub(super) device_id: Option<i32>,
    /// What the library was told of coming runs.
    pub(super) settings: Option<RunSettings>,
    /// What a run is lent; as the interface wants it, with the alignment of words.
    pub(super) buffer: Vec<u64>,
}

// SAFETY: the interface binds a context to no thread; one call at a time is what the lock is for.
unsafe impl Send for Context {}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

impl Runtime {
    /// The library with a context of its own, if it makes one.
    ///
    /// # Safety
    /// The functions are the library's.
    pub(super) unsafe fn open(
        library: Library,
        functions: Functions,
        extension: Option<Extension>,
    ) -> Option<Self> {
        // SAFETY: the function takes nothing.
        let words = unsafe { (functions.get_runtime_size)() }.div_ceil(8);
        // SAFETY: as above.
        let handle = unsafe { (functions.create_device_context)() };
        (!handle.is_null()).then(|| Self {
            context: Mutex::new(Context {
                handle,
                device_id: None,
                settings: None,
                buffer: vec![0; words],
            }),
            functions,
            extension,
            _library: library,
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Context> {
        self.context.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn attached(
        &self,
        operation: &'static str,
    ) -> platform::Result<MutexGuard<'_, Context>> {
        let context = self.lock();
        match context.device_id {
            Some(_) => Ok(context),
            None => Err(DeviceError::NotAttached { operation }),
        }
    }

    /// What the code says of the call that this thread has just made.
    pub(super) fn check(&self, function: &'static str, code: c_int) -> platform::Result<()> {
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
    pub(super) fn heard(&self, function: &'static str) -> platform::Result<()> {
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
    pub(super) fn tell(
        &self,
        context: &mut Context,
        settings: RunSettings,
    ) -> platform::Result<()> {
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

    /// What the context holds; nothing where the interface does not say.
    pub(super) fn holdings(&self) -> Holdings {
        let mut held = Holdings::zeroed();
        if let Some(extension) = &self.extension {
            let context = self.lock();
            // SAFETY: as for every call; the record is ours, and stays as it is if that fails.
            unsafe { (extension.simpler_holdings)(context.handle, &raw mut held) };
        }
        held
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let handle = self.lock().handle;
        // SAFETY: the context is the library's, and this was its last holder; it is not used after this.
        unsafe { (self.functions.destroy_device_context)(handle) };
    }
}

/// The options of a run as the library takes them.
pub(super) fn settings(options: &RunOptions, talking: bool) -> RunSettings {
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

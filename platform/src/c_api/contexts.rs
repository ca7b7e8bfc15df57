//! Contexts, their chips, and the memory of those.
//!
//! Knows which calls make, attach, fill and end a context. Refuses to know what runs.

use core::ffi::{c_int, c_void};
use core::slice;

use super::comm::in_a_window;
use super::context::Context;
use super::extra::Extra;
use super::guard::{code, guard};
use super::library::Library;
use super::logging;
use super::pointers::{address, in_memory, non_null, pointer};

impl Library {
    /// A context that is not attached yet.
    pub fn create(&self) -> *mut c_void {
        logging::install();
        guard(
            "create_device_context",
            |_| core::ptr::null_mut(),
            || {
                let (device, programs) = (self.backend.device)(self.backend.runtime);
                let extra = Extra::default();
                Ok(self.contexts.insert(Context {
                    device,
                    programs,
                    extra,
                }))
            },
        )
    }

    /// Finalizes a context and forgets it; null is fine.
    pub fn destroy(&self, context: *mut c_void) {
        if context.is_null() {
            return;
        }
        code("destroy_device_context", || {
            self.contexts.remove(context)?.finalize()
        });
    }

    /// Attaches a context to a chip, and only then sets the log level.
    pub fn init(&self, context: *mut c_void, device_id: c_int, level: c_int, info: c_int) -> c_int {
        code("simpler_init", || {
            let device = self.contexts.get(context)?;
            device.programs.set_log_level(level);
            device.init(device_id)?;
            device.set_talking(device.extra.talking() || self.has_ranks())?;
            logging::configure(level, info);
            Ok(())
        })
    }

    /// Releases what a context holds.
    pub fn finalize(&self, context: *mut c_void) -> c_int {
        code("finalize_device", || self.contexts.get(context)?.finalize())
    }

    /// Device memory, or null.
    pub fn malloc(&self, context: *mut c_void, bytes: usize) -> *mut c_void {
        guard(
            "device_malloc_ctx",
            |_| core::ptr::null_mut(),
            || {
                let address = self.contexts.get(context)?.malloc(bytes as u64)?;
                Ok(pointer(address).cast())
            },
        )
    }

    /// Gives device memory back; null is fine.
    pub fn free(&self, context: *mut c_void, memory: *mut c_void) {
        if memory.is_null() {
            return;
        }
        code("device_free_ctx", || {
            Ok(self.contexts.get(context)?.free(address(memory))?)
        });
    }

    /// Copies to device memory or to a window.
    ///
    /// # Safety
    /// `from` is null or readable for `bytes`.
    pub unsafe fn copy_to(
        &self,
        context: *mut c_void,
        to: *mut c_void,
        from: *const c_void,
        bytes: usize,
    ) -> c_int {
        code("copy_to_device_ctx", || {
            let device = self.contexts.get(context)?;
            in_memory("copy_to", to)?;
            non_null("host address", from)?;
            if in_a_window(&self.ranks, to, bytes) {
                // SAFETY: the caller's promise about `from`; the window is there, and copies of one rank
                // follow one another.
                unsafe { to.cast::<u8>().copy_from(from.cast(), bytes) };
                return Ok(());
            }
            // SAFETY: the caller's promise.
            let from = unsafe { slice::from_raw_parts(from.cast(), bytes) };
            Ok(device.copy_to(address(to), from)?)
        })
    }

    /// Copies from device memory or from a window.
    ///
    /// # Safety
    /// `to` is null or writable for `bytes`.
    pub unsafe fn copy_from(
        &self,
        context: *mut c_void,
        to: *mut c_void,
        from: *const c_void,
        bytes: usize,
    ) -> c_int {
        code("copy_from_device_ctx", || {
            let device = self.contexts.get(context)?;
            non_null("host address", to)?;
            in_memory("copy_from", from)?;
            if in_a_window(&self.ranks, from, bytes) {
                // SAFETY: as for copying to a window.
                unsafe { to.cast::<u8>().copy_from(from.cast(), bytes) };
                return Ok(());
            }
            // SAFETY: the caller's promise.
            let to = unsafe { slice::from_raw_parts_mut(to.cast(), bytes) };
            Ok(device.copy_from(to, address(from))?)
        })
    }
}

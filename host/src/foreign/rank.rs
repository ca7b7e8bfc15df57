//! A rank of a communicator that a library makes.
//!
//! Knows that the handle is left once. Refuses to know how ranks find each other.

use core::ffi::c_void;
use std::sync::Arc;

use platform::{Comm, DeviceAddress};

use super::interface::Handle;
use super::runtime::Runtime;

/// A rank of a communicator of the library.
#[derive(Debug)]
pub(super) struct Rank {
    pub(super) runtime: Arc<Runtime>,
    pub(super) rank: u32,
    pub(super) ranks: u32,
    pub(super) stream: *mut c_void,
    /// Null when it has left.
    pub(super) handle: Handle,
}

// SAFETY: the interface binds a rank to no thread; its calls come one at a time from whoever has it.
unsafe impl Send for Rank {}
// SAFETY: shared, it can only ask and wait, which the library allows from any thread.
unsafe impl Sync for Rank {}

impl Rank {
    fn leave(&mut self) -> platform::Result<()> {
        let handle = core::mem::replace(&mut self.handle, core::ptr::null_mut());
        let mut left = Ok(());
        if !handle.is_null() {
            // SAFETY: the handle is the library's and not used again.
            let code = unsafe { (self.runtime.functions.comm_destroy)(handle) };
            left = self.runtime.check("comm_destroy", code);
        }
        let stream = core::mem::replace(&mut self.stream, core::ptr::null_mut());
        if !stream.is_null() {
            let context = self.runtime.lock();
            // SAFETY: as above, for the stream.
            let destroyed =
                unsafe { (self.runtime.functions.destroy_comm_stream_ctx)(context.handle, stream) };
            left?;
            return self.runtime.check("destroy_comm_stream_ctx", destroyed);
        }
        left
    }
}

impl Comm for Rank {
    fn rank(&self) -> u32 {
        self.rank
    }

    fn ranks(&self) -> u32 {
        self.ranks
    }

    fn alloc_windows(&mut self, bytes: u64) -> platform::Result<DeviceAddress> {
        let mut context = 0;
        let size = usize::try_from(bytes).unwrap_or(usize::MAX);
        // SAFETY: the handle is the library's and live, here as in all that follow.
        let code = unsafe {
            (self.runtime.functions.comm_alloc_windows)(self.handle, size, &raw mut context)
        };
        self.runtime.check("comm_alloc_windows", code)?;
        Ok(DeviceAddress(context))
    }

    fn window_base(&self) -> DeviceAddress {
        let mut base = 0;
        // SAFETY: as above.
        unsafe {
            (self.runtime.functions.comm_get_local_window_base)(self.handle, &raw mut base);
        }
        DeviceAddress(base)
    }

    fn window_bytes(&self) -> u64 {
        let mut size = 0;
        // SAFETY: as above.
        unsafe { (self.runtime.functions.comm_get_window_size)(self.handle, &raw mut size) };
        size as u64
    }

    fn barrier(&self) -> platform::Result<()> {
        // SAFETY: as above.
        let code = unsafe { (self.runtime.functions.comm_barrier)(self.handle) };
        self.runtime.check("comm_barrier", code)
    }

    fn destroy(mut self: Box<Self>) -> platform::Result<()> {
        self.leave()
    }
}

impl Drop for Rank {
    fn drop(&mut self) {
        if let Err(error) = self.leave() {
            log::warn!("a rank left badly: {error}");
        }
    }
}

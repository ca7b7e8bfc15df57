//! The functions beyond the shared interface: records of `protocol::extension`.
//!
//! Knows the records. Refuses to keep what is in them: that is `extra`.

use core::ffi::{c_int, c_void};
use core::slice;

use protocol::extension::{Holdings, RunRecord, RunSettings};

use super::extra::settings;
use super::guard::code;
use super::last_error;
use super::library::Library;
use super::pointers::non_null;

impl Library {
    /// Copies the words of the calling thread's last call, and says how many bytes there are.
    ///
    /// # Safety
    /// `text` is null or writable for `capacity`.
    pub unsafe fn last_error(&self, text: *mut u8, capacity: usize) -> usize {
        if text.is_null() {
            return last_error::copy_to(&mut []);
        }
        // SAFETY: the caller's promise.
        last_error::copy_to(unsafe { slice::from_raw_parts_mut(text, capacity) })
    }

    /// Takes settings of a context's coming runs; null goes back to the environment's.
    ///
    /// # Safety
    /// `record` is null or readable; if it allows memory that the context does not know, that is there.
    pub unsafe fn set_run_settings(
        &self,
        context: *mut c_void,
        record: *const RunSettings,
    ) -> c_int {
        code("simpler_run_settings", || {
            let context = self.contexts.get(context)?;
            let chosen = if record.is_null() {
                None
            } else {
                // SAFETY: the caller's promise; nothing is known about its alignment.
                let record = unsafe { record.read_unaligned() };
                // SAFETY: the caller's promise.
                Some(unsafe { settings(&record) })
            };
            context.extra.choose(chosen);
            if context.device_id().is_some() {
                context.set_talking(context.extra.talking() || self.has_ranks())?;
            }
            Ok(())
        })
    }

    /// Writes down what a context's last run that went well did.
    ///
    /// # Safety
    /// `record` is null or writable.
    pub unsafe fn last_run(&self, context: *mut c_void, record: *mut RunRecord) -> c_int {
        code("simpler_last_run", || {
            let context = self.contexts.get(context)?;
            non_null("place for the record", record)?;
            let report = context.extra.last_run();
            let done = RunRecord {
                submitted: report.submitted,
                completed: report.completed,
                kernels: report.kernels,
                copied_in: report.copied_in,
                copied_out: report.copied_out,
                execution: u64::try_from(report.execution.as_nanos()).unwrap_or(u64::MAX),
            };
            // SAFETY: the caller's promise.
            unsafe { record.write_unaligned(done) };
            Ok(())
        })
    }

    /// Writes down what a context holds.
    ///
    /// # Safety
    /// `record` is null or writable.
    pub unsafe fn holdings(&self, context: *mut c_void, record: *mut Holdings) -> c_int {
        code("simpler_holdings", || {
            let context = self.contexts.get(context)?;
            non_null("place for the record", record)?;
            let memory = context.memory();
            let held = Holdings {
                allocations: memory.allocations,
                allocated: memory.allocated,
                pooled_buffers: memory.pooled_buffers,
                pooled: memory.pooled,
                bound_buffers: memory.bound_buffers,
                bound: memory.bound,
                kernels: context.loaded_kernels() as u64,
            };
            // SAFETY: the caller's promise.
            unsafe { record.write_unaligned(held) };
            Ok(())
        })
    }
}

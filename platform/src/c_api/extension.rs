//! What a program that looks for more is told and may choose: records of `protocol::extension`.
//!
//! Knows the settings and the last run of each context. Refuses to let anything depend on them being used:
//! without them a context behaves as the shared interface says.

use core::ffi::{c_int, c_void};
use core::slice;
use core::time::Duration;
use std::sync::Mutex;

use protocol::extension::{Holdings, RunRecord, RunSettings};

use super::guard::code;
use super::last_error;
use super::library::{Library, non_null};
use crate::launch::RunReport;
use crate::lock::lock;
use crate::options::{Deadlines, ForeignMemory, Rings, RunOptions};

/// One context's part of it.
#[derive(Debug, Default)]
pub(super) struct Extra {
    settings: Mutex<Option<Settings>>,
    last_run: Mutex<RunReport>,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    options: RunOptions,
    talking: bool,
}

impl Extra {
    /// How the context's next run is to be done.
    pub(super) fn options(&self) -> RunOptions {
        if let Some(settings) = *lock(&self.settings) {
            return settings.options;
        }
        RunOptions {
            // SAFETY: the interface makes it the caller's promise that child memory is there.
            foreign_memory: unsafe { ForeignMemory::promised() },
            ..RunOptions::from_environment(|name| std::env::var(name).ok())
        }
    }

    /// Whether the caller said that kernels may wait for other chips.
    pub(super) fn talking(&self) -> bool {
        lock(&self.settings).is_some_and(|settings| settings.talking)
    }

    /// A run went well.
    pub(super) fn ran(&self, report: &RunReport) {
        *lock(&self.last_run) = *report;
    }
}

/// What `record` asks for.
///
/// # Safety
/// If it allows memory that the context does not know, that is there in every run.
unsafe fn settings(record: &RunSettings) -> Settings {
    let given = |size: u64| (size != 0).then_some(size);
    Settings {
        options: RunOptions {
            deadlines: Deadlines {
                run: Duration::from_nanos(record.run),
                no_progress: Duration::from_nanos(record.no_progress),
                grace: Duration::from_nanos(record.grace),
            },
            rings: Rings {
                task_window: given(record.task_window),
                heap_bytes: given(record.heap_bytes),
                dep_pool: given(record.dep_pool),
            },
            orchestrator_schedules: record.orchestrator_schedules != 0,
            foreign_memory: if record.foreign_memory == 0 {
                ForeignMemory::default()
            } else {
                // SAFETY: the caller's promise.
                unsafe { ForeignMemory::promised() }
            },
            // How much is written down does not cross: the usual.
            ..RunOptions::default()
        },
        talking: record.talking != 0,
    }
}

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
            *lock(&context.extra.settings) = chosen;
            if context.device_id().is_some() {
                let ranks = !self.ranks.all().is_empty();
                context.set_talking(ranks || context.extra.talking())?;
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
            let report = *lock(&context.extra.last_run);
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

//! What a context was told beyond the shared interface, and what it tells.
//!
//! Knows the settings of coming runs and the last run of one context. Refuses to let anything depend on them being
//! used: without them a context behaves as the shared interface says.

use core::time::Duration;
use std::sync::Mutex;

use protocol::extension::RunSettings;

use crate::launch::RunReport;
use crate::lock::lock;
use crate::options::{Deadlines, ForeignMemory, Rings, RunOptions};

/// What one context was told and tells beyond the shared interface.
#[derive(Debug, Default)]
pub(super) struct Extra {
    settings: Mutex<Option<Settings>>,
    last_run: Mutex<RunReport>,
}

/// What a caller chose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
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

    /// Takes what a caller chose; `None` goes back to the environment.
    pub(super) fn choose(&self, settings: Option<Settings>) {
        *lock(&self.settings) = settings;
    }

    /// What the last run that went well did.
    pub(super) fn last_run(&self) -> RunReport {
        *lock(&self.last_run)
    }
}

/// What `record` asks for.
///
/// # Safety
/// If it allows memory that the context does not know, that is there in every run.
pub(super) unsafe fn settings(record: &RunSettings) -> Settings {
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

//! How a run ended.
//!
//! Knows codes and counts. Refuses to know how they came about.

use crate::limits::RINGS;

/// The codes a run ended with; zero means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunStatus {
    /// The first code of the orchestration's side.
    pub orchestrator_code: i32,
    /// The first code of the schedulers' side.
    pub scheduler_code: i32,
}

impl RunStatus {
    /// The number callers see: zero for success, otherwise the negated first code.
    #[must_use]
    pub const fn value(self) -> i32 {
        protocol::error_code::run_status(self.orchestrator_code, self.scheduler_code)
    }

    /// Whether nothing went wrong.
    #[must_use]
    pub const fn is_good(self) -> bool {
        self.value() == 0
    }
}

/// How much of a ring was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingReport {
    /// Tasks submitted to it, allocations included.
    pub tasks: u64,
    /// Slots.
    pub window: u32,
    /// The most tasks alive at once.
    pub active_high_water: u32,
    /// Bytes of output memory.
    pub heap_bytes: u64,
    /// The most of it in use at once.
    pub heap_high_water: u64,
    /// The most record memory in use at once, in bytes.
    pub record_high_water: u64,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunReport {
    /// Tasks submitted that have a kernel.
    pub submitted: u64,
    /// Of those, complete.
    pub completed: u64,
    /// Use of each ring.
    pub rings: [RingReport; RINGS],
    /// The codes.
    pub status: RunStatus,
}

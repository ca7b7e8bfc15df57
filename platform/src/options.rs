//! What a caller may choose for one run beyond its configuration.

use core::time::Duration;

/// How long a run may take.
///
/// All are time; none counts how often somebody looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// From start to end.
    pub run: Duration,
    /// From one finished step (a task submitted, a kernel returned) to the next.
    pub no_progress: Duration,
    /// From the order to stop until code that does not stop is left behind.
    pub grace: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            run: Duration::from_secs(600),
            no_progress: Duration::from_secs(30),
            grace: Duration::from_secs(1),
        }
    }
}

/// Sizes of the rings that a graph built on the device lives in; `None` leaves the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rings {
    /// Task slots per ring.
    pub task_window: Option<u64>,
    /// Output heap bytes per ring.
    pub heap_bytes: Option<u64>,
    /// Dependency entries per ring.
    pub dep_pool: Option<u64>,
}

/// What a caller may choose for one run beyond its configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// How long it may take.
    pub deadlines: Deadlines,
    /// Ring sizes.
    pub rings: Rings,
    /// The thread that built the graph joins the schedulers afterwards.
    pub orchestrator_schedules: bool,
}

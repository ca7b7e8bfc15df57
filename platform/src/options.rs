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

/// How much of a run is written down at most, if it is; what exceeds it is counted and left out.
///
/// On a simulated chip memory that is not used costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingLimits {
    /// Kernel calls, 128 bytes each.
    pub calls: u64,
    /// Dependencies, 16 bytes each.
    pub edges: u64,
    /// Phases of control CPUs, 32 bytes each.
    pub phases: u64,
    /// Tensors, 128 bytes each besides their contents.
    pub tensors: u64,
    /// Bytes of tensors' contents.
    pub contents: u64,
}

impl Default for RecordingLimits {
    fn default() -> Self {
        Self {
            calls: 1 << 20,
            edges: 1 << 21,
            phases: 1 << 20,
            tensors: 1 << 16,
            contents: 128 << 20,
        }
    }
}

/// Whether a run may be given device memory that its device did not allocate.
///
/// Windows of a communicator and memory of another context are such; the device cannot know whether
/// they are there, so whoever allows them promises it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForeignMemory(bool);

impl ForeignMemory {
    /// Whatever address a tensor argument names is used.
    ///
    /// # Safety
    /// Each tensor of the run that is said to lie in device memory does, for its whole size and for as
    /// long as the run takes.
    #[must_use]
    pub const unsafe fn promised() -> Self {
        Self(true)
    }

    /// Whether somebody has promised it.
    #[must_use]
    pub const fn is_promised(self) -> bool {
        self.0
    }
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
    /// What becomes of addresses that the device does not know.
    pub foreign_memory: ForeignMemory,
    /// How much is written down, if the configuration wants that.
    pub recording: RecordingLimits,
    /// Number of the events to be counted, instead of the configuration's if that wants any.
    pub counted_events: Option<u32>,
}

impl RunOptions {
    /// The options that the environment asks for.
    ///
    /// | variable | effect | accepted |
    /// | --- | --- | --- |
    /// | `PTO2_RING_TASK_WINDOW` | task slots per ring | a power of two from 4 on |
    /// | `PTO2_RING_HEAP` | output heap bytes per ring | a power of two from 1024 on |
    /// | `PTO2_RING_DEP_POOL` | none: dependencies live with their tasks | a number from 4 on |
    /// | `PTO2_ORCH_TO_SCHED` | the orchestrating thread schedules afterwards | starting with 1, t or T |
    /// | `SIMPLER_PMU_EVENT_TYPE` | which events are counted, if any are | a number |
    ///
    /// A value that is not accepted is named in a warning and has no effect.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let number = |name: &str, least: u64, power: bool| {
            let text = lookup(name)?;
            let value = text.trim().parse().ok();
            let value = value.filter(|&it: &u64| it >= least && (!power || it.is_power_of_two()));
            if value.is_none() {
                let kind = if power { "a power of two" } else { "a number" };
                log::warn!("{name}={text} is ignored: use {kind} from {least} on");
            }
            value
        };
        Self {
            deadlines: Deadlines::default(),
            rings: Rings {
                task_window: number("PTO2_RING_TASK_WINDOW", 4, true),
                heap_bytes: number("PTO2_RING_HEAP", 1024, true),
                dep_pool: number("PTO2_RING_DEP_POOL", 4, false),
            },
            orchestrator_schedules: lookup("PTO2_ORCH_TO_SCHED")
                .is_some_and(|text| text.starts_with(['1', 't', 'T'])),
            foreign_memory: ForeignMemory::default(),
            recording: RecordingLimits::default(),
            counted_events: number("SIMPLER_PMU_EVENT_TYPE", 0, false)
                .map(|events| u32::try_from(events).unwrap_or(u32::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rings, RunOptions};

    #[test]
    fn the_environment_is_heard_and_nonsense_ignored() {
        let options = RunOptions::from_environment(|name| {
            let value = match name {
                "PTO2_RING_TASK_WINDOW" => "64",
                "PTO2_RING_HEAP" => "2621440",
                "PTO2_ORCH_TO_SCHED" => "true",
                _ => return None,
            };
            Some(value.to_owned())
        });
        let expected = Rings {
            task_window: Some(64),
            ..Rings::default()
        };
        assert_eq!(options.rings, expected);
        assert!(options.orchestrator_schedules);
        let nothing = RunOptions::from_environment(|_| None);
        assert_eq!(nothing, RunOptions::default());
    }
}

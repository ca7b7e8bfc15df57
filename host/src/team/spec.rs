//! A worker and its children in words, as they can be told to another process.
//!
//! Knows what may be said. Refuses to know what becomes of it.

use core::time::Duration;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How a child runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Kind {
    /// As a thread of this process.
    ///
    /// A thread cannot be ended from outside: what never returns is left behind, and what it writes later goes to
    /// the tensors it was given, whoever has them by then.
    Thread,
    /// As a process that executes a helper program.
    Exec,
    /// As a process forked while this one has a single thread.
    EarlyFork,
}

/// Where the device of a chip comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChipSource {
    /// A platform of this build or of the catalogue, by name.
    Platform(String),
    /// The host runtime in a folder. Whoever named it promised that its libraries are what their names say.
    Library(PathBuf),
}

impl core::fmt::Display for ChipSource {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Platform(name) => f.write_str(name),
            Self::Library(dir) => write!(f, "{}", dir.display()),
        }
    }
}

/// What a child is for, as far as it can be said to another process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Host functions.
    Functions,
    /// One chip.
    Chip {
        source: ChipSource,
        device: i32,
        /// How long a run may stand still.
        patience: Duration,
    },
    /// A lower worker.
    Lower(Box<Spec>),
}

/// What of a worker can be said to another process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) level: u32,
    pub(crate) chips: Vec<(ChipSource, i32)>,
    pub(crate) next_kind: Option<Kind>,
    pub(crate) subs: usize,
    pub(crate) sub_kind: Kind,
    pub(crate) heap_ring_bytes: u64,
    pub(crate) limits: Limits,
    pub(crate) fail_fast: bool,
    /// What it registers by name.
    pub(crate) functions: Vec<String>,
    pub(crate) programs: Vec<String>,
    pub(crate) graphs: Vec<String>,
    pub(crate) lower: Vec<Self>,
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// From a child's start until it is ready.
    pub start: Duration,
    /// From a request that is no task until its answer.
    pub control: Duration,
    /// Without anything finishing while tasks are at work; then their children are ended.
    pub no_progress: Duration,
    /// Without a step of a run on a chip (a task submitted, a kernel returned); then that run fails.
    pub chip: Duration,
    /// Without any room coming back while a submit waits for memory.
    pub heap: Duration,
    /// For a child to leave before it is ended.
    pub close: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(60),
            control: Duration::from_secs(30),
            no_progress: Duration::from_secs(600),
            chip: Duration::from_secs(30),
            heap: Duration::from_secs(10),
            close: Duration::from_secs(10),
        }
    }
}

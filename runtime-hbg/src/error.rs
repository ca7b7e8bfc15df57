//! Why a graph or a run was refused, or failed.
//!
//! Knows the value that did not fit and what to do about it. Refuses to know codes of C callers beyond the one number
//! a run ends with ([`Error::code`]).

use core::fmt;
use core::time::Duration;

use protocol::Malformed;
use protocol::error_code::RunError;

/// Result of everything this crate can fail at.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why a graph or a run was refused, or failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The orchestration gave up.
    #[error("the orchestration ended with code {code}{}", Reason(reason.as_deref()))]
    Orchestration {
        /// What it returned.
        code: i32,
        /// Why, if that is known.
        reason: Option<String>,
    },
    /// Arguments of a run break the wire format.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Code of this crate panicked under a call of the orchestration.
    #[error("{call} panicked: {message}")]
    Panicked {
        /// The call.
        call: &'static str,
        /// The panic's message.
        message: String,
    },
    /// An edge begins or ends at a task that does not exist.
    #[error("the edge from task {from} to task {to} needs tasks that exist: the graph has {tasks}")]
    UnknownTask {
        /// The task that is to finish first.
        from: i64,
        /// The task that is to wait.
        to: i64,
        /// Tasks of the graph when the edge was added.
        tasks: usize,
    },
    /// There is more of something than can be counted.
    #[error("{what}: {wanted} are too many, at most {limit} can be counted")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there would be.
        wanted: u64,
        /// How many there may be.
        limit: u64,
    },
    /// A task was added with words but without an address to copy them from, or the other way round.
    #[error("task {task} was to have {count} argument words: use 0 or more")]
    ArgumentCount {
        /// The number the task would have had.
        task: usize,
        /// Words it was to have.
        count: i64,
    },
    /// A task's function id names no kernel of the program.
    #[error(
        "task {task} names function id {func_id}, under which the program has no kernel: register one, or use one of its ids"
    )]
    UnknownKernel {
        /// The task.
        task: usize,
        /// The function id.
        func_id: i32,
    },
    /// A task's core type is none.
    #[error("task {task} is for core type {core_type}: use 0 (AIC) or 1 (AIV)")]
    UnknownCoreType {
        /// The task.
        task: usize,
        /// The core type.
        core_type: i32,
    },
    /// Tasks wait for each other in a circle.
    #[error("tasks wait for each other in a circle: {cycle}; take one of its edges away")]
    Cycle {
        /// The tasks, in the order of their edges.
        cycle: Cycle,
    },
    /// The orchestration freed device memory that it had not allocated.
    #[error(
        "device memory at {address:#x} was freed, but not allocated by this orchestration: free it where it was allocated"
    )]
    ForeignFree {
        /// The address.
        address: u64,
    },
    /// The orchestration freed device memory that is to be copied back after the run.
    #[error(
        "device memory at {address:#x} was freed, but is to be copied back after the run: do not free it, the run does"
    )]
    FreedCopyBack {
        /// The address.
        address: u64,
    },
    /// Memory is to be copied back to or from nowhere.
    #[error(
        "{bytes} bytes are to be copied back from device address {device:#x} to {host:#x}: neither may be 0"
    )]
    NullCopyBack {
        /// Where to.
        host: u64,
        /// Where from.
        device: u64,
        /// How many.
        bytes: usize,
    },
    /// Host memory could not be copied to the device.
    #[error("copying {bytes} bytes to device address {device:#x} failed with code {code}")]
    CopyToDevice {
        /// Where to.
        device: u64,
        /// How many.
        bytes: usize,
        /// What the platform said.
        code: i32,
    },
    /// A run asks for a number of clusters the chip family does not have.
    #[error("a run wants {clusters} clusters: use 1 to {max}")]
    Clusters {
        /// What the run asks for.
        clusters: u16,
        /// What the family has.
        max: u32,
    },
    /// A run asks for a number of scheduling threads the chip family does not have.
    #[error("a run wants {threads} threads: use 1 to {max}")]
    Threads {
        /// What the run asks for.
        threads: u8,
        /// What the family has.
        max: u32,
    },
    /// The machine has fewer cores than the clusters of the run need.
    #[error("{clusters} clusters need {needed} cores, the machine offers {offered}")]
    Cores {
        /// Clusters of the run.
        clusters: u16,
        /// Cores they have.
        needed: u32,
        /// Cores there are.
        offered: u16,
    },
    /// A kernel that the graph was sealed with is not among those of the run.
    #[error(
        "the graph uses function id {func_id}, which the run has no kernel for: run it with the kernels it was sealed with"
    )]
    KernelMissing {
        /// The function id.
        func_id: u32,
    },
    /// The context still remembers cores that an earlier run could not get back.
    #[error("cores of an earlier run never finished: make a new context")]
    CoresLost,
    /// Nothing moved for too long.
    #[error(
        "no progress for {idle:?} with {completed} of {tasks} tasks complete; look for a kernel that hangs, or raise the limit"
    )]
    Stalled {
        /// How long nothing moved.
        idle: Duration,
        /// Tasks complete.
        completed: u64,
        /// Tasks of the graph.
        tasks: u64,
    },
    /// Somebody ended the run.
    #[error("the run was ended with code {code} when {completed} of {tasks} tasks were complete")]
    Aborted {
        /// The code.
        code: i32,
        /// Tasks complete.
        completed: u64,
        /// Tasks of the graph.
        tasks: u64,
    },
    /// The run was given up before its end.
    #[error("the run was not driven to its end: {completed} of {tasks} tasks are complete")]
    Unfinished {
        /// Tasks complete.
        completed: u64,
        /// Tasks of the graph.
        tasks: u64,
    },
}

impl Error {
    /// The number C callers see: an orchestration's own code as it is, negative otherwise, never zero.
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self {
            Self::Orchestration { code, .. } => match *code {
                0 => -1,
                code => code,
            },
            Self::Stalled { .. } => -RunError::SchedulerTimeout.code(),
            Self::Aborted { code, .. } => match *code {
                0 => -1,
                i32::MIN..0 => *code,
                code => -code,
            },
            Self::Panicked { .. }
            | Self::Malformed(_)
            | Self::UnknownTask { .. }
            | Self::TooMany { .. }
            | Self::ArgumentCount { .. }
            | Self::UnknownKernel { .. }
            | Self::UnknownCoreType { .. }
            | Self::Cycle { .. }
            | Self::ForeignFree { .. }
            | Self::FreedCopyBack { .. }
            | Self::NullCopyBack { .. }
            | Self::CopyToDevice { .. }
            | Self::Clusters { .. }
            | Self::Threads { .. }
            | Self::Cores { .. }
            | Self::KernelMissing { .. }
            | Self::CoresLost
            | Self::Unfinished { .. } => -1,
        }
    }
}

/// A reason behind what it led to.
struct Reason<'a>(Option<&'a str>);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

/// Tasks that wait for each other, in the order of their edges; the last has an edge to the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(pub Vec<u32>);

/// Tasks of a cycle that a message names.
const SHOWN: usize = 16;

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for task in self.0.iter().take(SHOWN) {
            write!(f, "{task} -> ")?;
        }
        if let Some(hidden) = self
            .0
            .len()
            .checked_sub(SHOWN)
            .filter(|&hidden| hidden != 0)
        {
            write!(f, "({hidden} more) -> ")?;
        }
        match self.0.first() {
            Some(first) => write!(f, "{first}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cycle, Error};

    #[test]
    fn a_cycle_is_shown_in_the_order_of_its_edges() {
        assert_eq!(Cycle(vec![4]).to_string(), "4 -> 4");
        assert_eq!(Cycle(vec![1, 7, 3]).to_string(), "1 -> 7 -> 3 -> 1");
        let long = Cycle((0..18).collect()).to_string();
        assert!(long.ends_with("-> 15 -> (2 more) -> 0"), "{long}");
    }

    #[test]
    fn codes_of_orchestrations_pass_and_no_error_looks_like_success() {
        assert_eq!(
            Error::Orchestration {
                code: 5,
                reason: None
            }
            .code(),
            5
        );
        assert_eq!(
            Error::Orchestration {
                code: -7,
                reason: None
            }
            .code(),
            -7
        );
        let aborted = |code| Error::Aborted {
            code,
            completed: 0,
            tasks: 1,
        };
        assert_eq!(aborted(104).code(), -104);
        assert_eq!(aborted(-3).code(), -3);
        assert_eq!(aborted(0).code(), -1);
        assert_eq!(Error::CoresLost.code(), -1);
    }
}

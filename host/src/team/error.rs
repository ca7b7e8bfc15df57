//! Why a worker of level 3 or above refused or failed.
//!
//! Knows what the caller can do about it. Refuses to know how children word their own faults: those
//! are carried along.

use core::time::Duration;
use std::io;

use protocol::Malformed;

use super::child::Ending;
use super::engine::TaskFailure;
use super::engine::heap::RingReport;
use super::fault::Fault;

/// Result of everything a worker of level 3 or above can fail at.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why a worker of level 3 or above refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system has no memory, descriptors or address space left.
    #[error(
        "cannot {step} {bytes} bytes of shared memory for {what} ({source}): free some, or ask for less"
    )]
    Memory {
        /// What it was for.
        what: &'static str,
        /// How much was asked for.
        bytes: u64,
        /// The step that failed.
        step: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused something else that a child needs.
    #[error("{child}: cannot {step} ({source})")]
    System {
        /// The child it was for.
        child: String,
        /// The step that failed.
        step: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Shared memory does not say what it should.
    #[error("shared memory is damaged: {text}")]
    Damaged {
        /// What was found.
        text: String,
    },
    /// A child did not start.
    #[error("{child} did not start: {fault}")]
    Start {
        /// The child.
        child: String,
        /// Its own message.
        fault: Fault,
    },
    /// A child died.
    #[error("{child} died ({ending}): restart it, its device memory is lost")]
    Died {
        /// The child.
        child: String,
        /// How it ended.
        ending: Ending,
    },
    /// A child did not answer.
    #[error(
        "{child} did not answer within {waited:?} while it was asked to {request}: look at what it does, or raise the limit"
    )]
    Timeout {
        /// The child.
        child: String,
        /// What it was asked.
        request: String,
        /// How long was waited.
        waited: Duration,
    },
    /// A child refused a request or failed at it.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// An argument breaks the wire format or its limits.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A child was to be forked while this process has other threads.
    #[error(
        "early fork needs a process with one thread, this one has {threads}: start the worker first, or use another kind of child"
    )]
    ThreadsExist {
        /// How many there are.
        threads: usize,
    },
    /// A heap ring has no room and gets none.
    #[error(
        "heap ring {} has no room for {wanted} bytes and got none for {waited:?}: {} of {} bytes are in use, the largest free stretch has {}, the oldest memory in use is task {}'s; close scopes earlier or raise `heap_ring_bytes`",
        report.ring, report.used, report.size, report.largest_free, report.oldest.unwrap_or(0)
    )]
    HeapFull {
        /// The bytes asked for, rounded as the ring counts them.
        wanted: u64,
        /// How long nothing moved.
        waited: Duration,
        /// Where the ring stands.
        report: RingReport,
    },
    /// Tasks of a run failed.
    #[error("{}{}", failures.first().map_or_else(String::new, ToString::to_string), if failures.len() > 1 { format!(" (and {} more)", failures.len() - 1) } else { String::new() })]
    Run {
        /// All that failed or was skipped; what failed first comes first.
        failures: Vec<TaskFailure>,
        /// What the graph function itself returned, if it failed too.
        graph: Option<Fault>,
    },
    /// Something was asked that this worker or child cannot do.
    #[error("{what}: {reason}")]
    Refused {
        /// What was asked.
        what: String,
        /// Why not, and what to do instead.
        reason: String,
    },
}

impl Error {
    pub(crate) fn refused(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Refused {
            what: what.into(),
            reason: reason.into(),
        }
    }

    /// The error as a fault, to be passed on to another process.
    pub(crate) fn into_fault(self) -> Fault {
        match self {
            Self::Fault(fault) => fault,
            Self::Run { mut failures, .. } if !failures.is_empty() => failures.swap_remove(0).fault,
            other => Fault::new(super::fault::FaultKind::Error, other.to_string()),
        }
    }
}

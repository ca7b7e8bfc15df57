//! Why a worker refused or failed, at every level.
//!
//! Knows what the caller can do about it. Refuses to know how devices and children word their own
//! errors: those are carried along.

use core::time::Duration;
use std::io;

use protocol::limits::MAX_REGISTERED_CALLABLE_IDS;
use protocol::{ArgDirection, Malformed};

use crate::team::engine::heap::RingReport;
use crate::team::fault::{Fault, FaultKind, TaskFailure};

/// Result of everything this crate can fail at.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why a worker refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device refused or failed.
    #[error(transparent)]
    Device(#[from] platform::Error),
    /// A program that was registered before `init` cannot be prepared.
    #[error(
        "callable_id {id}, registered before `init`, cannot be prepared, so the chip was given back: {source}"
    )]
    EarlyRegistration {
        /// The program's id.
        id: i32,
        /// What the device said.
        source: platform::Error,
    },
    /// An argument or an image breaks the wire format or its limits.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A slice and its shape disagree.
    #[error(
        "argument {argument}: the slice has {elements} elements, shape {shape:?} has another number"
    )]
    ShapeMismatch {
        /// Index of the tensor.
        argument: usize,
        /// Elements of the slice.
        elements: u64,
        /// The shape given.
        shape: Vec<u32>,
    },
    /// The program writes a tensor that was lent for reading.
    #[error(
        "argument {argument} was passed as input, but the program's signature says {}: pass it as \
         output",
        direction.map_or("nothing, which means both ways", ArgDirection::name)
    )]
    SharedButWritten {
        /// Index of the tensor.
        argument: usize,
        /// What the signature says.
        direction: Option<ArgDirection>,
    },
    /// A handle belongs to another worker.
    #[error(
        "this handle was made by another worker: register its program or function with this one"
    )]
    ForeignHandle,
    /// All callable ids are taken.
    #[error(
        "{MAX_REGISTERED_CALLABLE_IDS} programs are registered, which MAX_REGISTERED_CALLABLE_IDS allows: unregister one"
    )]
    NoFreeId,
    /// A symbol name cannot be one.
    #[error("a symbol name has a zero byte in it: {0}")]
    SymbolName(#[from] std::ffi::NulError),
    /// A host runtime cannot be used.
    #[error("{}: {reason}", path.display())]
    Runtime {
        /// The file or folder.
        path: std::path::PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The programs of a real chip are not there.
    #[cfg(feature = "onboard")]
    #[error(transparent)]
    Images(#[from] platform::onboard::FindError),
    /// A platform that this build does not have.
    #[error("there is no platform `{name}` in this build; there are: {known}")]
    UnknownPlatform {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
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
            Self::Device(ref error)
            | Self::EarlyRegistration {
                source: ref error, ..
            } => Fault {
                error_type: Some(format!("device error {}", error.code())),
                ..Fault::new(FaultKind::Device, self.to_string())
            },
            Self::Run { mut failures, .. } if !failures.is_empty() => failures.swap_remove(0).fault,
            other => Fault::new(FaultKind::Error, other.to_string()),
        }
    }
}

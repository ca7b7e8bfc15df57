//! What can go wrong here that a caller can act on.

use core::time::Duration;
use std::io;

/// Why a part could not be built or a crew could not do its job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A ring was given a number of slots it cannot count with.
    #[error("a ring of {capacity} slots cannot be built: use a power of two from 2 to {limit}")]
    Capacity {
        /// The number of slots given.
        capacity: usize,
        /// The most slots a ring can have.
        limit: usize,
    },
    /// The operating system refused to reserve address space.
    #[error(
        "cannot reserve {bytes} bytes of address space ({source}): ask for smaller windows or raise the process's limit"
    )]
    Reserve {
        /// The bytes asked for.
        bytes: usize,
        /// What the system said.
        source: io::Error,
    },
    /// A length does not fit the address space.
    #[error("{len} elements of {size} bytes exceed the address space: ask for fewer")]
    TooLarge {
        /// The number of elements asked for.
        len: usize,
        /// The bytes of one.
        size: usize,
    },
    /// An arena's reservation is used up.
    #[error("the arena has {left} of {reserved} bytes left and {wanted} are wanted: reserve more")]
    ArenaFull {
        /// The bytes asked for.
        wanted: usize,
        /// The bytes left.
        left: usize,
        /// The bytes reserved at the start.
        reserved: usize,
    },
    /// The operating system refused to take pages back.
    #[error("cannot give {bytes} bytes back to the system ({source}): they stay committed")]
    Trim {
        /// The bytes that were to be given back.
        bytes: usize,
        /// What the system said.
        source: io::Error,
    },
    /// The operating system refused a thread.
    #[error(
        "cannot start thread {index} of {wanted} ({source}): use fewer threads or raise the process's limit"
    )]
    Spawn {
        /// The thread that could not be started, from 0.
        index: usize,
        /// How many were wanted.
        wanted: usize,
        /// What the system said.
        source: io::Error,
    },
    /// The crew still works on the job before.
    #[error("the crew still works on another job ({busy} of {threads} threads): wait for it first")]
    Busy {
        /// Threads still at work.
        busy: usize,
        /// Threads of the crew.
        threads: usize,
    },
    /// A thread of a crew panicked in its job.
    #[error("thread {index} of crew `{crew}` panicked: {message}")]
    Panicked {
        /// The crew's name.
        crew: String,
        /// The first thread that panicked, from 0.
        index: usize,
        /// The panic's message.
        message: String,
    },
    /// Threads of a crew did not come back in time.
    #[error(
        "{busy} threads of crew `{crew}` did not finish within {waited:?}: look for what their job waits for"
    )]
    Stuck {
        /// The crew's name.
        crew: String,
        /// How many are still at work.
        busy: usize,
        /// How long the wait lasted.
        waited: Duration,
    },
}

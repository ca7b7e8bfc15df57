//! Why a worker refused or failed.
//!
//! Knows what the caller can do about it. Refuses to know how devices word their own errors: those
//! are carried along.

use protocol::limits::MAX_REGISTERED_CALLABLE_IDS;
use protocol::{ArgDirection, Malformed};

/// Result of everything this crate can fail at.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why a worker refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device refused or failed.
    #[error(transparent)]
    Device(#[from] platform::Error),
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
    #[error("this handle was made by another worker: register the program with this one")]
    ForeignHandle,
    /// All callable ids are taken.
    #[error(
        "{MAX_REGISTERED_CALLABLE_IDS} programs are registered, which is the limit: unregister one"
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
    /// A platform that this build does not have.
    #[error("there is no platform `{name}` in this build; there are: {known}")]
    UnknownPlatform {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
}

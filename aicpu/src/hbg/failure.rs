//! Why a run did not do what it should.
//!
//! Knows what may go wrong while a graph is built and run. Refuses to know which of the two it was for.

use runtime_hbg::Error;

use crate::guarded_call::Thrown;

/// Why a run did not do what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunFailure {
    /// A C++ exception left the orchestration.
    #[error("the orchestration threw: {0}")]
    Threw(#[from] Thrown),
    /// The orchestration panicked.
    #[error("the orchestration panicked: {0}")]
    Panicked(String),
    /// There is no device memory for intermediate results.
    #[error("there are no {bytes} bytes of device memory for intermediate results")]
    NoScratch {
        /// Bytes wanted.
        bytes: u64,
    },
    /// The graph was refused, or its run failed.
    #[error(transparent)]
    Graph(#[from] Error),
}

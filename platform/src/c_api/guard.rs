//! The line that neither errors nor panics cross.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use aicpu::guarded_call::panic_text;
use protocol::Malformed;

use super::last_error;

/// Why a call from C failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// A pointer that must not be null is.
    #[error("the {what} is null")]
    Null {
        /// What it should point to.
        what: &'static str,
    },
    /// A handle stands for nothing.
    #[error(
        "{handle:#x} is no {what} of this library or was destroyed: pass what its create function returned"
    )]
    UnknownHandle {
        /// What it should stand for.
        what: &'static str,
        /// The number passed.
        handle: usize,
    },
    /// A size does not fit the address space.
    #[error("the {what} has {bytes} bytes: more than fit in memory")]
    TooLarge {
        /// Whose size.
        what: &'static str,
        /// The size.
        bytes: u64,
    },
    /// A function that only the reference's own two halves call.
    #[error("it works on a run descriptor that exists only inside {instead}: call that")]
    Internal {
        /// What does the same from outside.
        instead: &'static str,
    },
    /// A run buffer has no run.
    #[error("no run is under way in the run buffer at {buffer:#x}: record pairs while one is")]
    NoRun {
        /// The buffer.
        buffer: usize,
    },
    /// The communicator was destroyed by another call.
    #[error("the communicator was destroyed meanwhile")]
    Destroyed,
    /// The device refused or failed.
    #[error(transparent)]
    Device(#[from] crate::Error),
}

impl From<Malformed> for CallError {
    fn from(malformed: Malformed) -> Self {
        Self::Device(malformed.into())
    }
}

impl CallError {
    /// The code that C gets.
    fn code(&self) -> i32 {
        match self {
            Self::Device(error) => error.code(),
            _ => -1,
        }
    }
}

/// Runs `body` for the function called `name`; an error or a panic is logged, remembered for this thread, and
/// becomes what `failed` makes of its code.
pub(super) fn guard<R>(
    name: &str,
    failed: impl FnOnce(i32) -> R,
    body: impl FnOnce() -> Result<R, CallError>,
) -> R {
    last_error::clear();
    let (words, code) = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => return value,
        Ok(Err(error)) => (error.to_string(), error.code()),
        Err(panic) => (format!("panicked: {}", panic_text(&*panic)), -1),
    };
    log::error!(target: name, "{words}");
    last_error::set(&words);
    failed(code)
}

/// As [`guard`], for a function whose result is a code.
pub(super) fn code(name: &str, body: impl FnOnce() -> Result<(), CallError>) -> i32 {
    guard(name, |code| code, || body().map(|()| 0))
}

#[cfg(test)]
mod tests {
    use super::{CallError, code};

    #[test]
    fn an_error_has_its_code_and_a_panic_stays_here() {
        assert_eq!(code("test", || Ok(())), 0);
        let run = || {
            Err(CallError::Device(crate::Error::Runtime {
                orchestrator: 7,
                scheduler: 0,
                text: String::new(),
            }))
        };
        assert_eq!(code("test", run), -7);
        assert_eq!(code("test", || Err(CallError::Destroyed)), -1);
        assert_eq!(code("test", || panic!("on purpose")), -1);
    }
}

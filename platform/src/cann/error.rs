//! Why the vendor's driver cannot be used, or what it refused.

use std::path::PathBuf;

use super::code::Code;
use super::search::{OVERRIDE_VARIABLE, TOOLKIT_VARIABLE};

/// What went wrong with CANN.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A library was found nowhere.
    #[error(
        "cannot open {}: tried {}: install CANN, source its set_env.sh, or name its folder in {TOOLKIT_VARIABLE} or {OVERRIDE_VARIABLE}",
        names.join(" or "),
        list(tried)
    )]
    Library {
        /// Names it goes by.
        names: &'static [&'static str],
        /// Every path tried and what the loader said.
        tried: Vec<(PathBuf, String)>,
    },
    /// A function is in none of the libraries it could be in.
    #[error(
        "{function} is not in {}: this CANN is older than needed",
        list_paths(searched)
    )]
    Function {
        /// Its name.
        function: &'static str,
        /// The libraries that were opened.
        searched: Vec<PathBuf>,
    },
    /// A call failed.
    #[error("{function} on device {device} returned {code}{}", said(message))]
    Call {
        /// The function called.
        function: &'static str,
        /// The device of the calling thread.
        device: i32,
        /// What it returned.
        code: Code,
        /// What the vendor says about its last error, if anything.
        message: String,
    },
    /// A call of the library for several chips failed.
    #[error("{function} on device {device} returned {code} ({meaning})")]
    Hccl {
        /// The function called.
        function: &'static str,
        /// The device of the calling thread.
        device: i32,
        /// What it returned.
        code: i32,
        /// What that says.
        meaning: &'static str,
    },
    /// An answer cannot be true.
    #[error("{function} on device {device} answered {answer}: {expected}")]
    Answer {
        /// The function called.
        function: &'static str,
        /// The device asked about.
        device: i32,
        /// What it answered.
        answer: String,
        /// What was expected.
        expected: &'static str,
    },
}

impl Error {
    /// The vendor's code, if a call failed.
    #[must_use]
    pub const fn code(&self) -> Option<Code> {
        match self {
            Self::Call { code, .. } => Some(*code),
            Self::Hccl { code, .. } => Some(Code(*code)),
            _ => None,
        }
    }
}

fn said(message: &str) -> String {
    match message.trim() {
        "" => String::new(),
        message => format!("; CANN says: {message}"),
    }
}

fn list(tried: &[(PathBuf, String)]) -> String {
    let each: Vec<String> = tried
        .iter()
        .map(|(path, why)| format!("{} ({why})", path.display()))
        .collect();
    each.join(", ")
}

fn list_paths(paths: &[PathBuf]) -> String {
    let each: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    each.join(" nor ")
}

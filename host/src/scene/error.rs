//! What can be wrong with a scene, in words that say what to change.
//!
//! Knows the texts of complaints. Refuses to know how a complaint is shown or
//! what exit code it becomes.

use std::io;
use std::path::{Path, PathBuf};

use super::place::Place;

/// Everything that can go wrong between a scene file and its verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SceneError {
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}; check free space and permissions, or set SIMPLER_CACHE_DIR", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The text is not TOML.
    #[error("{place}: {message}")]
    Syntax {
        /// Where the parser stopped.
        place: Place,
        /// What it expected.
        message: String,
    },
    /// A key nobody knows.
    #[error("{place}: unknown key `{key}` in {table}; {hint}")]
    UnknownKey {
        /// Where the key stands.
        place: Place,
        /// The key.
        key: String,
        /// The table it stands in.
        table: String,
        /// The nearest known key, or the list of known ones.
        hint: String,
    },
    /// A key that must be there is not.
    #[error("{place}: {table} has no `{key}`; add {what}")]
    MissingKey {
        /// Where the table begins.
        place: Place,
        /// The table.
        table: String,
        /// The key.
        key: &'static str,
        /// What to write there.
        what: &'static str,
    },
    /// A value of another type than its key takes.
    #[error("{place}: `{key}` must be {want}, not {got}")]
    WrongType {
        /// Where the value stands.
        place: Place,
        /// The key.
        key: String,
        /// What it takes.
        want: &'static str,
        /// What was found.
        got: String,
    },
    /// A value that has the right type and makes no sense.
    #[error("{place}: {message}")]
    BadValue {
        /// Where the value stands.
        place: Place,
        /// The value and the limit.
        message: String,
    },
    /// An expression that does not parse or evaluate; the text points at the spot.
    #[error("{place}: in `{key}`: {problem}")]
    Expression {
        /// Where the expression stands.
        place: Place,
        /// The key it belongs to.
        key: String,
        /// The complaint with the line and a caret.
        problem: String,
    },
    /// An array file that cannot be used.
    #[error("{}: {message}", path.display())]
    Npy {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// Something asked for on the command line does not exist.
    #[error("no {what} named `{name}` in scene `{scene}`; {hint}")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The scene.
        scene: String,
        /// What there is.
        hint: String,
    },
    /// No compiler for a source.
    #[error("no {language} compiler: tried {tried}; {remedy}")]
    NoCompiler {
        /// Language of the source.
        language: &'static str,
        /// What was looked for.
        tried: String,
        /// How to get one.
        remedy: &'static str,
    },
    /// The compiler refused a source.
    #[error("compiling {} failed ({status})\n  command: {command}\n{output}", source_file.display())]
    Compile {
        /// The source.
        source_file: PathBuf,
        /// How the compiler ended.
        status: String,
        /// The command, ready to paste.
        command: String,
        /// Everything it printed.
        output: String,
    },
    /// A `.so` the scene names is missing or is not one.
    #[error("{}: {message}", path.display())]
    Library {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The device refused or failed.
    #[error(transparent)]
    Session(#[from] super::session::SessionError),
}

/// Result of anything in this folder.
pub type Result<T, E = SceneError> = core::result::Result<T, E>;

impl SceneError {
    /// A [`SceneError::Read`] as the closure `map_err` wants.
    pub fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    /// A [`SceneError::Write`] as the closure `map_err` wants.
    pub fn writing(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}

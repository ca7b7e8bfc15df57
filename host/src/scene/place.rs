//! Where something stands in a scene file.
//!
//! Knows lines, columns and files. Refuses to know what is wrong there.

use core::fmt;
use std::path::PathBuf;

/// A place in a scene file, counted from one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

/// A value and the place it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Located<T> {
    /// Where it stands.
    pub spot: Spot,
    /// What stands there.
    pub value: T,
}

/// A place in a named file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Line and column; line 0 means "not from the file", as a `--set` value.
    pub spot: Spot,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.file.display())?;
        if self.spot.line > 0 {
            write!(out, ":{}:{}", self.spot.line, self.spot.column)?;
        }
        Ok(())
    }
}

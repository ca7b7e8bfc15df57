//! The C++ compiler of this machine.
//!
//! Knows where to look for one and how to tell two apart. Refuses to know what is compiled.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::scene::error::{Result, SceneError};

/// What the environment says about compilers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `CXX`: a command, perhaps with arguments.
    pub cxx: Option<String>,
    /// `PATH`.
    pub path: Option<OsString>,
}

impl Environment {
    /// The process's own.
    #[must_use]
    pub fn read() -> Self {
        Self {
            cxx: env::var("CXX").ok().filter(|cxx| !cxx.trim().is_empty()),
            path: env::var_os("PATH"),
        }
    }

    /// The first program called `name` on `PATH`.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            return Some(PathBuf::from(name)).filter(|path| path.is_file());
        }
        env::split_paths(self.path.as_ref()?)
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())
    }
}

/// A C++ compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiler {
    /// Program and leading arguments.
    pub command: Vec<String>,
    /// What it says about itself; part of the name of everything it builds.
    pub version: String,
    /// True for clang, which spells a few flags differently.
    pub is_clang: bool,
}

/// Names tried after `CXX`.
const NAMES: [&str; 3] = ["c++", "g++", "clang++"];

/// How to get a compiler.
pub const REMEDY: &str = "install one (Debian and Ubuntu: `apt install g++`, Fedora: `dnf install \
gcc-c++`, Arch: `pacman -S gcc`) or set CXX to its path";

impl Compiler {
    /// The compiler to use: `CXX`, else the first usual name on `PATH`.
    pub fn find(environment: &Environment) -> Result<Self> {
        let candidates: Vec<Vec<String>> = match &environment.cxx {
            Some(cxx) => vec![cxx.split_whitespace().map(str::to_owned).collect()],
            None => NAMES.map(|name| vec![name.to_owned()]).to_vec(),
        };
        candidates
            .iter()
            .find_map(|command| {
                let program = environment.program(&command[0])?;
                Self::probe(&program.to_string_lossy(), &command[1..])
            })
            .ok_or_else(|| SceneError::NoCompiler {
                language: "C++",
                tried: match &environment.cxx {
                    Some(cxx) => format!("CXX={cxx}"),
                    None => NAMES.join(", "),
                },
                remedy: REMEDY,
            })
    }

    fn probe(program: &str, arguments: &[String]) -> Option<Self> {
        let output = Command::new(program)
            .args(arguments)
            .arg("--version")
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        let version = String::from_utf8_lossy(&output.stdout).into_owned();
        Some(Self {
            command: [&[program.to_owned()], arguments].concat(),
            is_clang: version.contains("clang"),
            version,
        })
    }

    /// First line of what it says about itself.
    #[must_use]
    pub fn title(&self) -> &str {
        self.version.lines().next().unwrap_or("unknown")
    }
}

#[cfg(test)]
mod tests {
    use super::{Compiler, Environment};

    #[test]
    fn a_missing_compiler_says_how_to_get_one() {
        let nowhere = Environment {
            cxx: None,
            path: Some("/nonexistent".into()),
        };
        let text = Compiler::find(&nowhere).expect_err("no PATH").to_string();
        assert!(text.contains("c++, g++, clang++"), "{text}");
        assert!(text.contains("apt install g++"), "{text}");
        let wrong = Environment {
            cxx: Some("/nonexistent/c++ -m64".to_owned()),
            ..nowhere
        };
        let text = Compiler::find(&wrong)
            .expect_err("no such file")
            .to_string();
        assert!(text.contains("CXX=/nonexistent/c++ -m64"), "{text}");
    }
}

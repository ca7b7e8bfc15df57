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
    /// `SIMPLER_AICPU_CXX`: what compiles for a real chip's control CPUs.
    pub aicpu_cxx: Option<String>,
    /// `ASCEND_HOME_PATH`: where the vendor's compilers are.
    pub toolkit: Option<PathBuf>,
}

impl Environment {
    /// The process's own.
    #[must_use]
    pub fn read() -> Self {
        Self {
            cxx: env::var("CXX").ok().filter(|cxx| !cxx.trim().is_empty()),
            path: env::var_os("PATH"),
            aicpu_cxx: env::var("SIMPLER_AICPU_CXX")
                .ok()
                .filter(|cxx| !cxx.trim().is_empty()),
            toolkit: env::var_os("ASCEND_HOME_PATH").map(PathBuf::from),
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

/// The vendor's compiler for control CPUs, below a toolkit.
const AICPU_BELOW: &str = "tools/hcc/bin/aarch64-target-linux-gnu-g++";
/// A distribution's.
const AICPU_NAMES: [&str; 1] = ["aarch64-linux-gnu-g++"];
/// The vendor's compiler for cores, below a toolkit.
const CORES_BELOW: &str = "bin/ccec";

/// How to get a compiler for control CPUs.
const AICPU_REMEDY: &str = "source the set_env.sh of CANN, install a cross compiler (Debian and Ubuntu: `apt install \
g++-aarch64-linux-gnu`), or name one in SIMPLER_AICPU_CXX";
/// How to get a compiler for cores.
const CORES_REMEDY: &str = "source the set_env.sh of CANN, which brings ccec";

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

    /// The compiler for a real chip's control CPUs: `SIMPLER_AICPU_CXX`, else the toolkit's, else a usual one.
    pub fn of_control_cpus(environment: &Environment) -> Result<Self> {
        let mut candidates: Vec<Vec<String>> = Vec::new();
        match &environment.aicpu_cxx {
            Some(cxx) => candidates.push(cxx.split_whitespace().map(str::to_owned).collect()),
            None => {
                let toolkit = environment.toolkit.as_ref().map(|it| it.join(AICPU_BELOW));
                candidates.extend(toolkit.map(|it| vec![it.display().to_string()]));
                candidates.extend(AICPU_NAMES.map(|name| vec![name.to_owned()]));
            }
        }
        Self::first(environment, &candidates, "C++ for aarch64", AICPU_REMEDY)
    }

    /// The compiler for a real chip's cores, which only the toolkit has.
    pub fn of_cores(environment: &Environment) -> Result<Self> {
        let toolkit = environment.toolkit.as_ref().map(|it| it.join(CORES_BELOW));
        let candidates = match toolkit {
            Some(ccec) => vec![vec![ccec.display().to_string()]],
            None => vec![vec!["ccec".to_owned()]],
        };
        Self::first(environment, &candidates, "AICore C++", CORES_REMEDY)
    }

    /// The first of these commands that answers.
    fn first(
        environment: &Environment,
        candidates: &[Vec<String>],
        language: &'static str,
        remedy: &'static str,
    ) -> Result<Self> {
        let found = candidates.iter().find_map(|command| {
            let program = environment.program(&command[0])?;
            Self::probe(&program.to_string_lossy(), &command[1..])
        });
        found.ok_or_else(|| {
            let tried: Vec<String> = candidates.iter().map(|command| command.join(" ")).collect();
            SceneError::NoCompiler {
                language,
                tried: tried.join(", "),
                remedy,
            }
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
            path: Some("/nonexistent".into()),
            ..Environment::default()
        };
        for (found, remedy) in [
            (Compiler::of_control_cpus(&nowhere), "SIMPLER_AICPU_CXX"),
            (Compiler::of_cores(&nowhere), "which brings ccec"),
        ] {
            let text = found.expect_err("no PATH and no toolkit").to_string();
            assert!(text.contains(remedy), "{text}");
        }
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

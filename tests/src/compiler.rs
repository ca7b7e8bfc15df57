//! Compiles C++ sources of the four kinds the way users do.
//!
//! Knows flags and finds compilers. Refuses to know what is in a source.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::headers::{Family, Kind, include_dirs, support_sources};

/// The workspace's root.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is a folder of the workspace")
}

/// A C++ compiler of this machine.
#[derive(Clone, Debug)]
pub struct Compiler {
    path: PathBuf,
}

impl Compiler {
    /// The compiler that `CXX` names, or the system's.
    ///
    /// # Panics
    /// When there is none: without it nothing about the headers can be tested.
    #[must_use]
    pub fn system() -> Self {
        let tool = cc::Build::new()
            .cpp(true)
            .cargo_metadata(false)
            .opt_level(0)
            .host(env!("TESTS_TARGET"))
            .target(env!("TESTS_TARGET"))
            .try_get_compiler()
            .expect("a C++17 compiler: install g++ or name one in CXX");
        Self {
            path: tool.path().to_owned(),
        }
    }

    /// Clang, where it is installed and not the system's compiler anyway: a second opinion.
    #[must_use]
    pub fn clang() -> Option<Self> {
        let clang = Self {
            path: PathBuf::from("clang++"),
        };
        let works = Command::new(&clang.path).arg("--version").output();
        let installed = works.is_ok_and(|output| output.status.success());
        (installed && Self::system().path != clang.path).then_some(clang)
    }

    /// Its name or path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A call for a source of `kind`: language, defines, include directories, every warning an error.
    #[must_use]
    pub fn command(&self, kind: Kind, family: Family) -> Command {
        let mut command = Command::new(&self.path);
        command.args(["-std=c++17", "-Wall", "-Wextra", "-Werror", "-fPIC"]);
        if kind.is_kernel() {
            // What PTO-ISA needs in simulation; on cores kernels are C++17 too.
            command.arg("-std=c++2b");
            command.args(["-D__CPU_SIM", "-DPTO_CPU_MAX_THREADS=1", "-DNDEBUG"]);
            command.arg("-I").arg(root().join("tests/pto-shim"));
        }
        for dir in include_dirs(kind, family, root()) {
            command.arg("-I").arg(dir);
        }
        command
    }

    /// Whether a text compiles, and what the compiler says.
    ///
    /// # Errors
    /// The compiler's messages.
    pub fn check(
        &self,
        kind: Kind,
        family: Family,
        source: &Path,
        defines: &[&str],
    ) -> Result<(), String> {
        let mut command = self.command(kind, family);
        command.args(defines).arg("-fsyntax-only").arg(source);
        run(command)
    }

    /// Compiles a header once for many [`check`](Self::check)s that start with `-include` of it and the same flags.
    ///
    /// A compiler that cannot use the result reads the header itself.
    ///
    /// # Errors
    /// The compiler's messages.
    pub fn precompile(
        &self,
        kind: Kind,
        family: Family,
        header: &Path,
        flags: &[&str],
    ) -> Result<(), String> {
        let mut command = self.command(kind, family);
        command.args(flags).args(["-x", "c++-header"]).arg(header);
        command.arg("-o").arg(header.with_extension("h.gch"));
        run(command)
    }

    /// Builds what users load: a source and its support sources, as a shared object.
    ///
    /// # Errors
    /// The compiler's messages.
    pub fn shared_object(
        &self,
        kind: Kind,
        family: Family,
        source: &Path,
        output: &Path,
        defines: &[&str],
    ) -> Result<(), String> {
        let mut command = self.command(kind, family);
        command.args(defines).arg("-shared");
        command.arg(if kind.is_kernel() { "-O2" } else { "-O3" });
        // The loader resolves everything at once, so nothing may be missing.
        command.arg("-Wl,--no-undefined");
        command.arg(source).args(support_sources(kind, root()));
        command.arg("-o").arg(output);
        run(command)
    }

    /// Builds a shared object of a source that needs no headers of ours; what it does not define stays undefined.
    ///
    /// # Errors
    /// The compiler's messages.
    pub fn plain_object(&self, source: &Path, output: &Path) -> Result<(), String> {
        let mut command = Command::new(&self.path);
        // Some compilers bind everything at load time unless told otherwise.
        command.args(["-std=c++17", "-fPIC", "-shared", "-Wl,-z,lazy", "-o"]);
        command.arg(output).arg(source);
        run(command)
    }

    /// Builds a program out of one orchestration-side source, without optimisation so that nothing
    /// uninitialised is hidden.
    ///
    /// # Errors
    /// The compiler's messages.
    pub fn program(
        &self,
        kind: Kind,
        family: Family,
        source: &Path,
        output: &Path,
    ) -> Result<(), String> {
        let mut command = self.command(kind, family);
        command.arg(source).args(support_sources(kind, root()));
        command.arg("-o").arg(output);
        run(command)
    }
}

/// Runs to the end; an error is what it printed.
fn run(mut command: Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let messages = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}\n{messages}"))
}

/// A fresh folder for one test below the build's temporary folder.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn scratch(tmp: &str, test: &str) -> PathBuf {
    let dir = Path::new(tmp).join(test);
    std::fs::create_dir_all(&dir).expect("the build folder is writable");
    dir
}

/// All files below `dir` whose name ends with `suffix`, sorted.
///
/// # Panics
/// When the folder cannot be read.
#[must_use]
pub fn files(dir: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("the folder is part of the repository") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            found.extend(files(&path, suffix));
        } else if path.to_string_lossy().ends_with(suffix) {
            found.push(path);
        }
    }
    found.sort();
    found
}

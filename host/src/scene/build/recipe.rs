//! What the compiler is told.
//!
//! Knows languages, flags, include folders and extra sources of orchestrations and kernels, for
//! simulated chips. Refuses to run anything.

use std::path::{Path, PathBuf};

use super::compiler::Compiler;
use super::roots::Roots;
use crate::scene::model::{Code, CoreType, Platform, RuntimeKind};

/// What a source becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The function that submits tasks.
    Orchestration,
    /// A compute function for one core type.
    Kernel(CoreType),
}

/// One shared object to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The user's source first, then support sources.
    pub sources: Vec<PathBuf>,
    /// Flags that decide what the preprocessor sees and the code becomes.
    pub flags: Vec<String>,
    /// Flags that only the final step gets.
    pub link_flags: Vec<String>,
}

impl Recipe {
    /// How to build `source`.
    #[must_use]
    pub fn new(
        compiler: &Compiler,
        roots: &Roots,
        code: &Code,
        source: &Path,
        kind: Kind,
        platform: Platform,
        runtime: RuntimeKind,
    ) -> Self {
        let mut flags = match kind {
            Kind::Orchestration => orchestration_flags(compiler),
            Kind::Kernel(core) => kernel_flags(compiler, core),
        };
        flags.extend(
            roots
                .include_dirs(kind, platform, runtime, &code.include_dirs)
                .iter()
                .map(|dir| format!("-I{}", dir.display())),
        );
        flags.extend(code.flags.iter().cloned());
        let mut sources = vec![source.to_owned()];
        if kind == Kind::Orchestration {
            sources.extend(roots.orchestration_sources(runtime));
        }
        let mut link_flags = vec!["-shared".to_owned()];
        if kind == Kind::Orchestration && cfg!(target_os = "linux") {
            // Lets a device recognise an unchanged library.
            link_flags.push("-Wl,--build-id=sha1".to_owned());
        }
        Self {
            sources,
            flags,
            link_flags,
        }
    }
}

fn owned(flags: &[&str]) -> Vec<String> {
    flags.iter().map(|&flag| flag.to_owned()).collect()
}

fn orchestration_flags(compiler: &Compiler) -> Vec<String> {
    let mut flags = owned(&["-std=c++17", "-fPIC", "-O3", "-g"]);
    flags.push(if compiler.is_clang {
        // Accepted with a warning by GCC, and users rely on it.
        "-Wno-c++11-narrowing".to_owned()
    } else {
        // A unique symbol keeps the library loaded for ever.
        "-fno-gnu-unique".to_owned()
    });
    flags
}

fn kernel_flags(compiler: &Compiler, core: CoreType) -> Vec<String> {
    let mut flags = owned(&[
        // Older clangs know C++23 only by this name.
        if compiler.is_clang {
            "-std=c++2b"
        } else {
            "-std=c++23"
        },
        "-fPIC",
        "-O2",
        "-fpermissive",
        "-Wno-macro-redefined",
        "-Wno-ignored-attributes",
        "-D__CPU_SIM",
        "-DPTO_CPU_MAX_THREADS=1",
        "-DNDEBUG",
    ]);
    flags.push(match core {
        CoreType::Aic => "-D__DAV_CUBE__".to_owned(),
        CoreType::Aiv => "-D__DAV_VEC__".to_owned(),
    });
    flags
}

//! What the compiler is told.
//!
//! Knows languages, flags, include folders and extra sources of orchestrations and kernels, for simulated chips
//! and real ones. Refuses to run anything.

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
    /// What it is.
    pub kind: Kind,
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
            Kind::Kernel(core) if platform.is_simulated() => kernel_flags(compiler, core),
            Kind::Kernel(core) => core_flags(platform, core),
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
        // A kernel of a real chip is its code alone: nothing is linked to it.
        let is_alone = !platform.is_simulated() && kind != Kind::Orchestration;
        let mut link_flags = vec![if is_alone { "-c" } else { "-shared" }.to_owned()];
        if kind == Kind::Orchestration && cfg!(target_os = "linux") {
            // Lets a device recognise an unchanged library.
            link_flags.push("-Wl,--build-id=sha1".to_owned());
        }
        Self {
            kind,
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

/// Flags of the vendor's compiler for cores.
fn core_flags(platform: Platform, core: CoreType) -> Vec<String> {
    let family = match platform {
        Platform::A2a3 | Platform::A2a3sim => "c220",
        Platform::A5 | Platform::A5sim => "c310",
    };
    let kind = match core {
        CoreType::Aic => "cube",
        CoreType::Aiv => "vec",
    };
    let mut flags = owned(&[
        "-O3",
        "-g",
        "-x",
        "cce",
        "-Wall",
        "-std=c++17",
        "--cce-aicore-only",
    ]);
    flags.push(format!("--cce-aicore-arch=dav-{family}-{kind}"));
    for option in [
        "-cce-aicore-stack-size=0x8000",
        "-cce-aicore-function-stack-size=0x8000",
        "-cce-aicore-record-overflow=false",
        "-cce-aicore-addr-transform",
        // Scalars are kept coherent by whoever shares them, not by the compiler.
        "-cce-aicore-dcci-insert-for-scalar=false",
    ] {
        flags.extend(owned(&["-mllvm", option]));
    }
    flags.push("-DMEMORY_BASE".to_owned());
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

#[cfg(test)]
mod tests {
    use super::{Kind, Recipe};
    use crate::scene::build::compiler::Compiler;
    use crate::scene::build::roots::Roots;
    use crate::scene::model::{Code, CoreType, Origin, Platform, RuntimeKind};
    use std::path::Path;

    #[test]
    fn a_kernel_of_a_real_chip_is_its_code_alone_for_its_kind_of_core() {
        let compiler = Compiler {
            command: vec!["ccec".to_owned()],
            version: String::new(),
            is_clang: true,
        };
        let roots = Roots {
            ours: "root".into(),
            pto_isa: None,
        };
        let code = Code {
            origin: Origin::Source("add.cpp".into()),
            include_dirs: Vec::new(),
            flags: Vec::new(),
        };
        let recipe = |platform, core| {
            let kind = Kind::Kernel(core);
            let source = Path::new("add.cpp");
            Recipe::new(
                &compiler,
                &roots,
                &code,
                source,
                kind,
                platform,
                RuntimeKind::Trb,
            )
        };
        for (platform, core, arch) in [
            (Platform::A2a3, CoreType::Aic, "dav-c220-cube"),
            (Platform::A2a3, CoreType::Aiv, "dav-c220-vec"),
            (Platform::A5, CoreType::Aiv, "dav-c310-vec"),
        ] {
            let recipe = recipe(platform, core);
            let arch = format!("--cce-aicore-arch={arch}");
            assert!(recipe.flags.contains(&arch), "{:?}", recipe.flags);
            assert!(!recipe.flags.contains(&"-D__CPU_SIM".to_owned()));
            assert_eq!(recipe.link_flags, ["-c"]);
        }
        let simulated = recipe(Platform::A5sim, CoreType::Aiv);
        assert!(simulated.flags.contains(&"-D__CPU_SIM".to_owned()));
        assert_eq!(simulated.link_flags, ["-shared"]);
    }
}

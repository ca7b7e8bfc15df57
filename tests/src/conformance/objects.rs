//! The suite's orchestrations and kernels in C++, compiled once per process, runtime, family and way to a chip.
//!
//! Knows their sources. Refuses to know what they do, and what the cores of a chip take for a kernel.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::reach::Reach;
use super::subject::BIAS;
use crate::compiler::{Compiler, root, scratch};
use crate::headers::{Family, Kind};

/// Shared objects as bytes.
#[derive(Debug)]
pub struct Objects {
    /// Carries out scripts.
    pub orchestration: Vec<u8>,
    /// The kernel on vector cores.
    pub vector: Vec<u8>,
    /// The kernel on cube cores.
    pub cube: Vec<u8>,
    /// The biased kernel on vector cores.
    pub biased: Vec<u8>,
    /// Exports nothing that anybody looks for.
    pub without_entry: Vec<u8>,
    /// Exports the entries, which call a function that does not exist.
    pub unresolved: Vec<u8>,
}

/// Names a folder with objects that another process has compiled.
pub const COMPILED_OBJECTS: &str = "SIMPLER_TESTS_OBJECTS";

const NAMES: [&str; 6] = [
    "orchestration.so",
    "vector.so",
    "cube.so",
    "biased.so",
    "without_entry.so",
    "unresolved.so",
];

/// Whose objects: the way to a chip, the runtime, the family.
type Key = (Option<&'static str>, &'static str, Family);

/// What is compiled so far.
static COMPILED: Mutex<Vec<(Key, &Objects)>> = Mutex::new(Vec::new());

impl Objects {
    /// For programs without C++.
    pub const NONE: Self = Self {
        orchestration: Vec::new(),
        vector: Vec::new(),
        cube: Vec::new(),
        biased: Vec::new(),
        without_entry: Vec::new(),
        unresolved: Vec::new(),
    };

    /// The objects of a runtime and a family for chips that are reached that way, compiled below `tmp` when first asked
    /// for.
    ///
    /// # Panics
    /// When there is no compiler.
    #[must_use]
    pub fn of(
        reach: &dyn Reach,
        runtime: &'static str,
        family: Family,
        tmp: &str,
    ) -> &'static Self {
        let key = (reach.name(), runtime, family);
        // One thread compiles, the others wait for what it compiles.
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, objects)) = compiled.iter().find(|(of, _)| *of == key) {
            return objects;
        }
        let mut objects = std::env::var_os(COMPILED_OBJECTS).map_or_else(
            || Self::compile(runtime, family, tmp),
            |folder| Self::load(Path::new(&folder)),
        );
        for kernel in [&mut objects.vector, &mut objects.cube, &mut objects.biased] {
            *kernel = reach.code(core::mem::take(kernel));
        }
        let objects: &'static Self = Box::leak(Box::new(objects));
        compiled.push((key, objects));
        objects
    }

    /// Writes the objects to `folder`, for other processes.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn save(&self, folder: &Path) {
        std::fs::create_dir_all(folder).expect("the build folder is writable");
        let files = [
            &self.orchestration,
            &self.vector,
            &self.cube,
            &self.biased,
            &self.without_entry,
            &self.unresolved,
        ];
        for (name, bytes) in NAMES.iter().zip(files) {
            std::fs::write(folder.join(name), bytes).expect("the build folder is writable");
        }
    }

    fn load(folder: &Path) -> Self {
        let [
            orchestration,
            vector,
            cube,
            biased,
            without_entry,
            unresolved,
        ] = NAMES
            .map(|name| std::fs::read(folder.join(name)).expect("another process has saved it"));
        Self {
            orchestration,
            vector,
            cube,
            biased,
            without_entry,
            unresolved,
        }
    }

    fn compile(runtime: &str, family: Family, tmp: &str) -> Self {
        // Processes that compile at once write to folders of their own.
        let folder = format!(
            "conformance-{runtime}-{}-{}",
            family.name(),
            std::process::id()
        );
        let out = scratch(tmp, &folder);
        let sources = root().join("tests/conformance");
        let (orchestration, kernel) = match runtime {
            "trb" => (Kind::TrbOrchestration, Kind::TrbKernel),
            _ => (Kind::HbgOrchestration, Kind::HbgKernel),
        };
        let compiler = Compiler::system();
        let build = |name: &str, kind: Kind, source: &Path, defines: &[&str]| {
            let output = out.join(name);
            compiler
                .shared_object(kind, family, source, &output, defines)
                .expect("the suite's sources compile");
            std::fs::read(&output).expect("the compiler wrote it")
        };
        let own = sources.join(runtime);
        let (graph, code) = (own.join("orchestration.cpp"), own.join("kernel.cpp"));
        let bias = format!("-DBIAS={BIAS}");
        let objects = Self {
            orchestration: build(
                "orchestration.so",
                orchestration,
                &graph,
                &["-Wl,--build-id"],
            ),
            vector: build("vector.so", kernel, &code, &["-D__DAV_VEC__"]),
            cube: build("cube.so", kernel, &code, &["-D__DAV_CUBE__"]),
            biased: build("biased.so", kernel, &code, &["-D__DAV_VEC__", &bias]),
            without_entry: plain(&out, "without_entry.so", "int nobody_asks_for_this = 1;"),
            unresolved: plain(
                &out,
                "unresolved.so",
                "extern \"C\" void nobody_has_this(void);\n\
                 extern \"C\" void kernel_entry(long *) { nobody_has_this(); }\n\
                 extern \"C\" void aicpu_orchestration_entry(const void *) { nobody_has_this(); }\n\
                 extern \"C\" void build_graph(void *, const void *) { nobody_has_this(); }\n",
            ),
        };
        std::fs::remove_dir_all(&out).expect("ours");
        objects
    }
}

/// A shared object of `text` alone; what it does not define stays undefined.
fn plain(out: &Path, name: &str, text: &str) -> Vec<u8> {
    let source = out.join(format!("{name}.cpp"));
    std::fs::write(&source, text).expect("the build folder is writable");
    let output = out.join(name);
    Compiler::system()
        .plain_object(&source, &output)
        .expect("a few lines compile");
    std::fs::read(&output).expect("the compiler wrote it")
}

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use super::Builder;
use super::cache::Cache;
use super::compiler::Environment;
use super::roots::Roots;
use crate::scene::error::SceneError;
use crate::scene::load;
use crate::scene::model::{Platform, RuntimeKind, Scene};
use crate::scene::session::BuiltProgram;

/// A folder of its own for every test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("scene-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a small file");
    }

    fn builder(&self) -> Builder {
        // A tree of headers that only these tests know.
        fs::create_dir_all(self.0.join("root/aicore-abi/include")).expect("a folder");
        Builder {
            cache: Cache {
                folder: self.0.join("cache"),
            },
            roots: Ok(Roots {
                ours: self.0.join("root"),
                pto_isa: None,
            }),
            environment: Environment::read(),
        }
    }

    fn scene(&self) -> Scene {
        let text = r#"
            name = "built"
            platforms = ["a2a3sim"]
            runtimes = ["hbg"]
            orchestration = { source = "graph.cpp", entry = "build_graph" }
            kernel = [
                { id = 0, core = "aiv", source = "kernel.cpp" },
                { id = 1, core = "aic", source = "kernel.cpp" },
                { id = 2, core = "aiv", source = "kernel.cpp" },
            ]
        "#;
        load::parse(&self.0.join("scene.toml"), text).expect("a good scene")
    }

    fn sources(&self) {
        self.write(
            "graph.cpp",
            "extern \"C\" int build_graph() { return 0; }\n",
        );
        self.write("value.h", "#define VALUE 1\n");
        self.write(
            "kernel.cpp",
            "#include \"value.h\"\nextern \"C\" int kernel_entry() { return VALUE; }\n",
        );
    }

    fn build(&self) -> Result<BuiltProgram, SceneError> {
        self.builder()
            .build(&self.scene(), Platform::A2a3sim, RuntimeKind::Hbg)
    }

    fn cached(&self) -> usize {
        fs::read_dir(self.0.join("cache")).map_or(0, Iterator::count)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn exists(path: &Path) -> bool {
    path.is_absolute() && path.is_file()
}

#[test]
fn what_did_not_change_is_not_compiled_again() {
    let folder = Folder::new("cached");
    folder.sources();
    let first = folder.build().expect("compiles");
    assert!(exists(&first.orchestration) && first.kernels.iter().all(|k| exists(&k.library)));
    // Equal sources, flags and core types share one object; another core type is another object.
    assert_eq!(first.kernels[0].library, first.kernels[2].library);
    assert_ne!(first.kernels[0].library, first.kernels[1].library);
    assert_eq!(folder.cached(), 3);
    let stamp =
        |program: &BuiltProgram| fs::metadata(&program.orchestration).and_then(|m| m.modified());
    let before = stamp(&first).expect("a time");
    let second = folder.build().expect("still compiles");
    assert_eq!(stamp(&second).expect("a time"), before);

    folder.write("value.h", "#define VALUE 2\n");
    let third = folder.build().expect("compiles again");
    assert_ne!(third.kernels[0].library, first.kernels[0].library);
    assert_eq!(third.orchestration, first.orchestration);
    assert_eq!(folder.cached(), 5);
}

#[test]
fn a_damaged_object_is_made_again() {
    let folder = Folder::new("damaged");
    folder.sources();
    let first = folder.build().expect("compiles");
    let whole = fs::read(&first.orchestration).expect("an object");
    fs::write(&first.orchestration, &whole[..whole.len() / 2]).expect("damaged");
    let second = folder.build().expect("compiles again");
    assert_eq!(
        fs::read(&second.orchestration).expect("an object").len(),
        whole.len()
    );
}

#[test]
fn builders_at_once_do_not_disturb_each_other() {
    let folder = Folder::new("parallel");
    folder.sources();
    thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| folder.build())).collect();
        for one in all {
            let program = one.join().expect("no panic").expect("compiles");
            assert!(exists(&program.orchestration));
        }
    });
    assert_eq!(folder.cached(), 3);
}

#[test]
fn a_mistake_shows_the_compilers_words_and_the_command() {
    let folder = Folder::new("mistake");
    folder.sources();
    folder.write(
        "kernel.cpp",
        "extern \"C\" int kernel_entry() { return nonsense; }\n",
    );
    let text = folder.build().expect_err("does not compile").to_string();
    assert!(text.contains("nonsense"), "{text}");
    assert!(text.contains("-D__DAV_"), "{text}");
    assert!(text.contains("kernel.cpp"), "{text}");
}

#[test]
fn a_missing_source_and_an_unwritable_cache_are_named() {
    let folder = Folder::new("missing");
    let text = folder.build().expect_err("no sources").to_string();
    assert!(
        text.contains("cannot read") && text.contains(".cpp"),
        "{text}"
    );
    folder.sources();
    folder.write("cache", "a file where the folder should be");
    let text = folder.build().expect_err("no cache").to_string();
    assert!(text.contains("cannot write"), "{text}");
    assert!(text.contains("SIMPLER_CACHE_DIR"), "{text}");
}

//! The libraries of real chips that others load by path.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use virtual_ascend::Family;

use super::images::{Runtime, aicpu_image, core_program, name, root};

/// The host runtime that cargo builds for a chip.
fn host_runtime(example: &str) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["build", "--package", "dist", "--example", example])
        .args(["--quiet", "--message-format=json-render-diagnostics"])
        .output()
        .expect("cargo runs this test");
    let text = String::from_utf8(output.stdout).expect("cargo writes text");
    assert!(output.status.success(), "{text}");
    let file = format!("lib{example}.so");
    let path = text
        .split('"')
        .find(|word| word.ends_with(&file))
        .expect("cargo says what it built");
    PathBuf::from(path)
}

/// A folder as `cargo xtask dist` writes it, with an image for this machine; written once.
pub(crate) fn folder(family: Family, runtime: Runtime) -> PathBuf {
    static WRITTEN: Mutex<BTreeMap<[&str; 2], PathBuf>> = Mutex::new(BTreeMap::new());
    let mut written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let place = written.entry([name(family), runtime.name()]);
    place.or_insert_with(|| write(family, runtime)).clone()
}

fn write(family: Family, runtime: Runtime) -> PathBuf {
    let host = host_runtime(&format!("host_{}_{}", name(family), runtime.name()));
    // Programs that write at once have folders of their own.
    let all = format!("c-library-{}", env!("CARGO_CRATE_NAME"));
    let all = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(all);
    let folder = all.join(name(family)).join(runtime.name());
    let put = |path: PathBuf, bytes: &[u8]| {
        let parent = path.parent().expect("a file in a folder");
        std::fs::create_dir_all(parent).expect("a writable folder");
        let fresh = path.with_extension("new");
        std::fs::write(&fresh, bytes).expect("a writable folder");
        std::fs::rename(fresh, path).expect("a writable folder");
    };
    let host = std::fs::read(host).expect("just built");
    put(folder.join("libhost_runtime.so"), &host);
    let image = aicpu_image(family, runtime, "native");
    put(folder.join("libaicpu_kernel.so"), &image);
    put(folder.join("aicore_kernel.o"), &core_program());
    for object in dist::OBJECTS {
        if let (("lib", file), dist::Source::Bytes(bytes)) = (object.path, object.source) {
            put(all.join("lib").join(file), bytes);
        }
    }
    folder
}

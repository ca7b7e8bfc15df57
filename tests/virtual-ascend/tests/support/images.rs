//! The programs of a played chip, built when a test first asks for them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use aicpu::onboard::stamp::Runtime;
use virtual_ascend::Family;

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Runs a tool that must succeed.
pub(crate) fn run(command: &mut Command) {
    let output = command.output().expect("the tool is installed");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}");
}

/// The AICPU image of `family` with `runtime` for this machine or for a chip, built if it is not up to date.
pub(crate) fn aicpu_image(family: Family, runtime: Runtime, target: &'static str) -> Arc<[u8]> {
    type Built = BTreeMap<[&'static str; 3], Arc<[u8]>>;
    static BUILT: Mutex<Built> = Mutex::new(BTreeMap::new());
    let key = [name(family), runtime.name(), target];
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(built.entry(key).or_insert_with(|| build_image(key)))
}

fn build_image([chip, runtime, target]: [&str; 3]) -> Arc<[u8]> {
    run(Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["xtask", "image", "--chip", chip])
        .args(["--runtime", runtime, "--target", target]));
    let folder = if target == "native" {
        format!("{runtime}-native")
    } else {
        runtime.to_owned()
    };
    let images = root().join("target/images");
    let image = images.join(chip).join(folder).join("libaicpu_kernel.so");
    std::fs::read(image).expect("just built").into()
}

/// A core program in whose place played cores take their own.
pub(crate) fn core_program() -> Vec<u8> {
    virtual_ascend::core_program_for_virtual_cores()
}

pub(crate) const fn name(family: Family) -> &'static str {
    match family {
        Family::A2a3 => "a2a3",
        Family::A5 => "a5",
    }
}

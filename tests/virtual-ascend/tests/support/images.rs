//! The programs of a played chip, built when a test first asks for them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

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

/// The AICPU image of `family` for this machine or for a chip, built if it is not up to date.
pub(crate) fn aicpu_image(family: Family, target: &'static str) -> Arc<[u8]> {
    type Built = BTreeMap<(&'static str, &'static str), Arc<[u8]>>;
    static BUILT: Mutex<Built> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let image = built.entry((name(family), target));
    Arc::clone(image.or_insert_with(|| build_image(name(family), target)))
}

fn build_image(chip: &str, target: &str) -> Arc<[u8]> {
    run(Command::new(env!("CARGO")).current_dir(root()).args([
        "xtask",
        "image",
        "--chip",
        chip,
        "--runtime",
        "trb",
        "--target",
        target,
    ]));
    let folder = if target == "native" {
        "trb-native"
    } else {
        "trb"
    };
    let images = root().join("target/images");
    let image = images.join(chip).join(folder).join("libaicpu_kernel.so");
    std::fs::read(image).expect("just built").into()
}

/// A file that looks like a core program to whoever does not run it.
pub(crate) fn core_program() -> Vec<u8> {
    let mut elf = b"\x7fELF".to_vec();
    elf.resize(4096, 0);
    elf
}

pub(crate) const fn name(family: Family) -> &'static str {
    match family {
        Family::A2a3 => "a2a3",
        Family::A5 => "a5",
    }
}

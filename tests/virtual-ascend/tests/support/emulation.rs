//! Control CPUs of a chip's kind, in an emulator.
//!
//! Takes cargo-zigbuild with zig, a standard library for aarch64, qemu's user mode and the C library that it loads; the
//! feature `emulated` says that they are there.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use virtual_ascend::Aicpu;

use super::images::{root, run};

/// A command, with its first arguments, that compiles orchestrations for control CPUs.
pub(crate) const COMPILER_VARIABLE: &str = "SIMPLER_AICPU_CXX";

/// Zig's compiler for `language`, for control CPUs of a chip.
fn zig(language: &str) -> Vec<String> {
    let zig = ["cargo-zigbuild", "zig", language, "--"];
    let target = ["-target", "aarch64-linux-gnu.2.17"];
    zig.into_iter().chain(target).map(str::to_owned).collect()
}

/// The C++ compiler for control CPUs of a chip: what the variable says, else zig.
pub(crate) fn compiler() -> Vec<String> {
    let named = std::env::var(COMPILER_VARIABLE).ok();
    let named = named.filter(|command| !command.trim().is_empty());
    named.map_or_else(
        || zig("c++"),
        |command| command.split_whitespace().map(str::to_owned).collect(),
    )
}

/// Whoever plays control CPUs, for aarch64.
pub(crate) fn player() -> Aicpu {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let output = folder.join(format!("virtual-aicpu-{}", std::process::id()));
        let compiler = zig("cc");
        run(Command::new(&compiler[0])
            .args(&compiler[1..])
            .args(["-O1", "-rdynamic", "-pthread", "-o"])
            .arg(&output)
            .arg(root().join("tests/virtual-ascend/device/aicpu.c"))
            .arg("-ldl"));
        output
    });
    Aicpu::Emulated {
        emulator: vec!["qemu-aarch64-static".to_owned()],
        program: program.clone(),
    }
}

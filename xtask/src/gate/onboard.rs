//! The real chip's path on a machine without one.
//!
//! Knows what must build where nothing of CANN is, which programs a chip needs, and the tests that run them in an
//! emulator. Refuses to know how: a missing tool is an error of whoever needs it, and `.ci/chip-tools` brings all.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command::{cargo, root, run as run_command};
use crate::image::{self, Chip, Runtime, Target};
use crate::toolkit::{TOOLKIT, TOOLKIT_VARIABLES};

/// The user's build line, for each family.
pub(super) fn builds() -> Result<()> {
    for package in ["platform-a2a3", "platform-a5"] {
        println!("    {package}");
        let mut command = cargo(["build", "--quiet", "--package", package]);
        command.args(["--features", "onboard"]);
        // What is installed here must not matter.
        for variable in TOOLKIT_VARIABLES {
            command.env_remove(variable);
        }
        run_command(&mut command)?;
    }
    Ok(())
}

/// The feature `cann-headers`: it builds against headers that agree, and not against others or none.
pub(super) fn headers() -> Result<()> {
    let toolkit = root().join(TOOLKIT);
    let clippy = |toolkit: Option<&Path>| {
        let mut command = cargo(["clippy", "--quiet", "--package", "platform"]);
        command.args(["--no-default-features", "--features", "cann-headers"]);
        command.args(["--", "-Dwarnings"]);
        for variable in TOOLKIT_VARIABLES {
            command.env_remove(variable);
        }
        if let Some(toolkit) = toolkit {
            command.env("ASCEND_HOME_PATH", toolkit);
        }
        command
    };
    run_command(&mut clippy(Some(&toolkit))).context("needs libclang")?;
    refuses(clippy(None), "source the toolkit's set_env.sh")?;
    let changed = root().join("target/changed-toolkit");
    let kernel = "pkg_inc/runtime/runtime/kernel.h";
    let memory = "pkg_inc/runtime/runtime/mem.h";
    for (file, was, is, says) in [
        (
            kernel,
            "uint32_t tilingAddrOffset;",
            "uint64_t tilingAddrOffset;",
            "rtArgsEx_t has another size",
        ),
        (
            kernel,
            "0x43554245U",
            "0x43554246U",
            "RT_DEV_BINARY_MAGIC_ELF is another number",
        ),
        (
            memory,
            "void **devPtr, uint64_t size",
            "void **devPtr, uint32_t size",
            "rtMalloc is declared differently",
        ),
    ] {
        copy_folder(&toolkit, &changed)?;
        let header = changed.join(file);
        let text = fs::read_to_string(&header)?;
        ensure!(text.contains(was), "{file} does not say {was}");
        fs::write(&header, text.replace(was, is))?;
        println!("    {says}");
        refuses(clippy(Some(&changed)), says)?;
    }
    Ok(fs::remove_dir_all(&changed)?)
}

/// Runs a build that must fail and say why.
fn refuses(mut command: Command, says: &str) -> Result<()> {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !output.status.success(),
        "it builds where it should say: {says}"
    );
    ensure!(text.contains(says), "it does not say `{says}` but: {text}");
    Ok(())
}

/// Copies a folder with all below it over another.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The programs of control CPUs, for a chip.
pub(super) fn images() -> Result<()> {
    for chip in Chip::ALL {
        for runtime in Runtime::ALL {
            println!("    {} {}", chip.name(), runtime.name());
            image::build(chip, runtime, Target::Aarch64)?;
        }
    }
    Ok(())
}

/// Whole runs and scenes with these programs.
pub(super) fn emulated() -> Result<()> {
    let mut command = cargo(["test", "--package", "virtual-ascend"]);
    command.args(["--features", "emulated", "--test", "emulated"]);
    command.args(["--test", "emulated_scenes"]);
    run_command(&mut command).context("`.ci/chip-tools` brings what this takes")
}

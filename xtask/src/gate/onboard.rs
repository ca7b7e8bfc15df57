//! The real chip's path on a machine without one.
//!
//! Knows what must build where nothing of CANN is, which programs a chip needs, and the tests that run them in an
//! emulator. Refuses to know how: a missing tool is an error of whoever needs it, and `.ci/chip-tools` brings all.

use anyhow::{Context, Result};

use crate::command::{cargo, run as run_command};
use crate::image::{self, Chip, Runtime, Target};

/// The user's build line, for each family.
pub(super) fn builds() -> Result<()> {
    for package in ["platform-a2a3", "platform-a5"] {
        println!("    {package}");
        let mut command = cargo(["build", "--quiet", "--package", package]);
        command.args(["--features", "onboard"]);
        // What is installed here must not matter.
        for variable in ["ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"] {
            command.env_remove(variable);
        }
        run_command(&mut command)?;
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

/// Whole runs with these programs.
pub(super) fn emulated() -> Result<()> {
    let mut command = cargo(["test", "--package", "virtual-ascend"]);
    command.args(["--features", "emulated", "--test", "emulated"]);
    run_command(&mut command).context("`.ci/chip-tools` brings what this takes")
}

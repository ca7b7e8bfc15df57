//! Building and checking the programs that run on a chip.
//!
//! Knows the tools that make an AICPU image and the core program, and what must be true of the result.
//! Refuses to hand out an image it has not opened: a wrong one fails on the chip, where nobody can look.

mod check;
mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::command::{root, run};
use toolchain::Toolchain;

/// A chip family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Chip {
    /// 24 clusters, one register window.
    A2a3,
    /// 36 clusters on two dies.
    A5,
}

/// A runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runtime {
    /// The graph is built on the device.
    Trb,
    /// The graph is built on the host.
    Hbg,
}

/// What an image is to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// A chip's control CPUs.
    Aarch64,
    /// This machine, for the virtual Ascend.
    Native,
}

impl Chip {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::A2a3, Self::A5];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::A2a3 => "a2a3",
            Self::A5 => "a5",
        }
    }
}

impl Runtime {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Trb, Self::Hbg];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Trb => "trb",
            Self::Hbg => "hbg",
        }
    }
}

/// The file name the reference's programs look for.
pub(crate) const IMAGE: &str = "libaicpu_kernel.so";
/// The program of the compute cores.
pub(crate) const CORE_PROGRAM: &str = "aicore_kernel.o";

/// Builds the AICPU image for a chip and a runtime, checks it and writes its manifest.
pub(crate) fn build(chip: Chip, runtime: Runtime, target: Target) -> Result<()> {
    let toolchain = match target {
        Target::Aarch64 => Toolchain::cross()?,
        Target::Native => Toolchain::native(),
    };
    let (built, bytes) = compile(chip, runtime, &toolchain)?;
    let findings = check::image(&bytes, runtime, target)
        .with_context(|| format!("the image {} is not fit for a chip", built.display()))?;

    let folder = folder(chip, runtime, target);
    fs::create_dir_all(&folder)?;
    let image = folder.join(IMAGE);
    fs::write(&image, &bytes)?;
    let manifest = serde_json::json!({
        "chip": chip.name(),
        "runtime": runtime.name(),
        "machine": findings.machine,
        "exports": findings.exports,
        "needed": findings.needed,
        "glibc": findings.glibc,
        "layout_digest": format!("{:#018x}", findings.digest),
        "revision": revision(),
        "toolchain": toolchain.describe()?,
        "bytes": bytes.len(),
    });
    fs::write(folder.join("manifest.json"), format!("{manifest:#}\n"))?;
    println!("{}", image.display());
    Ok(())
}

/// Where an image goes.
fn folder(chip: Chip, runtime: Runtime, target: Target) -> PathBuf {
    let runtime = match target {
        Target::Aarch64 => runtime.name().to_owned(),
        Target::Native => format!("{}-native", runtime.name()),
    };
    root().join("target/images").join(chip.name()).join(runtime)
}

/// The file that was built, and what is in it.
fn compile(chip: Chip, runtime: Runtime, toolchain: &Toolchain) -> Result<(PathBuf, Vec<u8>)> {
    let family = match chip {
        Chip::A2a3 => "image",
        Chip::A5 => "image-a5",
    };
    let features = format!("{family},{}", runtime.name());
    // A folder of its own: the image has features that no other build of these crates has.
    let target_dir = root().join("target/image-build");
    fs::create_dir_all(&target_dir)?;
    // The families' images have the same name there.
    let alone = fs::File::create(target_dir.join("xtask.lock"))?;
    alone.lock()?;
    let mut command = toolchain.cargo_rustc();
    command
        .current_dir(root())
        .args(["-p", "aicpu", "--lib", "--crate-type", "cdylib"])
        .args(["--no-default-features", "--features", &features])
        .arg("--target-dir")
        .arg(&target_dir);
    let folder = match toolchain.triple() {
        Some(triple) => {
            command.args(["--profile", "device"]);
            target_dir.join(triple).join("device")
        }
        // What is only tested here keeps its assertions.
        None => target_dir.join("debug"),
    };
    run(&mut command)?;
    let built = folder.join("libaicpu.so");
    let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    Ok((built, bytes))
}

fn revision() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(root())
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    match git(&["rev-parse", "HEAD"]) {
        None => "unknown".to_owned(),
        Some(revision) => match git(&["status", "--porcelain", "--untracked-files=no"]) {
            Some(changes) if changes.is_empty() => revision,
            _ => format!("{revision}+changes"),
        },
    }
}

/// Builds the core program with the vendor's compiler, where it is installed.
pub(crate) fn build_core_program(chip: Chip, out: Option<PathBuf>) -> Result<()> {
    let toolkit = std::env::var_os("ASCEND_HOME_PATH")
        .map(PathBuf::from)
        .context("the core program is built by ccec of CANN: source its set_env.sh first")?;
    let images = out.unwrap_or_else(|| root().join("target/images"));
    let folder = images.join(chip.name());
    fs::create_dir_all(&folder)?;
    let mut combined = Vec::new();
    for (kind, core) in [("aic", "cube"), ("aiv", "vec")] {
        let object = folder.join(format!("entry_{kind}.o"));
        run(&mut ccec(&toolkit, chip, core, &object))?;
        let linked = folder.join(format!("aicore_{kind}_combined.o"));
        run(Command::new(toolkit.join("bin/ld.lld"))
            .arg("-r")
            .arg("-o")
            .arg(&linked)
            .arg(&object))?;
        combined.push(linked);
    }
    let program = folder.join(CORE_PROGRAM);
    run(Command::new(toolkit.join("bin/ld.lld"))
        .args(["-m", "aicorelinux", "-Ttext=0", "-static", "-n", "-o"])
        .arg(&program)
        .args(&combined))?;
    check::core_program(&fs::read(&program)?)?;
    println!("{}", program.display());
    Ok(())
}

fn ccec(toolkit: &Path, chip: Chip, core: &str, object: &Path) -> Command {
    let family = match chip {
        Chip::A2a3 => "c220",
        Chip::A5 => "c310",
    };
    let mut command = Command::new(toolkit.join("bin/ccec"));
    command
        .args([
            "-c",
            "-O3",
            "-g",
            "-x",
            "cce",
            "-Wall",
            "-std=c++17",
            "--cce-aicore-only",
        ])
        .arg(format!("--cce-aicore-arch=dav-{family}-{core}"));
    for option in [
        "-cce-aicore-stack-size=0x8000",
        "-cce-aicore-function-stack-size=0x8000",
        "-cce-aicore-record-overflow=false",
        "-cce-aicore-addr-transform",
        "-cce-aicore-dcci-insert-for-scalar=false",
    ] {
        command.args(["-mllvm", option]);
    }
    if chip == Chip::A5 {
        command.arg("-DSIMPLER_FAMILY_A5");
    }
    command
        .arg("-o")
        .arg(object)
        .arg(root().join("aicore-abi/aicore/entry.cpp"));
    command
}

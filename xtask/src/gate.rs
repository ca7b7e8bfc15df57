//! The gate: what a change must pass, quickest first.
//!
//! A check that cannot run is a failure, never a silent pass: `.ci/run` installs what the deep ones
//! need, and each says what that is.

mod onboard;

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::command::{cargo, root, run as run_command};
use crate::features;

/// How much to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Depth {
    /// Formatting, lints, documentation: seconds after the first build.
    Fast,
    /// Feature sets, `no_std` proofs, model checking, the libclang view, licences.
    Deep,
    /// The real chip's path without a chip: its programs built, and run on the virtual Ascend.
    Onboard,
}

/// One named check.
struct Check {
    name: &'static str,
    depth: Depth,
    body: fn() -> Result<()>,
}

const CHECKS: &[Check] = &[
    Check {
        name: "format",
        depth: Depth::Fast,
        body: format,
    },
    Check {
        name: "lints",
        depth: Depth::Fast,
        body: lints,
    },
    Check {
        name: "lints of all features",
        depth: Depth::Fast,
        body: lints_of_all_features,
    },
    Check {
        name: "documentation",
        depth: Depth::Fast,
        body: documentation,
    },
    Check {
        name: "no_std",
        depth: Depth::Deep,
        body: no_std,
    },
    Check {
        name: "feature sets",
        depth: Depth::Deep,
        body: feature_sets,
    },
    Check {
        name: "libclang view of the headers",
        depth: Depth::Deep,
        body: libclang_view,
    },
    Check {
        name: "model checking",
        depth: Depth::Deep,
        body: model_checking,
    },
    Check {
        name: "scenes, embedded and through libraries",
        depth: Depth::Deep,
        body: scenes,
    },
    Check {
        name: "host program in C under valgrind",
        depth: Depth::Deep,
        body: c_host_under_valgrind,
    },
    Check {
        name: "fuzz targets build",
        depth: Depth::Deep,
        body: fuzz_targets,
    },
    Check {
        name: "licences and duplicates",
        depth: Depth::Deep,
        body: licences,
    },
    Check {
        name: "builds without CANN",
        depth: Depth::Onboard,
        body: onboard::builds,
    },
    Check {
        name: "declarations against headers",
        depth: Depth::Onboard,
        body: onboard::headers,
    },
    Check {
        name: "images",
        depth: Depth::Onboard,
        body: onboard::images,
    },
    Check {
        name: "emulated chips",
        depth: Depth::Onboard,
        body: onboard::emulated,
    },
];

/// Runs the checks of `depth` whose name contains `only`.
pub(crate) fn run(depth: Depth, only: Option<&str>) -> Result<()> {
    let wanted: Vec<_> = CHECKS
        .iter()
        .filter(|check| check.depth == depth)
        .filter(|check| only.is_none_or(|part| check.name.contains(part)))
        .collect();
    if wanted.is_empty() {
        let names: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
        bail!("no such check; there are: {}", names.join(", "));
    }
    for check in &wanted {
        println!("==> {}", check.name);
        let start = Instant::now();
        (check.body)().with_context(|| format!("check failed: {}", check.name))?;
        println!(
            "    {} ok, {:.1} s",
            check.name,
            start.elapsed().as_secs_f32()
        );
    }
    Ok(())
}

/// A workspace of its own: built with other flags than the rest.
const FUZZ: &str = "fuzz/Cargo.toml";
/// A workspace of its own: built without std.
const PROOF: &str = "tests/no-std-proof/Cargo.toml";

fn format() -> Result<()> {
    run_command(&mut cargo(["fmt", "--all", "--check"]))?;
    for manifest in [FUZZ, PROOF] {
        run_command(&mut cargo(["fmt", "--check", "--manifest-path", manifest]))?;
    }
    Ok(())
}

fn lints() -> Result<()> {
    clippy(&["--workspace"])
}

fn lints_of_all_features() -> Result<()> {
    // `tests/libclang` and `platform/cann-headers` generate code at build time and need libclang: a later check
    // looks at them.
    clippy(&[
        "--workspace",
        "--exclude",
        "tests",
        "--exclude",
        "platform",
        "--all-features",
    ])?;
    clippy(&["--package", "platform", "--features", "c-api,onboard"])
}

fn clippy(arguments: &[&str]) -> Result<()> {
    let mut command = cargo(["clippy", "--quiet", "--all-targets"]);
    command.args(arguments).args(["--", "-Dwarnings"]);
    run_command(&mut command)
}

fn documentation() -> Result<()> {
    run_command(
        cargo([
            "doc",
            "--quiet",
            "--workspace",
            "--no-deps",
            "--document-private-items",
        ])
        .env("RUSTDOCFLAGS", "-Dwarnings"),
    )
}

/// A crate with its own panic handler links only if nothing below it pulled in std.
fn no_std() -> Result<()> {
    let proof = |job: &str| cargo([job, "--quiet", "--manifest-path", PROOF]);
    run_command(&mut proof("build"))?;
    run_command(proof("clippy").args(["--", "-Dwarnings"]))
}

fn feature_sets() -> Result<()> {
    features::run(false)
}

fn libclang_view() -> Result<()> {
    let view = |job: &str| {
        let package = ["--quiet", "--package=tests", "--features=libclang"];
        let mut command = cargo([job]);
        command.args(package).arg("--test=headers_clang");
        command
    };
    run_command(&mut view("test"))?;
    // What it depends on is looked at by the fast checks.
    run_command(view("clippy").args(["--no-deps", "--", "-Dwarnings"]))
}

fn model_checking() -> Result<()> {
    run_command(
        cargo([
            "test",
            "--quiet",
            "--package",
            "sync",
            "--release",
            "--lib",
            "loom",
        ])
        .env("RUSTFLAGS", "--cfg loom")
        .env("LOOM_MAX_PREEMPTIONS", "3")
        .env("CARGO_TARGET_DIR", root().join("target/loom")),
    )
}

/// Every scene on every platform with every runtime: linked in, and through the C interface of a distribution. What is
/// compiled for the first is there for the second.
fn scenes() -> Result<()> {
    let dist = root().join("target/gate-dist");
    crate::dist::run(&crate::dist::Choice::everything("dev", &dist))?;
    let all = || {
        let mut command = cargo(["run", "--quiet", "--package", "host", "--bin", "simpler"]);
        command
            .args(["--", "test", "--dir", "tests/scenes"])
            .env("SIMPLER_CACHE_DIR", root().join("target/gate-scenes"));
        command
    };
    run_command(&mut all())?;
    run_command(all().arg("--runtime-dir").arg(&dist))?;
    // A worker above such chips has one test, which has nothing to open without a distribution.
    let mut above = cargo(["test", "--quiet", "--package", "host", "--test", "l3"]);
    above
        .args(["--", "host_runtimes_by_path"])
        .env("SIMPLER_TESTS_DIST", &dist);
    run_command(&mut above)
}

/// The libraries of a distribution, loaded, used and unloaded by a program that knows only their C interface.
fn c_host_under_valgrind() -> Result<()> {
    let mut command = cargo(["test", "--quiet", "--package", "tests", "--test", "c_host"]);
    run_command(command.args(["--", "--ignored"])).context("needs valgrind")
}

/// Fuzzing itself is open-ended (`fuzz/README.md`); the gate holds the targets to compiling, without warnings.
fn fuzz_targets() -> Result<()> {
    run_command(&mut cargo([
        "clippy",
        "--quiet",
        "--manifest-path",
        FUZZ,
        "--",
        "-Dwarnings",
    ]))
}

fn licences() -> Result<()> {
    run_command(
        Command::new("cargo-deny")
            .args(["--all-features", "check", "licenses", "bans", "sources"])
            .current_dir(root()),
    )
    .context("needs cargo-deny (`cargo install --locked cargo-deny`)")
}

//! The jobs cargo has no words for.
//!
//! Knows how the workspace is checked and what its deliverables are. Refuses to know how any of it
//! works inside: it drives cargo and looks at results.

mod command;
mod dist;
mod features;
mod gate;
mod image;
mod toolkit;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Jobs around the workspace. Run as `cargo xtask JOB`.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_version_flag = true)]
struct Cli {
    #[command(subcommand)]
    job: Job,
}

#[derive(Subcommand)]
enum Job {
    /// Runs the checks that a change must pass, quickest first.
    ///
    /// `cargo xtask gate fast` before every commit; `deep` needs the tools that `.ci/run` installs.
    Gate {
        /// Which checks.
        #[arg(value_enum)]
        depth: gate::Depth,
        /// Only the checks whose name contains this.
        #[arg(long)]
        only: Option<String>,
    },
    /// Builds the shared objects that host programs load by path, checks them and writes manifests.
    Dist(dist::Choice),
    /// Builds the AICPU image of a chip, checks it and writes its manifest.
    ///
    /// For aarch64 this takes cargo-zigbuild, zig, and a standard library for that target.
    Image {
        /// The chip family.
        #[arg(long, value_enum)]
        chip: image::Chip,
        /// The runtime.
        #[arg(long, value_enum, default_value = "trb")]
        runtime: image::Runtime,
        /// What it is to run on.
        #[arg(long, value_enum, default_value = "aarch64")]
        target: image::Target,
    },
    /// Builds the program of a chip's compute cores with the vendor's compiler.
    CoreProgram {
        /// The chip family.
        #[arg(long, value_enum)]
        chip: image::Chip,
        /// The folder of images, with one of each family in it; `target/images` if none is named.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Builds each crate alone: without default features, with each feature, with all.
    Features {
        /// Only print what would be built.
        #[arg(long)]
        list: bool,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().job) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(job: Job) -> anyhow::Result<()> {
    match job {
        Job::Dist(choice) => dist::run(&choice),
        Job::Gate { depth, only } => gate::run(depth, only.as_deref()),
        Job::Image {
            chip,
            runtime,
            target,
        } => image::build(chip, runtime, target),
        Job::CoreProgram { chip, out } => image::build_core_program(chip, out),
        Job::Features { list } => features::run(list),
    }
}

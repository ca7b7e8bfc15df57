//! The jobs cargo has no words for.
//!
//! Knows how the workspace is checked and what its deliverables are. Refuses to know how any of it
//! works inside: it drives cargo and looks at results.

mod command;
mod features;
mod gate;

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
        Job::Gate { depth, only } => gate::run(depth, only.as_deref()),
        Job::Features { list } => features::run(list),
    }
}

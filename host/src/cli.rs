//! The `simpler` command line.
//!
//! Knows commands, options and exit codes: 0 all well, 1 a case failed or ran out of time, 2 the
//! question was wrong. Refuses to know devices: they come from a [`Machine`].

mod child;
pub mod doctor;
pub mod inspect;
mod jobs;
mod progress;
mod record;
mod run;
mod test;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::diagnostics::report::{self, Report};
use crate::scene::chip::Libraries;
use crate::scene::model::{Platform, RuntimeKind};
use crate::scene::session::Machine;

/// Exit code of a failed case.
const FAILED: u8 = 1;
/// Exit code of a wrong question.
const WRONG: u8 = 2;

/// Runs task graphs on Ascend NPUs, simulated or real.
#[derive(Debug, Parser)]
#[command(
    name = "simpler",
    version,
    after_help = "\
Examples:
  simpler demo                                 what does it look like?
  simpler demo --chips 4                       several chips that talk, and one of them dies
  simpler doctor                               what can this machine do?
  simpler doctor --device 0                    is this real chip ready, and if not, why?
  simpler run tests/scenes/trb/vector_example  compile, run and check one scene
  simpler run tests/scenes/trb/vector_example -p a5sim -n 20
  simpler test                                 every scene, on several simulated chips at once
  simpler test paged -r trb -j 4               only those with `paged` in their names
  simpler run tests/scenes/trb/bench_chain --trace  what ran when, for ui.perfetto.dev
  simpler report                               where did the time of that run go?
  simpler inspect graph.so                     what is in this file?

A scene is a folder with a `scene.toml`: sources, arguments and what should come out."
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "trb")]
    /// A small graph with kernels in Rust, and a picture of what ran where. Needs nothing.
    Demo {
        /// Chip to run on.
        #[arg(short, long, default_value = "a2a3sim")]
        platform: String,
        /// Several chips that talk, each in a process of its own, instead of one.
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(2..=16))]
        chips: Option<u8>,
    },
    Run(RunArgs),
    Test(TestArgs),
    Report(ReportArgs),
    Inspect(InspectArgs),
    Doctor(DoctorArgs),
    /// One scene in a process of its own; the test runner starts it.
    #[command(name = child::COMMAND, hide = true)]
    Child {
        /// The job, as JSON.
        job: String,
    },
}

/// Compiles, runs and checks one scene.
///
/// Prints PASS or FAIL with the first mismatches, and how long preparing and running took. Sources
/// are compiled once per content and kept in the cache folder (SIMPLER_CACHE_DIR, else
/// ~/.cache/simpler).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  simpler run tests/scenes/trb/vector_example/scene.toml
  simpler run tests/scenes/hbg/bench_chain -p a5sim
  simpler run tests/scenes/trb/vector_example --trace
  simpler run tests/scenes/trb/bench_chain -n 50 --set count=4000 --set block_dim=24
  simpler run tests/scenes/trb/bench_chain --set env.PTO2_RING_TASK_WINDOW=64 --json | tail -n 1")]
struct RunArgs {
    /// The scene: its folder or its `scene.toml`.
    #[arg(value_name = "SCENE.toml")]
    scene: PathBuf,
    /// Chip to run on: a2a3sim, a5sim, or a real a2a3 or a5 [default: the scene's first simulated one].
    #[arg(short, long)]
    platform: Option<Platform>,
    /// Which of these chips.
    #[arg(short, long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(..0x8000_0000))]
    device: u32,
    /// Runtime to run with: trb or hbg [default: the scene's first].
    #[arg(short, long)]
    runtime: Option<RuntimeKind>,
    /// Only this case [default: all that are not manual].
    #[arg(long, value_name = "NAME")]
    case: Option<String>,
    /// Runs of each case; every one is checked.
    #[arg(short = 'n', long, value_name = "REPEATS", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    repeats: u32,
    /// Sets a parameter of the scene, or aicpu_threads, block_dim, timeout_s, rtol, atol, env.NAME.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Runs on the host runtime in this folder, whoever built it, instead of the chips of this program; in a folder
    /// of several it is the one in `<platform>/<runtime>`.
    #[arg(long, value_name = "DIR")]
    runtime_dir: Option<PathBuf>,
    /// Prints JSON; the last line is one object over everything that ran.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    record: record::RecordArgs,
}

/// Runs every scene below a folder, over several devices at once.
///
/// Each scene runs in a process of its own, which is killed with all its children when the time
/// limit passes. The output of failed scenes is shown.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  simpler test                         everything, everywhere
  simpler test vector spmd             scenes with `vector` or `spmd` in their names
  simpler test -p a5sim -r trb -j 4    one chip family, one runtime, four devices
  simpler test --dir my/scenes --timeout 10")]
struct TestArgs {
    /// Only scenes whose name, platform and runtime (`vector@a2a3sim/trb`) contain one of these.
    filter: Vec<String>,
    /// Only this chip: a2a3sim, a5sim, or a real a2a3 or a5 [default: all of the scene's simulated ones].
    #[arg(short, long)]
    platform: Option<Platform>,
    /// Only this runtime: trb or hbg [default: all of the scene's].
    #[arg(short, long)]
    runtime: Option<RuntimeKind>,
    /// Devices to use at once, by their numbers [default: as many as -j says, from 0; of real chips 0 alone].
    #[arg(short, long, value_name = "N,…", value_delimiter = ',', conflicts_with = "devices",
          value_parser = clap::value_parser!(u32).range(..0x8000_0000))]
    device: Vec<u32>,
    /// Devices to use at once [default: one per processor core, at most 8].
    #[arg(short = 'j', long, value_name = "DEVICES",
          value_parser = clap::value_parser!(u32).range(1..=256))]
    devices: Option<u32>,
    /// Seconds one scene may take, compiling included.
    #[arg(long, value_name = "S", default_value_t = 120,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Folder to search [default: tests/scenes, or else the current one].
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Runs on the host runtimes in this folder, such as `cargo xtask dist` writes, instead of the chips of this
    /// program; on one alone, together with -p and -r.
    #[arg(long, value_name = "DIR")]
    runtime_dir: Option<PathBuf>,
}

/// Says where the time of a recorded run went.
///
/// The first line has makespan, tasks, cores and how busy they were; then what every function took, what calls
/// waited for, and the critical path.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  simpler report                       the newest run below outputs
  simpler report outputs/first         that one
  simpler report records.json --json   also those that the reference's tools read")]
struct ReportArgs {
    /// A run's folder or its `l2_perf_records.json` [default: the newest below outputs].
    path: Option<PathBuf>,
    /// Most functions to show.
    #[arg(long, default_value_t = 20)]
    top: usize,
    /// Prints JSON, times in nanoseconds.
    #[arg(long)]
    json: bool,
}

/// Explains a shared object or a callable image.
#[derive(Debug, Args)]
struct InspectArgs {
    /// The file.
    file: PathBuf,
}

/// Says what this machine can do, and how to get the rest.
///
/// With `--device` it examines a real chip step by step: each step says what it found and what that shows; the
/// first that fails says why, what it means and what to do, and the exit code is 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  simpler doctor                                  compilers, folders, CANN
  simpler doctor --device 0                       the chip, its link, its streams, our images on it
  simpler doctor --device 0 -p a5 --images DIR    a chip whose family is not known by its name")]
struct DoctorArgs {
    /// Examines this real chip.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    device: Option<i32>,
    /// Its family: a2a3 or a5 [default: what the chip says].
    #[arg(short, long, requires = "device")]
    platform: Option<Platform>,
    /// The runtime whose image is loaded: trb or hbg.
    #[arg(short, long, requires = "device", default_value = "trb")]
    runtime: RuntimeKind,
    /// Folder of images [default: SIMPLER_IMAGES, else `images` beside this program, else target/images].
    #[arg(long, value_name = "DIR", requires = "device")]
    images: Option<PathBuf>,
}

/// What the command's processes know by name when they are children of workers.
#[must_use]
pub fn catalogue() -> crate::team::Catalogue {
    #[cfg(feature = "trb")]
    let names = crate::demo::chips::catalogue();
    #[cfg(not(feature = "trb"))]
    let names = crate::team::Catalogue::new();
    names
}

#[cfg(feature = "trb")]
fn demonstrate(platform: &str, chips: Option<u8>) -> crate::Result<String> {
    match chips {
        None => crate::demo::run(platform),
        Some(count) => crate::demo::chips::run(platform, count),
    }
}

/// Runs the command the process was started with.
pub fn main(machine: &dyn Machine) -> ExitCode {
    main_with(machine, std::env::args_os())
}

/// Runs the command in `words`, whose first is the program's name.
pub fn main_with(machine: &dyn Machine, words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let line = match CommandLine::try_parse_from(words) {
        Ok(line) => line,
        Err(error) => {
            // Help that was asked for is no mistake and goes to standard output.
            let code = if error.use_stderr() { WRONG } else { 0 };
            return match error.print() {
                Ok(()) => ExitCode::from(code),
                Err(_) => ExitCode::from(WRONG),
            };
        }
    };
    let outcome = match line.command {
        Command::Run(args) => match &args.runtime_dir {
            None => run::run(machine, &args),
            // SAFETY: whoever names a folder wants its code to run, and this thread is the only one.
            Some(dir) => run::run(&unsafe { Libraries::new(dir.clone()) }, &args),
        },
        Command::Test(args) => test::test(&args),
        Command::Report(args) => report(&args),
        Command::Inspect(args) => inspect::file(&args.file).map(|text| {
            print!("{text}");
            0
        }),
        #[cfg(feature = "trb")]
        Command::Demo { platform, chips } => match demonstrate(&platform, chips) {
            Ok(text) => {
                print!("{text}");
                Ok(0)
            }
            Err(error) => Err(error.to_string()),
        },
        Command::Doctor(args) => doctor(&args),
        Command::Child { job } => child::run(machine, &job),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(WRONG)
        }
    }
}

fn doctor(args: &DoctorArgs) -> Result<u8, String> {
    let Some(device) = args.device else {
        print!("{}", doctor::report());
        return Ok(0);
    };
    examine(device, args)
}

#[cfg(feature = "onboard")]
fn examine(device: i32, args: &DoctorArgs) -> Result<u8, String> {
    let question = doctor::chip::Question {
        search: &platform::cann::Search::from_environment(),
        device,
        platform: args.platform,
        runtime: args.runtime,
        images: args.images.as_deref(),
    };
    let good = doctor::chip::examine(&question, &mut std::io::stdout())?;
    Ok(if good { 0 } else { FAILED })
}

#[cfg(not(feature = "onboard"))]
fn examine(device: i32, args: &DoctorArgs) -> Result<u8, String> {
    let _ = (args.platform, args.runtime, &args.images);
    Err(format!(
        "this program was built without real chips, so device {device} cannot be examined: build it with \
         `--features onboard`"
    ))
}

fn report(args: &ReportArgs) -> Result<u8, String> {
    let file = report::find(args.path.as_deref(), Path::new(record::OUTPUTS))?;
    let (report, swimlane) = Report::read(file)?;
    if args.json {
        let json = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
        println!("{json}");
    } else {
        print!("{}", report.text(&swimlane, args.top));
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::CommandFactory;

    use super::CommandLine;

    #[test]
    fn scenes_in_the_examples_exist() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut command = CommandLine::command();
        let mut helps = vec![command.render_long_help().to_string()];
        for inner in command.get_subcommands_mut() {
            helps.push(inner.render_long_help().to_string());
        }
        let scenes: Vec<&str> = helps
            .iter()
            .flat_map(|help| help.split_whitespace())
            .filter(|word| word.starts_with("tests/scenes/"))
            .collect();
        assert!(scenes.len() >= 5, "examples name scenes: {scenes:?}");
        for scene in scenes {
            assert!(
                repository.join(scene).exists(),
                "`{scene}` does not exist; a reader who tries the example fails"
            );
        }
    }
}

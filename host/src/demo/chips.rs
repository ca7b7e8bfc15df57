//! A second look: several chips, each a process of its own, that add up what they have; and what happens when one
//! of them dies.
//!
//! Knows one small program and how to tell its story. Refuses to know how children are started: it uses the same
//! interface as any application.

use core::fmt::Write;
use core::time::Duration;
use std::time::Instant;

use aicore_abi::call::{Call, CallError};
use platform::{Program, Waits};
use protocol::ArgDirection::{In, Inout, Out, Scalar};
use protocol::{CallConfig, CoreType};
use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Error, Result};
use crate::graph::{GraphError, Kernels, RunArguments, Scope};
use crate::program::ProgramBuilder;
use crate::team::{Args, Catalogue, Communicator, ProgramHandle, Tensor, Windows, Worker};

/// Name of the program in parent and children.
const NAME: &str = "demo.add-up";
/// Bytes of a rank's window: a slot for each rank and a counter.
const WINDOW: u64 = 4096;
/// Where the counter is.
const COUNTER: u64 = WINDOW - 4;
/// No rank waits longer for another.
const PATIENCE: Duration = Duration::from_secs(20);
/// The chip that is killed.
const VICTIM: usize = 1;

/// What the children of the demonstration are asked for by name.
#[must_use]
pub fn catalogue() -> Catalogue {
    Catalogue::new().program(NAME, program)
}

/// Runs the demonstration on `count` chips of `platform` and returns what to show.
///
/// # Errors
///
/// The platform is unknown, the program has not called [`child_main`](crate::team::child_main), or something failed
/// that should not.
pub fn run(platform: &str, count: u8) -> Result<String> {
    let worker = Worker::builder(3)
        .chips(platform, 0..count.into())
        .catalogue(&catalogue())
        .build()?;
    let begun = Instant::now();
    worker.init()?;
    let started = begun.elapsed();
    let mut team = Team::new(&worker, count)?;
    // The first run finds the memory; the second is the one to look at.
    team.add_up()?;
    let begun = Instant::now();
    team.add_up()?;
    let took = begun.elapsed();

    let wanted = u32::from(count) * (u32::from(count) + 1) / 2;
    let mut text = format!(
        "{count} chips of {platform}, each a process of its own, add up everyone's number through \
         windows into each other's memory.\n\n"
    );
    for (child, sum) in worker.children().iter().zip(team.sums()?) {
        let process = child.process.map_or_else(String::new, |it| it.to_string());
        writeln!(text, "  {:<22} process {process:<8} {sum}", child.label).expect(TAKES);
    }
    writeln!(
        text,
        "\nThe sums are {} a plain loop's. Started in {started:.1?}, one run takes {took:.1?}.\n",
        verdict(&team.sums()?, wanted)
    )
    .expect(TAKES);

    let process = worker.children()[VICTIM].process;
    if let Some(pid) = process.and_then(|it| Pid::from_raw(it.cast_signed())) {
        kill_process(pid, Signal::KILL).map_err(|source| Error::System {
            child: format!("chip {VICTIM}"),
            step: "kill it",
            source: source.into(),
        })?;
    }
    let refused = match team.add_up() {
        Err(error) => error.to_string(),
        Ok(()) => "NOTHING, which is wrong".to_owned(),
    };
    writeln!(
        text,
        "One of them is killed. The next run says:\n  {refused}\n"
    )
    .expect(TAKES);
    worker.restart_next_level(VICTIM)?;
    team = Team::new(&worker, count)?;
    team.add_up()?;
    let process = worker.children()[VICTIM].process;
    writeln!(
        text,
        "It is started again, as process {}; the others never stopped. The next run's sums are {} a plain loop's.",
        process.map_or_else(String::new, |it| it.to_string()),
        verdict(&team.sums()?, wanted)
    )
    .expect(TAKES);
    worker.close()?;
    Ok(text)
}

const TAKES: &str = "a string takes everything";

fn verdict(sums: &[u32], wanted: u32) -> &'static str {
    if sums.iter().all(|&sum| sum == wanted) {
        "equal to"
    } else {
        "DIFFERENT FROM"
    }
}

/// The chips, the windows between them and what each has.
struct Team<'a> {
    worker: &'a Worker,
    program: ProgramHandle,
    comm: Communicator,
    parts: Vec<(Tensor, Tensor)>,
}

impl<'a> Team<'a> {
    fn new(worker: &'a Worker, count: u8) -> Result<Self> {
        let chips: Vec<usize> = (0..count.into()).collect();
        let number = |value: u32| {
            let tensor = worker.buffer(4)?.tensor::<u32>(&[1])?;
            tensor.store(&[value])?;
            Ok::<_, Error>(tensor)
        };
        let parts = (1..=u32::from(count)).map(|value| Ok((number(value)?, number(0)?)));
        Ok(Self {
            worker,
            program: match worker.named_program(NAME) {
                Ok(known) => known,
                Err(_) => worker.register_named_program(NAME)?,
            },
            comm: worker.communicator(&chips, WINDOW, &[("window", WINDOW)])?,
            parts: parts.collect::<Result<_>>()?,
        })
    }

    fn add_up(&mut self) -> Result<()> {
        let result = self.worker.run(|graph| {
            let mut members = Vec::new();
            for (rank, (number, sum)) in self.parts.iter().enumerate() {
                let window = self.comm.tensor::<u32>(rank, "window", &[1])?;
                let args = Args::new()
                    .input(number)
                    .inout(&window)
                    .output_existing(sum);
                let context = self.comm.context(rank)?;
                members.push(args.scalar(context).scalar(self.comm.epoch()));
            }
            let task = graph.next_level(&self.program).group(members);
            task.config(&CallConfig::default()).submit()?;
            Ok(())
        });
        self.comm.next_epoch();
        result
    }

    fn sums(&self) -> Result<Vec<u32>> {
        let sum = |(_, sum): &(Tensor, Tensor)| Ok(sum.load::<u32>()?[0]);
        self.parts.iter().map(sum).collect()
    }
}

/// {number, window, sum, context, epoch}.
fn program() -> Program {
    ProgramBuilder::new()
        .signature(&[In, Inout, Out, Scalar, Scalar])
        .waiting_kernel(0, CoreType::Aiv, Waits::Always, add_up)
        .orchestration(orchestrate)
}

fn orchestrate(scope: &mut Scope<'_, '_>, args: &RunArguments<'_>) -> Result<(), GraphError> {
    let (number, window, sum) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
    let (context, epoch): (u64, u32) = (args.scalar(0)?, args.scalar(1)?);
    let task = scope.task(Kernels::aiv(0)).input(&number);
    let task = task.update(&window).write(&sum);
    task.scalar(context).scalar(epoch).submit()?;
    Ok(())
}

/// Puts the own number into everyone's window, waits for everyone's in the own one, and adds them up.
fn add_up(call: &Call<'_>) -> Result<(), CallError> {
    // SAFETY: the first scalar is the context of the rank's communicator.
    let windows = unsafe { Windows::of(call, 0) }?;
    let (epoch, window): (u32, u64) = (call.scalar(1)?, Windows::local(call, 1)?);
    let mut number = [0_u32];
    call.tensor::<u32>(0)?.load(0, &mut number)?;
    for peer in 0..windows.ranks() {
        windows.put(peer, window + 4 * u64::from(windows.rank()), &number)?;
        windows.notify(peer, window + COUNTER, 1)?;
    }
    windows.wait(window + COUNTER, epoch * windows.ranks(), PATIENCE)?;
    let mut sum = 0;
    for rank in 0..windows.ranks() {
        windows.get(windows.rank(), window + 4 * u64::from(rank), &mut number)?;
        sum += number[0];
    }
    call.tensor::<u32>(2)?.store(0, &[sum])
}

//! What the cases share: workers, tensors, and running a case in a process that suits it.

use core::time::Duration;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use host::team::{Args, Builder, FunctionHandle, Kind, Limits, Result, Tensor, Worker};
use libtest_mimic::Failed;

pub(crate) use crate::catalogue::{FUNCTIONS, PROGRAMS, catalogue, sum};

/// One case: its name, the kinds of children it is for, what it does.
pub(crate) type Case = (&'static str, &'static [Kind], fn(Kind));

/// Every kind of child.
pub(crate) const ALL: &[Kind] = &[Kind::Thread, Kind::Exec, Kind::EarlyFork];
/// Children that are processes of their own.
pub(crate) const PROCESSES: &[Kind] = &[Kind::Exec, Kind::EarlyFork];
/// Cases in which no child takes part, or only threads.
pub(crate) const THREAD: &[Kind] = &[Kind::Thread];
/// Children that can be started again, or later.
pub(crate) const EXEC: &[Kind] = &[Kind::Exec];

/// First argument of a process that runs one case alone.
pub(crate) const COMMAND: &str = "one-case";
/// No case takes longer, unless it hangs.
const WATCHDOG: Duration = Duration::from_secs(60);
/// A line of a case that passed and still has something to say.
const NOTE: &str = "l3: ";

/// The name of a kind, for titles.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Exec => "exec",
        Kind::EarlyFork => "fork",
        _ => "thread",
    }
}

/// Runs a case in a process of its own: forks need a single thread, and what a case leaves behind is
/// seen from outside.
pub(crate) fn run_case(name: &str, kind: Kind) -> core::result::Result<(), Failed> {
    let program = std::env::current_exe()?;
    let mut child = Command::new(program)
        .args([COMMAND, name, kind_name(kind)])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let start = Instant::now();
    // The case says little, so it never waits for a full pipe.
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > WATCHDOG {
            child.kill()?;
            let output = child.wait_with_output()?;
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("no end after {WATCHDOG:?}\n{said}").into());
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !status.success() {
        return Err(format!("{status}\n{said}").into());
    }
    for line in said.lines().filter(|line| line.starts_with(NOTE)) {
        eprintln!("{name}: {line}");
    }
    Ok(())
}

/// Runs the case this process was started for.
pub(crate) fn run_if_case() -> Option<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [command, name, kind] = words.as_slice() else {
        return None;
    };
    if command != COMMAND {
        return None;
    }
    let kind = ALL.iter().copied().find(|&it| kind_name(it) == kind)?;
    let (.., case) = crate::cases().into_iter().find(|(it, ..)| it == name)?;
    let before = held();
    case(kind);
    assert_eq!(children_of_this_process(), 0, "processes were left behind");
    // A thread that never came back has what it had; processes leave nothing.
    if kind != Kind::Thread {
        assert_eq!(
            held(),
            before,
            "descriptors or mapped memory files were left behind"
        );
    }
    Some(ExitCode::SUCCESS)
}

/// Descriptors and mapped memory files of this process.
fn held() -> (usize, usize) {
    let open = std::fs::read_dir("/proc/self/fd").expect("a list").count();
    let maps = std::fs::read_to_string("/proc/self/maps").expect("a list");
    (
        open,
        maps.lines().filter(|line| line.contains("memfd:")).count(),
    )
}

/// Processes whose parent this one is.
pub(crate) fn children_of_this_process() -> usize {
    let mut count = 0;
    for thread in std::fs::read_dir("/proc/self/task").expect("there is a list") {
        let path = thread.expect("readable").path().join("children");
        count += std::fs::read_to_string(path).map_or(0, |it| it.split_whitespace().count());
    }
    count
}

/// A worker of level 3 with nothing but sub workers.
pub(crate) fn subs(kind: Kind, count: usize) -> Worker {
    let worker = sub_builder(kind, count).build().expect("it makes sense");
    worker.init().expect("it starts");
    worker
}

/// The same in the making.
pub(crate) fn sub_builder(kind: Kind, count: usize) -> Builder {
    Worker::builder(3)
        .subs(count)
        .sub_kind(kind)
        .catalogue(&catalogue())
        .heap_ring_bytes(1 << 20)
        .limits(limits())
        .functions(FUNCTIONS.iter().copied())
}

/// A worker with so many chips of each platform, and a sub worker, all of one kind.
pub(crate) fn chips(kind: Kind, platforms: &[(&str, i32)]) -> Worker {
    let mut builder = sub_builder(kind, 1).next_level_kind(kind);
    for &(platform, count) in platforms {
        builder = builder.chips(platform, 0..count);
    }
    let worker = builder
        .programs(PROGRAMS.iter().copied())
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    worker
}

/// Short limits, so that a case that fails does so soon.
pub(crate) fn limits() -> Limits {
    Limits {
        start: Duration::from_secs(20),
        control: Duration::from_secs(10),
        no_progress: Duration::from_secs(20),
        chip: Duration::from_secs(20),
        heap: Duration::from_secs(5),
        close: Duration::from_secs(5),
    }
}

/// Limits that are to be reached.
pub(crate) fn impatient() -> Limits {
    Limits {
        no_progress: Duration::from_secs(1),
        control: Duration::from_secs(1),
        chip: Duration::from_millis(200),
        close: Duration::from_secs(2),
        heap: Duration::from_millis(300),
        ..limits()
    }
}

/// The handle of a function of the catalogue.
pub(crate) fn function(worker: &Worker, name: &str) -> FunctionHandle {
    worker.named_function(name).expect("it is registered")
}

/// Runs one task that calls a function of the catalogue.
pub(crate) fn one(worker: &Worker, name: &str, args: Args) -> Result<()> {
    let function = function(worker, name);
    worker.run(|graph| {
        graph.sub(&function).args(args).submit()?;
        Ok(())
    })
}

pub(crate) fn ints(worker: &Worker, values: &[i32]) -> Tensor {
    let buffer = worker.buffer(size_of_val(values)).expect("there is memory");
    let tensor = buffer
        .tensor::<i32>(&[values.len() as u32])
        .expect("it fits");
    tensor.store(values).expect("they fit");
    tensor
}

pub(crate) fn loaded(tensor: &Tensor) -> Vec<i32> {
    tensor.load().expect("they are integers")
}

pub(crate) fn floats(worker: &Worker, value: f32, count: u32) -> Tensor {
    let buffer = worker.buffer(count as usize * 4).expect("there is memory");
    let tensor = buffer.tensor::<f32>(&[count]).expect("it fits");
    tensor
        .store(&vec![value; count as usize])
        .expect("they fit");
    tensor
}

/// A run on one cluster of a chip.
pub(crate) fn config() -> protocol::CallConfig {
    protocol::CallConfig {
        block_dim: 1,
        ..protocol::CallConfig::default()
    }
}

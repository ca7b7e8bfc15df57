//! What the cases share: the catalogue, and running a case in a process that suits it.

use core::time::Duration;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use aicore_abi::call::zip_map;
use host::team::{Call, Catalogue, Failure, Kind, Limits, Worker};
use host::{CoreType, Kernels, Program, ProgramBuilder};
use libtest_mimic::Failed;
use protocol::ArgDirection::{In, Out};

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
const COMMAND: &str = "one-case";
/// No case takes longer, unless it hangs.
const WATCHDOG: Duration = Duration::from_secs(60);

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
pub(crate) fn run_case(name: &str, kind: Kind, _: fn(Kind)) -> Result<(), Failed> {
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
            child.wait()?;
            return Err(format!("no end after {WATCHDOG:?}").into());
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    if status.success() {
        return Ok(());
    }
    let output = child.wait_with_output()?;
    Err(format!("{status}\n{}", String::from_utf8_lossy(&output.stderr)).into())
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
    case(kind);
    assert_eq!(children_of_this_process(), 0, "processes were left behind");
    Some(ExitCode::SUCCESS)
}

/// Processes whose parent this one is.
pub(crate) fn children_of_this_process() -> usize {
    let me = std::process::id();
    let mut count = 0;
    for thread in std::fs::read_dir("/proc/self/task").expect("there is a list") {
        let path = thread.expect("readable").path().join("children");
        count += std::fs::read_to_string(path).map_or(0, |it| it.split_whitespace().count());
    }
    assert_ne!(me, 0);
    count
}

/// A worker of level 3 with nothing but sub workers.
pub(crate) fn subs(kind: Kind, count: usize) -> Worker {
    let worker = sub_builder(kind, count).build().expect("it makes sense");
    worker.init().expect("it starts");
    worker
}

/// The same in the making.
pub(crate) fn sub_builder(kind: Kind, count: usize) -> host::team::Builder {
    Worker::builder(3)
        .subs(count)
        .sub_kind(kind)
        .catalogue(&catalogue())
        .heap_ring_bytes(1 << 20)
        .limits(limits())
        .functions(FUNCTIONS.iter().copied())
}

/// Short limits, so that a case that fails does so soon.
pub(crate) fn limits() -> Limits {
    Limits {
        start: Duration::from_secs(20),
        control: Duration::from_secs(10),
        no_progress: Duration::from_secs(20),
        heap: Duration::from_secs(5),
        close: Duration::from_secs(5),
    }
}

/// Functions of the catalogue.
pub(crate) const FUNCTIONS: &[&str] = &[
    "add", "store", "check", "fail", "panic", "nap", "forever", "exit", "segv", "nothing",
];

/// The handle of a function of the catalogue.
pub(crate) fn function(worker: &Worker, name: &str) -> host::team::FunctionHandle {
    worker.named_function(name).expect("it is registered")
}

/// What parent and children know by name.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue::new()
        .function("nothing", |_| Ok(()))
        .function("add", |call| {
            let by: i32 = call.scalar(0)?;
            let values: Vec<i32> = call.load(0)?;
            let sums: Vec<i32> = values.iter().map(|it| it + by).collect();
            Ok(call.store(0, &sums)?)
        })
        .function("mix", |call| {
            let by: i32 = call.scalar(0)?;
            let values: Vec<i32> = call.load(0)?;
            let mixed: Vec<i32> = values.iter().map(|it| it * 3 % 1009 + by).collect();
            Ok(call.store(0, &mixed)?)
        })
        .function("store", |call| {
            let value: i32 = call.scalar(0)?;
            let count: usize = call.load::<i32>(0)?.len();
            Ok(call.store(0, &vec![value; count])?)
        })
        .function("check", |call| {
            let wanted: i32 = call.scalar(0)?;
            for tensor in 0..call.tensor_count() {
                let values: Vec<i32> = call.load(tensor)?;
                if values.iter().any(|&it| it != wanted) {
                    return Err(Failure::msg(format!(
                        "tensor {tensor} is {values:?}, not {wanted}"
                    )));
                }
            }
            Ok(())
        })
        .function("fail", |_| Ok("none".parse::<i32>().map(drop)?))
        .function("panic", |_| panic!("the roof is on fire"))
        .function("nap", nap)
        .function("forever", |call| {
            loop {
                nap(call)?;
            }
        })
        .function("exit", |_| std::process::exit(7))
        .function("segv", |_| {
            // SAFETY: the handler of the language's goes, so that the signal ends the process.
            unsafe { libc::signal(libc::SIGSEGV, libc::SIG_DFL) };
            // SAFETY: it ends this process by the signal, which is the point.
            unsafe { libc::raise(libc::SIGSEGV) };
            Ok(())
        })
        .graph("inner_fail", |graph, _| {
            let fail = graph.function("fail")?;
            graph.sub(&fail).submit()?;
            Ok(())
        })
        .graph("inner_add", |graph, call| {
            let add = graph.function("add")?;
            let tensor = call.tensor(0)?;
            let by: i32 = call.scalar(0)?;
            for _ in 0..2 {
                graph
                    .sub(&add)
                    .args(host::team::Args::new().inout(&tensor).scalar(by))
                    .submit()?;
            }
            Ok(())
        })
        .program("sum", sum)
        .program("allreduce", crate::windows::allreduce)
        .program("notify", crate::windows::notify)
}

fn nap(call: &Call<'_>) -> Result<(), Failure> {
    let millis: u64 = call.scalar(0)?;
    std::thread::sleep(Duration::from_millis(millis));
    Ok(())
}

/// A chip program: the sum of two vectors.
pub(crate) fn sum() -> Program {
    ProgramBuilder::new()
        .signature(&[In, In, Out])
        .kernel(0, CoreType::Aiv, |call| {
            zip_map(
                &call.tensor(0)?,
                &call.tensor(1)?,
                &call.tensor(2)?,
                |a: f32, b: f32| a + b,
            )
        })
        .orchestration(|scope, args| {
            let (a, b, out) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
            scope
                .task(Kernels::aiv(0))
                .input(&a)
                .input(&b)
                .write(&out)
                .submit()?;
            Ok(())
        })
}

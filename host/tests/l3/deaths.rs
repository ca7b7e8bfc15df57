//! Children that die, are stopped, or lose their parent: in every state, by every cause.

use core::time::Duration;
use std::time::Instant;

use host::team::{Args, Ending, Error, Kind, Limits, Worker};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    Case, PROCESSES, catalogue, chips, config, floats, function, impatient, ints, limits, loaded,
    one, sub_builder, subs,
};

pub(crate) const CASES: &[Case] = &[
    ("killed_while_idle", PROCESSES, killed_while_idle),
    ("dead_while_running", PROCESSES, dead_while_running),
    ("dead_while_starting", PROCESSES, dead_while_starting),
    ("dead_in_a_memory_call", PROCESSES, dead_in_a_memory_call),
    ("dead_in_a_barrier", PROCESSES, dead_in_a_barrier),
    (
        "dead_where_nobody_waits",
        PROCESSES,
        dead_where_nobody_waits,
    ),
    (
        "stopped_children_are_ended",
        PROCESSES,
        stopped_children_are_ended,
    ),
    (
        "stopped_in_a_memory_call",
        PROCESSES,
        stopped_in_a_memory_call,
    ),
];

/// Every way to die, by its number, and how it looks from outside.
pub(crate) const CAUSES: [(u32, Ending); 3] = [
    (0, Ending::Killed(9)),
    (1, Ending::Killed(11)),
    (2, Ending::Exited(7)),
];

/// Ends this process in one of the ways.
pub(crate) fn die(cause: u32) -> ! {
    match cause {
        0 => {
            let _ = kill_process(rustix::process::getpid(), Signal::KILL);
        }
        1 => {
            // SAFETY: the handler of the language's goes, so that the signal ends the process.
            unsafe { libc::signal(libc::SIGSEGV, libc::SIG_DFL) };
            // SAFETY: it ends this process by the signal, which is the point.
            unsafe { libc::raise(libc::SIGSEGV) };
        }
        _ => {}
    }
    std::process::exit(7)
}

/// All states, all causes: each gives an error that names the child and how it ended; what has nothing to do with
/// it goes on; the child can be started again, if its kind can; and nothing is left.
pub(crate) fn killed_children_are_named(kind: Kind) {
    killed_while_idle(kind);
    dead_while_running(kind);
    dead_while_starting(kind);
    dead_in_a_memory_call(kind);
    dead_in_a_barrier(kind);
    dead_where_nobody_waits(kind);
}

fn pid_of(worker: &Worker, child: usize) -> Pid {
    let process = worker.children()[child].process.expect("it has a process");
    Pid::from_raw(process.cast_signed()).expect("it is positive")
}

fn wait_for_ending(worker: &Worker, child: usize, ending: Ending) {
    let start = Instant::now();
    while worker.children()[child].ending != Some(ending) {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{:?}",
            worker.children()
        );
        std::thread::yield_now();
    }
}

/// Starts sub worker 0 again, if its kind can.
fn revive(worker: &Worker, kind: Kind) {
    let again = worker.restart_sub(0);
    if kind == Kind::Exec {
        again.expect("it starts again");
        let nothing = function(worker, "nothing");
        let run = worker.run(|graph| {
            graph.sub(&nothing).on(0).submit()?;
            Ok(())
        });
        run.expect("it lives again");
    } else {
        let text = again.expect_err("forks happen once").to_string();
        assert!(text.contains("cannot be started again"), "{text}");
    }
}

fn killed_while_idle(kind: Kind) {
    for (cause, ending) in CAUSES {
        let worker = subs(kind, 2);
        let (die_later, word) = (function(&worker, "die_later"), ints(&worker, &[0]));
        let run = worker.run(|graph| {
            let args = Args::new().no_dep(&word).scalar(cause);
            graph.sub(&die_later).on(0).args(args).submit()?;
            Ok(())
        });
        run.expect("it dies after the task");
        word.store(&[1]).expect("it fits");
        wait_for_ending(&worker, 0, ending);
        // The other one does the work.
        for _ in 0..5 {
            one(&worker, "nothing", Args::new()).expect("one child is left");
        }
        let nothing = function(&worker, "nothing");
        let error = worker.run(|graph| {
            graph.sub(&nothing).on(0).submit()?;
            Ok(())
        });
        let text = error.expect_err("it is dead").to_string();
        let wanted = format!("sub_worker 0: the child died ({ending})");
        assert!(text.contains(&wanted), "{text}");
        revive(&worker, kind);
        kill_process(pid_of(&worker, 1), Signal::KILL).expect("it lives");
        worker.close().expect("a dead child has left already");
    }
}

fn dead_while_running(kind: Kind) {
    for (cause, ending) in CAUSES {
        let worker = subs(kind, 2);
        let (tensor, word) = (ints(&worker, &[0]), ints(&worker, &[0]));
        let (die, add) = (function(&worker, "die_at_word"), function(&worker, "add"));
        let run = worker.submit_run(|graph| {
            let dies = Args::new().no_dep(&word).scalar(cause);
            graph.sub(&die).on(0).args(dies).submit()?;
            // Is on its way to the same child when it dies.
            let args = Args::new().inout(&tensor).scalar(100);
            graph.sub(&add).on(0).args(args).submit()?;
            let other = ints(&worker, &[7]);
            let args = Args::new().inout(&other).scalar(5);
            graph.sub(&add).on(1).args(args).submit()?;
            let check = Args::new().input(&other).scalar(12);
            let task = graph.sub(&function(&worker, "check")).on(1).args(check);
            task.submit()?;
            Ok(())
        });
        let run = run.expect("it is built");
        assert!(!run.is_done());
        word.store(&[1]).expect("it fits");
        let Err(Error::Run { failures, .. }) = run.result() else {
            panic!("its child died");
        };
        assert_eq!(failures.len(), 2, "{failures:?}");
        let wanted = format!("sub_worker 0: the child died ({ending})");
        for failure in &failures {
            assert!(failure.to_string().contains(&wanted), "{failure}");
        }
        assert_eq!(loaded(&tensor), [0]);
        one(&worker, "nothing", Args::new()).expect("one child is left");
        revive(&worker, kind);
        worker.close().expect("it closes");
    }
}

/// Chips that die at an order: see [`crate::mortal`].
fn mortals(kind: Kind, devices: [i32; 2]) -> host::team::Result<Worker> {
    let worker = Worker::builder(3)
        .chips("mortalsim", devices)
        .next_level_kind(kind)
        .catalogue(&catalogue())
        .limits(limits())
        .build()
        .expect("it makes sense");
    worker.init()?;
    Ok(worker)
}

fn dead_while_starting(kind: Kind) {
    for (cause, ending) in CAUSES {
        let device = crate::mortal::DIES_AT_INIT + cause.cast_signed();
        let text = mortals(kind, [0, device])
            .expect_err("one dies")
            .to_string();
        let wanted = format!("chip_process 1 dev={device} did not start");
        assert!(text.contains(&wanted), "{text}");
        let wanted = format!("it ended before it was ready ({ending})");
        assert!(text.contains(&wanted), "{text}");
        assert_eq!(
            crate::support::children_of_this_process(),
            0,
            "the other is gone too"
        );
    }
}

fn dead_in_a_memory_call(kind: Kind) {
    for (cause, ending) in CAUSES {
        let worker = mortals(kind, [0, 1]).expect("both start");
        let error = worker.malloc(0, crate::mortal::DIES_AT_MALLOC + u64::from(cause));
        let text = error.expect_err("it dies").to_string();
        let wanted = format!("chip_process 0 dev=0: the child died ({ending})");
        assert!(text.contains(&wanted), "{text}");
        worker.malloc(1, 64).expect("the other chip is fine");
        if kind == Kind::Exec {
            worker.restart_next_level(0).expect("it starts again");
            worker.malloc(0, 64).expect("it lives again");
        }
    }
}

/// A rank whose task has left its core and waits for another that never comes: the run ends when it has stood still for
/// too long, and says what it waited for.
fn dead_where_nobody_waits(kind: Kind) {
    let worker = sub_builder(kind, 1)
        .chips("a2a3sim", [0, 1])
        .next_level_kind(kind)
        .programs(["notify"])
        .limits(Limits {
            chip: Duration::from_millis(200),
            ..limits()
        })
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    let program = worker.named_program("notify").expect("it is registered");
    let parts = [("mailbox", 256), ("counter", 4)];
    let comm = worker
        .communicator(&[0, 1], 4096, &parts)
        .expect("both join");
    let (input, result) = (floats(&worker, 1.0, 64), floats(&worker, 0.0, 64));
    let run = worker.submit_run(|graph| {
        let args = Args::new()
            .input(&input)
            .inout(&comm.tensor::<f32>(0, "mailbox", &[64])?)
            .inout(&comm.tensor::<i32>(0, "counter", &[1])?)
            .output_existing(&result)
            .scalar(comm.context(0)?)
            .scalar(1_u32);
        let task = graph.next_level(&program).on(0).args(args);
        task.config(&config()).submit()?;
        Ok(())
    });
    let run = run.expect("it is built");
    kill_process(pid_of(&worker, 1), Signal::KILL).expect("it lives");
    let text = run.result().expect_err("nobody notifies").to_string();
    assert!(text.contains("chip_process 0 dev=0"), "{text}");
    wait_for_ending(&worker, 1, Ending::Killed(9));
}

/// One rank dies where the other waits for it: the other is told, and need not wait for its patience to end.
fn dead_in_a_barrier(kind: Kind) {
    for (cause, ending) in CAUSES {
        let worker = chips(kind, &[("a2a3sim", 2)]);
        let mut pair = crate::windows::Ranks::new(&worker, 2);
        let Err(Error::Run { failures, .. }) = pair.reduce(&worker, Some(cause)) else {
            panic!("a rank died");
        };
        let wanted = format!("chip_process 1 dev=1: the child died ({ending})");
        assert!(failures[0].to_string().contains(&wanted), "{failures:?}");
        // The communicator is of no use any more, and says so before anybody waits.
        if kind == Kind::Exec {
            worker.restart_next_level(1).expect("it starts again");
            let text = pair
                .reduce(&worker, None)
                .expect_err("a rank is lost")
                .to_string();
            assert!(text.contains("lost when the child was restarted"), "{text}");
            let mut fresh = crate::windows::Ranks::new(&worker, 2);
            fresh.reduce(&worker, None).expect("both meet again");
        }
        let alone = Args::new()
            .input(&pair.inputs[0])
            .input(&pair.inputs[0])
            .output_existing(&pair.outputs[0]);
        let sum = worker.named_program("sum").expect("it is registered");
        worker
            .run_program(0, &sum, alone, &config())
            .expect("the rank that waited is as good as before");
    }
}

fn stopped_children_are_ended(kind: Kind) {
    let worker = sub_builder(kind, 1)
        .limits(impatient())
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    kill_process(pid_of(&worker, 0), Signal::STOP).expect("it lives");
    let error = one(&worker, "nothing", Args::new())
        .expect_err("it does not answer")
        .to_string();
    assert!(
        error.contains("sub_worker 0: the child did not answer in time"),
        "{error}"
    );
    worker.close().expect("it is gone already");
}

/// A stopped child takes the question and never answers: the call has begun and cannot end.
fn stopped_in_a_memory_call(kind: Kind) {
    let worker = mortal_limits(kind);
    kill_process(pid_of(&worker, 0), Signal::STOP).expect("it lives");
    let error = worker
        .malloc(0, 64)
        .expect_err("nobody answers")
        .to_string();
    assert!(
        error.contains("chip_process 0 dev=0 did not answer within 1s"),
        "{error}"
    );
    assert!(error.contains("allocate device memory"), "{error}");
    std::thread::scope(|scope| {
        let call = scope.spawn(|| worker.malloc(0, 64));
        std::thread::sleep(Duration::from_millis(20));
        kill_process(pid_of(&worker, 0), Signal::KILL).expect("it lives");
        let error = call
            .join()
            .expect("no panic")
            .expect_err("it died")
            .to_string();
        assert!(
            error.contains("chip_process 0 dev=0: the child died (signal 9)"),
            "{error}"
        );
    });
    worker.malloc(1, 64).expect("the other chip is fine");
}

fn mortal_limits(kind: Kind) -> Worker {
    let worker = Worker::builder(3)
        .chips("a2a3sim", [0, 1])
        .next_level_kind(kind)
        .catalogue(&catalogue())
        .limits(impatient())
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    worker
}

/// A process in between: its worker's children must go with it, and theirs with them.
pub(crate) fn parents_take_their_tree_along(kind: Kind) {
    if let Ok(report) = std::env::var("REPORT_PIDS_TO") {
        let worker = Worker::builder(4)
            .lower_described(sub_builder(kind, 2))
            .next_level_kind(kind)
            .subs(1)
            .sub_kind(kind)
            .catalogue(&catalogue())
            .build()
            .expect("it makes sense");
        worker.init().expect("the whole tree starts");
        let mut pids = descendants(std::process::id());
        assert_eq!(pids.len(), 4, "two children and two grandchildren");
        let pids: Vec<String> = pids.drain(..).map(|it| it.to_string()).collect();
        std::fs::write(&report, pids.join(" ") + " .").expect("the folder is there");
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    let report = std::env::temp_dir().join(format!("l3-pids-{}", std::process::id()));
    let _ = std::fs::remove_file(&report);
    let mut parent = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args([
            "one-case",
            "02_parents_take_their_tree_along",
            crate::support::kind_name(kind),
        ])
        .env("REPORT_PIDS_TO", &report)
        .spawn()
        .expect("it starts");
    let start = Instant::now();
    let pids = loop {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the process in between says nothing"
        );
        let text = std::fs::read_to_string(&report).unwrap_or_default();
        if text.split(' ').count() == 5 && text.ends_with('.') {
            break text;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    parent.kill().expect("it lives");
    parent.wait().expect("it is ours");
    let _ = std::fs::remove_file(&report);
    for pid in pids.split(' ').filter(|it| *it != ".") {
        let status = format!("/proc/{pid}/status");
        // Gone, or dead and not yet collected by whoever inherits it.
        while std::fs::read_to_string(&status).is_ok_and(|text| !text.contains("State:\tZ")) {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "process {pid} lives on"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The processes below one.
fn descendants(process: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("it lives");
    for thread in threads.flatten() {
        let text = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in text
            .split_whitespace()
            .map(|it| it.parse().expect("a number"))
        {
            found.push(child);
            found.extend(descendants(child));
        }
    }
    found
}

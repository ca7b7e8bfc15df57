//! What fails: children that die, hang or never start, bad submits, full machines.

use core::time::Duration;
use std::time::Instant;

use host::team::{Args, Ending, Error, Kind, Limits, Tensor, Worker};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    ALL, Case, EXEC, PROCESSES, THREAD, catalogue, function, limits, sub_builder, subs,
};

pub(crate) const CASES: &[Case] = &[
    (
        "errors_name_type_and_place",
        ALL,
        errors_name_type_and_place,
    ),
    (
        "consumers_of_failures_are_skipped",
        ALL,
        consumers_of_failures_are_skipped,
    ),
    ("killed_while_idle", PROCESSES, killed_while_idle),
    ("killed_while_running", PROCESSES, killed_while_running),
    ("dies_by_itself", PROCESSES, dies_by_itself),
    (
        "stopped_children_are_ended",
        PROCESSES,
        stopped_children_are_ended,
    ),
    (
        "never_returning_functions_are_left",
        ALL,
        never_returning_functions_are_left,
    ),
    (
        "killed_during_a_memory_call",
        EXEC,
        killed_during_a_memory_call,
    ),
    (
        "restarted_chips_lose_their_memory",
        EXEC,
        restarted_chips_lose_their_memory,
    ),
    ("never_ready", EXEC, never_ready),
    (
        "failing_starts_are_undone",
        &[Kind::Thread, Kind::Exec],
        failing_starts_are_undone,
    ),
    ("bad_submits_are_refused", ALL, bad_submits_are_refused),
    ("the_65th_program", ALL, the_65th_program),
    (
        "closures_across_processes",
        PROCESSES,
        closures_across_processes,
    ),
    ("bad_workers_are_refused", THREAD, bad_workers_are_refused),
    ("no_descriptors_left", EXEC, no_descriptors_left),
    ("no_memory_left", THREAD, no_memory_left),
    ("a_full_heap_says_why", ALL, a_full_heap_says_why),
    (
        "panicking_graphs_unwind_late",
        THREAD,
        panicking_graphs_unwind_late,
    ),
    ("close_ends_what_hangs", ALL, close_ends_what_hangs),
    (
        "parents_take_their_children_along",
        PROCESSES,
        parents_take_their_children_along,
    ),
    (
        "forks_need_one_thread",
        &[Kind::EarlyFork],
        forks_need_one_thread,
    ),
    ("idle_workers_cost_nothing", ALL, idle_workers_cost_nothing),
];

fn ints(worker: &Worker, value: i32) -> Tensor {
    let buffer = worker.buffer(4).expect("there is memory");
    let tensor = buffer.tensor::<i32>(&[1]).expect("it fits");
    tensor.store(&[value]).expect("it fits");
    tensor
}

fn one(worker: &Worker, name: &str, args: Args) -> Result<(), Error> {
    let function = function(worker, name);
    worker.run(|graph| {
        graph
            .sub(&function)
            .args(args)
            .submit()
            .map(drop)
            .map_err(Into::into)
    })
}

fn pid_of(worker: &Worker, child: usize) -> Pid {
    let process = worker.children()[child].process.expect("it has a process");
    Pid::from_raw(process.cast_signed()).expect("it is positive")
}

fn errors_name_type_and_place(kind: Kind) {
    let worker = subs(kind, 2);
    let error = one(&worker, "fail", Args::new())
        .expect_err("it fails")
        .to_string();
    for part in ["sub_worker", "ParseIntError", "invalid digit"] {
        assert!(error.contains(part), "{error}");
    }
    let error = one(&worker, "panic", Args::new())
        .expect_err("it panics")
        .to_string();
    assert!(
        error.contains("sub_worker") && error.contains("the roof is on fire"),
        "{error}"
    );
    one(&worker, "nothing", Args::new()).expect("the next run is clean");
}

fn consumers_of_failures_are_skipped(kind: Kind) {
    let worker = sub_builder(kind, 2)
        .fail_fast(false)
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    let (bad, good) = (ints(&worker, 1), ints(&worker, 1));
    let (add, fail) = (function(&worker, "add"), function(&worker, "fail"));
    let error = worker
        .run(|graph| {
            graph.sub(&fail).args(Args::new().inout(&bad)).submit()?;
            for _ in 0..3 {
                graph
                    .sub(&add)
                    .args(Args::new().inout(&bad).scalar(1))
                    .submit()?;
                graph
                    .sub(&add)
                    .args(Args::new().inout(&good).scalar(1))
                    .submit()?;
            }
            Ok(())
        })
        .expect_err("a task fails");
    let Error::Run { failures, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(failures.len(), 4, "{failures:?}");
    assert!(
        failures[0].fault.message.contains("invalid digit"),
        "{failures:?}"
    );
    let root = format!("skipped because task {} failed", failures[0].task);
    assert!(
        failures[1..]
            .iter()
            .all(|it| it.fault.message.contains(&root)),
        "{failures:?}"
    );
    assert_eq!(bad.load::<i32>().expect("integers"), [1]);
    assert_eq!(good.load::<i32>().expect("integers"), [4]);
    one(&worker, "add", Args::new().inout(&bad).scalar(1)).expect("the next run is clean");
}

fn killed_while_idle(kind: Kind) {
    let worker = subs(kind, 2);
    kill_process(pid_of(&worker, 0), Signal::KILL).expect("it lives");
    wait_for_ending(&worker, 0, Ending::Killed(9));
    // The other one does the work.
    for _ in 0..5 {
        one(&worker, "nothing", Args::new()).expect("one child is left");
    }
    let nothing = function(&worker, "nothing");
    let error = worker
        .run(|graph| {
            graph
                .sub(&nothing)
                .on(0)
                .submit()
                .map(drop)
                .map_err(Into::into)
        })
        .expect_err("it is dead");
    assert!(
        error
            .to_string()
            .contains("sub_worker 0: the child died (signal 9)"),
        "{error}"
    );
    if kind == Kind::Exec {
        worker.restart_sub(0).expect("it starts again");
        worker
            .run(|graph| {
                graph
                    .sub(&nothing)
                    .on(0)
                    .submit()
                    .map(drop)
                    .map_err(Into::into)
            })
            .expect("it lives again");
    } else {
        let error = worker.restart_sub(0).expect_err("forks happen once");
        assert!(
            error.to_string().contains("cannot be started again"),
            "{error}"
        );
    }
    kill_process(pid_of(&worker, 1), Signal::KILL).expect("it lives");
    worker.close().expect("a dead child has left already");
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

fn killed_while_running(kind: Kind) {
    let worker = subs(kind, 2);
    let tensor = ints(&worker, 0);
    let (nap, add) = (function(&worker, "nap"), function(&worker, "add"));
    let victim = pid_of(&worker, 0);
    let handle = worker
        .submit_run(|graph| {
            graph
                .sub(&nap)
                .on(0)
                .args(Args::new().scalar(30_000_u64))
                .submit()?;
            graph
                .sub(&nap)
                .on(0)
                .args(Args::new().scalar(1_u64))
                .submit()?;
            graph
                .sub(&add)
                .on(1)
                .args(Args::new().inout(&tensor).scalar(5))
                .submit()?;
            Ok(())
        })
        .expect("it is built");
    std::thread::sleep(Duration::from_millis(20));
    assert!(!handle.is_done());
    kill_process(victim, Signal::KILL).expect("it lives");
    let Err(Error::Run { failures, .. }) = handle.result() else {
        panic!("its child died");
    };
    assert_eq!(failures.len(), 2, "{failures:?}");
    for failure in &failures {
        assert!(
            failure
                .to_string()
                .contains("sub_worker 0: the child died (signal 9)"),
            "{failure}"
        );
    }
    assert_eq!(
        tensor.load::<i32>().expect("integers"),
        [5],
        "the other child's work is done"
    );
    one(&worker, "nothing", Args::new()).expect("one child is left");
}

fn dies_by_itself(kind: Kind) {
    for (name, text) in [("exit", "exit code 7"), ("segv", "signal 11")] {
        let worker = subs(kind, 1);
        let error = one(&worker, name, Args::new())
            .expect_err("it dies")
            .to_string();
        assert!(
            error.contains("sub_worker 0") && error.contains(text),
            "{error}"
        );
        let error = one(&worker, "nothing", Args::new())
            .expect_err("nobody is left")
            .to_string();
        assert!(error.contains(text), "{error}");
        worker.close().expect("it is gone already");
    }
}

fn impatient() -> Limits {
    Limits {
        no_progress: Duration::from_millis(300),
        control: Duration::from_millis(500),
        close: Duration::from_millis(500),
        heap: Duration::from_millis(300),
        ..limits()
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

fn never_returning_functions_are_left(kind: Kind) {
    let worker = sub_builder(kind, 2)
        .limits(impatient())
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    let error = one(&worker, "forever", Args::new().scalar(10_u64))
        .expect_err("it never ends")
        .to_string();
    assert!(error.contains("did not answer in time"), "{error}");
    one(&worker, "nothing", Args::new()).expect("the other child is left");
}

fn chips(limits: Limits) -> Worker {
    let worker = Worker::builder(3)
        .chips("a2a3sim", [0, 1])
        .next_level_kind(Kind::Exec)
        .catalogue(&catalogue())
        .limits(limits)
        .programs(["sum"])
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    worker
}

fn killed_during_a_memory_call(_: Kind) {
    let worker = chips(impatient());
    // A stopped child takes the question and never answers: the call has begun and cannot end.
    kill_process(pid_of(&worker, 0), Signal::STOP).expect("it lives");
    let error = worker
        .malloc(0, 64)
        .expect_err("nobody answers")
        .to_string();
    assert!(
        error.contains("chip_process 0 dev=0 did not answer within 500ms"),
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

fn restarted_chips_lose_their_memory(_: Kind) {
    let worker = chips(limits());
    let sum = worker.named_program("sum").expect("it is registered");
    let there = worker.malloc(0, 64).expect("there is memory");
    let tensor = there.tensor::<f32>(&[16]).expect("it fits");
    worker.restart_next_level(0).expect("it starts again");
    let error = worker
        .copy_from::<f32>(&there)
        .expect_err("it is lost")
        .to_string();
    assert!(
        error.contains("lost when the child was restarted"),
        "{error}"
    );
    let error = worker
        .run(|graph| {
            let args = Args::new().input(&tensor).input(&tensor).inout(&tensor);
            graph
                .next_level(&sum)
                .args(args)
                .submit()
                .map(drop)
                .map_err(Into::into)
        })
        .expect_err("it is lost")
        .to_string();
    assert!(
        error.contains("lost when the child was restarted"),
        "{error}"
    );
    let there = worker.malloc(0, 64).expect("there is memory");
    worker.copy_to(&there, &[1.0_f32; 16]).expect("it fits");
    let tensor = there.tensor::<f32>(&[16]).expect("it fits");
    let config = protocol::CallConfig {
        block_dim: 1,
        ..protocol::CallConfig::default()
    };
    let args = Args::new().input(&tensor).input(&tensor).inout(&tensor);
    worker
        .run_program(0, &sum, args, &config)
        .expect("the program was prepared again");
    assert_eq!(
        worker.copy_from::<f32>(&there).expect("it is there"),
        [2.0; 16]
    );
}

fn never_ready(_: Kind) {
    let script = std::env::temp_dir().join(format!("l3-helper-{}", std::process::id()));
    let build = |helper: &std::path::Path| {
        Worker::builder(3)
            .subs(2)
            .sub_kind(Kind::Exec)
            .helper(helper)
            .limits(Limits {
                start: Duration::from_millis(300),
                close: Duration::from_millis(300),
                ..limits()
            })
            .build()
            .expect("it makes sense")
    };
    for (body, parts) in [
        (
            "#!/bin/sh\nsleep 100\n",
            ["sub_worker 0, sub_worker 1 did not answer", "get ready"],
        ),
        ("#!/bin/sh\nexit 5\n", ["did not start", "exit code 5"]),
        (
            "#!/no/such/interpreter\n",
            ["sub_worker 0: cannot execute the helper", "os error 2"],
        ),
    ] {
        std::fs::write(&script, body).expect("the folder is there");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&script, mode).expect("it is ours");
        let worker = build(&script);
        let error = worker.init().expect_err("that is no helper").to_string();
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in `{error}`");
        }
        worker.close().expect("there is nothing to close");
    }
    std::fs::remove_file(&script).expect("it is ours");
}

fn failing_starts_are_undone(kind: Kind) {
    let broken = catalogue().platform("brokensim", || panic!("no such chip in the box"));
    if kind == Kind::Exec {
        let worker = Worker::builder(3)
            .chips("a2a3sim", [0])
            .chips("brokensim", [1])
            .next_level_kind(Kind::Exec)
            .catalogue(&broken)
            .limits(limits())
            .build()
            .expect("it makes sense");
        // The child's catalogue is this program's, which does not have that platform.
        let error = worker.init().expect_err("a chip is broken").to_string();
        assert!(
            error.contains("chip_process 1 dev=1 did not start"),
            "{error}"
        );
        assert!(error.contains("brokensim"), "{error}");
    } else {
        let worker = Worker::builder(3)
            .chips("a2a3sim", [0])
            .chips("brokensim", [1])
            .next_level_kind(kind)
            .subs(1)
            .catalogue(&broken)
            .limits(limits())
            .build();
        // Building only asks whether the platform is there.
        let worker = worker.expect("it makes sense");
        let error = worker.init().expect_err("a chip is broken").to_string();
        assert!(error.contains("no such chip in the box"), "{error}");
        worker.close().expect("it is as it was");
    }
}

fn bad_submits_are_refused(kind: Kind) {
    let worker = subs(kind, 2);
    let other = subs_of_threads();
    let (add, foreign) = (function(&worker, "add"), function(&other, "add"));
    let tensor = ints(&worker, 1);
    let mut texts = Vec::new();
    worker
        .run(|graph| {
            let mut refuse = |text: &'static str, result: Result<host::team::TaskRef, Error>| {
                texts.push((text, result.expect_err("it is wrong").to_string()));
            };
            let args = || Args::new().inout(&tensor).scalar(1);
            refuse("another worker", graph.sub(&foreign).args(args()).submit());
            refuse("child 7", graph.sub(&add).args(args()).on(7).submit());
            refuse(
                "a task for 3 sub workers",
                graph.sub(&add).group((0..3).map(|_| args())).submit(),
            );
            refuse("no members", graph.sub(&add).group([]).submit());
            refuse(
                "1 children for 2 members",
                graph
                    .sub(&add)
                    .group([args(), args()])
                    .on_each([0])
                    .submit(),
            );
            refuse(
                "two members of one group",
                graph
                    .sub(&add)
                    .group([args(), args()])
                    .on_each([1, 1])
                    .submit(),
            );
            refuse(
                "tensor",
                graph
                    .sub(&add)
                    .args(Args::new().scalar(1).input(&tensor))
                    .submit(),
            );
            let many = (0..65).fold(Args::new(), |args, _| args.input(&tensor));
            refuse("64", graph.sub(&add).args(many).submit());
            let many = (0..129).fold(Args::new(), |args, it| args.scalar(it));
            refuse("128", graph.sub(&add).args(many).submit());
            let unplaced = Tensor::unplaced::<i32>(&[8])?;
            refuse(
                "without memory",
                graph.sub(&add).args(Args::new().input(&unplaced)).submit(),
            );
            let closed = {
                let mut scope = graph.scope()?;
                scope.alloc::<i32>(&[8])?
            };
            refuse(
                "whose scope is closed",
                graph.sub(&add).args(Args::new().input(&closed)).submit(),
            );
            let huge = graph
                .alloc::<i32>(&[1 << 20])
                .expect_err("it is larger than a ring");
            assert!(huge.to_string().contains("heap_ring_bytes"), "{huge}");
            let config = protocol::CallConfig {
                enable_dump_tensor: 1,
                ..protocol::CallConfig::default()
            };
            refuse("output_prefix", graph.sub(&add).config(&config).submit());
            assert!(graph.alloc::<i32>(&[1; 6]).is_err(), "six dimensions");
            graph.sub(&add).args(args()).submit()?;
            Ok(())
        })
        .expect("what is right still runs");
    for (part, text) in texts {
        assert!(text.contains(part), "`{part}` is not in `{text}`");
    }
    assert_eq!(tensor.load::<i32>().expect("integers"), [2]);
    let error = worker
        .run(|_| worker.run(|_| Ok(())).map_err(Into::into))
        .expect_err("a run in a run");
    assert!(
        error.to_string().contains("inside a graph function"),
        "{error}"
    );
}

fn subs_of_threads() -> Worker {
    sub_builder(Kind::Thread, 0)
        .build()
        .expect("it makes sense")
}

fn the_65th_program(kind: Kind) {
    let worker = Worker::builder(3)
        .chips("a2a3sim", [0])
        .next_level_kind(kind)
        .catalogue(&catalogue())
        .subs(1)
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    let handles: Vec<_> = (0..64)
        .map(|_| worker.register_named_program("sum").expect("there is room"))
        .collect();
    let error = worker
        .register_named_program("sum")
        .expect_err("there is none")
        .to_string();
    assert!(
        error.contains("64 programs are registered")
            && error.contains("MAX_REGISTERED_CALLABLE_IDS"),
        "{error}"
    );
    worker
        .register_function(|_| Ok(()))
        .expect("functions take no place on a chip");
    worker.unregister(&handles[10]).expect("it is registered");
    worker
        .register_named_program("sum")
        .expect("the place is free again");
}

fn closures_across_processes(kind: Kind) {
    let worker = sub_builder(kind, 1).build().expect("it makes sense");
    let before = worker.register_function(|call| Ok(call.store(0, &[77_i32])?));
    worker.init().expect("it starts");
    let after = worker
        .register_function(|_| Ok(()))
        .expect_err("too late, or never")
        .to_string();
    assert!(after.contains("catalogue"), "{after}");
    match kind {
        Kind::EarlyFork => {
            let tensor = ints(&worker, 0);
            let before = before.expect("a fork brings it along");
            worker
                .run(|graph| {
                    graph
                        .submit_sub(&before, Args::new().output_existing(&tensor))
                        .map(drop)
                        .map_err(Into::into)
                })
                .expect("it runs");
            assert_eq!(tensor.load::<i32>().expect("integers"), [77]);
            assert!(after.contains("forked before it existed"), "{after}");
        }
        _ => assert!(before.is_err(), "a process cannot receive it"),
    }
    worker
        .register_named_function("nap")
        .expect("names reach every kind");
}

fn bad_workers_are_refused(_: Kind) {
    let texts = [
        ("level is not supported", Worker::builder(1).build()),
        (
            "exactly one chip",
            Worker::builder(2).chips("a2a3sim", [0, 1]).build(),
        ),
        (
            "level >= 4",
            Worker::builder(3).lower(subs_of_threads()).build(),
        ),
        (
            "level of a lower worker",
            Worker::builder(4)
                .lower_described(Worker::builder(4))
                .build(),
        ),
        (
            "children are workers",
            Worker::builder(4).chips("a2a3sim", [0]).build(),
        ),
        (
            "must not be initialized",
            Worker::builder(4).lower(subs(Kind::Thread, 1)).build(),
        ),
        (
            "nowheresim",
            Worker::builder(3).chips("nowheresim", [0]).build(),
        ),
        (
            "device_id -1",
            Worker::builder(3).chips("a2a3sim", [-1]).build(),
        ),
        ("twice", Worker::builder(3).chips("a2a3sim", [2, 2]).build()),
        (
            "catalogue",
            Worker::builder(3).functions(["unheard-of"]).build(),
        ),
    ];
    for (part, result) in texts {
        let text = result.expect_err("it makes no sense").to_string();
        assert!(text.contains(part), "`{part}` is not in `{text}`");
    }
}

fn no_descriptors_left(_: Kind) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let open = std::fs::read_dir("/proc/self/fd").expect("a list").count() as u64;
    let limited = Rlimit {
        current: Some(open + 6),
        ..before
    };
    let worker = sub_builder(Kind::Exec, 8).build().expect("it makes sense");
    setrlimit(Resource::Nofile, limited).expect("lowering is allowed");
    let error = worker.init().expect_err("there are too few").to_string();
    setrlimit(Resource::Nofile, before).expect("it is below the hard limit");
    assert!(
        error.contains("os error 24") || error.contains("Too many open files"),
        "{error}"
    );
    worker.init().expect("there are enough now");
    one(&worker, "nothing", Args::new()).expect("it works");
}

fn no_memory_left(_: Kind) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let worker = subs(Kind::Thread, 1);
    // Beyond its size limit a memory file cannot grow: what a full memory file system says, made small.
    // SAFETY: the signal is ignored, which touches nothing.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let before = getrlimit(Resource::Fsize);
    let limited = Rlimit {
        current: Some(1 << 20),
        ..before
    };
    setrlimit(Resource::Fsize, limited).expect("lowering is allowed");
    let error = worker
        .buffer(1 << 21)
        .expect_err("there is no room")
        .to_string();
    setrlimit(Resource::Fsize, before).expect("it is below the hard limit");
    assert!(
        error.contains("2097152 bytes of shared memory for a buffer"),
        "{error}"
    );
    one(&worker, "nothing", Args::new()).expect("the worker goes on");
    worker.buffer(1 << 21).expect("there is room now");
}

fn a_full_heap_says_why(kind: Kind) {
    let worker = sub_builder(kind, 1)
        .limits(impatient())
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    let error = worker
        .run(|graph| {
            graph.alloc::<i32>(&[200_000])?;
            graph.alloc::<i32>(&[200_000])?;
            Ok(())
        })
        .expect_err("both do not fit")
        .to_string();
    for part in [
        "heap ring 0",
        "800768",
        "1048576",
        "heap_ring_bytes",
        "task",
    ] {
        assert!(error.contains(part), "`{part}` is not in `{error}`");
    }
    one(&worker, "nothing", Args::new()).expect("the next run is clean");
}

fn panicking_graphs_unwind_late(_: Kind) {
    let worker = subs(Kind::Thread, 1);
    let tensor = ints(&worker, 1);
    let add = function(&worker, "add");
    let unwound = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
        worker.run(|graph| {
            graph
                .sub(&add)
                .args(Args::new().inout(&tensor).scalar(1))
                .submit()?;
            panic!("in the graph")
        })
    }));
    assert!(unwound.is_err());
    assert_eq!(
        tensor.load::<i32>().expect("integers"),
        [2],
        "what was submitted ran"
    );
    one(&worker, "nothing", Args::new()).expect("the next run is clean");
}

fn close_ends_what_hangs(kind: Kind) {
    let limits = Limits {
        close: Duration::from_millis(200),
        ..limits()
    };
    let worker = sub_builder(kind, 1)
        .limits(limits)
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    let forever = function(&worker, "forever");
    let handle = worker
        .submit_run(|graph| {
            graph
                .sub(&forever)
                .args(Args::new().scalar(5_u64))
                .submit()
                .map(drop)
                .map_err(Into::into)
        })
        .expect("it is built");
    let closed = worker.close();
    assert!(
        closed
            .expect_err("it hangs")
            .to_string()
            .contains("sub_worker 0")
    );
    assert!(handle.result().is_err());
}

/// A process in between: its worker's children must go with it.
fn parents_take_their_children_along(kind: Kind) {
    if let Ok(report) = std::env::var("REPORT_PIDS_TO") {
        let worker = subs(kind, 3);
        let pids: Vec<String> = worker
            .children()
            .iter()
            .map(|it| it.process.expect("a process").to_string())
            .collect();
        std::fs::write(&report, pids.join(" ")).expect("the folder is there");
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    let report = std::env::temp_dir().join(format!("l3-pids-{}", std::process::id()));
    let _ = std::fs::remove_file(&report);
    let mut parent = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args([
            "one-case",
            "parents_take_their_children_along",
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
        if text.split(' ').count() == 3 {
            break text;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    parent.kill().expect("it lives");
    parent.wait().expect("it is ours");
    let _ = std::fs::remove_file(&report);
    for pid in pids.split(' ') {
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

fn forks_need_one_thread(kind: Kind) {
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || ended.recv());
    let worker = sub_builder(kind, 1).build().expect("it makes sense");
    let error = worker
        .init()
        .expect_err("there is another thread")
        .to_string();
    assert!(error.contains("this one has 2"), "{error}");
    drop(end);
    let _ = thread.join().expect("no panic");
}

fn idle_workers_cost_nothing(kind: Kind) {
    let worker = subs(kind, 8);
    one(&worker, "nothing", Args::new()).expect("it works");
    std::thread::sleep(Duration::from_millis(50));
    let processes: Vec<u32> = worker
        .children()
        .iter()
        .filter_map(|it| it.process)
        .chain([std::process::id()])
        .collect();
    let ticks = || processes.iter().map(|&pid| switches(pid)).sum::<u64>();
    let before = ticks();
    std::thread::sleep(Duration::from_millis(500));
    // Nobody was woken, so nobody used a core. A child that polled, if only once in ten milliseconds, would
    // make hundreds; the thread that counts makes a few.
    let woken = ticks() - before;
    assert!(woken <= 16, "{woken} switches while idle");
}

/// How often threads of a process went to sleep.
fn switches(pid: u32) -> u64 {
    let mut sum = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).expect("it lives") {
        let path = thread.expect("readable").path().join("status");
        let text = std::fs::read_to_string(path).expect("it lives");
        let counts = text
            .lines()
            .filter(|line| line.starts_with("voluntary_ctxt_switches"));
        sum += counts
            .map(|line| {
                line.split_whitespace()
                    .last()
                    .and_then(|it| it.parse::<u64>().ok())
                    .unwrap_or(0)
            })
            .sum::<u64>();
    }
    sum
}

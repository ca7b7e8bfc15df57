//! What is refused, where it is asked: bad workers, bad submits, handles of others, too many programs.

use host::team::{Args, Error, Kind, Tensor, Worker};

use crate::support::{ALL, Case, PROCESSES, THREAD, catalogue, function, ints, sub_builder, subs};

pub(crate) const CASES: &[Case] = &[
    ("the_65th_program", ALL, the_65th_program),
    (
        "closures_across_processes",
        PROCESSES,
        closures_across_processes,
    ),
    ("bad_workers_are_refused", THREAD, bad_workers_are_refused),
    (
        "a_helper_is_named_or_refused",
        THREAD,
        a_helper_is_named_or_refused,
    ),
];

pub(crate) fn bad_submits_are_refused(kind: Kind) {
    let worker = subs(kind, 2);
    let other = subs_of_threads();
    let (add, foreign) = (function(&worker, "add"), function(&other, "add"));
    let tensor = ints(&worker, &[1]);
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
            let tensor = ints(&worker, &[0]);
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

/// Chips of level 3 are processes unless said otherwise, the chip of level 2 is not.
fn a_helper_is_named_or_refused(_: Kind) {
    for (level, has_process) in [(2, false), (3, true)] {
        let worker = Worker::builder(level).chips("a2a3sim", [0]).build();
        let worker = worker.expect("this program is a helper");
        worker.init().expect("it starts");
        assert_eq!(worker.children()[0].process.is_some(), has_process);
    }
}

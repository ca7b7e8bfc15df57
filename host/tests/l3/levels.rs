//! Levels 2 and 4, with the words of level 3.

use host::team::{Args, Kind, Worker};

use crate::support::{
    ALL, Case, THREAD, catalogue, config, floats, impatient, ints, loaded, sub_builder, sum,
};

pub(crate) const CASES: &[Case] = &[
    ("level_two", THREAD, level_two),
    ("level_four", THREAD, level_four),
    ("level_four_described", ALL, level_four_described),
    (
        "children_without_a_device_say_so",
        ALL,
        children_without_a_device_say_so,
    ),
    (
        "lower_workers_start_again",
        THREAD,
        lower_workers_start_again,
    ),
];

fn level_two(_: Kind) {
    let worker = Worker::builder(2)
        .chips("a5sim", [0])
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    let program = worker.register_program(sum()).expect("after init is fine");
    let (a, b, out) = (
        floats(&worker, 1.0, 8),
        floats(&worker, 2.5, 8),
        floats(&worker, 0.0, 8),
    );
    let args = Args::new().input(&a).input(&b).output_existing(&out);
    worker
        .run_program(0, &program, args, &config())
        .expect("it runs");
    assert_eq!(out.load::<f32>().expect("floats"), vec![3.5; 8]);
}

fn level_four(_: Kind) {
    let lower = || {
        sub_builder(Kind::Thread, 1)
            .build()
            .expect("it makes sense")
    };
    let worker = Worker::builder(4)
        .lower(lower())
        .lower(lower())
        .subs(1)
        .catalogue(&catalogue())
        .graphs(["inner_add", "inner_fail"])
        .build()
        .expect("it makes sense");
    worker.init().expect("the whole tree starts");
    try_level_four(&worker);
}

fn level_four_described(kind: Kind) {
    let lower = || sub_builder(kind, 1);
    let worker = Worker::builder(4)
        .lower_described(lower())
        .lower_described(lower())
        .next_level_kind(kind)
        .catalogue(&catalogue())
        .graphs(["inner_add", "inner_fail"])
        .build()
        .expect("it makes sense");
    worker.init().expect("the whole tree starts");
    try_level_four(&worker);
}

fn try_level_four(worker: &Worker) {
    let add = worker.named_graph("inner_add").expect("it is registered");
    let tensors = [ints(worker, &[1]), ints(worker, &[2])];
    for _ in 0..3 {
        worker
            .run(|graph| {
                for (child, tensor) in tensors.iter().enumerate() {
                    let args = Args::new().inout(tensor).scalar(10);
                    graph.next_level(&add).on(child).args(args).submit()?;
                }
                Ok(())
            })
            .expect("it runs");
    }
    assert_eq!(
        (loaded(&tensors[0]), loaded(&tensors[1])),
        (vec![61], vec![62])
    );
}

/// Every kind of child answers every request, if only by saying that it has no device.
fn children_without_a_device_say_so(kind: Kind) {
    let worker = Worker::builder(4)
        .lower_described(sub_builder(kind, 1))
        .next_level_kind(kind)
        .catalogue(&catalogue())
        .build()
        .expect("it makes sense");
    worker.init().expect("the whole tree starts");
    let texts = [
        worker.malloc(0, 8).map(drop),
        worker.device_memory_used(0).map(drop),
        worker.communicator(&[0], 64, &[]).map(drop),
    ];
    for error in texts {
        let text = error.expect_err("there is none").to_string();
        assert!(
            text.contains("child_worker 0 level=3: a lower worker has no device"),
            "{text}"
        );
    }
}

/// What fails two levels below says all it has to say, and through whom it came.
pub(crate) fn chains_of_origins_are_whole(kind: Kind) {
    let builder = Worker::builder(4)
        .catalogue(&catalogue())
        .graphs(["inner_fail"]);
    let worker = match kind {
        Kind::Thread => builder.lower(sub_builder(kind, 1).build().expect("it makes sense")),
        _ => builder
            .lower_described(sub_builder(kind, 1))
            .next_level_kind(kind),
    };
    let worker = worker.build().expect("it makes sense");
    worker.init().expect("the whole tree starts");
    let fail = worker.named_graph("inner_fail").expect("it is registered");
    for length in [0_u32, 3000] {
        let error = worker.run(|graph| {
            let args = Args::new().scalar(length);
            graph.next_level(&fail).args(args).submit()?;
            Ok(())
        });
        let text = error.expect_err("a function below fails").to_string();
        for part in [
            "child_worker 0 level=3: sub_worker 0: ",
            "Complaint: begin",
            "end",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(text.contains(&"+".repeat(length as usize)), "{text}");
    }
}

/// Lower workers that are values of this process can be started again, alone and with their parent.
fn lower_workers_start_again(_: Kind) {
    let lower = sub_builder(Kind::Thread, 1).limits(impatient()).build();
    let worker = Worker::builder(4)
        .lower(lower.expect("it makes sense"))
        .catalogue(&catalogue())
        .limits(impatient())
        .graphs(["inner_add", "inner_forever"])
        .build()
        .expect("it makes sense");
    let tensor = ints(&worker, &[0]);
    let add = worker.named_graph("inner_add").expect("it is registered");
    let forever = worker
        .named_graph("inner_forever")
        .expect("it is registered");
    let run = |graph: &host::team::GraphHandle, by: i32| {
        worker.run(|it| {
            it.next_level(graph)
                .args(Args::new().inout(&tensor).scalar(by))
                .submit()?;
            Ok(())
        })
    };
    for _ in 0..2 {
        worker.init().expect("the whole tree starts");
        run(&add, 1).expect("it runs");
        worker
            .restart_next_level(0)
            .expect("it starts again while it is idle");
        run(&add, 1).expect("it runs");
        let text = run(&forever, 0).expect_err("it never ends").to_string();
        assert!(text.contains("child_worker 0 level=3"), "{text}");
        worker
            .restart_next_level(0)
            .expect("it starts again after it hung");
        run(&add, 1).expect("it runs");
        worker.close().expect("it closes");
    }
    assert_eq!(loaded(&tensor), [12]);
}

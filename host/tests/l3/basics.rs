//! What works: tasks, arguments, groups, scopes, buffers, memory, levels, runs.

use host::team::{Args, Kind, Tensor, Worker};

use crate::support::{
    ALL, Case, EXEC, THREAD, catalogue, function, limits, sub_builder, subs, sum,
};

pub(crate) const CASES: &[Case] = &[
    ("start_and_close", ALL, start_and_close),
    ("arguments_arrive", ALL, arguments_arrive),
    ("many_tasks_each_once", ALL, many_tasks_each_once),
    ("a_chain_is_in_order", ALL, a_chain_is_in_order),
    ("groups_run_as_one", ALL, groups_run_as_one),
    ("buffers_made_late_arrive", ALL, buffers_made_late_arrive),
    ("scopes_and_intermediates", ALL, scopes_and_intermediates),
    ("runs_follow_one_another", ALL, runs_follow_one_another),
    ("registered_late", THREAD, registered_late),
    ("chips_add", &[Kind::Thread, Kind::Exec], chips_add),
    ("device_memory", &[Kind::Thread, Kind::Exec], device_memory),
    ("level_two", THREAD, level_two),
    ("level_four", THREAD, level_four),
    ("level_four_described", EXEC, level_four_described),
];

fn ints(worker: &Worker, values: &[i32]) -> Tensor {
    let buffer = worker.buffer(size_of_val(values)).expect("there is memory");
    let tensor = buffer
        .tensor::<i32>(&[values.len() as u32])
        .expect("it fits");
    tensor.store(values).expect("they fit");
    tensor
}

fn loaded(tensor: &Tensor) -> Vec<i32> {
    tensor.load().expect("they are integers")
}

fn start_and_close(kind: Kind) {
    for count in [0, 1, 3] {
        let worker = sub_builder(kind, count).build().expect("it makes sense");
        worker
            .close()
            .expect("closing what was never started does nothing");
        worker.init().expect("it starts");
        assert!(
            worker
                .init()
                .expect_err("twice")
                .to_string()
                .contains("already initialized")
        );
        worker.close().expect("it closes");
        worker.close().expect("twice does nothing");
        let error = worker.run(|_| Ok(())).expect_err("it is closed");
        assert!(error.to_string().contains("closed"), "{error}");
    }
}

fn arguments_arrive(kind: Kind) {
    let worker = subs(kind, 1);
    let tensor = ints(&worker, &[1, -2, 3]);
    let add = function(&worker, "add");
    worker
        .run(|graph| {
            graph.submit_sub(&add, Args::new().inout(&tensor).scalar(42))?;
            graph.submit_sub(&function(&worker, "nothing"), Args::new())?;
            Ok(())
        })
        .expect("it runs");
    assert_eq!(loaded(&tensor), [43, 40, 45]);
}

fn many_tasks_each_once(kind: Kind) {
    let worker = subs(kind, 2);
    let tensors: Vec<Tensor> = (0..50).map(|value| ints(&worker, &[value])).collect();
    let add = function(&worker, "add");
    for _ in 0..4 {
        worker
            .run(|graph| {
                for tensor in &tensors {
                    graph
                        .sub(&add)
                        .args(Args::new().inout(tensor).scalar(1000))
                        .submit()?;
                }
                Ok(())
            })
            .expect("it runs");
    }
    let values: Vec<i32> = tensors.iter().flat_map(loaded).collect();
    assert_eq!(values, (4000..4050).collect::<Vec<i32>>());
}

fn a_chain_is_in_order(kind: Kind) {
    let worker = subs(kind, 2);
    let tensor = ints(&worker, &[0; 4]);
    let (add, store, check) = (
        function(&worker, "add"),
        function(&worker, "store"),
        function(&worker, "check"),
    );
    worker
        .run(|graph| {
            graph
                .sub(&store)
                .args(Args::new().output_existing(&tensor).scalar(7))
                .submit()?;
            for _ in 0..30 {
                graph
                    .sub(&add)
                    .args(Args::new().inout(&tensor).scalar(2))
                    .submit()?;
            }
            let reader = graph
                .sub(&check)
                .args(Args::new().input(&tensor).scalar(67))
                .submit()?;
            // Tags do not order a writer behind a reader; this does.
            let args = Args::new().output_existing(&tensor).scalar(1);
            graph.sub(&store).args(args).after(&reader).submit()?;
            Ok(())
        })
        .expect("every step sees the one before");
    assert_eq!(loaded(&tensor), [1; 4]);
}

fn groups_run_as_one(kind: Kind) {
    let worker = subs(kind, 3);
    let parts: Vec<Tensor> = (0..3).map(|_| ints(&worker, &[5; 2])).collect();
    let (add, check) = (function(&worker, "add"), function(&worker, "check"));
    worker
        .run(|graph| {
            let members = parts.iter().map(|part| Args::new().inout(part).scalar(3));
            graph.sub(&add).group(members).submit()?;
            let all = parts
                .iter()
                .fold(Args::new(), |args, part| args.input(part));
            let check = graph.sub(&check).args(all.scalar(8)).submit()?;
            let single = [Args::new().inout(&parts[0]).scalar(1)];
            graph.sub(&add).group(single).after(&check).submit()?;
            Ok(())
        })
        .expect("the check sees all members");
    assert_eq!(loaded(&parts[0]), [9; 2]);
}

fn buffers_made_late_arrive(kind: Kind) {
    let worker = subs(kind, 2);
    let add = function(&worker, "add");
    let mut last = None;
    for round in 0..20 {
        worker
            .run(|graph| {
                let early = ints(&worker, &[round]);
                graph
                    .sub(&add)
                    .args(Args::new().inout(&early).scalar(1))
                    .submit()?;
                // The tensor is dropped before the task is over; its memory is not.
                last = Some(early.clone());
                let gone = ints(&worker, &[1, 2, 3]);
                graph
                    .sub(&add)
                    .args(Args::new().inout(&gone).scalar(1))
                    .submit()?;
                Ok(())
            })
            .expect("it runs");
        assert_eq!(loaded(last.as_ref().expect("just set")), [round + 1]);
    }
}

fn scopes_and_intermediates(kind: Kind) {
    let worker = subs(kind, 2);
    let result = ints(&worker, &[0; 64]);
    let (add, store, check) = (
        function(&worker, "add"),
        function(&worker, "store"),
        function(&worker, "check"),
    );
    // More memory in all than the ring has, and deeper than there are rings.
    for _ in 0..3 {
        worker
            .run(|graph| {
                let outer = graph.alloc::<i32>(&[1000])?;
                graph
                    .sub(&store)
                    .args(Args::new().inout(&outer).scalar(1))
                    .submit()?;
                for round in 0..10 {
                    let mut scope = graph.scope()?;
                    let inner = scope.alloc::<i32>(&[100, 1000])?;
                    scope
                        .sub(&store)
                        .args(Args::new().inout(&inner).scalar(round))
                        .submit()?;
                    let args = Args::new().input(&inner).scalar(round);
                    scope.sub(&check).args(args).submit()?;
                    let mut deeper = scope.scope()?;
                    let mut deepest = deeper.scope()?;
                    let mut far = deepest.scope()?;
                    let _unused = far.alloc::<i32>(&[10])?;
                    let made = far
                        .sub(&store)
                        .args(
                            Args::new()
                                .output(&Tensor::unplaced::<i32>(&[64])?)
                                .scalar(4),
                        )
                        .submit()?;
                    let args = Args::new().input(&made.outputs()[0]).scalar(4);
                    far.sub(&check).args(args).submit()?;
                }
                graph
                    .sub(&add)
                    .args(Args::new().inout(&outer).scalar(1))
                    .submit()?;
                graph
                    .sub(&check)
                    .args(Args::new().input(&outer).scalar(2))
                    .submit()?;
                graph
                    .sub(&store)
                    .args(Args::new().inout(&result).scalar(9))
                    .submit()?;
                Ok(())
            })
            .expect("it runs");
    }
    assert_eq!(loaded(&result), [9; 64]);
}

fn runs_follow_one_another(kind: Kind) {
    let worker = subs(kind, 2);
    let tensor = ints(&worker, &[0]);
    let (add, nap) = (function(&worker, "add"), function(&worker, "nap"));
    let run = |by: i32| {
        let handle = worker.submit_run(|graph| {
            graph.sub(&nap).args(Args::new().scalar(5_u64)).submit()?;
            graph
                .sub(&add)
                .args(Args::new().inout(&tensor).scalar(by))
                .submit()?;
            Ok(())
        });
        handle.expect("it is built")
    };
    let handles: Vec<_> = (1..=5).map(run).collect();
    let limit = core::time::Duration::from_secs(20);
    for handle in handles {
        assert!(handle.wait(limit).expect("it is driven"));
        assert!(handle.is_done());
        handle.result().expect("it runs");
    }
    assert_eq!(loaded(&tensor), [15]);
    // A handle that nobody asks leaves nothing behind.
    drop(run(1));
    worker.run(|_| Ok(())).expect("it comes after");
    assert_eq!(loaded(&tensor), [16]);
}

fn registered_late(_: Kind) {
    let worker = subs(Kind::Thread, 2);
    let tensor = ints(&worker, &[3]);
    let factor = 5;
    let times = worker.register_function(move |call| {
        let values: Vec<i32> = call.load(0)?;
        Ok(call.store(0, &[values[0] * factor])?)
    });
    let times = times.expect("threads receive closures at any time");
    worker
        .run(|graph| {
            graph
                .submit_sub(&times, Args::new().inout(&tensor))
                .map(drop)
                .map_err(Into::into)
        })
        .expect("it runs");
    assert_eq!(loaded(&tensor), [15]);
    worker.unregister(&times).expect("it was registered");
    let error = worker
        .run(|graph| {
            graph
                .submit_sub(&times, Args::new())
                .map(drop)
                .map_err(Into::into)
        })
        .expect_err("it is registered no more");
    assert!(error.to_string().contains("unregistered"), "{error}");
}

fn chips(kind: Kind, count: i32) -> Worker {
    let worker = Worker::builder(3)
        .chips("a2a3sim", 0..count)
        .next_level_kind(kind)
        .subs(1)
        .catalogue(&catalogue())
        .heap_ring_bytes(1 << 20)
        .limits(limits())
        .programs(["sum"])
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    worker
}

fn floats(worker: &Worker, value: f32, count: u32) -> Tensor {
    let buffer = worker.buffer(count as usize * 4).expect("there is memory");
    let tensor = buffer.tensor::<f32>(&[count]).expect("it fits");
    tensor
        .store(&vec![value; count as usize])
        .expect("they fit");
    tensor
}

fn config() -> protocol::CallConfig {
    protocol::CallConfig {
        block_dim: 1,
        ..protocol::CallConfig::default()
    }
}

fn chips_add(kind: Kind) {
    let worker = chips(kind, 2);
    let sum = worker.named_program("sum").expect("it is registered");
    let (a, b) = (floats(&worker, 1.5, 100), floats(&worker, 2.0, 100));
    let outs = [floats(&worker, 0.0, 100), floats(&worker, 0.0, 100)];
    let seen = worker
        .register_function(|call| {
            let sums: Vec<f32> = call.load(0)?;
            assert_eq!((call.tensor_count(), sums[99]), (2, 3.5));
            Ok(())
        })
        .expect("sub workers are threads");
    worker
        .run(|graph| {
            for (chip, out) in outs.iter().enumerate() {
                let args = Args::new().input(&a).input(&b).output_existing(out);
                graph
                    .next_level(&sum)
                    .on(chip)
                    .args(args)
                    .config(&config())
                    .submit()?;
            }
            let both = Args::new().input(&outs[0]).input(&outs[1]);
            graph.submit_sub(&seen, both)?;
            Ok(())
        })
        .expect("it runs");
    for out in &outs {
        assert_eq!(out.load::<f32>().expect("floats"), vec![3.5; 100]);
    }
}

fn device_memory(kind: Kind) {
    let worker = chips(kind, 2);
    let sum = worker.named_program("sum").expect("it is registered");
    for bytes in [4096, 65536, 12345] {
        let there = worker.malloc(1, bytes).expect("there is memory");
        let pattern: Vec<u8> = (0..bytes).map(|at| (at * 7 % 251) as u8).collect();
        worker.copy_to(&there, &pattern).expect("it fits");
        assert_eq!(
            worker.copy_from::<u8>(&there).expect("it is there"),
            pattern
        );
        worker.free(there).expect("it is live");
    }
    let weight = worker.malloc(0, 400).expect("there is memory");
    worker.copy_to(&weight, &[3.0_f32; 100]).expect("it fits");
    let resident = weight.tensor::<f32>(&[100]).expect("it fits");
    let (a, out) = (floats(&worker, 2.0, 100), floats(&worker, 0.0, 100));
    worker
        .run(|graph| {
            for _ in 0..2 {
                let args = Args::new().input(&a).input(&resident).output_existing(&out);
                graph
                    .next_level(&sum)
                    .args(args)
                    .config(&config())
                    .submit()?;
            }
            let args = Args::new().input(&a).input(&resident).output_existing(&out);
            let refused = graph.next_level(&sum).on(1).args(args).submit();
            assert!(
                refused
                    .expect_err("another chip")
                    .to_string()
                    .contains("device memory of child 0")
            );
            Ok(())
        })
        .expect("it runs");
    assert_eq!(out.load::<f32>().expect("floats"), vec![5.0; 100]);
    let error = worker.malloc(2, 8).expect_err("there is no such chip");
    assert!(error.to_string().contains("invalid worker_id 2"), "{error}");
    assert!(worker.device_memory_used(0).expect("it has a device") >= 400);
}

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
    let fail = worker.named_graph("inner_fail").expect("it is registered");
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
    let error = worker
        .run(|graph| {
            graph
                .next_level(&fail)
                .submit()
                .map(drop)
                .map_err(Into::into)
        })
        .expect_err("a function below fails");
    let text = error.to_string();
    for part in [
        "child_worker",
        "level=3",
        "sub_worker 0",
        "ParseIntError",
        "invalid digit",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

//! What works: tasks, arguments, groups, scopes, buffers, runs.

use host::team::{Args, Kind, Tensor};

use crate::support::{ALL, Case, THREAD, function, ints, loaded, sub_builder, subs};

pub(crate) const CASES: &[Case] = &[
    ("start_and_close", ALL, start_and_close),
    ("arguments_arrive", ALL, arguments_arrive),
    ("many_tasks_each_once", ALL, many_tasks_each_once),
    ("a_chain_is_in_order", ALL, a_chain_is_in_order),
    ("groups_run_as_one", ALL, groups_run_as_one),
    ("scopes_and_intermediates", ALL, scopes_and_intermediates),
    ("runs_follow_one_another", ALL, runs_follow_one_another),
    ("registered_late", THREAD, registered_late),
    (
        "panicking_graphs_unwind_late",
        THREAD,
        panicking_graphs_unwind_late,
    ),
];

fn start_and_close(kind: Kind) {
    for count in [0, 1, 3] {
        let worker = sub_builder(kind, count).build().expect("it makes sense");
        worker
            .close()
            .expect("closing what was never started does nothing");
        for error in [worker.run(|_| Ok(())), worker.malloc(0, 8).map(drop)] {
            let text = error.expect_err("it is not started").to_string();
            assert!(text.contains("not started: call `init`"), "{text}");
        }
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

fn panicking_graphs_unwind_late(_: Kind) {
    let worker = subs(Kind::Thread, 1);
    let tensor = ints(&worker, &[1]);
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
    crate::support::one(&worker, "nothing", Args::new()).expect("the next run is clean");
}

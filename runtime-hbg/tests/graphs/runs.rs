//! Graphs of known shapes, and how runs end.

use core::time::Duration;

use protocol::A2a3;
use runtime_hbg::{Context, Deadlines, Error, GraphBuilder, Kernel, Setup, Step, build};
use sync::{Crowd, Deadline, Spin};

use crate::machine::{KERNELS, Machine, Manner};

fn numbered(graph: &mut GraphBuilder, core_type: i32) -> u32 {
    let number = graph.task_count() as u64;
    graph
        .add_task(core_type, core_type, &[number])
        .expect("room")
}

#[test]
fn zero_tasks_finish_at_once() {
    let graph = GraphBuilder::new().seal(&KERNELS).expect("nothing wrong");
    let machine = Machine::new(&graph, 1, Manner::Hangs);
    let mut context = Context::new();
    let run = machine
        .begin(&mut context, 3, Deadlines::default())
        .expect("a run");
    assert_eq!(run.step(0), Step::Done);
    assert_eq!(run.outcome().map(|report| report.tasks), Ok(0));
}

#[test]
fn a_chain_runs_in_order_on_any_number_of_roles() {
    let mut graph = GraphBuilder::new();
    for index in 0..500 {
        let task = numbered(&mut graph, index % 2);
        if task != 0 {
            graph.add_edge(task - 1, task).expect("both exist");
        }
    }
    let graph = graph.seal(&KERNELS).expect("a chain");
    let mut context = Context::new();
    for roles in 1..=4 {
        let machine = Machine::new(&graph, 2, Manner::Prompt);
        let report = machine.run(&mut context, roles, 1).expect("a good run");
        assert_eq!((report.completed, machine.all_ran_once()), (500, true));
    }
}

/// hbg-sim.md A.2: 131072 tasks and 128 successors were the limits.
#[test]
fn hazard_more_tasks_and_wider_fans_than_the_reference_has_room_for() {
    const WIDTH: u32 = 100_000;
    let mut graph = GraphBuilder::new();
    let source = numbered(&mut graph, 0);
    for _ in 0..2 * WIDTH {
        let task = numbered(&mut graph, 1);
        graph.add_edge(source, task).expect("both exist");
    }
    let sink = numbered(&mut graph, 0);
    for task in 1..=5000 {
        graph.add_edge(task, sink).expect("both exist");
    }
    let graph = graph.seal(&KERNELS).expect("a fan");
    assert_eq!(graph.task_count(), 200_002);
    let machine = Machine::new(&graph, 24, Manner::Prompt);
    let mut context = Context::new();
    let report = machine.run(&mut context, 3, 2).expect("a good run");
    assert_eq!((report.completed, machine.all_ran_once()), (200_002, true));
    let bytes = graph.bytes() + context.committed_bytes();
    assert!(bytes <= 60 * 200_002, "{bytes} bytes");
}

#[test]
fn a_graph_runs_again_with_nothing_built_anew() {
    let builder = build(|graph| {
        let mut last = Vec::new();
        for layer in 0..20_u64 {
            last = (0..10_u64)
                .map(|index| {
                    let number = layer * 10 + index;
                    graph.task(Kernel::aiv(3), &[number]).after(&last)
                })
                .collect();
        }
    });
    let graph = builder.seal(&KERNELS).expect("layers");
    let mut machine = Machine::new(&graph, 3, Manner::Slow(5));
    let mut context = Context::new();
    for _ in 0..20 {
        let report = machine.run(&mut context, 3, 2).expect("a good run");
        assert_eq!((report.completed, machine.all_ran_once()), (200, true));
        machine.relaunch();
    }
}

#[test]
fn cores_hold_a_second_call_while_they_run_one() {
    let mut graph = GraphBuilder::new();
    for _ in 0..200 {
        numbered(&mut graph, 1);
    }
    let graph = graph.seal(&KERNELS).expect("no edges");
    let machine = Machine::new(&graph, 1, Manner::Slow(3));
    machine.run(&mut Context::new(), 1, 1).expect("a good run");
    assert_eq!((machine.most_loaded(), machine.all_ran_once()), (2, true));
}

#[test]
fn words_beyond_the_payload_reach_the_kernel() {
    let mut graph = GraphBuilder::new();
    for count in [1, 2, 15, 16, 17, 47, 48, 49, 50, 51, 1000_u64] {
        let number = graph.task_count() as u64;
        let words: Vec<u64> = (0..count).map(|index| number + index).collect();
        graph.add_task(2, 0, &words).expect("room");
    }
    let graph = graph.seal(&KERNELS).expect("no edges");
    let machine = Machine::new(&graph, 1, Manner::Prompt);
    machine.run(&mut Context::new(), 1, 1).expect("a good run");
    assert!(machine.all_ran_once());
}

/// hbg-sim.md A.9.8, B.15, abi.md 7.6 hazard 1: a run that times out ended with code 0.
#[test]
fn hazard_a_run_whose_kernel_hangs_is_an_error_and_names_what_hangs() {
    let mut graph = GraphBuilder::new();
    let first = numbered(&mut graph, 1);
    let second = numbered(&mut graph, 0);
    graph.add_edge(first, second).expect("both exist");
    let graph = graph.seal(&KERNELS).expect("an edge");
    let machine = Machine::new(&graph, 1, Manner::Hangs);
    let mut context = Context::new();
    let deadlines = Deadlines {
        no_progress: Duration::from_millis(20),
        wind_down: Duration::from_millis(1),
    };
    {
        let run = machine.begin(&mut context, 2, deadlines).expect("a run");
        assert_eq!(run.step(0), Step::Progress);
        let said = run.diagnosis().to_string();
        assert!(said.contains("0/2 tasks complete"), "{said}");
        assert!(said.contains("(AIV) RUNNING: token 1, task 0"), "{said}");
        run.drive(0, &mut Spin::new(&Crowd::new()));
        let error = run.outcome().expect_err("nothing ran");
        assert_eq!(error.code(), -100);
        assert!(matches!(
            error,
            Error::Stalled {
                completed: 0,
                tasks: 2,
                ..
            }
        ));
    }
    let again = machine.begin(&mut context, 2, deadlines).map(|_| ());
    assert_eq!(again, Err(Error::CoresLost));
}

/// hbg-sim.md A.9.2, abi.md 7.6 hazard 2: one failed run spoils the executor for all that follow.
#[test]
fn hazard_a_failed_run_dispatches_no_more_and_the_next_one_is_good() {
    let mut graph = GraphBuilder::new();
    for index in 0..5000_u32 {
        numbered(&mut graph, 1);
        if index >= 40 {
            graph.add_edge(index - 40, index).expect("both exist");
            graph.add_edge(index - 37, index).expect("both exist");
        }
    }
    let graph = graph.seal(&KERNELS).expect("no cycle");
    let mut machine = Machine::new(&graph, 1, Manner::Slow(9));
    let mut context = Context::new();
    {
        let run = machine
            .begin(&mut context, 3, Deadlines::default())
            .expect("a run");
        while run.report().completed < 10 {
            let _ = (run.step(0), run.step(1));
        }
        run.abort(104);
        run.drive(1, &mut Spin::new(&Crowd::new()));
        let error = run.outcome().expect_err("it was aborted");
        assert_eq!(error.code(), -104);
        let ran = machine.ran.iter().filter(|ran| ran.observe() != 0).count() as u64;
        assert_eq!(run.report().completed, ran);
        assert!(ran < 5000);
    }
    machine.relaunch();
    machine.run(&mut context, 3, 1).expect("a good run");
    assert!(machine.all_ran_once());
}

#[test]
fn what_a_failed_run_left_in_a_queue_is_not_found_by_the_next() {
    let mut graph = GraphBuilder::new();
    let first = numbered(&mut graph, 1);
    for _ in 0..100 {
        let task = numbered(&mut graph, 0);
        graph.add_edge(first, task).expect("both exist");
    }
    let graph = graph.seal(&KERNELS).expect("a fan");
    let machine = Machine::new(&graph, 1, Manner::Prompt);
    let mut context = Context::new();
    {
        let run = machine
            .begin(&mut context, 2, Deadlines::default())
            .expect("a run");
        // This role has a vector core only: the tasks for the cube core go to the queue.
        assert_eq!(run.step(1), Step::Progress);
        assert_eq!(run.report().completed, 1);
        assert!(
            run.diagnosis()
                .to_string()
                .contains("ready: 100 AIC, 0 AIV")
        );
        run.abort(1);
        run.drive(0, &mut Spin::new(&Crowd::new()));
    }
    let mut small = GraphBuilder::new();
    numbered(&mut small, 0);
    let small = small.seal(&KERNELS).expect("no edges");
    let machine = Machine::new(&small, 1, Manner::Prompt);
    machine.run(&mut context, 2, 1).expect("a good run");
    assert!(machine.all_ran_once());
}

#[test]
fn a_run_nobody_drives_to_its_end_is_no_success() {
    let mut graph = GraphBuilder::new();
    numbered(&mut graph, 0);
    let graph = graph.seal(&KERNELS).expect("no edges");
    let machine = Machine::new(&graph, 1, Manner::Prompt);
    let mut context = Context::new();
    let run = machine
        .begin(&mut context, 1, Deadlines::default())
        .expect("a run");
    let unfinished = Error::Unfinished {
        completed: 0,
        tasks: 1,
    };
    assert_eq!(run.outcome(), Err(unfinished));
}

#[test]
fn hazard_set_ups_that_do_not_fit_are_refused_and_the_next_one_is_good() {
    let mut graph = GraphBuilder::new();
    numbered(&mut graph, 0);
    let graph = graph.seal(&KERNELS).expect("no edges");
    let machine = Machine::new(&graph, 1, Manner::Prompt);
    let mut context = Context::new();
    let mut refused = |clusters, threads, kernels| {
        let setup = Setup {
            kernels,
            clusters,
            threads,
            deadlines: Deadlines::default(),
        };
        let run = context.begin::<A2a3, _>(&graph, setup, &machine);
        run.map(|_| ()).expect_err("it does not fit").to_string()
    };
    assert_eq!(
        refused(0, 1, &KERNELS),
        "a run wants 0 clusters: use 1 to 24"
    );
    assert_eq!(
        refused(25, 1, &KERNELS),
        "a run wants 25 clusters: use 1 to 24"
    );
    assert_eq!(refused(1, 0, &KERNELS), "a run wants 0 threads: use 1 to 4");
    assert_eq!(refused(1, 5, &KERNELS), "a run wants 5 threads: use 1 to 4");
    assert_eq!(
        refused(2, 1, &KERNELS),
        "2 clusters need 6 cores, the machine offers 3"
    );
    assert!(refused(1, 1, &[]).starts_with("the graph uses function id 0"));
    // hbg-sim.md A.9.2: after one failed start the reference's executor never starts again.
    let run = machine.begin(&mut context, 1, Deadlines::default());
    let run = run.expect("what was refused left nothing behind");
    run.drive(0, &mut Spin::new(&Crowd::new()));
    assert!(run.outcome().is_ok() && machine.all_ran_once());
}

/// On a chip each thread drives its own role and never another.
#[test]
fn threads_that_only_step_their_own_role_finish_the_run() {
    for seed in 1..20 {
        let mut graph = GraphBuilder::new();
        for index in 0..400_u32 {
            // Half of the cube cores' tasks become ready where there is no cube core.
            numbered(&mut graph, i32::from(index % 3 != 0));
            if index >= 7 {
                graph.add_edge(index - 7, index).expect("both exist");
                graph.add_edge(index - 5, index).expect("both exist");
            }
        }
        let graph = graph.seal(&KERNELS).expect("no cycle");
        let machine = Machine::new(&graph, 1, Manner::Slow(seed));
        let mut context = Context::new();
        let run = machine
            .begin(&mut context, 3, Deadlines::default())
            .expect("a run");
        std::thread::scope(|scope| {
            for role in 0..3 {
                let run = &run;
                scope.spawn(move || {
                    let watchdog = Deadline::after(Duration::from_secs(60));
                    while run.step(role) != Step::Done {
                        assert!(!watchdog.has_passed(), "{}", run.diagnosis());
                        std::thread::yield_now();
                    }
                });
            }
        });
        assert!(run.outcome().is_ok() && machine.all_ran_once());
    }
}

/// hbg-sim.md B.13, abi.md 7.6 hazard 8: two contexts that run at the same time stop making progress.
#[test]
fn hazard_two_contexts_run_one_graph_at_the_same_time() {
    let builder = build(|graph| {
        let mut last = graph.task(Kernel::aic(1), &[0]).first();
        for number in 1..300 {
            let kernel = if number % 3 == 0 {
                Kernel::aic(1)
            } else {
                Kernel::aiv(2)
            };
            last = graph.task(kernel, &[number]).after(&[last]);
        }
    });
    let graph = builder.seal(&KERNELS).expect("a chain");
    std::thread::scope(|scope| {
        for seed in 1..4 {
            let graph = &graph;
            scope.spawn(move || {
                let mut machine = Machine::new(graph, 3, Manner::Slow(seed));
                let mut context = Context::new();
                for _ in 0..10 {
                    machine.run(&mut context, 3, 2).expect("a good run");
                    assert!(machine.all_ran_once());
                    machine.relaunch();
                }
            });
        }
    });
}

/// hbg-sim.md B.14: waiting threads spin and take the time of those that work.
#[test]
fn hazard_drivers_without_work_sleep_and_wake_for_news() {
    let mut graph = GraphBuilder::new();
    numbered(&mut graph, 1);
    let graph = graph.seal(&KERNELS).expect("no edges");
    let machine = Machine::new(&graph, 1, Manner::Hangs);
    let mut context = Context::new();
    let run = machine
        .begin(&mut context, 1, Deadlines::default())
        .expect("a run");
    std::thread::scope(|scope| {
        let driver = scope.spawn(|| run.drive(0, &mut Spin::new(&Crowd::new())));
        let watchdog = Deadline::after(Duration::from_secs(60));
        while !run.work_bell().is_awaited() {
            assert!(!watchdog.has_passed() && !driver.is_finished());
            std::thread::yield_now();
        }
        machine.finish_all();
        run.notify();
    });
    assert!(run.outcome().is_ok());
}

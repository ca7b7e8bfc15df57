//! One test for each weakness of the reference that concerns this crate (trb.md 9.4, abi.md 7.6).
//!
//! Elsewhere: different geometries (unit tests of the vectors), more than 21 clusters per thread (also a unit test of the
//! tracker), races of references and of ring advance (the model), unsynchronised deferred lists (they are a role's own).

use core::time::Duration;
use std::sync::Mutex;
use std::time::Instant;

use aicore_abi::orchestration::trb::{MixedKernels, ScopeMode};
use aicore_abi::seam::KernelEntry;
use aicore_abi::tensor::{Tensor, TensorCreateInfo};
use protocol::error_code::RunError;
use protocol::{A2a3, A5, DataType};
use runtime_trb::{
    Args, Context, Fatal, Limits, NoHelp, Orchestrator, Run, RunReport, RunStatus, Setup,
};
use sync::{Crowd, Spin, Word32, Word64};

use crate::cores::{Call, FakeCores, Pace, context, kernels, setup};
use crate::operations::Lines;

const AIV: MixedKernels = MixedKernels::from_lanes([-1, 0, -1]);
const AIC: MixedKernels = MixedKernels::from_lanes([0, -1, -1]);
const MIX: MixedKernels = MixedKernels::from_lanes([0, 0, 0]);

fn external(number: u64) -> Tensor {
    Tensor::external(
        0x10_0000 + number * 0x1000,
        &[16],
        DataType::Float32,
        false,
        0,
    )
    .expect("a valid shape")
}

fn creation(bytes: u32) -> TensorCreateInfo {
    TensorCreateInfo::new(&[bytes], DataType::Uint8, false).expect("a valid shape")
}

/// Runs on the calling thread alone.
fn alone(
    context: &mut Context,
    setup: Setup<'_>,
    kernel: impl Fn(Call<'_>) + Sync,
    body: impl FnOnce(&mut Orchestrator<'_>),
) -> RunReport {
    let cores = FakeCores::new(setup.clusters, Pace::Inline, kernel);
    let run: Run<'_, A5, _> = context.begin(setup, &cores).expect("a good set-up");
    run.orchestrate(&run, body);
    run.drive(0, &mut Spin::new(&Crowd::new()));
    run.report()
}

/// Runs with one driving thread beside the orchestration.
fn beside(
    context: &mut Context,
    setup: Setup<'_>,
    kernel: impl Fn(Call<'_>) + Sync,
    body: impl FnOnce(&mut Orchestrator<'_>),
) -> RunReport {
    let cores = FakeCores::new(setup.clusters, Pace::Inline, kernel);
    let run: Run<'_, A5, _> = context.begin(setup, &cores).expect("a good set-up");
    let crowd = Crowd::new();
    std::thread::scope(|scope| {
        scope.spawn(|| run.drive(0, &mut Spin::new(&crowd)));
        run.orchestrate(&NoHelp, body);
    });
    run.report()
}

fn each_in_a_scope(
    orch: &mut Orchestrator<'_>,
    mut body: impl FnMut(&mut Orchestrator<'_>, u64),
    count: u64,
) {
    for number in 0..count {
        orch.scope(ScopeMode::Auto, |orch| body(orch, number))
            .expect("open");
    }
}

/// trb.md 9.4 hazard 1: a producer found in the map is referred to while it completes and its scope has ended.
#[test]
fn hazard_reference_to_a_producer_whose_scope_has_ended() {
    let last = Word64::new(0);
    let wrong = Word32::new(0);
    let kernels = kernels(1);
    let mut context = context(8, 1 << 16);
    let x = external(0);
    let kernel = |call: Call<'_>| {
        if last
            .change(call.payload.args[1], call.payload.args[1] + 1)
            .is_err()
        {
            wrong.add(1);
        }
    };
    let report = beside(&mut context, setup(&kernels, 4, 2), kernel, |orch| {
        let submit = |orch: &mut Orchestrator<'_>, number| {
            orch.submit(&AIV, Args::new().inout(&x).scalar(number))
                .expect("room comes");
        };
        each_in_a_scope(orch, submit, 20_000);
    });
    assert!(report.status.is_good());
    assert_eq!(
        (report.completed, last.own(), wrong.own()),
        (20_000, 20_000, 0)
    );
}

/// trb.md 9.4 hazards 2 and 8: more than 64 producers, and pools that only free in steps.
#[test]
fn hazard_more_producers_than_fit_inline() {
    const PARTS: u32 = 200;
    let kernels = kernels(1);
    let mut context = context(256, 1 << 16);
    let finished = Word32::new(0);
    let too_early = Word32::new(0);
    let kernel = |call: Call<'_>| {
        // Parts carry 0, the join of round n carries n.
        let round = u32::try_from(call.payload.args[1]).expect("small");
        if round == 0 {
            finished.add(1);
        } else if finished.own() < round * PARTS {
            too_early.add(1);
        }
    };
    let whole = Tensor::external(0x90_0000, &[PARTS], DataType::Float32, false, 0).expect("valid");
    let report = alone(&mut context, setup(&kernels, 2, 1), kernel, |orch| {
        for round in 1..=20 {
            orch.scope(ScopeMode::Auto, |orch| {
                for part in 0..PARTS {
                    let part = whole.view(&[1], &[part], false).expect("inside");
                    let mut args = Args::new();
                    args.output_existing(&part).scalar(0);
                    orch.submit(&AIV, &args).expect("room comes");
                }
                let mut args = Args::new();
                args.inout(&whole).scalar(round);
                orch.submit(&AIV, &args).expect("room comes");
            })
            .expect("open");
        }
    });
    assert!(report.status.is_good());
    assert_eq!(
        (report.completed, too_early.own()),
        (20 * (u64::from(PARTS) + 1), 0)
    );
}

/// trb.md 9.4 hazards 3 and 4: allocations alone wrap the window, and entries of another ring outlive their tasks.
#[test]
fn hazard_map_entries_of_retired_tasks_go_away_in_every_ring() {
    let kernels = kernels(1);
    let mut context = Context::new(&Limits {
        task_window: 8,
        heap_bytes: 1 << 16,
        map_entries: 4,
    })
    .expect("good limits");
    let info = creation(64);
    let report = alone(
        &mut context,
        setup(&kernels, 2, 1),
        |_| {},
        |orch| {
            let submit = |orch: &mut Orchestrator<'_>, number| {
                // The write is registered in ring 2, everything else happens in ring 1.
                orch.scope(ScopeMode::Auto, |orch| {
                    let x = external(number);
                    orch.submit(&AIV, Args::new().inout(&x))
                        .expect("room comes");
                })
                .expect("open");
                orch.alloc_tensors(Args::new().output(&info))
                    .expect("room comes");
            };
            each_in_a_scope(orch, submit, 1000);
        },
    );
    assert!(report.status.is_good());
    assert_eq!(report.completed, 1000);
}

/// A kernel that never ends, as long as the test runs.
fn hang(call: &Call<'_>, until: &Word32) {
    let _ = call;
    let since = Instant::now();
    while until.observe() == 0 && since.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// trb.md 9.4 hazard 5, abi.md 7.6 hazard 1: a timeout is an error, never a success.
#[test]
fn hazard_a_run_that_stalls_fails_with_code_100() {
    let kernels = kernels(1);
    let mut context = context(8, 1 << 16);
    let mut setup = setup(&kernels, 2, 2);
    setup.deadlines.no_progress = Duration::from_millis(30);
    let lines = Lines::default();
    setup.log = &lines;
    // Waits for a condition that never comes true.
    let never = Word32::new(0);
    let address = core::ptr::from_ref(&never).expose_provenance() as u64;
    let kernel = |call: Call<'_>| {
        call.ingress.entries[0].addr = address;
        call.ingress.entries[0].expected_value = 1;
        call.ingress.count = 1;
    };
    let report = beside(&mut context, setup, kernel, |orch| {
        orch.submit(&AIV, &Args::new()).expect("there is room");
    });
    assert_eq!(report.status.value(), -RunError::SchedulerTimeout.code());
    assert_eq!(report.completed, 0);
    let said = lines.0.into_inner().expect("no panic");
    let waited = format!("role 0: task 0:0 waits for address {address:#x} to reach 1");
    assert!(said.iter().any(|(_, line)| *line == waited), "{said:?}");
}

/// trb.md 9.4 hazard 6: a long kernel is no deadlock, and a deadlock is known at once.
#[test]
fn hazard_a_long_kernel_is_no_deadlock() {
    let kernels = kernels(1);
    let mut context = context(4, 1024);
    let kernel = |_: Call<'_>| std::thread::sleep(Duration::from_millis(100));
    let info = creation(1024);
    let report = beside(&mut context, setup(&kernels, 2, 2), kernel, |orch| {
        let submit = |orch: &mut Orchestrator<'_>, _| {
            orch.submit(&AIV, Args::new().output(&info))
                .expect("room comes");
        };
        each_in_a_scope(orch, submit, 4);
    });
    assert!(report.status.is_good());
}

fn deadlock(body: impl FnOnce(&mut Orchestrator<'_>) -> Fatal) -> (Fatal, RunStatus) {
    let kernels = kernels(1);
    let mut context = context(4, 4096);
    let mut fatal = None;
    let mut setup = setup(&kernels, 2, 2);
    setup.deadlines.no_progress = Duration::from_secs(60);
    let report = beside(
        &mut context,
        setup,
        |_| {},
        |orch| {
            fatal = Some(body(orch));
            assert!(orch.is_fatal());
            // After that everything is a no-op.
            assert!(orch.submit(&AIV, &Args::new()).is_err());
            assert!(orch.scope_begin(ScopeMode::Auto).is_err());
        },
    );
    (fatal.expect("the body ran"), report.status)
}

#[test]
fn a_heap_that_can_never_have_room_is_code_2_at_once() {
    let info = creation(2048);
    let (fatal, status) = deadlock(|orch| {
        let mut args = Args::new();
        args.output(&info);
        orch.submit(&AIV, &args).expect("there is room");
        orch.submit(&AIV, &args).expect("there is room");
        orch.submit(&AIV, &args)
            .expect_err("the scope holds all of it")
    });
    assert_eq!(status.value(), -2);
    assert!(
        matches!(
            fatal,
            Fatal::HeapExhausted {
                requested: 2048,
                live: 4096,
                capacity: 4096,
                percent: 100,
                suggested: 8192,
                ..
            }
        ),
        "{fatal}"
    );
    let (_, status) = deadlock(|orch| {
        let info = creation(8192);
        orch.submit(&AIV, Args::new().output(&info))
            .expect_err("larger than the heap")
    });
    assert_eq!(status.value(), -2);
}

#[test]
fn a_window_that_can_never_have_room_is_code_3_and_one_scope_code_1() {
    let (_, status) = deadlock(|orch| {
        loop {
            if let Err(fatal) = orch.submit(&AIV, &Args::new()) {
                return fatal;
            }
        }
    });
    assert_eq!(status.value(), -1);
    // Depths 3 and 4 share a ring: neither scope alone fills it.
    let (fatal, status) = deadlock(|orch| {
        for _ in 0..3 {
            orch.scope_begin(ScopeMode::Auto).expect("not too deep");
        }
        orch.submit(&AIV, &Args::new()).expect("there is room");
        orch.submit(&AIV, &Args::new()).expect("there is room");
        orch.scope_begin(ScopeMode::Auto).expect("not too deep");
        orch.submit(&AIV, &Args::new()).expect("there is room");
        orch.submit(&AIV, &Args::new())
            .expect_err("the window is full")
    });
    assert_eq!(status.value(), -3);
    assert!(
        matches!(
            fatal,
            Fatal::WindowFull {
                ring: 3,
                active: 3,
                window: 4,
                ..
            }
        ),
        "{fatal}"
    );
}

/// The tensor map gives back-pressure like any other resource, and says so when nothing can come back.
#[test]
fn hazard_a_full_tensor_map_waits_or_is_code_4() {
    let kernels = kernels(1);
    let limits = Limits {
        task_window: 64,
        heap_bytes: 1 << 16,
        map_entries: 4,
    };
    let mut context = Context::new(&limits).expect("good limits");
    let tensors: Vec<Tensor> = (0..6).map(external).collect();
    let report = beside(
        &mut context,
        setup(&kernels, 2, 2),
        |_| {},
        |orch| {
            for tensor in &tensors {
                let result = orch.submit(&AIV, Args::new().inout(tensor));
                assert_eq!(result.is_err(), orch.is_fatal());
            }
        },
    );
    assert_eq!(report.status.value(), -4);
    let report = beside(
        &mut context,
        setup(&kernels, 2, 2),
        |_| {},
        |orch| {
            let submit = |orch: &mut Orchestrator<'_>, number: u64| {
                let x = external(number);
                orch.submit(&AIV, Args::new().inout(&x))
                    .expect("room comes");
            };
            each_in_a_scope(orch, submit, 1000);
        },
    );
    assert!(report.status.is_good());
}

/// trb.md 9.4 hazard 7: nobody counts while the orchestration takes its time.
#[test]
fn hazard_a_slow_orchestration_is_no_stall() {
    let kernels = kernels(1);
    let mut context = context(8, 1 << 16);
    let mut setup = setup(&kernels, 2, 2);
    setup.deadlines.no_progress = Duration::from_millis(20);
    let report = beside(
        &mut context,
        setup,
        |_| {},
        |orch| {
            for _ in 0..2 {
                std::thread::sleep(Duration::from_millis(100));
                orch.submit(&AIV, &Args::new()).expect("there is room");
            }
        },
    );
    assert!(report.status.is_good());
    assert_eq!(report.completed, 2);
}

/// trb.md 9.4 hazard 9: every live task of every ring is ready at once, and none is lost.
#[test]
fn hazard_ready_queues_hold_every_live_task() {
    let kernels = kernels(1);
    let mut context = context(64, 1 << 16);
    let report = alone(
        &mut context,
        setup(&kernels, 2, 1),
        |_| {},
        |orch| {
            for depth in 0..4 {
                if depth > 0 {
                    orch.scope_begin(ScopeMode::Auto).expect("not too deep");
                }
                for _ in 0..63 {
                    orch.submit(&AIV, &Args::new()).expect("there is room");
                }
            }
            for _ in 1..4 {
                orch.scope_end().expect("one is open");
            }
        },
    );
    assert!(report.status.is_good());
    assert_eq!(report.completed, 4 * 63);
}

/// trb.md 9.4 hazard 10: the owner of a tensor has retired and its slot belongs to a task that never completes.
#[test]
fn hazard_element_access_does_not_wait_for_a_recycled_slot() {
    let kernels = kernels(1);
    let mut context = context(4, 1 << 16);
    let mut setup = setup(&kernels, 2, 2);
    setup.deadlines.tensor_wait = Duration::from_secs(5);
    let until = Word32::new(0);
    let kernel = |call: Call<'_>| {
        if call.payload.args[0] == 99 {
            hang(&call, &until);
        }
    };
    let value = Mutex::new(0);
    let report = beside(&mut context, setup, kernel, |orch| {
        let info = creation(64).with_initial_value(5);
        let mut kept = None;
        orch.scope(ScopeMode::Auto, |orch| {
            let made = orch
                .alloc_tensors(Args::new().output(&info))
                .expect("there is room");
            kept = made.output(0).copied();
        })
        .expect("open");
        let kept = kept.expect("allocated");
        for _ in 0..3 {
            orch.scope(ScopeMode::Auto, |orch| {
                orch.submit(&AIV, Args::new().scalar(0))
                    .expect("room comes");
            })
            .expect("open");
        }
        orch.scope_begin(ScopeMode::Auto).expect("not too deep");
        // Slot 0 again, by a task that is not going to end.
        orch.submit(&AIV, Args::new().scalar(99))
            .expect("room comes");
        // SAFETY: heap memory of this run.
        *value.lock().expect("no panic") =
            unsafe { orch.get_tensor_data(&kept, &[0]) }.expect("nobody to wait for");
        until.publish(1);
        orch.scope_end().expect("one is open");
    });
    assert!(report.status.is_good());
    assert_eq!(value.into_inner().expect("no panic"), 5);
}

/// trb.md 9.4 hazard 12, abi.md 7.6 hazard 17: 31 bits for a task's outputs, 15 for its kernel calls.
#[test]
fn hazard_sizes_and_counts_beyond_the_reference_s_fields() {
    let kernels = kernels(1);
    let mut context = Context::new(&Limits {
        task_window: 8,
        heap_bytes: 1 << 33,
        map_entries: 16,
    })
    .expect("address space is cheap");
    let heap = context.heap_base();
    let calls = Word32::new(0);
    let report = alone(
        &mut context,
        setup(&kernels, 4, 1),
        |_| {
            calls.add(1);
        },
        |orch| {
            let large = creation(3 << 30);
            let made = orch
                .submit(&AIV, Args::new().output(&large).output(&large))
                .expect("there is room");
            let second = made.output(1).expect("asked for").buffer;
            assert_eq!((second.addr - heap, second.size), (3 << 30, 3 << 30));
            orch.submit(&MIX, Args::new().blocks(20_000))
                .expect("there is room");
        },
    );
    assert!(report.status.is_good());
    assert_eq!(calls.own(), 60_001);
}

/// trb.md 9.4 hazard 13: a common start that cannot come about is a timeout, not an endless wait.
#[test]
fn hazard_a_common_start_has_a_deadline() {
    let kernels = kernels(1);
    let mut context = context(8, 1 << 16);
    let mut setup = setup(&kernels, 2, 4);
    setup.deadlines.no_progress = Duration::from_millis(50);
    setup.deadlines.wind_down = Duration::from_secs(30);
    let until = Word32::new(0);
    let kernel = |call: Call<'_>| {
        if call.payload.args[0] == 99 {
            hang(&call, &until);
        }
    };
    let cores = FakeCores::new(2, Pace::Inline, kernel);
    let run: Run<'_, A5, _> = context.begin(setup, &cores).expect("a good set-up");
    let crowd = Crowd::new();
    std::thread::scope(|scope| {
        for first in 0..2 {
            let (run, crowd) = (&run, &crowd);
            scope.spawn(move || run.drive(first, &mut Spin::new(crowd)));
        }
        run.orchestrate(&NoHelp, |orch| {
            orch.submit(&AIC, Args::new().scalar(99))
                .expect("there is room");
            std::thread::sleep(Duration::from_millis(20));
            orch.submit(&AIC, Args::new().scalar(0).blocks(2).together())
                .expect("there is room");
        });
        let since = Instant::now();
        while run.status().is_good() && since.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(run.status().value(), -RunError::SchedulerTimeout.code());
        until.publish(1);
    });
    assert!(run.is_done());
}

/// trb.md 9.4 hazard 21, abi.md 7.6 hazard 6: an orchestration without tasks is done at once.
#[test]
fn hazard_an_empty_orchestration_is_done_at_once() {
    let kernels = kernels(1);
    let mut context = context(8, 1 << 16);
    for threads in 1..=4 {
        let cores = FakeCores::new(3, Pace::Inline, |_| {});
        let run: Run<'_, A2a3, _> = context
            .begin(setup(&kernels, 3, threads), &cores)
            .expect("a good set-up");
        run.orchestrate(&NoHelp, |_| {});
        assert_eq!(run.step(0), runtime_trb::Step::Done);
        assert!(run.status().is_good());
    }
}

/// trb.md 9.4 hazard 21, abi.md 7.6 hazard 3: one thread is enough, with and without joining as scheduler.
#[test]
fn hazard_one_thread_does_both_halves() {
    let kernels = kernels(1);
    let mut context = context(8, 1 << 16);
    for joins in [false, true] {
        let mut setup = setup(&kernels, 3, 1);
        setup.orch_to_sched = joins;
        let x = external(0);
        let report = alone(
            &mut context,
            setup,
            |_| {},
            |orch| {
                let submit = |orch: &mut Orchestrator<'_>, _| {
                    orch.submit(&AIV, Args::new().inout(&x))
                        .expect("room comes");
                };
                each_in_a_scope(orch, submit, 100);
            },
        );
        assert!(report.status.is_good());
        assert_eq!(report.completed, 100);
    }
}

/// trb.md 9.4 hazard 23: the orchestration notices that the schedulers have failed.
#[test]
fn hazard_submitting_after_the_schedulers_failed_ends() {
    let kernels = kernels(1);
    let mut context = context(8, 1 << 16);
    let kernel = |call: Call<'_>| call.ingress.error_code = 101;
    let report = beside(&mut context, setup(&kernels, 2, 2), kernel, |orch| {
        let mut submitted = 0;
        while !orch.is_fatal() {
            orch.scope(ScopeMode::Auto, |orch| {
                submitted += u32::from(orch.submit(&AIV, &Args::new()).is_ok());
            })
            .ok();
        }
        assert!(submitted > 0);
    });
    assert_eq!(report.status.value(), -101);
}

/// abi.md 7.6 hazard 4: all clusters with one scheduling thread.
#[test]
fn hazard_all_clusters_under_one_scheduler() {
    let kernels = kernels(1);
    let mut context = context(128, 1 << 16);
    let used = Mutex::new(std::collections::BTreeSet::new());
    let kernel = |call: Call<'_>| {
        used.lock().expect("no panic").insert(call.core);
    };
    let report = alone(&mut context, setup(&kernels, 36, 2), kernel, |orch| {
        orch.submit(&MIX, Args::new().blocks(36).together())
            .expect("there is room");
    });
    assert!(report.status.is_good());
    assert_eq!(used.into_inner().expect("no panic").len(), 108);
}

/// abi.md 7.6 hazard 18: a task that names no kernel of the program is refused where it is submitted.
#[test]
fn hazard_an_unknown_kernel_is_refused_with_its_id() {
    let mut kernels = kernels(3);
    kernels[1] = KernelEntry::default();
    for func_id in [1, 3, 1024, -2, i32::MAX] {
        let mut context = context(8, 1 << 16);
        let mut fatal = None;
        let report = alone(
            &mut context,
            setup(&kernels, 2, 1),
            |_| {},
            |orch| {
                let kernels = MixedKernels::from_lanes([0, func_id, -1]);
                fatal = orch.submit(&kernels, &Args::new()).err();
            },
        );
        assert_eq!(report.status.value(), -RunError::InvalidArgs.code());
        assert_eq!(fatal, Some(Fatal::UnknownKernel { func_id }));
    }
}

/// Later starts need room on all roles at once; smaller tasks go before and after.
#[test]
fn common_starts_compete_with_everything_else_on_several_roles() {
    let kernels = kernels(1);
    let mut context = context(256, 1 << 16);
    for drivers in [1, 3] {
        let running = Word32::new(0);
        let calls = Word32::new(0);
        let kernel = |_: Call<'_>| {
            running.add(1);
            calls.add(1);
            running.sub(1);
        };
        let cores = FakeCores::new(6, Pace::Stepwise, kernel);
        let run: Run<'_, A2a3, _> = context
            .begin(setup(&kernels, 6, 4), &cores)
            .expect("a good set-up");
        let crowd = Crowd::new();
        std::thread::scope(|scope| {
            for first in 0..drivers {
                let (run, crowd) = (&run, &crowd);
                scope.spawn(move || run.drive(first, &mut Spin::new(crowd)));
            }
            run.orchestrate(&NoHelp, |orch| {
                let submit = |orch: &mut Orchestrator<'_>, _| {
                    orch.submit(&MIX, Args::new().blocks(5).together())
                        .expect("room comes");
                    orch.submit(&AIV, Args::new().blocks(12).together())
                        .expect("room comes");
                    orch.submit(&AIC, Args::new().blocks(3))
                        .expect("room comes");
                    orch.submit(&MIX, Args::new().blocks(2).together())
                        .expect("room comes");
                };
                each_in_a_scope(orch, submit, 50);
            });
        });
        assert!(run.status().is_good());
        assert_eq!(calls.own(), 50 * (15 + 12 + 3 + 6));
    }
}

/// A scope that is begun and not ended is a mistake of the orchestration, and the run says so.
#[test]
fn a_scope_left_open_is_refused() {
    let kernels = kernels(1);
    let mut context = context(8, 1 << 16);
    let report = alone(
        &mut context,
        setup(&kernels, 2, 1),
        |_| {},
        |orch| {
            orch.scope_begin(ScopeMode::Manual).expect("not too deep");
        },
    );
    assert_eq!(report.status.value(), -RunError::InvalidArgs.code());
}

/// A body that panics ends its run; the context goes on.
#[test]
fn a_panicking_orchestration_ends_the_run_and_not_the_context() {
    let kernels = kernels(1);
    let mut context = context(8, 1 << 16);
    let cores = FakeCores::new(2, Pace::Inline, |_: Call<'_>| {});
    {
        let run: Run<'_, A5, _> = context.begin(setup(&kernels, 2, 2), &cores).expect("good");
        let caught = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
            run.orchestrate(&NoHelp, |orch| {
                orch.submit(&AIV, &Args::new()).expect("there is room");
                panic!("on purpose");
            });
        }));
        assert!(caught.is_err());
        run.drive(0, &mut Spin::new(&Crowd::new()));
        assert_eq!(run.status().value(), -RunError::ExplicitOrchFatal.code());
    }
    let report = alone(
        &mut context,
        setup(&kernels, 2, 1),
        |_| {},
        |orch| {
            orch.submit(&AIV, &Args::new()).expect("there is room");
        },
    );
    assert!(report.status.is_good());
}

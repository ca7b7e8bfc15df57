//! What a task costs: submission alone, the whole path on one thread, and throughput with a driver beside.
//!
//! The cores finish at the first look and run nothing, so everything measured is the runtime's own. On a machine with
//! two x86-64 cores, release build, the fastest samples; instructions per task are from the `instructions` bench:
//!
//! | what | time | instructions |
//! | --- | --- | --- |
//! | arguments, scope and submission of three tensors | 70 ns | 1160 |
//! | a run without tasks, whatever the limits | 0.34 µs | |
//! | one thread, 65536 independent tasks | 80 ns per task | 1650 |
//! | one thread, chain of 4000 | 105 ns per task | 2185 |
//! | one thread, joins of three | 105 ns per task | 1715 |
//! | two threads, 65536 independent tasks | 0.10 µs per task | |
//! | two threads, chain of 4000 | 0.11 µs per task | |
//! | two threads, joins of three | 0.10 µs per task | |

mod support;

use std::collections::VecDeque;
use std::sync::Arc;

use aicore_abi::orchestration::trb::ScopeMode;
use criterion::{BenchmarkId, Criterion, Throughput};
use protocol::A2a3;
use runtime_trb::{Args, Context, Limits, NoHelp, Orchestrator, Run};
use support::{AIV, Instantly, SHAPES, alone, external, independent, setup};
use sync::{Crowd, Spin};

/// One run with one driving thread beside the orchestrator.
fn beside(
    context: &mut Context,
    cores: &Instantly,
    crowd: &Arc<Crowd>,
    body: impl FnOnce(&mut Orchestrator<'_>) + Send,
) {
    let run: Run<'_, A2a3, _> = context.begin(setup(2), cores).expect("a good set-up");
    std::thread::scope(|scope| {
        scope.spawn(|| run.drive(0, &mut Spin::new(crowd)));
        run.orchestrate(&NoHelp, body);
        run.drive(0, &mut Spin::new(crowd));
    });
    assert!(run.status().is_good());
}

/// Submits `count` tasks, each in a scope of its own, that read `width` tensors nobody writes.
fn reading(orch: &mut Orchestrator<'_>, count: u64, width: usize) {
    let tensors: Vec<_> = (0..64).map(external).collect();
    for _ in 0..count {
        let mut args = Args::new();
        for tensor in &tensors[..width] {
            args.input(tensor);
        }
        orch.scope(ScopeMode::Auto, |orch| {
            orch.submit(&AIV, &args).expect("room comes");
        })
        .expect("open");
    }
}

/// Submits `count` tasks that each wait for `edges` tasks before them.
fn waiting(orch: &mut Orchestrator<'_>, count: u64, edges: usize) {
    let x = external(0);
    let mut before = VecDeque::new();
    orch.scope(ScopeMode::Manual, |orch| {
        for _ in 0..count {
            let mut args = Args::new();
            args.inout(&x);
            for &task in &before {
                args.after(task);
            }
            before.push_back(orch.submit(&AIV, &args).expect("room comes").task());
            if before.len() > edges {
                before.pop_front();
            }
        }
    })
    .expect("open");
}

fn main() {
    let crowd = Crowd::new();
    let mut criterion = Criterion::default().configure_from_args();
    let cores = Instantly::new(8);
    let mut context = Context::new(&Limits::default()).expect("the limits are good");

    // Submission alone: so few at a time that the orchestration does not help to run them.
    criterion.bench_function("submit three tensors", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut left = iterations;
            let mut seconds = 0.0;
            while left > 0 {
                let count = left.min(250);
                seconds += alone(&mut context, &cores, &crowd, |orch| {
                    independent(orch, count)
                })
                .0;
                left -= count;
            }
            core::time::Duration::from_secs_f64(seconds)
        });
    });
    let mut group = criterion.benchmark_group("submit by tensors");
    for width in [0, 1, 2, 4, 8, 16] {
        group.bench_function(BenchmarkId::from_parameter(width), |bencher| {
            bencher.iter_custom(|iterations| {
                let mut seconds = 0.0;
                let mut left = iterations;
                while left > 0 {
                    let count = left.min(250);
                    let body = |orch: &mut Orchestrator<'_>| reading(orch, count, width);
                    seconds += alone(&mut context, &cores, &crowd, body).0;
                    left -= count;
                }
                core::time::Duration::from_secs_f64(seconds)
            });
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("whole path by edges");
    group.throughput(Throughput::Elements(4000));
    for edges in [0, 1, 2, 4, 8, 16] {
        group.bench_function(BenchmarkId::from_parameter(edges), |bencher| {
            bencher.iter(|| {
                alone(&mut context, &cores, &crowd, |orch| {
                    waiting(orch, 4000, edges)
                })
            });
        });
    }
    group.finish();
    criterion.bench_function("empty run", |bencher| {
        bencher.iter(|| alone(&mut context, &cores, &crowd, |_| {}));
    });

    let mut group = criterion.benchmark_group("one thread");
    for (name, count, body) in SHAPES {
        group.throughput(Throughput::Elements(count));
        group.bench_function(name, |bencher| {
            bencher.iter(|| alone(&mut context, &cores, &crowd, |orch| body(orch, count)));
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("two threads");
    for (name, count, body) in SHAPES {
        group.throughput(Throughput::Elements(count));
        group.bench_function(name, |bencher| {
            bencher.iter(|| beside(&mut context, &cores, &crowd, |orch| body(orch, count)));
        });
    }
    group.finish();
    criterion.final_summary();
}

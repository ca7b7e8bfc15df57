//! What a task costs: submission alone, the whole path on one thread, and throughput with a driver beside.
//!
//! The cores finish at the first look and run nothing, so everything measured is the runtime's own. On a shared machine with
//! two x86-64 cores, release build; instructions per task are from the `instructions` bench:
//!
//! | what | time | instructions |
//! | --- | --- | --- |
//! | arguments, scope and submission of three tensors | 0.2 µs | 1870 |
//! | a run without tasks, whatever the limits | 0.7 µs | |
//! | one thread, 65536 independent tasks | 0.26 µs per task | 2430 |
//! | one thread, chain of 4000 | 0.24 µs per task | 2780 |
//! | one thread, joins of three | 0.25 µs per task | 2270 |
//! | two threads, 65536 independent tasks | 0.28 µs per task | |
//! | two threads, chain of 4000 | 0.30 µs per task | |
//! | two threads, joins of three | 0.62 µs per task | |

mod support;

use std::sync::Arc;

use criterion::{Criterion, Throughput};
use protocol::A2a3;
use runtime_trb::{Context, Limits, NoHelp, Orchestrator, Run};
use support::{Instantly, SHAPES, alone, independent, setup};
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

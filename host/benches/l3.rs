//! What a task of level 3 costs, and what nothing costs.
//!
//! `cargo bench -p host --bench l3`; the table that it fills is in `docs/performance.md`.

use core::hint::black_box;
use core::time::Duration;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput};
use host::team::{Args, Catalogue, Kind, Worker};
use rustix::process::{Pid, Signal, kill_process};
use sync::{Crowd, Doorbell, Exchange, Flag, Spin};

const KINDS: [(&str, Kind); 2] = [("thread", Kind::Thread), ("exec", Kind::Exec)];

fn catalogue() -> Catalogue {
    Catalogue::new()
        .function("nothing", |_| Ok(()))
        .function("forever", |_| {
            loop {
                std::thread::sleep(Duration::from_secs(1));
            }
        })
}

fn main() -> ExitCode {
    if let Some(code) = host::team::child_main(&catalogue()) {
        return code;
    }
    let mut criterion = Criterion::default().configure_from_args();
    channel(&mut criterion);
    runs(&mut criterion);
    starts(&mut criterion);
    deaths(&mut criterion);
    idle(&mut criterion);
    criterion.final_summary();
    ExitCode::SUCCESS
}

fn subs(kind: Kind, count: usize) -> Worker {
    let worker = Worker::builder(3)
        .subs(count)
        .sub_kind(kind)
        .catalogue(&catalogue())
        .functions(["nothing", "forever"])
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    worker
}

struct House {
    exchange: Exchange<[u64; 8], 8, true>,
    bell: Doorbell<true>,
    ends: Flag,
}

/// One question and its answer, both sides awake.
fn channel(criterion: &mut Criterion) {
    let crowd = Crowd::new();
    let house = Arc::new(House {
        exchange: Exchange::new(|_| [0; 8]),
        bell: Doorbell::new(),
        ends: Flag::new(),
    });
    let child = {
        let (house, crowd) = (Arc::clone(&house), Arc::clone(&crowd));
        std::thread::spawn(move || {
            let mut spin = Spin::new(&crowd);
            // SAFETY: the only answerer.
            let mut answerer = unsafe { house.exchange.answerer() };
            while !house.ends.is_set() {
                let waited = house.exchange.bell().wait_spinning(&mut spin, None, || {
                    answerer.has_question() || house.ends.is_set()
                });
                waited.expect("there is no deadline");
                answerer.answer(|frame| frame[1] = frame[0] + 1);
                house.bell.ring_all();
            }
        })
    };
    // SAFETY: the only asker.
    let mut asker = unsafe { house.exchange.asker() };
    let mut spin = Spin::new(&crowd);
    criterion.bench_function("channel/round trip", |bencher| {
        bencher.iter(|| {
            assert!(asker.ask(|frame| frame[0] = 7));
            let waited = house
                .bell
                .wait_spinning(&mut spin, None, || house.exchange.has_answer());
            waited.expect("there is no deadline");
            black_box(
                asker
                    .take(|frame| frame[1])
                    .expect("the counters are sound"),
            )
        });
    });
    house.ends.set();
    house.exchange.bell().ring_all();
    child.join().expect("no panic");
}

fn runs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    for (name, kind) in KINDS {
        for subs_count in [1, 2] {
            let worker = subs(kind, subs_count);
            let nothing = worker.named_function("nothing").expect("it is registered");
            for tasks in [1_u64, 257] {
                group.throughput(Throughput::Elements(tasks));
                let id = BenchmarkId::new(format!("{name} x{subs_count}"), tasks);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| {
                        let run = worker.run(|graph| {
                            for _ in 0..tasks {
                                graph.sub(&nothing).args(Args::new()).submit()?;
                            }
                            Ok(())
                        });
                        run.expect("it runs");
                    });
                });
            }
        }
    }
    group.finish();
}

fn starts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("init of 8 simulated chips");
    group.sample_size(10);
    for (name, kind) in KINDS {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let worker = Worker::builder(3)
                    .chips("a2a3sim", 0..8)
                    .next_level_kind(kind)
                    .build()
                    .expect("it makes sense");
                worker.init().expect("it starts");
                worker
            });
        });
    }
    group.finish();
}

/// What eight children and their worker use of a core per second in which nothing happens: 5 ms would be 0.5 %.
fn idle(criterion: &mut Criterion) {
    /// How long nothing happens.
    const SECOND: Duration = Duration::from_secs(1);
    let mut group = criterion.benchmark_group("idle second of 8 children");
    group.sample_size(10);
    for (name, kind) in KINDS {
        let worker = subs(kind, 8);
        let nothing = worker.named_function("nothing").expect("it is registered");
        let run = worker.run(|graph| {
            for child in 0..8 {
                graph.sub(&nothing).on(child).submit()?;
            }
            Ok(())
        });
        run.expect("it runs");
        let children = worker.children();
        let processes: Vec<u32> = children
            .iter()
            .filter_map(|child| child.process)
            .chain([std::process::id()])
            .collect();
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                let before = used(&processes);
                let start = Instant::now();
                std::thread::sleep(SECOND);
                let share = (used(&processes) - before).div_duration_f64(start.elapsed());
                // Criterion knows no time that is none.
                let second = SECOND.mul_f64(share).max(Duration::from_nanos(1));
                second.mul_f64(times as f64)
            });
        });
    }
    group.finish();
}

/// The time on cores that processes have used so far.
fn used(processes: &[u32]) -> Duration {
    let mut sum = Duration::ZERO;
    for process in processes {
        let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("it lives");
        for thread in threads.flatten() {
            let text = std::fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            let nanoseconds = text.split(' ').next().and_then(|it| it.parse().ok());
            sum += Duration::from_nanos(nanoseconds.unwrap_or(0));
        }
    }
    sum
}

/// From the kill of a busy child to the error at the caller.
fn deaths(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("death");
    group.sample_size(10);
    group.bench_function("kill to error", |bencher| {
        bencher.iter_custom(|times| {
            let mut sum = Duration::ZERO;
            for _ in 0..times {
                let worker = subs(Kind::Exec, 1);
                let forever = worker.named_function("forever").expect("it is registered");
                let handle = worker
                    .submit_run(|graph| {
                        graph.sub(&forever).submit()?;
                        Ok(())
                    })
                    .expect("it is built");
                let process = worker.children()[0].process.expect("a process of its own");
                let pid = Pid::from_raw(process.cast_signed()).expect("it is positive");
                std::thread::sleep(Duration::from_millis(5));
                let start = Instant::now();
                kill_process(pid, Signal::KILL).expect("it lives");
                assert!(handle.result().is_err());
                sum += start.elapsed();
            }
            sum
        });
    });
    group.finish();
}

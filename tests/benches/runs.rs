//! What a run costs, end to end, on the simulated chip.
//!
//! `cargo bench -p tests --bench runs`, or with a filter such as `fixed` or `chain/1000`. The table in
//! `docs/performance.md` is made of these figures.

use core::hint::black_box;
use core::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use host::{ChipWorker, ProgramBuilder, RunConfig};
use tests::graphs::{GraphBench, Shape};

/// The setting of the published figures.
fn setting() -> RunConfig {
    RunConfig {
        block_dim: 3,
        ..RunConfig::default()
    }
}

/// A run that submits nothing, and one task.
fn fixed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fixed");
    let mut bench = GraphBench::new("a2a3sim", Shape::Independent, Duration::ZERO, setting())
        .expect("the simulator is there");
    for tasks in [0, 1, 5] {
        group.bench_function(BenchmarkId::from_parameter(tasks), |run| {
            run.iter(|| bench.run(black_box(tasks)).expect("the graph runs"));
        });
    }
    group.finish();
}

/// Registering a program and forgetting it.
fn prepare(criterion: &mut Criterion) {
    let worker = ChipWorker::on("a2a3sim").expect("the simulator is there");
    worker.init(0).expect("a simulated chip starts");
    criterion.bench_function("prepare", |run| {
        run.iter(|| {
            let program = ProgramBuilder::new()
                .kernel(0, host::CoreType::Aiv, |_| Ok(()))
                .orchestration(|_, _| Ok(()));
            let program = worker.register(program).expect("a good program");
            worker.unregister(&program).expect("it was registered");
        });
    });
}

/// Whole graphs by shape and size.
fn graphs(criterion: &mut Criterion) {
    for shape in Shape::ALL {
        let mut group = criterion.benchmark_group(shape.name());
        group
            .sample_size(20)
            .measurement_time(Duration::from_secs(3));
        let mut bench = GraphBench::new("a2a3sim", shape, Duration::ZERO, setting())
            .expect("the simulator is there");
        for tasks in [1_000, 4_000, 64_000, 1_000_000] {
            group.throughput(Throughput::Elements(tasks));
            group.bench_function(BenchmarkId::from_parameter(tasks), |run| {
                run.iter(|| bench.run(black_box(tasks)).expect("the graph runs"));
            });
        }
        group.finish();
    }
}

/// Long kernels, which all cores of this machine should share.
fn long_kernels(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("long kernels");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(1_000));
    let kernel = Duration::from_millis(1);
    let mut bench = GraphBench::new("a2a3sim", Shape::Independent, kernel, setting())
        .expect("the simulator is there");
    group.bench_function("1000 of 1 ms", |run| {
        run.iter(|| bench.run(black_box(1_000)).expect("the graph runs"));
    });
    group.finish();
}

criterion_group!(benches, fixed, prepare, graphs, long_kernels);
criterion_main!(benches);

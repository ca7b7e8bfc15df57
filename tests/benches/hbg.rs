//! What a graph that is built on the host costs, end to end, on the simulated chip.
//!
//! `cargo bench -p tests --bench hbg`, or with a filter such as `chain` or `reused`. "Anew" graphs are described in each
//! run, as an orchestration in C++ always does; "reused" ones were described once.

use core::hint::black_box;
use core::time::Duration;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use host::{
    ArgDirection, Arguments, Callable, ChipWorker, CoreType, GraphTask, ProgramBuilder, RunConfig,
    TaskGraph,
};
use sync::Word64;
use tests::compiler::{Compiler, root, scratch};
use tests::headers::{Family, Kind};

/// The setting of the published figures.
fn setting() -> RunConfig {
    RunConfig {
        block_dim: 3,
        aicpu_threads: 3,
        ..RunConfig::default()
    }
}

fn worker() -> ChipWorker {
    let worker = ChipWorker::on("a2a3sim").expect("the simulator is there");
    worker.init(0).expect("a simulated chip starts");
    worker
}

/// Shape of a graph.
#[derive(Clone, Copy)]
enum Shape {
    Independent,
    Chain,
    /// Each task waits for the two before.
    Braid,
}

impl Shape {
    const ALL: [(&'static str, Self); 3] = [
        ("independent", Self::Independent),
        ("chain", Self::Chain),
        ("braid", Self::Braid),
    ];

    fn describe(self, graph: &mut TaskGraph<'_, '_>, tasks: u64) {
        // Most tasks before a task.
        let mut before: [Option<GraphTask<'_>>; 2] = [None; 2];
        for index in 0..tasks {
            let task = graph.task(0, CoreType::Aiv).scalar(index);
            let task = match (self, before) {
                (Self::Chain, [_, Some(last)]) => task.after(&[last]),
                (Self::Braid, [Some(one), Some(other)]) => task.after(&[one, other]),
                (Self::Braid, [None, Some(last)]) => task.after(&[last]),
                _ => task.first(),
            };
            before = [before[1], Some(task)];
        }
    }
}

/// A worker with a program in Rust whose kernel counts its calls.
struct Described {
    worker: ChipWorker,
    program: Callable,
    calls: Arc<Word64>,
    round: u64,
}

impl Described {
    fn new(shape: Shape) -> Self {
        let worker = worker();
        let calls = Arc::new(Word64::new(0));
        let counter = Arc::clone(&calls);
        let program = ProgramBuilder::new()
            .kernel(0, CoreType::Aiv, move |_| {
                counter.add(1);
                Ok(())
            })
            .graph(move |graph, args| {
                let tasks: u64 = graph.read(args, 0)?;
                // The graph depends on the round, so another round is another graph.
                let _round: u64 = graph.read(args, 1)?;
                shape.describe(graph, tasks);
                Ok(())
            });
        let program = worker.register(program).expect("a good program");
        Self {
            worker,
            program,
            calls,
            round: 0,
        }
    }

    fn run(&mut self, tasks: u64, anew: bool) {
        self.round += u64::from(anew);
        let before = self.calls.observe();
        let mut args = Arguments::new();
        args.scalar(tasks)
            .and_then(|args| args.scalar(self.round))
            .expect("two scalars");
        self.worker
            .run(&self.program, &mut args, &setting())
            .expect("the graph runs");
        assert_eq!(self.calls.observe() - before, tasks, "each task runs once");
    }
}

fn graphs(criterion: &mut Criterion) {
    for (name, shape) in Shape::ALL {
        let mut bench = Described::new(shape);
        for (how, anew) in [("anew", true), ("reused", false)] {
            let mut group = criterion.benchmark_group(format!("{name} {how}"));
            group
                .sample_size(20)
                .measurement_time(Duration::from_secs(2));
            for tasks in [5, 4_000, 64_000] {
                group.throughput(Throughput::Elements(tasks));
                group.bench_function(BenchmarkId::from_parameter(tasks), |run| {
                    run.iter(|| bench.run(black_box(tasks), anew));
                });
            }
            group.finish();
        }
    }
}

/// Shared objects of a scene.
fn compiled(folder: &str, kernels: &[&str]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let out = scratch(
        env!("CARGO_TARGET_TMPDIR"),
        &format!("bench-{}", std::process::id()),
    );
    let scenes = root().join("tests/scenes");
    let build = |kind: Kind, source: &str, defines: &[&str]| {
        let output = out.join("object.so");
        Compiler::system()
            .shared_object(kind, Family::A2a3, &scenes.join(source), &output, defines)
            .expect("the scene's sources compile");
        std::fs::read(&output).expect("the compiler wrote it")
    };
    let graph = format!("hbg/{folder}/orchestration.cpp");
    let orchestration = build(Kind::HbgOrchestration, &graph, &[]);
    let kernels = kernels
        .iter()
        .map(|name| {
            let source = format!("kernels/words/{name}.cpp");
            build(Kind::HbgKernel, &source, &["-D__DAV_VEC__"])
        })
        .collect();
    std::fs::remove_dir_all(&out).expect("ours");
    (orchestration, kernels)
}

fn in_cpp(folder: &str, kernels: &[&str], signature: &[ArgDirection]) -> (ChipWorker, Callable) {
    let (orchestration, kernels) = compiled(folder, kernels);
    let builder = ProgramBuilder::new().signature(signature);
    let builder = (0..).zip(&kernels).fold(builder, |builder, (id, kernel)| {
        builder.kernel_image(id, CoreType::Aiv, kernel)
    });
    let program = builder
        .graph_image(&orchestration, "build_graph")
        .expect("a name without zero bytes");
    let worker = worker();
    let program = worker.register(program).expect("a good program");
    (worker, program)
}

/// The diamond of the vector example in C++, tensors of 64 KiB moved each time.
fn vector_example(criterion: &mut Criterion) {
    use ArgDirection::{In, Out};
    let (worker, program) = in_cpp(
        "vector_example",
        &["add", "add_scalar", "mul"],
        &[In, In, Out],
    );
    let (a, b, mut f) = (
        vec![2.0_f32; 16384],
        vec![3.0_f32; 16384],
        vec![0.0_f32; 16384],
    );
    let mut once = || {
        let mut args = Arguments::new();
        args.input(&a, &[16384])
            .and_then(|args| args.input(&b, &[16384]))
            .and_then(|args| args.output(&mut f, &[16384]))
            .expect("three tensors");
        worker
            .run(&program, &mut args, &setting())
            .expect("the graph runs");
        f[0] == 42.0 && f[16383] == 42.0
    };
    criterion.bench_function("vector example", |run| {
        run.iter(|| assert!(once(), "it computes what it should"));
    });
    // Time on the wall says nothing about threads that spin meanwhile.
    const RUNS: u32 = 2_000;
    let before = cpu_time();
    assert!((0..RUNS).all(|_| once()), "it computes what it should");
    let each = (cpu_time() - before) / RUNS;
    println!("vector example: {each:?} of CPU per run, all threads together");
}

/// What all threads of this process have spent on a CPU so far.
fn cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux lists threads");
    let spent = tasks.map(|task| {
        let file = task.expect("a thread").path().join("schedstat");
        // A thread that has just ended has no file any more.
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let nanoseconds = text.split(' ').next().and_then(|it| it.parse::<u64>().ok());
        nanoseconds.unwrap_or(0)
    });
    Duration::from_nanos(spent.sum())
}

/// Graphs that C++ builds anew in each run.
fn built_in_cpp(criterion: &mut Criterion) {
    for (folder, kernel) in [("bench_independent", "count"), ("bench_chain", "link")] {
        let (worker, program) = in_cpp(folder, &[kernel], &[ArgDirection::Inout]);
        let mut group = criterion.benchmark_group(format!("{folder} in C++"));
        group
            .sample_size(20)
            .measurement_time(Duration::from_secs(2));
        for tasks in [4_000_u32, 64_000] {
            let mut cells = vec![0_i32; tasks as usize];
            let mut once = || {
                cells.fill(0);
                let mut args = Arguments::new();
                args.output(&mut cells, &[tasks])
                    .and_then(|args| args.scalar(tasks))
                    .and_then(|args| args.scalar(0_u32))
                    .expect("a tensor and two scalars");
                worker
                    .run(&program, &mut args, &setting())
                    .expect("the graph runs");
                // What the scene expects.
                match kernel {
                    "link" => cells[0] == tasks.cast_signed(),
                    _ => cells.iter().all(|&cell| cell == 1),
                }
            };
            group.throughput(Throughput::Elements(u64::from(tasks)));
            group.bench_function(BenchmarkId::from_parameter(tasks), |run| {
                run.iter(|| assert!(once(), "each task runs once and in its order"));
            });
        }
        group.finish();
    }
}

/// Attaching to a chip, and registering a program in C++ there.
fn prepare(criterion: &mut Criterion) {
    criterion.bench_function("init and finalize", |run| {
        run.iter(|| worker().finalize().expect("a good end"));
    });
    let (orchestration, kernels) = compiled("bench_chain", &["link"]);
    let worker = worker();
    criterion.bench_function("prepare and forget", |run| {
        run.iter(|| {
            let program = ProgramBuilder::new()
                .kernel_image(0, CoreType::Aiv, &kernels[0])
                .graph_image(&orchestration, "build_graph")
                .expect("a name without zero bytes");
            let program = worker.register(program).expect("a good program");
            worker.unregister(&program).expect("it was registered");
        });
    });
}

/// What a context and a task of a graph that is kept cost in memory, printed.
fn memory(_: &mut Criterion) {
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux says it");
        let pages = statm.split(' ').nth(1).and_then(|it| it.parse().ok());
        4096_u64 * pages.unwrap_or(0)
    };
    let before = resident();
    let mut bench = Described::new(Shape::Braid);
    bench.run(5, true);
    let small = resident();
    bench.run(1_000_000, true);
    let large = resident();
    println!(
        "memory: a context {} KiB, a task {} B",
        small.saturating_sub(before) >> 10,
        large.saturating_sub(small) / 1_000_000
    );
}

criterion_group!(
    benches,
    memory,
    vector_example,
    graphs,
    built_in_cpp,
    prepare
);
criterion_main!(benches);

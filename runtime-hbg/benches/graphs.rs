//! What a task costs: built, sealed, scheduled.
//!
//! The cores finish in their status register, as a simulated core with an empty kernel does, so what is measured is this
//! crate and nothing of a platform. Figures are per task: criterion's throughput counts tasks.

use core::hint::black_box;
use core::ptr::NonNull;
use std::sync::Arc;

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::DispatchPayload;
use aicore_abi::registers::finish_word;
use aicore_abi::seam::{CoreId, Cores, KernelEntry, Togetherness};
use bytemuck::Zeroable;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use protocol::A2a3;
use runtime_hbg::{Context, Deadlines, Graph, GraphBuilder, Kernel, Setup, Tasks, build};
use sync::{Crew, Crowd, Line, SlotVec, Spin, Word32};

const CLUSTERS: u16 = 3;
const KERNELS: [KernelEntry; 2] = [KernelEntry {
    address: 1,
    handle: 1,
}; 2];
const ADD: Kernel = Kernel::aiv(0);
const MULTIPLY: Kernel = Kernel::aic(1);

/// Cores that have finished when one looks.
struct Instant {
    tokens: Vec<Line<Word32>>,
    payloads: SlotVec<DispatchPayload>,
    deferred: SlotVec<DeferredIngressBuffer>,
}

impl Instant {
    fn new() -> Self {
        let cores = usize::from(CLUSTERS) * 3;
        Self {
            tokens: (0..cores).map(|_| Line::default()).collect(),
            payloads: SlotVec::new(2 * cores, |_| DispatchPayload::zeroed()),
            deferred: SlotVec::new(2 * cores, |_| DeferredIngressBuffer::zeroed()),
        }
    }
}

// SAFETY: the slots are distinct per core and parity and live as long as the cores.
unsafe impl Cores for Instant {
    fn count(&self) -> u16 {
        CLUSTERS * 3
    }

    fn payload(&self, core: CoreId, token: u32) -> NonNull<DispatchPayload> {
        let place = 2 * usize::from(core.0) + (token & 1) as usize;
        NonNull::new(self.payloads.slot(place).as_ptr()).expect("a slot is somewhere")
    }

    fn deferred(&self, core: CoreId, token: u32) -> NonNull<DeferredIngressBuffer> {
        let place = 2 * usize::from(core.0) + (token & 1) as usize;
        NonNull::new(self.deferred.slot(place).as_ptr()).expect("a slot is somewhere")
    }

    fn dispatch(&self, core: CoreId, token: u32, _: Togetherness) {
        self.tokens[usize::from(core.0)].publish(token);
    }

    fn status(&self, core: CoreId) -> u32 {
        finish_word(self.tokens[usize::from(core.0)].observe())
    }
}

fn independent(graph: &mut Tasks<'_>, tasks: u64) {
    for number in 0..tasks {
        graph.task(ADD, &[number, 1, 2]).first();
    }
}

fn chain(graph: &mut Tasks<'_>, tasks: u64) {
    let mut last = graph.task(ADD, &[0, 1, 2]).first();
    for number in 1..tasks {
        last = graph.task(ADD, &[number, 1, 2]).after(&[last]);
    }
}

/// Each task waits for two that are a little older.
fn two_edges(graph: &mut Tasks<'_>, tasks: u64) {
    let mut window = [graph.task(MULTIPLY, &[0, 1, 2]).first(); 64];
    for number in 1..tasks {
        let kernel = if number % 2 == 0 { MULTIPLY } else { ADD };
        let place = usize::try_from(number % 64).expect("small");
        let before = [window[place], window[(place + 31) % 64]];
        window[place] = graph.task(kernel, &[number, 1, 2]).after(&before);
    }
}

/// How a shape is described for a number of tasks.
type Shape = (&'static str, fn(&mut Tasks<'_>, u64));

const SHAPES: [Shape; 3] = [
    ("independent", independent),
    ("chain", chain),
    ("two edges", two_edges),
];

fn built(shape: &Shape, tasks: u64) -> GraphBuilder {
    build(|graph| shape.1(graph, tasks))
}

fn run_alone(context: &mut Context, graph: &Graph, cores: &Instant, roles: u8, spin: &mut Spin) {
    let run = context
        .begin::<A2a3, _>(graph, setup(roles), cores)
        .expect("a run");
    run.drive(0, spin);
    run.outcome().expect("a good run");
}

fn setup(roles: u8) -> Setup<'static> {
    Setup {
        kernels: &KERNELS,
        clusters: CLUSTERS,
        threads: roles,
        deadlines: Deadlines::default(),
    }
}

fn build_and_seal(c: &mut Criterion) {
    let mut group = c.benchmark_group("build and seal");
    const TASKS: u64 = 65_536;
    group.throughput(Throughput::Elements(TASKS));
    for shape in &SHAPES {
        group.bench_function(shape.0, |b| {
            b.iter(|| {
                built(black_box(shape), TASKS)
                    .seal(&KERNELS)
                    .expect("a graph")
            });
        });
    }
    group.finish();
}

fn schedule(c: &mut Criterion) {
    let mut group = c.benchmark_group("schedule, sealed before");
    let (cores, mut context) = (Instant::new(), Context::new());
    let crowd = Crowd::new();
    let mut spin = Spin::new(&crowd);
    for tasks in [4_000, 65_536] {
        group.throughput(Throughput::Elements(tasks));
        for shape in &SHAPES {
            let graph = built(shape, tasks).seal(&KERNELS).expect("a graph");
            for roles in [1, 3] {
                let id = BenchmarkId::new(format!("{} on {roles} roles", shape.0), tasks);
                group.bench_function(id, |b| {
                    b.iter(|| run_alone(&mut context, &graph, &cores, roles, &mut spin));
                });
            }
        }
    }
    group.finish();
}

fn schedule_by_two(c: &mut Criterion) {
    const TASKS: u64 = 65_536;
    let mut group = c.benchmark_group("schedule, sealed before, two threads");
    group.throughput(Throughput::Elements(TASKS));
    let (cores, mut context) = (Instant::new(), Context::new());
    let crowd = Crowd::new();
    let crew = Crew::in_crowd(2, "bench", &crowd).expect("threads");
    for shape in &SHAPES {
        let graph = built(shape, TASKS).seal(&KERNELS).expect("a graph");
        group.bench_function(shape.0, |b| {
            b.iter(|| run_by(&crew, &crowd, &mut context, &graph, &cores));
        });
    }
    group.finish();
}

fn run_by(crew: &Crew, crowd: &Arc<Crowd>, context: &mut Context, graph: &Graph, cores: &Instant) {
    let run = context
        .begin::<A2a3, _>(graph, setup(3), cores)
        .expect("a run");
    crew.run(|thread| run.drive(thread, &mut Spin::new(crowd)))
        .expect("no thread panics");
    run.outcome().expect("a good run");
}

fn all_anew(c: &mut Criterion) {
    let mut group = c.benchmark_group("build, seal and schedule");
    let (cores, mut context) = (Instant::new(), Context::new());
    let crowd = Crowd::new();
    let mut spin = Spin::new(&crowd);
    for (shape, tasks) in [(&SHAPES[2], 5), (&SHAPES[0], 4_000), (&SHAPES[2], 65_536)] {
        group.throughput(Throughput::Elements(tasks));
        group.bench_function(BenchmarkId::new(shape.0, tasks), |b| {
            b.iter(|| {
                let graph = built(shape, tasks).seal(&KERNELS).expect("a graph");
                run_alone(&mut context, &graph, &cores, 3, &mut spin);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, build_and_seal, schedule, schedule_by_two, all_anew);
criterion_main!(benches);

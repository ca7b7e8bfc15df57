//! Task graphs of known shapes, in any size, for benchmarks and stress tests.
//!
//! Knows who reads what whom wrote. Refuses to know what a task computes: the kernel counts its call
//! and, if asked to, keeps a core busy.
//!
//! A graph works on *cells*, disjoint parts of one tensor: each task updates one cell and reads
//! others, and the dependencies follow. Tasks are submitted in scopes of a thousand, so that any
//! number of them fits the rings.

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use host::{
    ArgDirection, Arguments, Callable, ChipWorker, CoreType, GraphError, Kernels, ProgramBuilder,
    RunConfig, RunReport, Scope, Tensor,
};
use sync::Word64;

/// Elements of a cell: one cache line of floats.
const CELL: u32 = 16;
/// Tasks per scope, far below the task window.
const PER_SCOPE: u64 = 1000;
/// The kernel of every task on a vector core.
const VECTOR: i32 = 0;
/// The kernel of every task on a cube core.
const CUBE: i32 = 1;

/// The shape of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No edges.
    Independent,
    /// Each task waits for the one before.
    Chain,
    /// Layers of eight tasks, each reading four of the layer before.
    Layers,
    /// Pairs are added until one is left.
    Tree,
    /// A square in which each task waits for its upper and left neighbour.
    Wavefront,
    /// Each task reads two cells picked at random.
    Random,
    /// Two tasks each: a cube core's and then a vector core's.
    Pairs,
    /// One task that all others wait for.
    Fan,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 8] = [
        Self::Independent,
        Self::Chain,
        Self::Layers,
        Self::Tree,
        Self::Wavefront,
        Self::Random,
        Self::Pairs,
        Self::Fan,
    ];

    /// Name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Independent => "independent",
            Self::Chain => "chain",
            Self::Layers => "layers",
            Self::Tree => "tree",
            Self::Wavefront => "wavefront",
            Self::Random => "random",
            Self::Pairs => "pairs",
            Self::Fan => "fan",
        }
    }

    /// Cells of a graph with `tasks` tasks.
    fn cells(self, tasks: u64) -> u64 {
        match self {
            Self::Chain => 1,
            Self::Layers => 16,
            Self::Wavefront => tasks.isqrt().max(1),
            Self::Random => 256,
            // Cells are used again, long after their last use.
            Self::Independent | Self::Tree | Self::Pairs | Self::Fan => 1024,
        }
    }

    /// What task number `index` of `tasks` updates and reads.
    fn task(self, index: u64, tasks: u64, random: &mut u64) -> Step {
        let cells = self.cells(tasks);
        let vector = |updates, reads: &[u64]| Step::new(updates, reads, CoreType::Aiv);
        match self {
            Self::Independent => vector(index % cells, &[]),
            Self::Chain => vector(0, &[]),
            Self::Layers => {
                let (layer, place) = (index / 8, index % 8);
                let before = (layer + 1) % 2 * 8;
                let reads = [0, 1, 2, 3].map(|step| before + (place + step) % 8);
                vector(layer % 2 * 8 + place, &reads)
            }
            Self::Tree => {
                // Node n combines 2n + 1 and 2n + 2; leaves come first.
                let node = tasks - 1 - index;
                let children = [2 * node + 1, 2 * node + 2].map(|child| child % cells);
                let inner = 2 * node + 2 < tasks;
                vector(node % cells, if inner { &children } else { &[] })
            }
            Self::Wavefront => {
                let side = cells;
                let column = index % side;
                let left = [column.wrapping_sub(1)];
                vector(column, if column > 0 { &left } else { &[] })
            }
            Self::Random => {
                let mut pick = || {
                    *random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    (*random >> 33) % cells
                };
                let (updates, reads) = (pick(), [pick(), pick()]);
                vector(updates, &reads)
            }
            Self::Pairs => {
                let core = if index.is_multiple_of(2) {
                    CoreType::Aic
                } else {
                    CoreType::Aiv
                };
                Step::new(index / 2 % cells, &[], core)
            }
            Self::Fan => vector(
                if index == 0 {
                    0
                } else {
                    1 + index % (cells - 1)
                },
                &[0][..usize::from(index > 0)],
            ),
        }
    }
}

/// One task.
struct Step {
    updates: u64,
    reads: [u64; 4],
    count: usize,
    core: CoreType,
}

impl Step {
    fn new(updates: u64, reads: &[u64], core: CoreType) -> Self {
        let mut all = [0; 4];
        all[..reads.len()].copy_from_slice(reads);
        Self {
            updates,
            reads: all,
            count: reads.len(),
            core,
        }
    }
}

/// A worker with a program that submits graphs.
#[derive(Debug)]
pub struct GraphBench {
    worker: ChipWorker,
    program: Callable,
    calls: Arc<Word64>,
    config: RunConfig,
    memory: Vec<f32>,
}

impl GraphBench {
    /// A program for graphs of `shape` on `platform`; each kernel call lasts `busy`.
    ///
    /// # Errors
    ///
    /// The platform is unknown or refuses.
    pub fn new(
        platform: &str,
        shape: Shape,
        busy: Duration,
        config: RunConfig,
    ) -> host::Result<Self> {
        let worker = ChipWorker::on(platform)?;
        worker.init(0)?;
        let calls = Arc::new(Word64::new(0));
        let kernel = {
            let calls = Arc::clone(&calls);
            move |_: &aicore_abi::call::Call<'_>| {
                calls.add(1);
                if !busy.is_zero() {
                    let start = Instant::now();
                    while start.elapsed() < busy {
                        core::hint::spin_loop();
                    }
                }
                Ok(())
            }
        };
        let program = ProgramBuilder::new()
            .signature(&[ArgDirection::Inout])
            .kernel(VECTOR, CoreType::Aiv, kernel.clone())
            .kernel(CUBE, CoreType::Aic, kernel)
            .orchestration(move |scope, args| {
                let memory = args.tensor(0)?;
                submit(scope, &memory, shape, args.scalar(0)?)
            });
        let program = worker.register(program)?;
        Ok(Self {
            worker,
            program,
            calls,
            config,
            memory: vec![0.0; 1024 * CELL as usize],
        })
    }

    /// Runs a graph of `tasks` tasks and checks that each ran once.
    ///
    /// # Errors
    ///
    /// The run failed.
    ///
    /// # Panics
    ///
    /// Some task did not run, or ran twice.
    pub fn run(&mut self, tasks: u64) -> host::Result<RunReport> {
        let before = self.calls.own();
        let cells = u32::try_from(self.memory.len()).expect("a small memory") / CELL;
        let mut args = Arguments::new();
        args.output(&mut self.memory, &[cells, CELL])?
            .scalar(tasks)?;
        let report = self.worker.run(&self.program, &mut args, &self.config)?;
        assert_eq!(self.calls.own() - before, tasks, "each task runs once");
        Ok(report)
    }

    /// The worker, for its counters.
    #[must_use]
    pub const fn worker(&self) -> &ChipWorker {
        &self.worker
    }
}

/// Submits a graph of `tasks` tasks on the cells of `memory`.
fn submit(
    scope: &mut Scope<'_, '_>,
    memory: &Tensor<'_>,
    shape: Shape,
    tasks: u64,
) -> Result<(), GraphError> {
    let mut random = 1;
    let mut index = 0;
    while index < tasks {
        let end = (index + PER_SCOPE).min(tasks);
        scope.scope(|scope| {
            while index < end {
                let step = shape.task(index, tasks, &mut random);
                let cell = |number: u64| {
                    let row = u32::try_from(number).expect("few cells");
                    memory.view(&[1, CELL], &[row, 0])
                };
                let updates = cell(step.updates)?;
                let mut reads = [updates; 4];
                for (view, &number) in reads.iter_mut().zip(&step.reads[..step.count]) {
                    *view = cell(number)?;
                }
                let kernels = match step.core {
                    CoreType::Aic => Kernels::aic(CUBE),
                    CoreType::Aiv => Kernels::aiv(VECTOR),
                };
                let mut task = scope.task(kernels).update(&updates);
                for view in &reads[..step.count] {
                    task = task.input(view);
                }
                task.submit()?;
                index += 1;
            }
            Ok(())
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use host::RunConfig;

    use super::{GraphBench, Shape};

    #[test]
    fn every_shape_runs_every_task_once() {
        for shape in Shape::ALL {
            let mut bench = GraphBench::new("a2a3sim", shape, Duration::ZERO, RunConfig::default())
                .expect("the simulator is there");
            for tasks in [0, 1, 2, 2500] {
                let report = bench.run(tasks).expect("the graph runs");
                assert_eq!(
                    (report.submitted, report.completed),
                    (tasks, tasks),
                    "{shape:?}"
                );
            }
        }
    }
}

//! Graphs described in Rust, on a simulated chip: when they are described anew, and what changes when they are not.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use host::{
    ArgDirection, Arguments, Callable, ChipWorker, CoreType, DataType, Diagnostics, ProgramBuilder,
    RunConfig, TaskGraphError,
};
use sync::Word64;

const SCALE: i32 = 0;

/// A worker with a program that scales a tensor in stages, all by one factor, and counts how often it is described.
struct Bench {
    worker: ChipWorker,
    program: Callable,
    described: Arc<Word64>,
}

impl Bench {
    fn new() -> Self {
        use ArgDirection::{In, Out};
        let described = Arc::new(Word64::new(0));
        let count = Arc::clone(&described);
        let program = ProgramBuilder::new()
            .signature(&[In, Out])
            .kernel(SCALE, CoreType::Aiv, |call| {
                let (from, to) = (call.tensor::<u32>(0)?, call.tensor::<u32>(1)?);
                let factor: u32 = call.scalar(0)?;
                for index in 0..to.len() {
                    to.set(index, from.get(index)?.wrapping_mul(factor))?;
                }
                Ok(())
            })
            .graph(move |graph, args| {
                count.add(1);
                let (x, y) = (args.tensor(0)?, args.tensor(1)?);
                // How many there are is the graph's; how large the factor is, is the kernels'.
                let stages: u32 = graph.read(args, 0)?;
                let mut from = x;
                let mut last = None;
                for stage in 0..stages {
                    let to = match stage + 1 == stages {
                        true => y,
                        false => graph.scratch(x.shape(), DataType::Uint32)?,
                    };
                    let task = graph.task(SCALE, CoreType::Aiv);
                    let task = task.tensor(&from).tensor(&to).argument(1);
                    last = Some(match last {
                        Some(last) => task.after(&[last]),
                        None => task.first(),
                    });
                    from = to;
                }
                Ok(())
            });
        let worker = ChipWorker::on("a2a3sim").expect("a platform of this build");
        worker.init(0).expect("a fresh worker");
        let program = worker.register(program).expect("a good program");
        Self {
            worker,
            program,
            described,
        }
    }

    fn run(&self, input: &[u32], shape: &[u32], stages: u32, factor: u32) {
        let mut output = vec![77; input.len()];
        let mut args = Arguments::new();
        args.input(input, shape)
            .and_then(|args| args.output(&mut output, shape))
            .and_then(|args| args.scalar(stages))
            .and_then(|args| args.scalar(factor))
            .expect("four arguments");
        let report = self
            .worker
            .run(&self.program, &mut args, &RunConfig::default())
            .expect("a good run");
        assert_eq!(report.completed, u64::from(stages));
        let expected: Vec<u32> = input
            .iter()
            .map(|x| x.wrapping_mul(factor.pow(stages)))
            .collect();
        assert_eq!(output, expected);
    }
}

#[test]
fn a_graph_is_described_once_per_shape_and_runs_with_any_data() {
    let bench = Bench::new();
    for round in 1..20 {
        let input = vec![round; 64];
        bench.run(&input, &[8, 8], 3, round);
    }
    assert_eq!(bench.described.observe(), 1);
    assert_eq!(bench.worker.memory().bound_buffers, 0);
    assert_eq!(bench.worker.device().host_dlopen_count(), 1);
}

#[test]
fn another_shape_or_a_scalar_that_was_read_makes_another_graph() {
    let bench = Bench::new();
    bench.run(&[1; 64], &[8, 8], 3, 2);
    bench.run(&[1; 64], &[64], 3, 2);
    assert_eq!(bench.described.observe(), 2, "another shape");
    bench.run(&[1; 65], &[65], 3, 2);
    assert_eq!(bench.described.observe(), 3, "another extent");
    bench.run(&[1; 65], &[65], 4, 2);
    assert_eq!(bench.described.observe(), 4, "another number of stages");
    bench.run(&[2; 65], &[65], 4, 3);
    assert_eq!(bench.described.observe(), 4, "other data, another factor");
}

#[test]
fn an_edge_that_leads_back_names_its_cycle() {
    let program = ProgramBuilder::new()
        .kernel(SCALE, CoreType::Aiv, |_| Ok(()))
        .graph(|graph, _| {
            let first = graph.task(SCALE, CoreType::Aiv).first();
            let second = graph.task(SCALE, CoreType::Aiv).after(&[first]);
            let third = graph.task(SCALE, CoreType::Aiv).after(&[second]);
            graph.edge(third, first);
            Ok(())
        });
    let worker = ChipWorker::on("a5sim").expect("a platform of this build");
    worker.init(0).expect("a fresh worker");
    let program = worker
        .register(program)
        .expect("it is described at the first run");
    let run = || worker.run(&program, &mut Arguments::new(), &RunConfig::default());
    let error = run().expect_err("it cannot end").to_string();
    assert!(error.contains("0 -> 1 -> 2 -> 0"), "{error}");
}

#[test]
fn what_is_wrong_with_a_description_is_said() {
    let program = |index: usize| {
        ProgramBuilder::new().graph(move |graph, args| match index {
            0 => args.tensor(3).map(drop),
            1 => graph.read::<u32>(args, 2).map(drop),
            _ => Err(TaskGraphError::failed(42, "not today")),
        })
    };
    let worker = ChipWorker::on("a2a3sim").expect("a platform of this build");
    worker.init(0).expect("a fresh worker");
    for (index, code, text) in [
        (0, -1, "tensor 3 was asked for, the run has 0"),
        (1, -1, "scalar 2 was asked for, the run has 0"),
        (2, 42, "not today"),
    ] {
        let program = worker.register(program(index)).expect("it has no kernels");
        let error = worker
            .run(&program, &mut Arguments::new(), &RunConfig::default())
            .expect_err("it gives up");
        assert!(error.to_string().contains(text), "{error}");
        let host::Error::Device(error) = error else {
            panic!("{error}");
        };
        assert_eq!(error.code(), code, "{error}");
    }
}

/// hbg-sim.md A.12, B.19: in the reference a core has room for 1000 records, which this runtime never empties on a5; and
/// a second run that is written down fails.
#[test]
fn hazard_thousands_of_calls_of_one_core_are_written_down_in_every_run() {
    const TASKS: usize = 3000;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("thousands-of-calls");
    for platform in ["a2a3sim", "a5sim"] {
        let program = ProgramBuilder::new()
            .kernel(SCALE, CoreType::Aic, |_| Ok(()))
            .graph(|graph, _| {
                for _ in 0..TASKS {
                    graph.task(SCALE, CoreType::Aic).first();
                }
                Ok(())
            });
        let worker = ChipWorker::on(platform).expect("a platform of this build");
        worker.init(0).expect("a fresh worker");
        let program = worker.register(program).expect("a good program");
        for _ in 0..2 {
            let config = RunConfig {
                block_dim: 1,
                diagnostics: Diagnostics {
                    swimlane: true,
                    directory: folder.clone(),
                    ..Diagnostics::default()
                },
                ..RunConfig::default()
            };
            worker
                .run(&program, &mut Arguments::new(), &config)
                .expect("a good run");
            let records = fs::read_to_string(folder.join("l2_perf_records.json"));
            let records = records.expect("the records of the run");
            assert_eq!(records.matches("\"task_id\"").count(), TASKS);
            fs::remove_dir_all(&folder).expect("ours");
        }
    }
}

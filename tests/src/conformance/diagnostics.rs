//! Runs that are written down: what the files say is what the run did, and a run that is not costs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use host::ArgDirection::Inout;
use host::{Diagnostics, RunConfig};
use serde_json::Value;

use super::bench::{Bench, Buffer, of_device, small};
use super::reach::Loss;
use super::script::{Lanes, Mode, Step};
use super::subject::{Language, Recipe, Subject};

const CLUSTERS: u32 = 3;

/// A folder of a test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(subject: &Subject, test: &str) -> Self {
        let name = format!("{}/{test}", subject.name()).replace('/', "-");
        let folder = Path::new(subject.scratch).join("recorded").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("ours");
        }
        Self(folder)
    }

    fn config(&self, what: Diagnostics) -> RunConfig {
        RunConfig {
            block_dim: CLUSTERS,
            aicpu_threads: 3,
            diagnostics: Diagnostics {
                directory: self.0.clone(),
                ..what
            },
            ..RunConfig::default()
        }
    }

    fn text(&self, file: &str) -> String {
        let path = self.0.join(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn json(&self, file: &str) -> Value {
        serde_json::from_str(&self.text(file)).expect("a file of JSON")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() && self.0.exists() {
            fs::remove_dir_all(&self.0).expect("ours");
        }
    }
}

fn swimlane() -> Diagnostics {
    Diagnostics {
        swimlane: true,
        ..Diagnostics::default()
    }
}

/// One task of `l2_perf_records.json`, as far as it matters.
#[derive(Debug)]
struct Task {
    id: u64,
    core: u64,
    kind: String,
    start: f64,
    end: f64,
    fanout: Vec<u64>,
}

/// The tasks of a run, each stamp checked.
fn tasks(folder: &Folder) -> Vec<Task> {
    let records = folder.json("l2_perf_records.json");
    let version = records["version"].as_u64().expect("a version");
    assert!((1..=2).contains(&version));
    let tasks = records["tasks"].as_array().expect("a list");
    let read = |task: &Value| {
        let number = |key: &str| {
            task[key]
                .as_u64()
                .unwrap_or_else(|| panic!("{key}: {task}"))
        };
        let moment = |key: &str| {
            task[key]
                .as_f64()
                .unwrap_or_else(|| panic!("{key}: {task}"))
        };
        let stamps =
            ["dispatch", "start", "end", "finish"].map(|it| moment(&format!("{it}_time_us")));
        assert!(stamps[0] > 0.0 && stamps.is_sorted(), "{task}");
        assert!((moment("duration_us") - (stamps[2] - stamps[1])).abs() < 0.0011);
        assert_eq!(number("ring_id"), number("task_id") >> 32);
        let fanout: Vec<u64> = task["fanout"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|it| it.as_u64().expect("a task"))
            .collect();
        assert_eq!(number("fanout_count"), fanout.len() as u64);
        Task {
            id: number("task_id"),
            core: number("core_id"),
            kind: task["core_type"].as_str().expect("a kind").to_owned(),
            start: stamps[1],
            end: stamps[2],
            fanout,
        }
    };
    let tasks: Vec<Task> = tasks.iter().map(read).collect();
    assert!(tasks.is_sorted_by_key(|task| task.id));
    for task in &tasks {
        let is_cube = task.core < u64::from(CLUSTERS);
        assert_eq!(task.kind, if is_cube { "aic" } else { "aiv" }, "{task:?}");
    }
    tasks
}

/// Every task is in the records once, with its stamps in order and its edges; the trace, the table of counts and the
/// tensors belong to the same run.
pub fn every_task_is_written_down_once(subject: &Subject) {
    const CHAIN: usize = 16;
    for &language in subject.languages() {
        let bench = Bench::new(subject);
        let program = bench.registered(&Recipe {
            language,
            ..Recipe::rust(&[Inout, Inout])
        });
        let folder = Folder::new(subject, "every-task");
        let config = folder.config(Diagnostics {
            counters: Some(4),
            ..swimlane()
        });
        // A chain over one tensor, kinds of cores in turn, and one task that has nothing to do with it.
        let lanes = [Lanes::Vector, Lanes::Cube];
        let mut script: Vec<Step> = (0..CHAIN)
            .map(|number| Step::task(0, 0, 1, 1).on(lanes[number % 2]))
            .collect();
        script.push(Step::task(1, 1, 1, 1));
        for _ in 0..2 {
            let (mut chained, mut alone) = ([1; 8], [1; 4]);
            let buffers = vec![Buffer::Out(&mut chained), Buffer::Out(&mut alone)];
            let report = bench
                .run(&program, buffers, &script, &config)
                .expect("a good run");
            assert_eq!(chained, [17; 8]);
            assert_eq!(report.completed, script.len() as u64);

            let tasks = tasks(&folder);
            assert_eq!(tasks.len(), script.len());
            let ids: BTreeSet<u64> = tasks.iter().map(|task| task.id).collect();
            assert_eq!(ids.len(), tasks.len(), "each once");
            let by_id: BTreeMap<u64, &Task> = tasks.iter().map(|task| (task.id, task)).collect();
            let mut edges = 0;
            for task in &tasks {
                for successor in &task.fanout {
                    assert!(task.end <= by_id[successor].start, "{task:?}");
                    edges += 1;
                }
            }
            assert_eq!(edges, CHAIN - 1, "also to tasks that had retired");
            let cubes = tasks.iter().filter(|task| task.kind == "aic").count();
            assert_eq!(cubes, CHAIN / 2);

            let trace = folder.json("merged_swimlane.json");
            let events = trace["traceEvents"].as_array().expect("a list");
            let on_cores = |event: &&Value| event["ph"] == "X" && event["pid"] == 1;
            assert_eq!(events.iter().filter(on_cores).count(), tasks.len());

            let counts = folder.text("pmu.csv");
            let lines: Vec<&str> = counts.lines().collect();
            assert_eq!(lines.len(), 1 + tasks.len());
            assert!(
                lines[0]
                    .starts_with("thread_id,core_id,task_id,func_id,core_type,pmu_total_cycles,")
            );
            let width = lines[0].split(',').count();
            assert!(lines.iter().all(|line| line.split(',').count() == width));
            assert!(lines[1..].iter().all(|line| line.ends_with(",4")));

            let about = folder.json("recording.json");
            assert_eq!(about["failed"], false);
            assert_eq!(about["dropped"]["calls"], 0);
        }
        bench.ends_clean();
    }
}

/// A switch without a folder is refused before anything happens, and so is a folder that cannot be made.
pub fn a_switch_without_a_folder_is_refused(subject: &Subject) {
    let bench = Bench::new(subject);
    for &language in subject.languages() {
        let program = bench.registered(&Recipe {
            language,
            ..Recipe::rust(&[Inout])
        });
        for what in [
            swimlane(),
            Diagnostics {
                tensors: true,
                ..Diagnostics::default()
            },
            Diagnostics {
                counters: Some(2),
                ..Diagnostics::default()
            },
        ] {
            let config = RunConfig {
                diagnostics: what,
                ..small()
            };
            let mut data = [1; 4];
            let buffers = vec![Buffer::Out(&mut data)];
            let error = bench
                .run(&program, buffers, &[Step::task(0, 0, 1, 1)], &config)
                .expect_err("there is no folder");
            assert!(error.to_string().contains("output_prefix"), "{error}");
            assert_eq!(data, [1; 4]);
        }
        let config = RunConfig {
            diagnostics: Diagnostics {
                directory: "/proc/no-folder".into(),
                ..swimlane()
            },
            ..small()
        };
        let mut data = [1; 4];
        let buffers = vec![Buffer::Out(&mut data)];
        let result = bench.run(&program, buffers, &[Step::task(0, 0, 1, 1)], &config);
        let error = of_device(result).to_string();
        assert!(error.contains("/proc/no-folder"), "{error}");
        assert_eq!(data, [1; 4]);
        bench.proves_itself(&program);
        bench.worker.unregister(&program).expect("it is registered");
    }
}

/// A run that nobody asked to be written down makes no file and takes no memory; one that was gives its memory back.
pub fn a_run_that_is_not_written_down_takes_nothing(subject: &Subject) {
    let bench = Bench::new(subject);
    let program = bench.registered(&Recipe {
        language: subject.languages()[0],
        ..Recipe::rust(&[Inout])
    });
    let folder = Folder::new(subject, "off");
    let run = |what: Diagnostics| {
        let mut data = [1; 4];
        let buffers = vec![Buffer::Out(&mut data)];
        let script = [Step::task(0, 0, 1, 1)];
        bench
            .run(&program, buffers, &script, &folder.config(what))
            .expect("a good run");
        bench.worker.memory()
    };
    let before = run(Diagnostics::default());
    assert_eq!(run(Diagnostics::default()), before);
    assert!(!folder.0.exists());
    assert_eq!(run(swimlane()), before);
    assert!(folder.0.exists());
    assert_eq!(run(Diagnostics::default()), before);
    bench.ends_clean();
}

/// What a failed run did before it failed is written down, and the failure is the run's own. What was written down on a
/// chip that is lost is lost with it; the next run's is not.
pub fn a_failed_run_is_written_down(subject: &Subject) {
    for &language in subject.languages() {
        let bench = Bench::impatient(subject);
        let program = bench.registered(&Recipe {
            language,
            ..Recipe::rust(&[Inout])
        });
        let folder = Folder::new(subject, "failed");
        let script = [
            Step::task(0, 0, 1, 1),
            Step::task(0, 0, 1, 1).with(Mode::Fail, 0),
        ];
        let mut data = [1; 4];
        let buffers = vec![Buffer::Out(&mut data)];
        let error = bench
            .run(&program, buffers, &script, &folder.config(swimlane()))
            .expect_err("its kernel fails");
        assert!(!error.to_string().contains("cannot write"), "{error}");
        let loss = subject.terms().kernel_that_throws;
        if loss != Loss::Run {
            let text = error.to_string();
            assert!(!folder.0.join("recording.json").exists(), "{text}");
            bench.makes_good(loss, &of_device::<()>(Err(error)));
            let buffers = vec![Buffer::Out(&mut data)];
            bench
                .run(&program, buffers, &script[..1], &folder.config(swimlane()))
                .expect("a good run");
            assert_eq!(tasks(&folder).len(), 1);
            continue;
        }
        let records = folder.json("l2_perf_records.json");
        let tasks = records["tasks"].as_array().expect("a list");
        assert_eq!(tasks.len(), 2);
        assert!(tasks[0]["finish_time_us"].as_f64() > Some(0.0));
        assert_eq!(folder.json("recording.json")["failed"], true);
        folder.json("merged_swimlane.json");
        bench.proves_itself(&program);
    }
}

/// A task of several kernels and blocks is written down once for each, on cores of one cluster.
pub fn every_lane_of_every_block_is_written_down(subject: &Subject) {
    const BLOCKS: usize = 7;
    for &language in subject.languages() {
        let bench = Bench::new(subject);
        let program = bench.registered(&Recipe {
            language,
            ..Recipe::rust(&[Inout, Inout])
        });
        for (lanes, together) in [
            (Lanes::Cluster, false),
            (Lanes::Vector, false),
            (Lanes::Cube, true),
        ] {
            let folder = Folder::new(subject, "lanes");
            let blocks = if together { 3 } else { BLOCKS };
            let calls = blocks * lanes.cores() as usize;
            let (mut counter, mut marks) = ([0], vec![0; calls]);
            let step = Step::blocks(0, 1, blocks as u64, together).on(lanes);
            let buffers = vec![Buffer::Out(&mut counter), Buffer::Out(&mut marks)];
            bench
                .run(&program, buffers, &[step], &folder.config(swimlane()))
                .expect("a good run");
            let tasks = tasks(&folder);
            assert_eq!(tasks.len(), calls);
            assert!(tasks.iter().all(|task| task.id == tasks[0].id));
            let cubes = tasks.iter().filter(|task| task.kind == "aic").count();
            let expected = match lanes {
                Lanes::Vector => 0,
                Lanes::Cube | Lanes::Cluster => blocks,
            };
            assert_eq!(cubes, expected);
        }
        bench.ends_clean();
    }
}

/// Every tensor of every task is dumped before if it is read and after if it is written, with its content.
pub fn tensors_are_dumped_before_and_after(subject: &Subject) {
    for &language in subject.languages() {
        if language == Language::Cpp && !subject.runtime.has_blocks() {
            // Its orchestration on the host says nothing of tensors; `tests/scenes/hbg/dump_tensor` has one that does.
            continue;
        }
        let bench = Bench::new(subject);
        let program = bench.registered(&Recipe {
            language,
            ..Recipe::rust(&[Inout])
        });
        let folder = Folder::new(subject, "tensors");
        let config = folder.config(Diagnostics {
            tensors: true,
            ..Diagnostics::default()
        });
        let mut data = [3; 8];
        let script = [Step::task(0, 0, 2, 1), Step::task(0, 0, 2, 1)];
        bench
            .run(&program, vec![Buffer::Out(&mut data)], &script, &config)
            .expect("a good run");
        assert_eq!(data, [15; 8]);
        assert!(!folder.0.join("l2_perf_records.json").exists());
        let manifest = folder.json("tensor_dump/tensor_dump.json");
        let contents = fs::read(folder.0.join("tensor_dump/tensor_dump.bin")).expect("it is there");
        let tensors = manifest["tensors"].as_array().expect("a list");
        assert_eq!(manifest["total_tensors"], tensors.len());
        assert_eq!(manifest["truncated_tensors"], 0);
        let mut seen: Vec<(String, u32)> = Vec::new();
        for tensor in tensors {
            let number = |key: &str| {
                let number = tensor[key].as_u64().expect("a number");
                usize::try_from(number).expect("small")
            };
            assert_eq!(tensor["dtype"], "UINT32");
            assert_eq!(tensor["shape"], serde_json::json!([8]));
            let first = number("bin_offset");
            let bytes = &contents[first..first + number("bin_size")];
            assert_eq!(bytes.len(), 32);
            let word = u32::from_le_bytes(bytes[..4].try_into().expect("four"));
            let stage = tensor["stage"].as_str().expect("a stage").to_owned();
            seen.push((stage, word));
        }
        seen.sort();
        seen.dedup();
        let expected = [
            ("after_completion", 7),
            ("after_completion", 15),
            ("before_dispatch", 3),
            ("before_dispatch", 7),
        ]
        .map(|(stage, word)| (stage.to_owned(), word));
        assert_eq!(seen, expected);
    }
}

//! What a context costs besides time: memory after its first run, and whatever it does when idle.
//!
//! `cargo bench -p tests --bench footprint`. Plain figures of the operating system, one line each.

use core::time::Duration;
use std::fs;
use std::thread;
use std::time::Instant;

use host::RunConfig;
use tests::graphs::{GraphBench, Shape};

/// How long a context is watched doing nothing.
const IDLE: Duration = Duration::from_secs(2);

fn main() {
    let setting = RunConfig {
        block_dim: 3,
        ..RunConfig::default()
    };
    let bench = |shape| {
        GraphBench::new("a2a3sim", shape, Duration::ZERO, setting.clone())
            .expect("the simulator is there")
    };
    // What the process itself needs is there before anything is measured.
    bench(Shape::Independent).run(1).expect("the graph runs");

    for (shape, tasks) in [
        (Shape::Independent, 5),
        (Shape::Independent, 4_000),
        (Shape::Chain, 4_000),
        (Shape::Independent, 64_000),
    ] {
        let before = resident();
        let start = Instant::now();
        let mut context = bench(shape);
        let started = start.elapsed();
        let after_start = resident();
        context.run(tasks).expect("the graph runs");
        println!(
            "{:>12} {tasks:>6}: start {started:>9.1?}, {:>6} KiB before the first run, {:>6} KiB after",
            shape.name(),
            after_start.saturating_sub(before) / 1024,
            resident().saturating_sub(before) / 1024,
        );
    }

    let mut contexts: Vec<_> = (0..8).map(|_| bench(Shape::Independent)).collect();
    for context in &mut contexts {
        context.run(4_000).expect("the graph runs");
    }
    let (switches, ticks) = (switches(), ticks());
    thread::sleep(IDLE);
    println!(
        "8 idle contexts over {IDLE:?}: {} wake-ups, {} ticks of CPU",
        self::switches() - switches,
        self::ticks() - ticks,
    );
}

/// Bytes of memory in use.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("the second number is the resident set") * 4096
}

/// How often the process's other threads have run.
fn switches() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux has it");
    let me = std::process::id().to_string();
    tasks
        .filter_map(|task| {
            let task = task.ok()?;
            if task.file_name().to_string_lossy() == me {
                return None;
            }
            let status = fs::read_to_string(task.path().join("status")).ok()?;
            let line = status
                .lines()
                .find(|line| line.starts_with("voluntary_ctxt_switches"))?;
            line.rsplit('\t').next()?.trim().parse::<u64>().ok()
        })
        .sum()
}

/// Clock ticks of CPU the process has used.
fn ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux has it");
    let behind_name = stat.rsplit(')').next().expect("the name is in parentheses");
    let fields: Vec<&str> = behind_name.split_whitespace().collect();
    [fields[11], fields[12]]
        .iter()
        .filter_map(|field| field.parse::<u64>().ok())
        .sum()
}

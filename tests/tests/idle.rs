//! Workers that nobody uses cost nothing, whatever they did before.
//!
//! Alone in its process, so that all threads of simulated chips are this test's. That a chip's threads sleep is shown
//! in `platform`; here they have run programs of every kind, and missed a deadline.
#![cfg(target_os = "linux")]

use core::time::Duration;
use std::collections::BTreeMap;

use host::ArgDirection::Inout;
use tests::conformance::bench::{Bench, Buffer, impatient};
use tests::conformance::script::{Lanes, Mode, Step};
use tests::conformance::subject::{Language, Recipe};
use tests::conformance::subjects;

/// How often each thread of a simulated chip went to sleep so far.
fn sleeps() -> BTreeMap<String, u64> {
    let mut sleeps = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").expect("Linux lists threads") {
        let folder = task.expect("a thread").path();
        let name = std::fs::read_to_string(folder.join("comm")).expect("a thread has a name");
        if !name.starts_with("sim-") {
            continue;
        }
        let status = std::fs::read_to_string(folder.join("status")).expect("a thread has a status");
        let count = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
            .and_then(|count| count.trim().parse().ok())
            .expect("Linux counts context switches");
        sleeps.insert(format!("{} {}", folder.display(), name.trim()), count);
    }
    sleeps
}

#[test]
fn idle_workers_wake_nobody() {
    let subjects: Vec<_> = subjects(env!("CARGO_TARGET_TMPDIR")).collect();
    let benches: Vec<Bench<'_>> = subjects.iter().map(Bench::new).collect();
    for bench in &benches {
        for language in Language::ALL {
            let program = bench.registered(&Recipe {
                language,
                ..Recipe::rust(&[Inout; 2])
            });
            for together in [false, true] {
                if !bench.subject.runtime.has_blocks() {
                    break;
                }
                let (mut counter, mut marks) = ([0], [0; 3]);
                let blocks = [Step::blocks(0, 1, 1, together).on(Lanes::Cluster)];
                let buffers = vec![Buffer::Out(&mut counter), Buffer::Out(&mut marks)];
                bench
                    .run(&program, buffers, &blocks, &impatient())
                    .expect("a good run");
            }
            let mut data = [1];
            let fails = [Step::task(0, 0, 1, 1).with(Mode::Fail, 0)];
            bench
                .run(&program, vec![Buffer::Out(&mut data)], &fails, &impatient())
                .expect_err("the script says so");
            bench.proves_itself(&program);
        }
    }
    // Threads may still be on their way to sleep.
    std::thread::sleep(Duration::from_millis(300));
    let before = sleeps();
    assert!(before.len() >= benches.len(), "every chip has threads");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(sleeps(), before, "nobody woke up");
}

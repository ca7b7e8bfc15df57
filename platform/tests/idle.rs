//! A chip that nobody uses costs nothing.
//!
//! Alone in its process, so that all threads of simulated chips are this test's.
#![cfg(all(target_os = "linux", feature = "sim"))]

use core::time::Duration;
use std::sync::Arc;

use aicpu::Crew;
use platform::sim::{Chip, ChipOptions, Executor, RunEnd, RunOrder, SimCores};
use platform::{Device, DeviceContext, Orchestration, Program, RunOptions, RunReport};
use protocol::{A2a3, CallConfig, ChipStorageTaskArgs};

#[derive(Debug)]
struct Nothing;

impl Executor for Nothing {
    fn run(&self, _: &RunOrder, _: &SimCores, crew: &dyn Crew) -> RunEnd {
        // With a helper, so that one has to go back to sleep.
        crew.together(&|| {}, &|| {}, &mut || crew.call());
        RunEnd {
            loaded: false,
            result: Ok(RunReport::default()),
        }
    }

    fn progress(&self) -> u64 {
        0
    }

    fn abort(&self) {}

    fn describe(&self) -> String {
        String::new()
    }

    fn forget(&self, _: i32) {}
}

/// How often the threads of simulated chips went to sleep so far, and how many there are.
fn sleeps() -> (u64, usize) {
    let mut threads = 0;
    let mut sleeps = 0;
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
            .expect("Linux counts context switches");
        threads += 1;
        sleeps += count.trim().parse::<u64>().expect("a number");
    }
    (sleeps, threads)
}

#[test]
fn an_idle_chip_wakes_nobody() {
    let options = ChipOptions {
        helpers: Some(1),
        ..ChipOptions::new(|| Ok(Box::new(Nothing)))
    };
    let device: DeviceContext<A2a3, Chip> =
        DeviceContext::new("testsim", move |id| Chip::start::<A2a3>(id, &options));
    device.init(0).expect("a fresh context");
    let program = Program {
        orchestration: Orchestration::Trb(aicpu::trb::Orchestration::InProcess(Arc::new(
            |_, _| {},
        ))),
        signature: Vec::new(),
        kernels: Vec::new(),
    };
    device.prepare(0, &program).expect("a good program");
    let (args, config) = (ChipStorageTaskArgs::default(), CallConfig::default());
    for _ in 0..10 {
        // SAFETY: there are no tensors.
        unsafe { device.run(0, &args, &config, &RunOptions::default()) }.expect("a good run");
    }
    // Threads may still be on their way to sleep.
    std::thread::sleep(Duration::from_millis(200));
    let before = sleeps();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(before.1, 2, "a leader and the helper that was called");
    assert_eq!(sleeps(), before, "nobody woke up");
}

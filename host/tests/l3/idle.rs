//! What a worker costs that has nothing to do.

use core::time::Duration;

use host::team::{Args, Kind, Worker};

use crate::support::{chips, config, floats, one, subs};

pub(crate) fn idle_workers_cost_nothing(kind: Kind) {
    let functions = subs(kind, 8);
    one(&functions, "nothing", Args::new()).expect("it works");
    stays_asleep(&functions);
    drop(functions);
    // Chips that have run something, and that talk: their threads sleep too.
    let chips = chips(kind, &[("a2a3sim", 4)]);
    let comm = chips.communicator(&[0, 1, 2, 3], 4096, &[]);
    let sum = chips.named_program("sum").expect("it is registered");
    let (a, out) = (floats(&chips, 1.0, 64), floats(&chips, 0.0, 64));
    for chip in 0..4 {
        let args = Args::new().input(&a).input(&a).output_existing(&out);
        let run = chips.run_program(chip, &sum, args, &config());
        run.expect("it runs");
    }
    stays_asleep(&chips);
    drop(comm);
}

fn stays_asleep(worker: &Worker) {
    std::thread::sleep(Duration::from_millis(50));
    let processes: Vec<u32> = worker
        .children()
        .iter()
        .filter_map(|it| it.process)
        .chain([std::process::id()])
        .collect();
    let ticks = || processes.iter().map(|&pid| switches(pid)).sum::<u64>();
    let before = ticks();
    std::thread::sleep(Duration::from_millis(500));
    // Nobody was woken, so nobody used a core. A child that polled, if only once in ten milliseconds, would
    // make hundreds; the thread that counts makes a few.
    let woken = ticks() - before;
    assert!(woken <= 16, "{woken} switches while idle");
}

/// How often threads of a process went to sleep.
fn switches(pid: u32) -> u64 {
    let mut sum = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).expect("it lives") {
        let path = thread.expect("readable").path().join("status");
        let text = std::fs::read_to_string(path).expect("it lives");
        let counts = text
            .lines()
            .filter(|line| line.starts_with("voluntary_ctxt_switches"));
        sum += counts
            .map(|line| {
                line.split_whitespace()
                    .last()
                    .and_then(|it| it.parse::<u64>().ok())
                    .unwrap_or(0)
            })
            .sum::<u64>();
    }
    sum
}

//! What a run costs on a played chip and on a simulated one: the same program, empty of work.
//!
//! The difference is what the real chip's path adds on the host (copies, launches, waiting) and what playing costs
//! (processes that take turns on this machine's cores, an image with assertions), so that its size means little and a
//! jump in it a lot.

#[path = "../tests/support/mod.rs"]
mod support;

use core::time::Duration;
use std::time::Instant;

use platform::{Device, Kernel, Program};
use support::{Compiler, Runtime, aicpu_image, device, expected, limits, name, run_sums, sums};
use virtual_ascend::{Config, Family, Session, code_for_virtual_cores};

/// How long each is measured.
const TIME: Duration = Duration::from_secs(2);

/// The median of what a run takes.
fn measure(device: &dyn Device, links: u64) -> Duration {
    let (out, _) = run_sums(device, 0, links, (1, 2)).expect("a good run");
    assert_eq!(out, expected(links));
    let mut times = Vec::new();
    let end = Instant::now() + TIME;
    while Instant::now() < end {
        let started = Instant::now();
        run_sums(device, 0, links, (1, 2)).expect("a good run");
        times.push(started.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2]
}

/// The program with kernels for simulated cores.
fn simulated(program: &Program) -> Program {
    let mut program = program.clone();
    // What stands before the shared object in code for played cores.
    let head = code_for_virtual_cores(&[]).len();
    for kernel in &mut program.kernels {
        if let Kernel::Image(code) = &mut kernel.kernel {
            *code = code[head..].into();
        }
    }
    program
}

fn compare(family: Family, runtime: Runtime, links: u64) {
    let program = sums(family, runtime, &Compiler::native());
    let image = aicpu_image(family, runtime, "native");
    let session = Session::begin(&Config::new(family));
    let played = device(&session, family, &image, limits());
    let sim = match family {
        Family::A2a3 => platform_a2a3::sim(),
        Family::A5 => platform_a5::sim(),
    };
    let [played, sim] = [(played, program.clone()), (sim, simulated(&program))].map(
        |(device, program): (Box<dyn Device>, Program)| {
            device.init(0).expect("a chip of this process");
            device.prepare(0, &program).expect("a good program");
            let time = measure(&*device, links);
            device.finalize().expect("a good chip");
            time
        },
    );
    println!(
        "{:4} {:3} {:4} tasks: played {played:>10.1?} ({:6.0} runs/s), simulated {sim:>10.1?} ({:6.0} runs/s)",
        name(family),
        runtime.name(),
        links + 1,
        played.as_secs_f64().recip(),
        sim.as_secs_f64().recip(),
    );
}

fn main() {
    for family in [Family::A2a3, Family::A5] {
        for runtime in Runtime::ALL {
            for links in [1, 49] {
                compare(family, runtime, links);
            }
        }
    }
}

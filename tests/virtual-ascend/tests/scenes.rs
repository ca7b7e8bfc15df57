//! The scenes of both runtimes on played chips of both families, control CPUs of this machine's kind.

#[path = "support/device.rs"]
mod device;
#[path = "support/images.rs"]
mod images;
#[path = "support/lab.rs"]
mod lab;
#[path = "support/suite.rs"]
mod suite;

use std::process::ExitCode;

use lab::Play;
use virtual_ascend::Aicpu;

fn main() -> ExitCode {
    let play = Play {
        target: "native",
        aicpu: Aicpu::Native,
        compiler: None,
        runs: 2,
    };
    suite::run(&play)
}

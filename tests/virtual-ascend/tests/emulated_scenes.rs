//! The scenes of both runtimes with the image that a chip would load: aarch64, in an emulator.

#[path = "support/device.rs"]
mod device;
#[path = "support/emulation.rs"]
mod emulation;
#[path = "support/images.rs"]
mod images;
#[path = "support/lab.rs"]
mod lab;
#[path = "support/suite.rs"]
mod suite;

use std::process::ExitCode;

use lab::Play;

fn main() -> ExitCode {
    let play = Play {
        target: "aarch64",
        aicpu: emulation::player(),
        compiler: Some(emulation::compiler().join(" ")),
        // What a second run adds is shown by an image of this machine.
        runs: 1,
    };
    suite::run(&play)
}

//! Scenes with the image that a chip would load: aarch64, in an emulator.
//!
//! As many as one can wait for; with `SIMPLER_ALL_SCENES=1` all of them.

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

/// One of each kind: what an orchestration can do, what tasks can be, what can go wrong.
const REPRESENTATIVE: &[&str] = &[
    "alloc_tensors",
    "bgemm_pipe",
    "explicit_deps",
    "explicit_fatal",
    "fan",
    "graph_errors",
    "hbg_fan",
    "hbg_many_words",
    "hbg_vector_example",
    "initial_values",
    "manual_scope",
    "mixed_example",
    "overlap",
    "scalar_data",
    "spmd_basic",
    "spmd_sync_start",
    "tags",
    "vector_example",
];

/// What cannot be right there, and why.
const EXCEPT: &[(&str, &str)] = &[(
    "orchestration_throws",
    "an image for a chip has a C++ library of its own: that an orchestration threw is said, not its text",
)];

fn main() -> ExitCode {
    let all = std::env::var_os("SIMPLER_ALL_SCENES").is_some();
    let play = Play {
        target: "aarch64",
        aicpu: emulation::player(),
        compiler: Some(emulation::compiler().join(" ")),
    };
    suite::run(&play, EXCEPT, |scene| {
        all || REPRESENTATIVE.contains(&scene)
    })
}

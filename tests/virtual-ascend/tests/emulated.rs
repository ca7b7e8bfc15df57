//! Whole runs with the image that a chip would load: aarch64, in an emulator.
//!
//! Takes cargo-zigbuild with zig, a standard library for aarch64, qemu's user mode and the C library that
//! it loads; the feature `emulated` says that they are there.

mod support;

use std::path::PathBuf;
use std::process::Command;

use support::{
    Compiler, Runtime, aicpu_image, device, expected, limits, root, run, run_sums, sums,
};
use virtual_ascend::{Aicpu, Config, Family, Session};

fn zig(language: &str) -> Vec<String> {
    let zig = ["cargo-zigbuild", "zig", language, "--"];
    let target = ["-target", "aarch64-linux-gnu.2.17"];
    zig.into_iter().chain(target).map(str::to_owned).collect()
}

/// The program that plays control CPUs, for aarch64.
fn build_player(family: Family, runtime: Runtime) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let output = folder.join(format!("aicpu-{family:?}-{}", runtime.name()));
    let compiler = zig("cc");
    run(Command::new(&compiler[0])
        .args(&compiler[1..])
        .args(["-O1", "-rdynamic", "-pthread", "-o"])
        .arg(&output)
        .arg(root().join("tests/virtual-ascend/device/aicpu.c"))
        .arg("-ldl"));
    output
}

fn runs_of(family: Family, runtime: Runtime) {
    let image = aicpu_image(family, runtime, "aarch64");
    assert_eq!(image[18], 183, "the image is for a chip");
    let program = sums(family, runtime, &Compiler(zig("c++")));
    let session = Session::begin(&Config {
        aicpu: Aicpu::Emulated {
            emulator: vec!["qemu-aarch64-static".to_owned()],
            program: build_player(family, runtime),
        },
        ..Config::new(family)
    });
    let device = device(&session, family, &image, limits());
    device.init(0).expect("a played device");
    device.prepare(3, &program).expect("a good program");
    for (links, clusters, threads) in [(1, 1, 2), (5, 2, 3), (40, 2, 4)] {
        let (out, report) = run_sums(&*device, 3, links, (clusters, threads)).expect("a good run");
        assert_eq!(out, expected(links));
        assert_eq!((report.completed, report.kernels), (links + 1, links + 1));
    }
    device.unregister(3).expect("registered");
    device.finalize().expect("a played device");
    assert_eq!(session.complaints(), Vec::<String>::new());
}

#[test]
fn the_image_of_a2a3_runs() {
    runs_of(Family::A2a3, Runtime::Trb);
}

#[test]
fn the_image_of_a5_runs() {
    runs_of(Family::A5, Runtime::Trb);
}

#[test]
fn the_image_of_a2a3_for_graphs_built_on_the_host_runs() {
    runs_of(Family::A2a3, Runtime::Hbg);
}

#[test]
fn the_image_of_a5_for_graphs_built_on_the_host_runs() {
    runs_of(Family::A5, Runtime::Hbg);
}

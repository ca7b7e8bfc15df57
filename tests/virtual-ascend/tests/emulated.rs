//! Whole runs with the image that a chip would load: aarch64, in an emulator.
//!
//! What that takes is listed in `support/emulation.rs`.

#[path = "support/emulation.rs"]
mod emulation;
mod support;

use support::images;
use support::{Compiler, Runtime, aicpu_image, device, expected, limits, run_sums, sums};
use virtual_ascend::{Config, Family, Session};

fn runs_of(family: Family, runtime: Runtime) {
    let image = aicpu_image(family, runtime, "aarch64");
    assert_eq!(image[18], 183, "the image is for a chip");
    let program = sums(family, runtime, &Compiler(emulation::compiler()));
    let session = Session::begin(&Config {
        aicpu: emulation::player(),
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

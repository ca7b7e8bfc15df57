//! Whole runs on a played chip, control CPUs of this machine's kind.

mod support;

use support::{Compiler, aicpu_image, device, expected, limits, run_sums, sums};
use virtual_ascend::{Config, Family, Session};

fn runs_of(family: Family) {
    let image = aicpu_image(family, "native");
    let program = sums(family, &Compiler::native());
    let session = Session::begin(&Config::new(family));
    let device = device(&session, family, &image, limits());
    device.init(0).expect("a played device");
    device.prepare(3, &program).expect("a good program");
    for (links, clusters, threads) in [(1, 1, 2), (5, 2, 3), (40, 2, 4)] {
        let (out, report) = run_sums(&*device, 3, links, (clusters, threads)).expect("a good run");
        assert_eq!(out, expected(links));
        assert_eq!((report.completed, report.kernels), (links + 1, links + 1));
    }
    assert_eq!(device.aicpu_dlopen_count(), 1);
    device.unregister(3).expect("registered");
    device.finalize().expect("a played device");
    assert_eq!(session.complaints(), Vec::<String>::new());
    let calls = session.calls();
    let count = |function: &str| {
        calls
            .iter()
            .filter(|call| call.function == function)
            .count()
    };
    assert_eq!(
        count("rtRegisterAllKernel"),
        1,
        "the core program is registered once"
    );
    assert_eq!(count("rtStreamCreate"), 2, "streams stay");
    assert_eq!(count("rtDeviceReset"), 1);
    assert_eq!(count("rtMalloc"), count("rtFree"));
}

#[test]
fn a2a3_runs_end_to_end() {
    runs_of(Family::A2a3);
}

#[test]
fn a5_runs_end_to_end() {
    runs_of(Family::A5);
}

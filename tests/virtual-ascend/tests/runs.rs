//! Whole runs on a played chip, control CPUs of this machine's kind.

mod support;

use platform::Orchestration;
use support::{Compiler, Runtime, aicpu_image, device, expected, limits, run_sums, sums};
use virtual_ascend::{Config, Family, Session};

fn runs_of(family: Family, runtime: Runtime) {
    let image = aicpu_image(family, runtime, "native");
    let program = sums(family, runtime, &Compiler::native());
    let session = Session::begin(&Config::new(family));
    let device = device(&session, family, &image, limits());
    device.init(0).expect("a played device");
    device.prepare(3, &program).expect("a good program");
    for (links, clusters, threads) in [(1, 1, 2), (5, 2, 3), (40, 2, 4)] {
        let (out, report) = run_sums(&*device, 3, links, (clusters, threads)).expect("a good run");
        assert_eq!(out, expected(links));
        assert_eq!((report.completed, report.kernels), (links + 1, links + 1));
    }
    let loaded = match runtime {
        Runtime::Trb => device.aicpu_dlopen_count(),
        Runtime::Hbg => device.host_dlopen_count(),
    };
    assert_eq!(loaded, 1);
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
    runs_of(Family::A2a3, Runtime::Trb);
}

#[test]
fn a5_runs_end_to_end() {
    runs_of(Family::A5, Runtime::Trb);
}

#[test]
fn graphs_built_on_the_host_run_on_a2a3() {
    runs_of(Family::A2a3, Runtime::Hbg);
}

#[test]
fn graphs_built_on_the_host_run_on_a5() {
    runs_of(Family::A5, Runtime::Hbg);
}

/// As on a board, where each thread has a processor of its own and none sleeps.
#[test]
fn control_cpus_of_their_own_run_both_families_and_runtimes() {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let processors = u32::try_from(processors.min(2)).expect("one or two");
    for family in [Family::A2a3, Family::A5] {
        for runtime in Runtime::ALL {
            let image = aicpu_image(family, runtime, "native");
            let program = sums(family, runtime, &Compiler::native());
            let session = Session::begin(&Config {
                processors,
                pinned: true,
                ..Config::new(family)
            });
            let device = device(&session, family, &image, limits());
            device.init(0).expect("a played device");
            device.prepare(0, &program).expect("a good program");
            for links in [1, 20] {
                let threads = i32::try_from(processors).expect("one or two");
                let result = run_sums(&*device, 0, links, (1, threads));
                if runtime == Runtime::Trb && threads == 1 {
                    result.expect_err("one thread cannot build and schedule");
                    continue;
                }
                let (out, _) = result.expect("a good run");
                assert_eq!(out, expected(links));
            }
            device.finalize().expect("a played device");
            assert_eq!(session.complaints(), Vec::<String>::new());
        }
    }
}

#[test]
fn an_image_without_the_programs_runtime_is_refused_by_name() {
    let family = Family::A5;
    let image = aicpu_image(family, Runtime::Trb, "native");
    let session = Session::begin(&Config::new(family));
    let device = device(&session, family, &image, limits());
    device.init(0).expect("a played device");
    for (id, runtime) in [(0, Runtime::Hbg), (1, Runtime::Trb)] {
        let program = sums(family, runtime, &Compiler::native());
        device.prepare(id, &program).expect("a good program");
    }
    let error = run_sums(&*device, 0, 2, (1, 2)).expect_err("the image is for trb");
    assert!(error.to_string().contains("no runtime hbg"), "{error}");
    let (out, _) = run_sums(&*device, 1, 2, (1, 2)).expect("the chip is as good as before");
    assert_eq!(out, expected(2));
    device.finalize().expect("a played device");
    assert_eq!(session.complaints(), Vec::<String>::new());
}

#[test]
fn an_orchestration_without_the_entry_is_an_error_of_the_run_only() {
    let family = Family::A2a3;
    let image = aicpu_image(family, Runtime::Trb, "native");
    let good = sums(family, Runtime::Trb, &Compiler::native());
    let mut bad = good.clone();
    let Orchestration::Trb(aicpu::trb::Orchestration::Image(orchestration)) =
        &mut bad.orchestration
    else {
        unreachable!("made of a shared object");
    };
    orchestration.entry = c"no_such_entry".into();
    let session = Session::begin(&Config::new(family));
    let device = device(&session, family, &image, limits());
    device.init(0).expect("a played device");
    device
        .prepare(0, &bad)
        .expect("nobody has looked into it yet");
    device.prepare(1, &good).expect("a good program");
    let error = run_sums(&*device, 0, 2, (1, 2)).expect_err("it has no such entry");
    assert!(error.to_string().contains("no_such_entry"), "{error}");
    let (out, _) = run_sums(&*device, 1, 2, (1, 2)).expect("the chip is as good as before");
    assert_eq!(out, expected(2));
    device.finalize().expect("a played device");
    assert_eq!(session.complaints(), Vec::<String>::new());
}

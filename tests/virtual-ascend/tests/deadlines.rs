//! Runs that take too long as a whole while everything in them moves: they are ended, and the chip is as good as before.

mod support;

use core::time::Duration;

use platform::onboard::TimeLimits;
use platform::{Deadlines, Error, Kernel, Orchestration, Program, RunOptions};
use protocol::CallConfig;
use support::{
    Compiler, Runtime, aicpu_image, device, expected, limits, options, run_sums, run_sums_as, sums,
};
use virtual_ascend::{Config, Family, Session, code_for_virtual_cores};

/// More tasks than there is time for.
const ENDLESS: u64 = 1 << 40;

/// Runs a program with so many links, which must miss its deadline; the error.
fn ends(
    (family, runtime): (Family, Runtime),
    program: &Program,
    links: u64,
    run: Duration,
    limits: TimeLimits,
) -> Error {
    let image = aicpu_image(family, runtime, "native");
    // Where there are two processors, control CPUs have them, as on a board: they never sleep during a run.
    let several = std::thread::available_parallelism().is_ok_and(|processors| processors.get() > 1);
    let session = Session::begin(&Config {
        processors: 2,
        pinned: several,
        ..Config::new(family)
    });
    let device = device(&session, family, &image, limits);
    device.init(0).expect("a played device");
    device.prepare(0, program).expect("a good program");
    let config = CallConfig {
        block_dim: 1,
        aicpu_thread_num: 2,
        ..CallConfig::default()
    };
    let deadlines = Deadlines {
        run,
        ..Deadlines::default()
    };
    let hurried = RunOptions {
        deadlines,
        ..options()
    };
    let error = run_sums_as(&*device, 0, links, &config, &hurried)
        .expect_err("nobody can do that much in that time");
    let good = sums(family, runtime, &Compiler::native());
    device.prepare(1, &good).expect("a good program");
    let (out, _) = run_sums(&*device, 1, 2, (1, 2)).expect("the chip is as good as before");
    assert_eq!(out, expected(2));
    device.finalize().expect("a played device");
    assert_eq!(session.complaints(), Vec::<String>::new());
    assert!(
        session
            .calls()
            .iter()
            .all(|call| call.function != "aclrtResetDeviceForce"),
        "nothing had to be forced"
    );
    error
}

/// A program whose graph never comes to an end.
fn endless(family: Family) -> Program {
    let compiler = Compiler::native();
    let mut program = sums(family, Runtime::Trb, &compiler);
    let common = &["runtime-trb/include/orchestration/common.cpp"];
    let image = compiler.shared_object(family, Runtime::Trb, "endless.cpp", common);
    let image = aicpu::trb::Orchestration::image(image, "", "");
    program.orchestration = Orchestration::Trb(image.expect("names without zero bytes"));
    program
}

/// `error` names this limit.
fn missed(error: &Error, expected: Duration) {
    match error {
        Error::Deadline {
            missed: "end",
            limit,
            progress,
            ..
        } => {
            assert_eq!(*limit, expected, "{error}");
            assert!(*progress > 0, "{error}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_graph_that_is_built_for_ever() {
    let run = Duration::from_millis(300);
    for family in [Family::A2a3, Family::A5] {
        let on = (family, Runtime::Trb);
        let error = ends(on, &endless(family), ENDLESS, run, limits());
        missed(&error, run);
    }
}

#[test]
fn what_the_hardware_would_end_is_ended_before() {
    let short = TimeLimits {
        scheduler: Duration::from_millis(500),
        operation: Duration::from_secs(1),
        ..limits()
    };
    let run = Duration::from_secs(600);
    let on = (Family::A2a3, Runtime::Trb);
    let error = ends(on, &endless(on.0), ENDLESS, run, short);
    missed(&error, short.whole());
    let text = error.to_string();
    assert!(text.contains("SIMPLER_OP_EXECUTE_TIMEOUT_US"), "{text}");
}

#[test]
fn a_graph_with_more_tasks_than_there_is_time() {
    let run = Duration::from_secs(2);
    let (family, runtime) = (Family::A5, Runtime::Hbg);
    let mut program = sums(family, runtime, &Compiler::native());
    let slow = Compiler::native().shared_object(family, runtime, "slow_words.cpp", &[]);
    program.kernels[0].kernel = Kernel::Image(code_for_virtual_cores(&slow).into());
    // Five milliseconds each.
    let error = ends((family, runtime), &program, 2000, run, limits());
    missed(&error, run);
    let text = error.to_string();
    assert!(text.contains("2001 tasks"), "the chip had them: {text}");
}

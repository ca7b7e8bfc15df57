//! What the chip is asked to do and in which order, as the played libraries noted it down.

mod support;

use core::time::Duration;

use platform::Device;
use platform::onboard::TimeLimits;
use support::{Compiler, Runtime, aicpu_image, device, expected, limits, run_sums, sums};
use virtual_ascend::{Call, Config, Family, Misbehaviour, Session};

/// Attaches a device and prepares `sums` under id 0.
fn attached(session: &Session, family: Family, limits: TimeLimits) -> Box<dyn Device> {
    let image = aicpu_image(family, Runtime::Trb, "native");
    let device = device(session, family, &image, limits);
    device.init(0).expect("a played device");
    let program = sums(family, Runtime::Trb, &Compiler::native());
    device.prepare(0, &program).expect("a good program");
    device
}

/// The calls of these functions, in order.
fn only(session: &Session, functions: &[&str]) -> Vec<Call> {
    let calls = session.calls().into_iter();
    calls
        .filter(|it| functions.contains(&it.function))
        .collect()
}

fn names(calls: &[Call]) -> Vec<&'static str> {
    calls.iter().map(|call| call.function).collect()
}

const CORES: &str = "rtKernelLaunchWithHandleV2";
const CPUS: &str = "rtAicpuKernelLaunchExWithArgs";

#[test]
fn cores_are_launched_before_control_cpus_and_always_the_same_program_on_the_same_streams() {
    for family in [Family::A2a3, Family::A5] {
        let session = Session::begin(&Config::new(family));
        let device = attached(&session, family, limits());
        for links in 1..4 {
            let (out, _) = run_sums(&*device, 0, links, (2, 3)).expect("a good run");
            assert_eq!(out, expected(links));
        }
        let launches = only(&session, &[CORES, CPUS]);
        // Once the function with which the image is opened, on one control CPU; then each run, on all that there are.
        let (open, runs) = launches.split_first().expect("there were runs");
        assert_eq!(open.function, CPUS);
        assert_eq!((open.arguments[0], open.arguments[1]), (5, 1));
        assert_eq!(names(runs), [CORES, CPUS].repeat(3));
        let registered = only(&session, &["rtRegisterAllKernel"]);
        assert_eq!(registered.len(), 1);
        for run in runs.chunks(2) {
            let [cores, serve] = run else {
                unreachable!("two launches for each run")
            };
            // Program, tiling key, blocks, argument, stream, and that all are resident at once.
            assert_eq!(cores.arguments[0], runs[0].arguments[0], "one program");
            assert_eq!(cores.arguments[1..3], [0, 2]);
            assert_eq!(cores.arguments[4], runs[0].arguments[4], "one stream");
            assert_eq!(cores.arguments[5], 1);
            // Kind of kernel, threads, bytes, stream.
            assert_eq!((serve.arguments[0], serve.arguments[1]), (5, 6));
            assert_eq!(open.arguments[3], serve.arguments[3], "one stream for both");
            assert_ne!(
                open.arguments[3], cores.arguments[4],
                "and another for cores"
            );
        }
        assert_eq!(only(&session, &["rtStreamCreate"]).len(), 2);
        assert_eq!(only(&session, &["rtStreamDestroy"]).len(), 0);
        device.finalize().expect("a played device");
        // Streams, code and memory first, the device after them, and nothing after that.
        let calls = session.calls();
        let reset = calls.iter().rposition(|it| it.function == "rtDeviceReset");
        let last = calls.iter().rposition(|it| {
            ["rtStreamDestroy", "rtDevBinaryUnRegister", "rtFree"].contains(&it.function)
        });
        assert!(last < reset && reset.is_some(), "{last:?} {reset:?}");
    }
}

#[test]
fn limits_are_set_before_anything_runs_and_streams_are_waited_for_no_longer() {
    let session = Session::begin(&Config::new(Family::A2a3));
    let device = attached(&session, Family::A2a3, limits());
    run_sums(&*device, 0, 1, (1, 2)).expect("a good run");
    let limit = &only(&session, &["aclrtSetOpExecuteTimeOutV2"])[0];
    assert_eq!(
        limit.arguments,
        [20_000_000],
        "microseconds of one operation"
    );
    let waits = only(&session, &["aclrtSynchronizeStreamWithTimeout"]);
    assert_eq!(
        waits.len(),
        3,
        "the image is opened, then one for each stream"
    );
    assert!(
        waits.iter().all(|it| it.arguments[1] <= 30_000),
        "{waits:?}"
    );
}

#[test]
fn a_failed_run_is_followed_by_a_bounded_recovery_and_nothing_else() {
    let session = Session::begin(&Config::new(Family::A2a3));
    let short = TimeLimits {
        stream: Duration::from_secs(4),
        cores: Duration::from_millis(500),
        ..limits()
    };
    let device = attached(&session, Family::A2a3, short);
    session.misbehave(0, Some(Misbehaviour::KernelFails));
    run_sums(&*device, 0, 1, (1, 2)).expect_err("the image fails");
    session.forget_calls();
    run_sums(&*device, 0, 1, (1, 2)).expect_err("it is not used any more");
    assert_eq!(session.sequence(), [""; 0], "a condemned chip is not asked");
    drop(device);
    let calls: Vec<_> = session
        .sequence()
        .into_iter()
        .filter(|name| *name != "aclGetRecentErrMsg")
        .collect();
    // Drained in bounded time, reset by force, bound again, probed; handles from before are not touched, and no
    // plain reset follows.
    assert_eq!(
        calls,
        [
            "aclInit",
            "rtSetDevice",
            "aclrtSynchronizeDeviceWithTimeout",
            "aclrtResetDeviceForce",
            "rtSetDevice",
            "rtStreamCreate",
            "rtStreamDestroy",
            "rtMalloc",
            "rtFree",
            "aclFinalize",
        ]
    );
    let drained = &only(&session, &["aclrtSynchronizeDeviceWithTimeout"])[0];
    assert_eq!(drained.arguments, [500], "milliseconds");
}

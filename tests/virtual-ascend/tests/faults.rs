//! What is left when something fails: an error that names it, nothing leaked, and a chip that works
//! again or says that it does not.

mod support;

use std::collections::BTreeMap;

use platform::Device;
use platform::onboard::TimeLimits;
use support::{Compiler, Runtime, aicpu_image, device, expected, limits, run_sums, sums};
use virtual_ascend::{Config, Family, Misbehaviour, Session};

const LINKS: u64 = 3;
/// Not the chip's fault, so that the chip goes on being used.
const NO_MEMORY: i32 = 207_001;
/// The chip's fault.
const CORE_FAULT: i32 = 507_015;

/// A whole life: attached, a program, a run, given back.
fn story(device: &dyn Device, program: &platform::Program) -> platform::Result<Vec<f32>> {
    device.init(0)?;
    device.prepare(0, program)?;
    let (out, _) = run_sums(device, 0, LINKS, (1, 2))?;
    device.unregister(0)?;
    device.finalize()?;
    Ok(out)
}

/// How often each function is called in a whole life; those asked in a loop count as once.
fn calls_of_a_story(
    family: Family,
    image: &[u8],
    program: &platform::Program,
) -> Vec<(&'static str, u64)> {
    let session = Session::begin(&Config::new(family));
    let device = device(&session, family, image, limits());
    story(&*device, program).expect("nothing fails");
    let mut counts = BTreeMap::new();
    for call in session.calls() {
        *counts.entry(call.function).or_insert(0) += 1;
    }
    counts.insert("rtStreamQuery", 1);
    counts.into_iter().collect()
}

/// Calls without which a run is as good; memory for tensors is asked for again once all that is kept for
/// later is given back.
const OPTIONAL: &[&str] = &[
    "aclrtSetOpExecuteTimeOutV2",
    "dlog_setlevel",
    "halGetDeviceInfo",
    "rtMalloc",
    "rtMemset",
    "rtFree",
    "rtStreamDestroy",
    "rtDevBinaryUnRegister",
    "rtDeviceReset",
    "rtSetDevice",
];
/// Calls that give something back: if one fails, it is still there.
const GIVING_BACK: &[&str] = &[
    "rtFree",
    "rtStreamDestroy",
    "rtDevBinaryUnRegister",
    "rtDeviceReset",
    "rtSetDevice",
];

fn every_call_fails_once(family: Family, runtime: Runtime, code: i32) {
    let image = aicpu_image(family, runtime, "native");
    let program = sums(family, runtime, &Compiler::native());
    for (function, count) in calls_of_a_story(family, &image, &program) {
        for after in 0..count {
            let what = format!("{function}, call {after}");
            let session = Session::begin(&Config::new(family));
            session.fail(function, after, code);
            let first = device(&session, family, &image, limits());
            match story(&*first, &program) {
                Ok(out) => {
                    assert!(OPTIONAL.contains(&function), "{what}: the run went on");
                    assert_eq!(out, expected(LINKS), "{what}");
                }
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.contains(function), "{what}: {text}");
                    assert!(text.contains(&code.to_string()), "{what}: {text}");
                }
            }
            assert!(session.all_faults_met(), "{what} did not fail");
            // A context that failed may be given back at any point.
            drop(first);
            if !GIVING_BACK.contains(&function) {
                assert_eq!(session.complaints(), Vec::<String>::new(), "{what}");
                assert_eq!(session.live_allocations(0), 0, "{what}");
                assert_eq!(session.live_streams(), 0, "{what}");
            }
            let next = device(&session, family, &image, limits());
            let out =
                story(&*next, &program).unwrap_or_else(|error| panic!("after {what}: {error}"));
            assert_eq!(out, expected(LINKS), "after {what}");
        }
    }
}

#[test]
fn every_call_may_fail_for_want_of_memory_on_a2a3() {
    every_call_fails_once(Family::A2a3, Runtime::Trb, NO_MEMORY);
}

#[test]
fn every_call_may_fail_for_want_of_memory_on_a5() {
    every_call_fails_once(Family::A5, Runtime::Trb, NO_MEMORY);
}

#[test]
fn every_call_may_fail_with_a_fault_of_the_chip() {
    every_call_fails_once(Family::A2a3, Runtime::Trb, CORE_FAULT);
}

#[test]
fn every_call_may_fail_for_want_of_memory_while_a_graph_is_built_on_the_host() {
    every_call_fails_once(Family::A5, Runtime::Hbg, NO_MEMORY);
}

#[test]
fn every_call_may_fail_with_a_fault_of_the_chip_while_a_graph_is_built_on_the_host() {
    every_call_fails_once(Family::A2a3, Runtime::Hbg, CORE_FAULT);
}

/// Limits that a chip which does not answer is given.
fn short() -> TimeLimits {
    TimeLimits {
        stream: core::time::Duration::from_secs(4),
        cores: core::time::Duration::from_millis(500),
        ..limits()
    }
}

/// A chip goes wrong when its image is opened, and when a run is launched.
fn a_chip_goes_wrong(family: Family, wrong: Misbehaviour, says: &str) {
    for runs_before in 0..2 {
        goes_wrong_after(runs_before, family, wrong, says);
    }
}

/// A chip that went wrong after so many runs refuses the next, and after it was given back a new context works.
fn goes_wrong_after(runs_before: u32, family: Family, wrong: Misbehaviour, says: &str) {
    let image = aicpu_image(family, Runtime::Trb, "native");
    let program = sums(family, Runtime::Trb, &Compiler::native());
    let session = Session::begin(&Config::new(family));
    let first = device(&session, family, &image, short());
    first.init(0).expect("a played device");
    first.prepare(0, &program).expect("a good program");
    for _ in 0..runs_before {
        run_sums(&*first, 0, LINKS, (1, 2)).expect("nothing is wrong yet");
    }
    session.misbehave(0, Some(wrong));
    let error = run_sums(&*first, 0, LINKS, (1, 2)).expect_err("the chip went wrong");
    assert!(error.to_string().contains(says), "{error}");
    let refused = run_sums(&*first, 0, LINKS, (1, 2)).expect_err("it is not used any more");
    assert!(
        refused.to_string().contains("device 0 is unusable"),
        "{refused}"
    );
    drop(first);
    assert!(
        session
            .calls()
            .iter()
            .any(|call| call.function == "aclrtResetDeviceForce"),
        "a plain reset does not help"
    );
    let next = device(&session, family, &image, limits());
    assert_eq!(
        story(&*next, &program).expect("the chip was reset"),
        expected(LINKS)
    );
    assert_eq!(session.complaints(), Vec::<String>::new());
}

#[test]
fn an_image_that_fails() {
    a_chip_goes_wrong(Family::A2a3, Misbehaviour::KernelFails, "507018");
}

#[test]
fn control_cpus_that_crash() {
    a_chip_goes_wrong(Family::A5, Misbehaviour::KernelCrashes, "507018");
}

#[test]
fn control_cpus_that_hang() {
    a_chip_goes_wrong(Family::A2a3, Misbehaviour::KernelHangs, "507046");
}

#[test]
fn an_image_that_the_loader_did_not_take() {
    let says = "another image is on the chip";
    goes_wrong_after(0, Family::A5, Misbehaviour::KernelIsAnother, says);
}

#[test]
fn cores_that_do_not_answer() {
    a_chip_goes_wrong(Family::A5, Misbehaviour::MuteCores(1), "core");
}

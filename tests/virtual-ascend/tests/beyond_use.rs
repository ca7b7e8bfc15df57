//! A chip that cannot be reset is declared unusable.
//!
//! In a program of its own: for the rest of the process such a chip keeps the image it had, and no other test
//! could use it.

mod support;

use core::time::Duration;

use platform::onboard::TimeLimits;
use support::{Compiler, Runtime, aicpu_image, device, expected, limits, run_sums, sums};
use virtual_ascend::{Config, Family, Misbehaviour, Session};

const LINKS: u64 = 3;

#[test]
fn a_chip_that_cannot_be_reset() {
    let short = TimeLimits {
        stream: Duration::from_secs(4),
        cores: Duration::from_millis(500),
        ..limits()
    };
    let family = Family::A2a3;
    let image = aicpu_image(family, Runtime::Trb, "native");
    let program = sums(family, Runtime::Trb, &Compiler::native());
    let session = Session::begin(&Config::new(family));
    let first = device(&session, family, &image, short);
    first.init(0).expect("a played device");
    first.prepare(0, &program).expect("a good program");
    let (out, _) = run_sums(&*first, 0, LINKS, (1, 2)).expect("nothing is wrong yet");
    assert_eq!(out, expected(LINKS));
    session.misbehave(0, Some(Misbehaviour::KernelFails));
    run_sums(&*first, 0, LINKS, (1, 2)).expect_err("the image fails");
    session.misbehave(0, Some(Misbehaviour::ResetFails));
    drop(first);
    let resets = session
        .calls()
        .iter()
        .filter(|call| call.function == "aclrtResetDeviceForce")
        .count();
    assert_eq!(resets, 3, "it is tried again, but not for ever");
    let next = device(&session, family, &image, limits());
    let error = next
        .init(0)
        .and_then(|()| next.prepare(0, &program))
        .and_then(|()| run_sums(&*next, 0, LINKS, (1, 2)).map(drop))
        .expect_err("the chip is beyond use");
    assert!(error.to_string().contains("507899"), "{error}");
}

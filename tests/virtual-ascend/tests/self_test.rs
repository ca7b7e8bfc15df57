//! The steps by which somebody with a board finds out what is wrong.

use platform::cann::Search;
use platform::onboard::{Check, self_test};
use virtual_ascend::{Config, Family, Session};

fn checks(session: &Session, family: Family, device: i32) -> Vec<Check> {
    let search = Search::only(session.libraries());
    match family {
        Family::A2a3 => self_test::<protocol::A2a3>(&search, device, &platform_a2a3::FAMILY),
        Family::A5 => self_test::<protocol::A5>(&search, device, &platform_a5::FAMILY),
    }
}

#[test]
fn a_good_chip_passes_every_step() {
    for (family, clusters) in [(Family::A2a3, 24), (Family::A5, 36)] {
        let session = Session::begin(&Config::new(family));
        let checks = checks(&session, family, 0);
        assert!(
            checks.iter().all(|check| check.result.is_ok()),
            "{checks:?}"
        );
        let registers = checks.iter().find(|check| check.step.contains("registers"));
        let found = registers.and_then(|check| check.result.clone().ok());
        let wanted = format!("{clusters} clusters");
        assert!(
            found.is_some_and(|found| found.contains(&wanted)),
            "{checks:?}"
        );
        assert_eq!(
            checks.last().map(|check| check.step),
            Some("reset the device")
        );
        assert_eq!(session.complaints(), Vec::<String>::new());
    }
}

#[test]
fn the_step_that_fails_is_the_last_and_names_the_call() {
    for (function, step) in [
        ("rtSetDevice", "bind a thread"),
        ("halMemCtl", "map the cores' registers"),
        ("rtMemcpy", "write and read device memory"),
        ("rtStreamCreate", "create streams"),
        ("rtDeviceReset", "reset the device"),
    ] {
        let session = Session::begin(&Config::new(Family::A2a3));
        session.fail(function, 0, 507_899);
        let checks = checks(&session, Family::A2a3, 0);
        let last = checks.last().expect("there are steps");
        assert_eq!(last.step, step);
        let why = last.result.as_ref().expect_err("it failed");
        assert!(why.contains(function), "{why}");
    }
}

#[test]
fn a_device_that_is_not_there_is_a_failed_step() {
    let session = Session::begin(&Config::new(Family::A5));
    let checks = checks(&session, Family::A5, 3);
    let last = checks.last().expect("there are steps");
    assert_eq!(last.step, "bind a thread");
    assert!(
        last.result
            .as_ref()
            .is_err_and(|why| why.contains("107001")),
        "{last:?}"
    );
}

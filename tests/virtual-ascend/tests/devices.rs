//! Several devices, several contexts, and what they may not share.

mod support;

use std::thread;

use support::{Compiler, Runtime, aicpu_image, device, expected, limits, run_sums, sums};
use virtual_ascend::{Config, Family, Session};

/// Each of two devices has an image of its own: what one runs is nothing to the other.
fn two_devices_at_once(runtimes: [Runtime; 2]) {
    let family = Family::A2a3;
    let images = runtimes.map(|runtime| aicpu_image(family, runtime, "native"));
    let programs = runtimes.map(|runtime| sums(family, runtime, &Compiler::native()));
    let session = Session::begin(&Config {
        devices: 2,
        ..Config::new(family)
    });
    thread::scope(|scope| {
        for (number, (image, program)) in (0..).zip(images.iter().zip(&programs)) {
            let session = &session;
            scope.spawn(move || {
                let device = device(session, family, image, limits());
                device.init(number).expect("a played device");
                device.prepare(0, program).expect("a good program");
                for links in 1..4 {
                    let (out, _) = run_sums(&*device, 0, links, (2, 3)).expect("a good run");
                    assert_eq!(out, expected(links), "device {number}");
                }
                device.finalize().expect("a played device");
            });
        }
    });
    assert_eq!(session.complaints(), Vec::<String>::new());
    for number in 0..2 {
        assert_eq!(session.live_allocations(number), 0);
    }
}

#[test]
fn two_devices_run_at_once() {
    two_devices_at_once([Runtime::Trb, Runtime::Trb]);
}

#[test]
fn two_devices_run_different_runtimes_at_once() {
    two_devices_at_once([Runtime::Trb, Runtime::Hbg]);
}

#[test]
fn a_device_serves_one_context_of_a_process() {
    let family = Family::A5;
    let image = aicpu_image(family, Runtime::Trb, "native");
    let program = sums(family, Runtime::Trb, &Compiler::native());
    let session = Session::begin(&Config::new(family));
    let (first, second) = (
        device(&session, family, &image, limits()),
        device(&session, family, &image, limits()),
    );
    first.init(0).expect("a played device");
    let refused = second.init(0).expect_err("the image serves one");
    assert!(refused.to_string().contains("attached"), "{refused}");
    for device in [&first, &second] {
        if device.device_id().is_none() {
            device.init(0).expect("the other has gone");
        }
        device.prepare(0, &program).expect("a good program");
        let (out, _) = run_sums(&**device, 0, 2, (1, 2)).expect("a good run");
        assert_eq!(out, expected(2));
        device.finalize().expect("a played device");
    }
    assert_eq!(session.complaints(), Vec::<String>::new());
}

#[test]
fn more_control_cpus_than_there_are_is_an_error() {
    let family = Family::A5;
    let image = aicpu_image(family, Runtime::Trb, "native");
    let program = sums(family, Runtime::Trb, &Compiler::native());
    let session = Session::begin(&Config::new(family));
    let device = device(&session, family, &image, limits());
    device.init(0).expect("a played device");
    device.prepare(0, &program).expect("a good program");
    let refused = run_sums(&*device, 0, 2, (6, 7)).expect_err("there are six");
    assert!(
        refused.to_string().contains("7 control CPUs of 6"),
        "{refused}"
    );
    let (out, _) = run_sums(&*device, 0, 2, (5, 6)).expect("a good run");
    assert_eq!(out, expected(2));
}

//! A process that may see some of a machine's devices only.
//!
//! In a program of its own: which ones is a variable of the environment.

mod support;

use support::{Compiler, Runtime, aicpu_image, device, expected, limits, run_sums, sums};
use virtual_ascend::{Config, Family, Session};

#[test]
fn the_driver_is_asked_about_the_device_behind_the_number() {
    // SAFETY: this is the only test of the program, and nothing else has begun.
    unsafe { std::env::set_var("ASCEND_RT_VISIBLE_DEVICES", "2,1") };
    let family = Family::A2a3;
    let image = aicpu_image(family, Runtime::Trb, "native");
    let program = sums(family, Runtime::Trb, &Compiler::native());
    let session = Session::begin(&Config {
        devices: 3,
        visible: vec![2, 1],
        ..Config::new(family)
    });
    for number in 0..2 {
        let device = device(&session, family, &image, limits());
        session.forget_calls();
        device.init(number).expect("a played device");
        device.prepare(0, &program).expect("a good program");
        let (out, _) = run_sums(&*device, 0, 2, (1, 2)).expect("a good run");
        assert_eq!(out, expected(2));
        device.finalize().expect("a played device");
        let physical = [2, 1][usize::try_from(number).expect("small")];
        for call in session.calls() {
            if call.function.starts_with("hal") {
                assert_eq!(call.arguments[0], physical, "{call:?}");
            }
            if ["rtSetDevice", "rtDeviceReset"].contains(&call.function) {
                assert_eq!(call.arguments[0], number.unsigned_abs().into(), "{call:?}");
            }
        }
    }
    let device = device(&session, family, &image, limits());
    let refused = device.init(2).expect_err("two devices are visible");
    assert!(
        refused.to_string().contains("ASCEND_RT_VISIBLE_DEVICES"),
        "{refused}"
    );
    assert_eq!(session.complaints(), Vec::<String>::new());
}

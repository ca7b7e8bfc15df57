//! The steps by which somebody with a board finds out what is wrong.

#[path = "support/images.rs"]
mod images;

use images::{Runtime, aicpu_image, core_program};
use platform::cann::Search;
use platform::onboard::{Images, Progress, STEPS, SelfTest, soc_name};
use virtual_ascend::{Config, Family, Misbehaviour, Session};

/// Names of the steps that were done, and what came out of each.
type Done = Vec<(&'static str, Result<String, String>)>;

fn walk(session: &Session, family: Family, device: i32, images: Option<&Images>) -> (bool, Done) {
    let search = Search::only(session.libraries());
    let mut done = Done::new();
    let mut trying = None;
    let mut say = |progress: Progress<'_>| match progress {
        Progress::Trying(step) => trying = Some(step.name),
        Progress::Done(step, result) => {
            assert_eq!(trying.take(), Some(step.name), "it was announced");
            done.push((step.name, result.clone()));
        }
    };
    let test = |family| SelfTest {
        search: &search,
        device,
        family,
        images,
    };
    let passed = match family {
        Family::A2a3 => test(&platform_a2a3::FAMILY).run::<protocol::A2a3>(&mut say),
        Family::A5 => test(&platform_a5::FAMILY).run::<protocol::A5>(&mut say),
    };
    (passed, done)
}

fn images(family: Family) -> Images {
    Images::new(aicpu_image(family, Runtime::Trb, "native"), core_program())
        .expect("an image of this build")
}

#[test]
fn a_good_chip_passes_every_step() {
    for (family, clusters, chip) in [
        (Family::A2a3, 24, "Ascend910B"),
        (Family::A5, 36, "Ascend950"),
    ] {
        let session = Session::begin(&Config::new(family));
        let (passed, done) = walk(&session, family, 0, Some(&images(family)));
        assert!(passed, "{done:?}");
        let names: Vec<_> = done.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, STEPS.each_ref().map(|step| step.name));
        let (_, found) = &done[3];
        let wanted = format!("{clusters} clusters of cores; {chip}-virtual");
        assert_eq!(found.as_deref(), Ok(wanted.as_str()));
        assert_eq!(session.complaints(), Vec::<String>::new());
        let soc = soc_name(&Search::only(session.libraries()), 0);
        assert!(soc.is_ok_and(|name| name.starts_with(chip)));
    }
}

#[test]
fn without_images_nothing_is_loaded() {
    let session = Session::begin(&Config::new(Family::A2a3));
    let (passed, done) = walk(&session, Family::A2a3, 0, None);
    assert!(passed, "{done:?}");
    assert_eq!(done.len(), STEPS.len() - 1);
    assert!(!session.sequence().contains(&"rtRegisterAllKernel"));
}

#[test]
fn the_step_that_fails_is_the_last_and_names_the_call() {
    for (function, step) in [
        ("rtSetDevice", "bind a thread"),
        ("halMemCtl", "map the cores' registers"),
        ("rtMemcpy", "write and read device memory"),
        ("rtStreamCreate", "create streams"),
        ("rtAicpuKernelLaunchExWithArgs", "load the images"),
        ("rtDeviceReset", "reset the device"),
    ] {
        let session = Session::begin(&Config::new(Family::A2a3));
        session.fail(function, 0, 507_899);
        let (passed, done) = walk(&session, Family::A2a3, 0, Some(&images(Family::A2a3)));
        assert!(!passed);
        let (last, result) = done.last().expect("there are steps");
        assert_eq!(*last, step);
        let why = result.as_ref().expect_err("it failed");
        assert!(why.contains(function), "{why}");
        assert_eq!(session.live_streams(), 0, "{step}");
        assert_eq!(session.live_allocations(0), 0, "{step}");
    }
}

#[test]
fn a_loader_that_fails_leaves_a_chip_that_works() {
    let session = Session::begin(&Config::new(Family::A5));
    session.misbehave(0, Some(Misbehaviour::KernelFails));
    let (passed, done) = walk(&session, Family::A5, 0, Some(&images(Family::A5)));
    assert!(!passed);
    let (last, result) = done.last().expect("there are steps");
    assert_eq!(*last, "load the images");
    assert!(result.as_ref().is_err_and(|why| why.contains("507018")));
    let (passed, done) = walk(&session, Family::A5, 0, Some(&images(Family::A5)));
    assert!(passed, "{done:?}");
    assert_eq!(session.complaints(), Vec::<String>::new());
}

#[test]
fn a_device_that_is_not_there_is_a_failed_step() {
    let session = Session::begin(&Config::new(Family::A5));
    let (passed, done) = walk(&session, Family::A5, 3, None);
    assert!(!passed);
    let (last, result) = done.last().expect("there are steps");
    assert_eq!(*last, "bind a thread");
    assert!(result.as_ref().is_err_and(|why| why.contains("107001")));
}

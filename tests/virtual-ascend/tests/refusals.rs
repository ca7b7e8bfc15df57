//! What is not there, or not allowed: an error that names it, and nothing changed.

mod support;

use std::path::Path;
use std::sync::Arc;

use platform::cann::{Library, Search};
use platform::onboard::{ChipOptions, Images, TimeLimits};
use platform::{Device, Error};
use support::images::core_program;
use support::{Compiler, Runtime, aicpu_image, device, expected, limits, run_sums, sums};
use virtual_ascend::{Config, Family, LIBRARIES, Misbehaviour, Session};

/// A device on the libraries of a folder, with these images.
fn device_on(folder: &Path, image: &[u8], cores: Vec<u8>) -> Box<dyn Device> {
    let library = Library::open(&Search::only(folder)).expect("they are all there");
    platform_a2a3::onboard(ChipOptions {
        library: Arc::new(library),
        family: platform_a2a3::FAMILY,
        images: Some(Images::new(image, cores).expect("an image of this build")),
        limits: limits(),
        log_level: Some(2),
    })
}

/// A life with a run in it.
fn story(device: &dyn Device, program: &platform::Program) -> platform::Result<Vec<f32>> {
    device.init(0)?;
    device.prepare(0, program)?;
    let (out, _) = run_sums(device, 0, 2, (1, 2))?;
    device.unregister(0)?;
    device.finalize()?;
    Ok(out)
}

/// Functions that a life on a2a3 can do without, or has no use for.
const OPTIONAL: &[&str] = &[
    "HcclAllocComResourceByTiling",
    "HcclBarrier",
    "HcclCommDestroy",
    "HcclCommInitRootInfo",
    "HcclGetCommName",
    "HcclGetRootInfo",
    "HcomGetCommHandleByGroup",
    "HcomGetL0TopoTypeEx",
    "aclFinalize",
    "aclGetRecentErrMsg",
    "aclInit",
    "aclrtGetStreamResLimit",
    "aclrtResetDeviceForce",
    "aclrtSetOpExecuteTimeOutV2",
    "aclrtSynchronizeDeviceWithTimeout",
    "dlog_setlevel",
    "halGetDeviceInfo",
    "halHostRegister",
    "halHostUnregister",
    "halResMap",
    "rtDevBinaryUnRegister",
    "rtDeviceReset",
    "rtFree",
    "rtGetSocVersion",
    "rtStreamDestroy",
    "rtStreamQuery",
    "rtStreamSynchronize",
    "rtStreamSynchronizeWithTimeout",
];

/// Functions without which what was had stays with the device until its reset.
const GIVING_BACK: &[&str] = &["rtDevBinaryUnRegister", "rtFree", "rtStreamDestroy"];

#[test]
fn a_missing_function_is_named_or_done_without() {
    let image = aicpu_image(Family::A2a3, Runtime::Trb, "native");
    let program = sums(Family::A2a3, Runtime::Trb, &Compiler::native());
    for function in LIBRARIES.iter().flat_map(|(_, functions)| *functions) {
        let session = Session::begin(&Config::new(Family::A2a3));
        let device = device_on(&session.libraries_without(function), &image, core_program());
        match story(&*device, &program) {
            Ok(out) => {
                assert!(OPTIONAL.contains(function), "{function} was not missed");
                assert_eq!(out, expected(2), "without {function}");
            }
            Err(error) => {
                assert!(!OPTIONAL.contains(function), "{error}");
                let text = error.to_string();
                assert!(text.starts_with(&format!("{function} is not in")), "{text}");
                assert!(text.contains("this CANN is older"), "{text}");
            }
        }
        drop(device);
        if !GIVING_BACK.contains(function) {
            assert_eq!(
                session.complaints(),
                Vec::<String>::new(),
                "without {function}"
            );
        }
    }
}

#[test]
fn a_device_that_is_not_there_changes_nothing() {
    let family = Family::A2a3;
    let image = aicpu_image(family, Runtime::Trb, "native");
    let session = Session::begin(&Config::new(family));
    let device = device(&session, family, &image, limits());
    let error = device.init(2).expect_err("there is one device");
    assert!(error.to_string().contains("107001"), "{error}");
    assert_eq!(error.code(), 107_001);
    assert_eq!(
        session.sequence(),
        ["rtSetDevice", "aclGetRecentErrMsg"][..1]
    );
    assert_eq!(device.device_id(), None);
    let program = sums(family, Runtime::Trb, &Compiler::native());
    assert_eq!(
        story(&*device, &program).expect("the right number"),
        expected(2)
    );
    assert_eq!(session.complaints(), Vec::<String>::new());
}

#[test]
fn a_chip_that_failed_is_unusable_and_not_out_of_memory() {
    let family = Family::A2a3;
    let image = aicpu_image(family, Runtime::Trb, "native");
    let program = sums(family, Runtime::Trb, &Compiler::native());
    let session = Session::begin(&Config::new(family));
    let short = TimeLimits {
        stream: core::time::Duration::from_secs(4),
        ..limits()
    };
    let device = device(&session, family, &image, short);
    device.init(0).expect("a played device");
    let kept = device.malloc(4096).expect("there is memory");
    device.prepare(0, &program).expect("a good program");
    session.misbehave(0, Some(Misbehaviour::KernelFails));
    run_sums(&*device, 0, 2, (1, 2)).expect_err("the image fails");
    let calls = session.calls().len();
    let unusable = |error: &Error| matches!(error, Error::Unusable { device: 0, .. });
    let refused = device
        .malloc(64)
        .expect_err("the chip is not used any more");
    assert!(unusable(&refused), "{refused}");
    let refused = device
        .copy_to(kept, &[1; 16])
        .expect_err("the chip is not used any more");
    assert!(unusable(&refused), "{refused}");
    assert_eq!(session.calls().len(), calls, "nothing of it was asked");
}

#[test]
fn a_device_that_is_lost_in_a_transfer_is_unusable() {
    let family = Family::A5;
    let image = aicpu_image(family, Runtime::Trb, "native");
    for (code, function) in [
        (507_901, "rtMemcpy"),
        (507_010, "rtMemcpy"),
        (507_899, "rtMalloc"),
    ] {
        let session = Session::begin(&Config::new(family));
        let device = device(&session, family, &image, limits());
        device.init(0).expect("a played device");
        let memory = device.malloc(4096).expect("there is memory");
        session.fail(function, 0, code);
        let error = match function {
            "rtMalloc" => device.malloc(4096).map(drop),
            _ => device.copy_to(memory, &[1; 16]),
        };
        let error = error.expect_err("the link is gone");
        assert_eq!(error.code(), code, "{error}");
        let refused = device.malloc(64).expect_err("it is not used any more");
        assert!(matches!(refused, Error::Unusable { .. }), "{refused}");
        drop(device);
        let calls = session.sequence();
        assert!(calls.contains(&"aclrtResetDeviceForce"), "{calls:?}");
    }
}

#[test]
fn memory_that_is_full_says_how_much_was_asked_for() {
    let family = Family::A2a3;
    let image = aicpu_image(family, Runtime::Trb, "native");
    let session = Session::begin(&Config::new(family));
    let device = device(&session, family, &image, limits());
    device.init(0).expect("a played device");
    let error = device.malloc(1 << 40).expect_err("nobody has that much");
    assert!(
        matches!(error, Error::OutOfMemory { bytes, .. } if bytes == 1 << 40),
        "{error}"
    );
    assert!(error.to_string().contains("207001"), "{error}");
    device.malloc(64).expect("that much there is");
}

#[test]
fn results_do_not_depend_on_which_cluster_is_missing() {
    let family = Family::A2a3;
    let image = aicpu_image(family, Runtime::Trb, "native");
    let program = sums(family, Runtime::Trb, &Compiler::native());
    for missing in [None, Some(0), Some(12), Some(24)] {
        let session = Session::begin(&Config {
            missing_cluster: missing,
            ..Config::new(family)
        });
        let device = device(&session, family, &image, limits());
        let out = story(&*device, &program).expect("a good run");
        assert_eq!(out, expected(2), "without cluster {missing:?}");
        assert_eq!(session.complaints(), Vec::<String>::new());
    }
}

/// What the played libraries say about a thread that nobody bound: the other tests rely on it.
#[test]
fn a_thread_that_is_not_bound_is_complained_about() {
    type Allocate = unsafe extern "C" fn(*mut u64, u64, u32, u16) -> i32;
    let session = Session::begin(&Config::new(Family::A2a3));
    let path = session.libraries().join("libruntime.so");
    // SAFETY: a played library without initialisers.
    let library = unsafe { libloading::Library::new(path) }.expect("made by the build");
    // SAFETY: the type is the vendor's.
    let allocate = unsafe { library.get::<Allocate>(b"rtMalloc\0") }.expect("it is played");
    let mut address = 0;
    // SAFETY: the out parameter is ours.
    let code = unsafe { allocate(&raw mut address, 64, 2, 0) };
    assert_eq!(code, 107_002);
    assert!(session.complaints()[0].contains("not bound"));
}

#[test]
fn a_core_program_without_its_entries_is_not_run() {
    let image = aicpu_image(Family::A2a3, Runtime::Trb, "native");
    let program = sums(Family::A2a3, Runtime::Trb, &Compiler::native());
    let session = Session::begin(&Config::new(Family::A2a3));
    let mut cores = core_program();
    let at = cores.windows(7).position(|part| part == b"mix_aiv");
    cores[at.expect("an entry")..][..7].copy_from_slice(b"mix_aim");
    let device = device_on(session.libraries(), &image, cores);
    let error = story(&*device, &program).expect_err("vector cores have no entry");
    assert!(error.to_string().contains("rtRegisterAllKernel"), "{error}");
    let complaints = session.complaints().join("\n");
    assert!(
        complaints.contains("aicore_kernel_0_mix_aiv"),
        "{complaints}"
    );
}

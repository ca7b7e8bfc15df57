//! The host runtime of a real chip as a shared object, loaded by a program that knows only its C interface.
//!
//! In a program of its own: where CANN is looked for is a variable of the environment, which is set before there is a
//! second thread.

#[path = "support/library.rs"]
mod library;
mod support;

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::thread;

use host::ChipWorker;
use library::folder;
use platform::Device;
use platform::onboard::device_of_programs;
use protocol::A2a3;
use support::images;
use support::images::core_program;
use support::{Compiler, Runtime, aicpu_image, expected, name, run_sums, sums};
use virtual_ascend::{Config, Family, Session};

/// A device behind the C interface of the libraries in a folder.
fn open(folder: &Path) -> Box<dyn Device> {
    // SAFETY: this test has just written the folder.
    let worker = unsafe { ChipWorker::open(folder) }.expect("a complete folder");
    worker.into_device()
}

fn runs(family: Family, runtime: Runtime) {
    let folder = folder(family, runtime);
    let session = Session::begin(&Config::new(family));
    let device = open(&folder);
    assert_eq!(device.platform(), name(family));
    device.init(1).expect_err("there is one device");
    device.init(0).expect("a played device");
    let program = sums(family, runtime, &Compiler::native());
    device.prepare(5, &program).expect("a good program");
    for links in 1..4 {
        let (out, _) = run_sums(&*device, 5, links, (2, 3)).expect("a good run");
        assert_eq!(out, expected(links));
    }
    let memory = device.malloc(4096).expect("there is memory");
    device.copy_to(memory, &[7; 4096]).expect("its own memory");
    let mut read = vec![0; 4096];
    device.copy_from(&mut read, memory).expect("its own memory");
    assert_eq!(read, [7; 4096]);
    device.free(memory).expect("its own memory");
    session.fail("rtMemcpy", 0, 107_000);
    let error = run_sums(&*device, 5, 1, (1, 2)).expect_err("a transfer fails");
    assert!(error.to_string().contains("107000"), "{error}");
    // An orchestration of the host's ends with a code of its own.
    if runtime == Runtime::Trb {
        assert_eq!(error.code(), 107_000);
    }
    device.unregister(5).expect("registered");
    device.finalize().expect("a played device");
    drop(device);
    let image = aicpu_image(family, runtime, "native");
    let next = support::device(&session, family, &image, support::limits());
    next.init(0).expect("the chip was given back");
    next.finalize().expect("a played device");
    assert_eq!(session.complaints(), Vec::<String>::new());
    assert_eq!(session.live_allocations(0), 0);
    let levels = session.calls();
    let level = levels.iter().find(|call| call.function == "dlog_setlevel");
    assert!(level.is_some(), "the caller's level reaches CANN");
}

fn ranks(folder: &Path) {
    let session = Session::begin(&Config {
        devices: 2,
        ..Config::new(Family::A2a3)
    });
    let meeting = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("c-library-root");
    thread::scope(|scope| {
        for rank in 0..2 {
            let meeting = meeting.to_str().expect("text").as_bytes();
            scope.spawn(move || {
                let device = open(folder);
                device.init(rank).expect("a played device");
                let patience = Duration::from_secs(20);
                let mut comm = device.join(rank, 2, meeting, patience).expect("a stream");
                let context = comm.alloc_windows(4096).expect("both come");
                let base = comm.window_base();
                assert!(context.0 != 0 && base.0 != 0);
                assert_eq!(comm.window_bytes(), 1 << 20);
                let own = vec![u8::try_from(rank + 1).expect("small"); 4096];
                device.copy_to(base, &own).expect("a window");
                comm.barrier().expect("both are there");
                let mut read = vec![0; 4096];
                device.copy_from(&mut read, base).expect("a window");
                assert_eq!(read, own);
                comm.destroy().expect("both leave");
                device.finalize().expect("a played device");
            });
        }
    });
    assert_eq!(session.complaints(), Vec::<String>::new());
}

/// A process has one image on a device until the device is given back.
fn another_image_is_refused() {
    let family = Family::A2a3;
    let image = aicpu_image(family, Runtime::Trb, "native");
    let other = [&*image, &[0]].concat();
    let cores = core_program();
    let program = sums(family, Runtime::Trb, &Compiler::native());
    let session = Session::begin(&Config::new(family));
    let (device, programs) = device_of_programs::<A2a3>(platform_a2a3::FAMILY);
    device.init(0).expect("a played device");
    device.prepare(0, &program).expect("a good program");
    let run = || run_sums(&*device, 0, 1, (1, 2)).map(|(out, _)| out);
    let error = run().expect_err("nobody brought an image").to_string();
    assert!(error.contains("no images were given"), "{error}");
    programs.bring(&[1, 2, 3], &cores);
    let error = run().expect_err("that is none").to_string();
    assert!(error.contains("carries no layout digest"), "{error}");
    programs.bring(&image, &cores);
    assert_eq!(run().expect("a good run"), expected(1));
    programs.bring(&other, &cores);
    let error = run().expect_err("another is on the chip").to_string();
    assert!(error.contains("other programs onto device 0"), "{error}");
    programs.bring(&image, &cores);
    assert_eq!(run().expect("the first still works"), expected(1));
    device.finalize().expect("a played device");
    programs.bring(&other, &cores);
    device.init(0).expect("a played device");
    device.prepare(0, &program).expect("a good program");
    assert_eq!(run().expect("the chip was given back"), expected(1));
    device.finalize().expect("a played device");
    assert_eq!(session.complaints(), Vec::<String>::new());
}

#[test]
fn the_c_interface_of_real_chips() {
    {
        let session = Session::begin(&Config::new(Family::A2a3));
        // SAFETY: this is the only test of the program, and nothing else has begun.
        unsafe { std::env::set_var("SIMPLER_CANN_LIBRARIES", session.libraries()) };
    }
    another_image_is_refused();
    for family in [Family::A2a3, Family::A5] {
        for runtime in [Runtime::Trb, Runtime::Hbg] {
            runs(family, runtime);
        }
    }
    ranks(&folder(Family::A2a3, Runtime::Trb));
}

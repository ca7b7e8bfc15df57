//! A scene for a chip, from its sources to what its kernels compute: `simpler run` on played chips.
//!
//! Orchestration and kernels are compiled as the command line compiles them for a chip, and the core program is built
//! as `xtask` builds it, with stand-ins for the vendor's compiler and linker. Virtual cores run what was registered,
//! and that jumps to the code of kernels as it was extracted and uploaded.
//!
//! In a program of its own: where all this is looked for are variables of the environment, which are set before there
//! is a second thread.

#[path = "support/images.rs"]
mod images;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use host::cli;
use host::scene::chip::Chips;
use images::{Runtime, aicpu_image, core_program, name, root, run};
use virtual_ascend::{Config, Family, Session};

const FAMILIES: [Family; 2] = [Family::A2a3, Family::A5];

/// What plays the vendor's tools.
fn toolkit() -> PathBuf {
    root().join("tests/virtual-ascend/toolkit")
}

/// Builds the core program of a chip into a folder of images.
fn build_core_program(family: Family, images: &Path) {
    if cfg!(target_arch = "x86_64") {
        run(Command::new(env!("CARGO"))
            .current_dir(root())
            .env("ASCEND_HOME_PATH", toolkit())
            .args(["xtask", "core-program", "--chip", name(family), "--out"])
            .arg(images));
    } else {
        // The stand-in knows a core's registers on machines of that kind only.
        let file = images.join(name(family)).join("aicore_kernel.o");
        std::fs::write(file, core_program()).expect("a writable folder");
    }
}

/// A folder of images for all chips, and of nothing else.
fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("from-sources");
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
        _ => {}
    }
    let write = |path: PathBuf, bytes: &[u8]| {
        let parent = path.parent().expect("a file in a folder");
        std::fs::create_dir_all(parent).expect("a writable folder");
        std::fs::write(path, bytes).expect("a writable folder");
    };
    for family in FAMILIES {
        let chip = folder.join("images").join(name(family));
        for runtime in Runtime::ALL {
            let image = aicpu_image(family, runtime, "native");
            write(chip.join(runtime.name()).join("libaicpu_kernel.so"), &image);
        }
        build_core_program(family, &folder.join("images"));
    }
    folder
}

#[test]
fn a_scene_with_sources_runs_on_both_chips_with_both_runtimes() {
    let folder = folder();
    let session = Session::begin(&Config::new(Family::A2a3));
    let variables = [
        ("SIMPLER_CANN_LIBRARIES", session.libraries().into()),
        ("SIMPLER_IMAGES", folder.join("images").into()),
        ("SIMPLER_CACHE_DIR", folder.join("cache").into()),
        ("ASCEND_HOME_PATH", toolkit().into_os_string()),
        // Played control CPUs are of this machine's kind.
        ("SIMPLER_AICPU_CXX", OsString::from("c++")),
    ];
    drop(session);
    for (name, value) in variables {
        // SAFETY: this is the only test of the program, and nothing else has begun.
        unsafe { std::env::set_var(name, value) };
    }
    for family in FAMILIES {
        for runtime in Runtime::ALL {
            let session = Session::begin(&Config::new(family));
            let scenes = root().join("tests/virtual-ascend/tests/from_sources");
            let scene = scenes.join(runtime.name());
            let record = folder.join(name(family)).join(runtime.name());
            let words = ["run", "-p", name(family), "-d", "0", "-n", "2"].map(OsString::from);
            let words = ["simpler".into()].into_iter().chain(words);
            // What cores write down of their calls is the core program's work as well.
            let words = words.chain(["--trace".into(), record.clone().into()]);
            let words = words.chain([scene.into()]);
            let what = format!("{} {}", name(family), runtime.name());
            assert_eq!(cli::main_with(&Chips, words), ExitCode::SUCCESS, "{what}");
            assert_eq!(session.complaints(), Vec::<String>::new(), "{what}");
            let calls = session.calls();
            let launches = calls
                .iter()
                .filter(|call| call.function == "rtKernelLaunchWithHandleV2");
            assert_eq!(launches.count(), 2, "{what}");
            assert!(record.is_dir(), "{what}");
        }
    }
}

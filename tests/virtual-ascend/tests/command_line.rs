//! `simpler run` and `simpler test` on a played chip, in this process.
//!
//! In a program of its own: where CANN and images are looked for are variables of the environment, which are set
//! before there is a second thread.

mod support;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use host::cli;
use host::scene::chip::Chips;
use support::images::core_program;
use support::{Compiler, Runtime, aicpu_image, device, expected, limits, run_sums, sums};
use virtual_ascend::{Config, Family, Session, code_for_virtual_cores};

const FAMILY: Family = Family::A2a3;
/// Two tensors and how often the second is added to the first.
const SCENE: &str = r#"
name = "sums"
platforms = ["a2a3"]
runtimes = ["trb"]
aicpu_threads = 3
block_dim = 2

[orchestration]
library = "sums.so"
entry = "aicpu_orchestration_entry"
config_entry = "aicpu_orchestration_config"

[[kernel]]
id = 0
core = "aiv"
library = "add.o"

[[arg]]
name = "a"
dtype = "f32"
shape = [1000]
direction = "in"
init = "i0"

[[arg]]
name = "b"
dtype = "f32"
shape = [1000]
direction = "in"
init = "2"

[[arg]]
name = "out"
dtype = "f32"
shape = [1000]
direction = "out"

[[arg]]
name = "links"
dtype = "u64"
value = 3

[expect]
out = "a + 4 * b"

[[case]]
name = "small"
env = { PTO2_RING_TASK_WINDOW = "64", PTO2_RING_HEAP = "1048576" }
"#;

/// A scene whose pieces are built, and a folder of images.
fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("command-line");
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.join(path);
        let parent = path.parent().expect("a file in a folder");
        std::fs::create_dir_all(parent).expect("a writable folder");
        std::fs::write(path, bytes).expect("a writable folder");
    };
    let compiler = Compiler::native();
    let common = &["runtime-trb/include/orchestration/common.cpp"];
    let orchestration = compiler.shared_object(FAMILY, Runtime::Trb, "sums.cpp", common);
    let kernel = compiler.shared_object(FAMILY, Runtime::Trb, "add.cpp", &[]);
    write("scene/scene.toml", SCENE.as_bytes());
    write("scene/sums.so", &orchestration);
    write("scene/add.o", &code_for_virtual_cores(&kernel));
    let image = aicpu_image(FAMILY, Runtime::Trb, "native");
    write("images/a2a3/trb/libaicpu_kernel.so", &image);
    write("images/a2a3/aicore_kernel.o", &core_program());
    folder
}

/// Runs a command line and says how it ended.
fn simpler(words: &[&str]) -> ExitCode {
    let program = ["simpler"];
    let words = program.iter().chain(words).map(OsString::from);
    cli::main_with(&Chips, words)
}

#[test]
fn a_scene_runs_on_a_real_chip() {
    let folder = folder();
    let session = Session::begin(&Config {
        devices: 2,
        ..Config::new(FAMILY)
    });
    let variables = [
        ("SIMPLER_CANN_LIBRARIES", session.libraries().to_owned()),
        ("SIMPLER_IMAGES", folder.join("images")),
    ];
    for (name, value) in variables {
        // SAFETY: this is the only test of the program, and nothing else has begun.
        unsafe { std::env::set_var(name, value) };
    }
    let scene = folder.join("scene");
    let scene = scene.to_str().expect("text");
    let ran = simpler(&["run", scene, "-p", "a2a3", "-d", "1", "-n", "3"]);
    assert_eq!(ran, ExitCode::SUCCESS);
    let launches = |session: &Session| {
        let calls = session.calls();
        let of = calls
            .iter()
            .filter(|it| it.function == "rtKernelLaunchWithHandleV2");
        of.count()
    };
    assert_eq!(launches(&session), 3);
    let bound: Vec<u64> = session
        .calls()
        .iter()
        .filter(|it| it.function == "rtSetDevice")
        .map(|it| it.arguments[0])
        .collect();
    assert!(bound.iter().all(|&device| device == 1), "{bound:?}");
    assert_eq!(session.complaints(), Vec::<String>::new());
    // A chip that is not there, a parameter there is not, a scene whose chip must be named.
    assert_eq!(
        simpler(&["run", scene, "-p", "a2a3", "-d", "3"]),
        ExitCode::from(2)
    );
    let wrong = ["run", scene, "-p", "a2a3", "--set", "b=1"];
    assert_eq!(simpler(&wrong), ExitCode::from(2));
    assert_eq!(simpler(&["run", scene]), ExitCode::from(2));
    assert_eq!(simpler(&["doctor", "--device", "0"]), ExitCode::SUCCESS);
    // The chip is as good as before.
    let image = aicpu_image(FAMILY, Runtime::Trb, "native");
    let device = device(&session, FAMILY, &image, limits());
    device.init(1).expect("it was given back");
    let program = sums(FAMILY, Runtime::Trb, &Compiler::native());
    device.prepare(0, &program).expect("a good program");
    let (out, _) = run_sums(&*device, 0, 2, (1, 2)).expect("a good run");
    assert_eq!(out, expected(2));
}

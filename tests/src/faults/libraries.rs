//! What can be done to libraries and their images.
//!
//! Knows copies of a distribution with a file of another kind in them. Refuses to know what a library does with it.

use core::ffi::c_int;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use host::ArgDirection::Inout;
use host::ChipWorker;
use host::scene::build::Builder;
use host::scene::chip::Libraries;
use host::scene::load::load;
use host::scene::resolve::Overrides;
use host::scene::run::{Runs, run_case, select};
use host::scene::session::Machine;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use protocol::PROTOCOL_DIGEST;
use sync::Word32;

use super::footprint::leaves_nothing;
use crate::compiler::root;
use crate::conformance::bench::{Bench, Buffer, impatient, of_device};
use crate::conformance::script::{Op, Step};
use crate::conformance::subject::{Recipe, Subject};
use crate::dist;

const RUNTIME: &str = "libhost_runtime.so";
const CONTROL: &str = "libaicpu_kernel.so";
const CORES: &str = "libaicore_kernel.so";
const ONE: &[host::ArgDirection] = &[Inout];

/// A copy of the subject's part of the distribution, with what `change` makes of each file by its name.
fn copy(subject: &Subject, name: &str, change: impl Fn(&str, Vec<u8>) -> Vec<u8>) -> PathBuf {
    let from = dist::built(subject.scratch);
    let variant = Path::new(subject.platform.name).join(subject.runtime.name());
    // This process has a folder for temporary files of its own.
    let to = std::env::temp_dir().join(name);
    let files = [
        (&*variant, RUNTIME),
        (&*variant, CONTROL),
        (&*variant, CORES),
        (Path::new("lib"), "libsimpler_log.so"),
        (Path::new("lib"), "libcpu_sim_context.so"),
    ];
    for (folder, file) in files {
        std::fs::create_dir_all(to.join(folder)).expect("the folder is ours");
        let bytes = std::fs::read(from.join(folder).join(file)).expect("the distribution is whole");
        std::fs::write(to.join(folder).join(file), change(file, bytes))
            .expect("the folder is ours");
    }
    to.join(variant)
}

/// A worker on the host runtime in `folder`.
fn open<'s>(subject: &'s Subject, folder: &Path) -> Bench<'s> {
    // SAFETY: the libraries are those of a distribution, or none that can be loaded.
    let worker = unsafe { ChipWorker::open(folder) }.expect("the libraries are there");
    worker.init(0).expect("a fresh worker");
    Bench { subject, worker }
}

/// All places in `bytes` that are `from` become `to`; how many there were.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) -> usize {
    assert_eq!(from.len(), to.len(), "an image keeps its shape");
    let mut found = 0;
    let mut at = 0;
    while at + from.len() <= bytes.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            found += 1;
        }
        at += 1;
    }
    found
}

/// Libraries come and go; what their contexts held is gone each time.
pub fn a_hundred_loads_leave_nothing(subject: &Subject) {
    leaves_nothing(|| {
        for _ in 0..15 {
            let bench = Bench::new(subject);
            let program = bench.registered(&Recipe::cpp(ONE));
            bench.proves_itself(&program);
            bench.ends_clean();
        }
    });
}

/// An image of another build, family, runtime or kind is refused by the first call that brings it, by name; neither
/// the worker nor the next one mind.
pub fn images_that_are_not_of_the_library_are_refused(subject: &Subject) {
    let built = dist::built(subject.scratch);
    let other = |platform: &str, runtime: &str, file: &str| {
        let path = built.join(platform).join(runtime).join(file);
        std::fs::read(path).expect("the distribution is whole")
    };
    let (platform, runtime) = (subject.platform.name, subject.runtime.name());
    let family = if platform == "a5sim" {
        "a2a3sim"
    } else {
        "a5sim"
    };
    let graph = if runtime == "trb" { "hbg" } else { "trb" };
    let digest = |file: &str| {
        let mut image = other(platform, runtime, file);
        let (right, wrong) = (
            PROTOCOL_DIGEST.to_le_bytes(),
            (!PROTOCOL_DIGEST).to_le_bytes(),
        );
        assert!(replace(&mut image, &right, &wrong) > 0, "it has its digest");
        image
    };
    let part = |file: &str| {
        let image = other(platform, runtime, file);
        image[..image.len() / 8].to_vec()
    };
    let cases = [
        (CONTROL, digest(CONTROL), "its layout digest is 0x"),
        (CORES, digest(CORES), "its layout digest is 0x"),
        (
            CONTROL,
            other(family, runtime, CONTROL),
            "it is for the family",
        ),
        (CORES, other(family, runtime, CORES), "it is for the family"),
        (
            CONTROL,
            other(platform, graph, CONTROL),
            "it is for the runtime",
        ),
        (
            CONTROL,
            other(platform, runtime, CORES),
            "simpler_aicpu_image",
        ),
        (
            CORES,
            other(platform, runtime, CONTROL),
            "simpler_aicore_family",
        ),
        (CONTROL, part(CONTROL), "the image aicpu_sim: "),
        (CORES, b"no image at all".to_vec(), "the image aicore_sim: "),
        (CONTROL, Vec::new(), "the image aicpu_sim: "),
        (
            CORES,
            other("", "lib", "libsimpler_log.so"),
            "simpler_protocol_digest",
        ),
    ];
    for (number, (of, image, words)) in cases.iter().enumerate() {
        let folder = copy(subject, &format!("image-{number}"), |file, bytes| {
            if file == *of { image.clone() } else { bytes }
        });
        let bench = open(subject, &folder);
        let refused = |text: String, code: i32| {
            assert_eq!(code, -1, "{text}");
            assert!(text.contains(words), "`{words}` is not in: {text}");
        };
        for _ in 0..2 {
            let registered = bench.worker.register(bench.program(&Recipe::cpp(ONE)));
            let Ok(program) = registered else {
                let error = of_device(registered);
                refused(error.to_string(), error.code());
                continue;
            };
            // What a registration cannot tell from none comes out with the run.
            let mut data = [1; 4];
            let buffers = vec![Buffer::Out(&mut data)];
            let run = bench.run(&program, buffers, &[], &impatient());
            assert!(
                run.is_err(),
                "image {number} was taken, not refused with {words}"
            );
            let error = of_device(run);
            refused(error.to_string(), error.code());
            assert_eq!(data, [1; 4]);
        }
        bench.ends_clean();
        drop(bench);
        let bench = Bench::new(subject);
        bench.proves_itself(&bench.registered(&Recipe::cpp(ONE)));
    }
}

/// Contexts have the images that their runs bring, though others of the same library have different ones.
pub fn contexts_with_different_images_run_at_once(subject: &Subject) {
    let (plain, loud) = (
        "the orchestration has not returned",
        "THE ORCHESTRATION HAS NOT RETURNED",
    );
    let folder = copy(subject, "loud", |file, mut bytes| {
        if file == CONTROL {
            let found = replace(&mut bytes, plain.as_bytes(), loud.as_bytes());
            assert!(found > 0, "the control program says so");
        }
        bytes
    });
    let built = dist::built(subject.scratch);
    let unchanged = built
        .join(subject.platform.name)
        .join(subject.runtime.name());
    // The same library for both: the second path leads to the first's file.
    let library = folder.join(RUNTIME);
    std::fs::remove_file(&library).expect("the folder is ours");
    std::os::unix::fs::symlink(unchanged.join(RUNTIME), &library).expect("the folder is ours");
    let work = |folder: &Path, says: &str| {
        let bench = open(subject, folder);
        let recipe = Recipe::cpp(ONE);
        let (bad, good) = (bench.registered(&recipe), bench.registered(&recipe));
        for _ in 0..4 {
            let release: &'static Word32 = Box::leak(Box::default());
            let address = core::ptr::from_ref(release).expose_provenance() as u64;
            let script = [Step::plain(Op::Stuck, 0, address)];
            let mut data = [1; 4];
            let buffers = vec![Buffer::Out(&mut data)];
            let error = of_device(bench.run(&bad, buffers, &script, &impatient()));
            let text = error.to_string();
            assert!(text.contains(says), "`{says}` is not in: {text}");
            release.publish(1);
            bench.proves_itself(&good);
        }
        bench.ends_clean();
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| work(&unchanged, plain));
            scope.spawn(|| work(&folder, loud));
        }
    });
}

/// A program that closes a library before it has destroyed its contexts loses what they hold, and nothing else: the
/// code that their threads run stays.
pub fn libraries_may_be_closed_while_contexts_live(subject: &Subject) {
    let built = dist::built(subject.scratch);
    let folder = built
        .join(subject.platform.name)
        .join(subject.runtime.name());
    for runs in [0, 1, 0, 2, 0, 0, 1, 0] {
        let bench = Bench::new(subject);
        let program = bench.registered(&Recipe::cpp(ONE));
        for _ in 0..runs {
            bench.proves_itself(&program);
        }
        // SAFETY: the library is loaded already.
        let again = unsafe { Library::open(Some(folder.join(RUNTIME)), RTLD_NOW | RTLD_LOCAL) };
        let handle = again.expect("it is loaded already").into_raw();
        // Nobody calls into it through the worker any more.
        core::mem::forget((bench, program));
        for _ in 0..2 {
            // SAFETY: once for the worker, which is forgotten, and once for the line above.
            drop(unsafe { Library::from_raw(handle) });
        }
        let bench = Bench::new(subject);
        bench.proves_itself(&bench.registered(&Recipe::cpp(ONE)));
        bench.ends_clean();
    }
}

/// A shared object of `source` below `tests/companions`.
fn companion(source: &str, output: &Path) {
    let mut compiler = Command::new("cc");
    compiler
        .args([
            "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o",
        ])
        .arg(output)
        .arg(root().join("tests/companions").join(source));
    let output = compiler.output().expect("there is a C compiler");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// How often the stand-in was called for something: see `tests/companions/sim_context.c`.
fn calls(what: c_int) -> u64 {
    // SAFETY: the stand-in gives the name this type.
    let ask =
        unsafe { Library::this().get::<unsafe extern "C" fn(c_int) -> u64>(b"standin_calls\0") };
    let ask = ask.expect("the stand-in is in the global scope");
    // SAFETY: as above.
    unsafe { ask(what) }
}

/// With companion libraries that others built to the same interface, they are told which chip and core a kernel runs
/// on, kernels find their hooks there, and messages go to their log.
pub fn companions_of_others_are_told_what_kernels_ask(subject: &Subject) {
    const ACQUIRE: c_int = 0;
    const BIND: c_int = 1;
    const IDENTITY: c_int = 2;
    const CLEAR: c_int = 3;
    const LINES: c_int = 4;
    let folder = copy(subject, "companions", |_, bytes| bytes);
    let library = std::env::temp_dir().join("companions/lib");
    companion("sim_context.c", &library.join("libcpu_sim_context.so"));
    companion("log.c", &library.join("libsimpler_log.so"));
    log::set_max_level(log::LevelFilter::Error);
    let bench = open(subject, &folder);
    let program = bench.registered(&Recipe::cpp(ONE));
    assert_eq!(calls(ACQUIRE), 0, "nothing has run yet");
    bench.proves_itself(&program);
    assert!(calls(ACQUIRE) > 0 && calls(BIND) > 0, "bound to the chip");
    assert!(calls(IDENTITY) >= 4, "two kernels, cluster and lane each");
    assert!(calls(CLEAR) > 0, "storage is as new at the start of a run");
    let lines = calls(LINES);
    let throws = [Step::plain(Op::Throw, 0, 0)];
    bench
        .run(&program, vec![], &throws, &impatient())
        .expect_err("the script says so");
    assert!(calls(LINES) > lines, "the log tells why");
    bench.ends_clean();
    drop(bench);
    // A scene whose kernels ask for lanes and pipes, and compute nonsense without answers.
    if subject.runtime.has_blocks() {
        let file = root().join("tests/scenes/trb/bgemm_pipe/scene.toml");
        let scene = load(&file).expect("a good scene");
        let platform = subject.platform.name.parse().expect("scenes know it");
        let runtime = subject.runtime.name().parse().expect("scenes know it");
        let built = Builder::from_environment().build(&scene, platform, runtime);
        let built = built.expect("a good scene");
        // SAFETY: as for `open`; no thread of this process is looking at the environment.
        let libraries = unsafe { Libraries::new(folder) };
        let mut session = libraries.open(platform, runtime, 0).expect("as above");
        for case in select(&scene, platform, runtime, None).expect("it has cases") {
            let none = Overrides::default();
            let report = run_case(&mut *session, &built, &scene, case, &none, Runs::times(1));
            let report = report.expect("it runs");
            assert!(report.pass(), "{}", report.text());
        }
    }
}

//! Kernels out of object files, as a chip gets them: what runs, what is refused, and in which words.
//!
//! The objects are made by the command line that scenes are built with for chips, the compiler being a stand-in.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use host::scene::build::cache::Cache;
use host::scene::build::compiler::{Compiler as CoreCompiler, Environment};
use host::scene::build::recipe::{Kind, Recipe};
use host::scene::build::roots::Roots;
use host::scene::model::{Code, CoreType, Origin, Platform, RuntimeKind};
use platform::onboard::kernel_text;
use platform::{Kernel, Program};
use protocol::callable::CORE_PAYLOAD_OFFSET;
use support::{
    Compiler, Runtime, aicpu_image, device, expected, limits, root, run, run_sums, sums,
};
use virtual_ascend::{Config, Family, Session};

const FAMILY: Family = Family::A2a3;

/// A folder for sources and objects.
fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("raw-code");
    std::fs::create_dir_all(&folder).expect("a writable folder");
    folder
}

/// A source with this text.
fn source(name: &str, text: &str) -> PathBuf {
    let path = folder().join(format!("{name}.cpp"));
    std::fs::write(&path, text).expect("a writable folder");
    path
}

/// The stand-in, and what a chip's kernel is compiled with.
fn recipe(source: &Path) -> (CoreCompiler, Recipe) {
    let compiler = CoreCompiler::of_cores(&Environment {
        toolkit: Some(root().join("tests/virtual-ascend/toolkit")),
        ..Environment::default()
    });
    let compiler = compiler.expect("it is part of the repository");
    let roots = Roots {
        ours: root().to_owned(),
        pto_isa: None,
    };
    let code = Code {
        origin: Origin::Source(source.to_owned()),
        include_dirs: Vec::new(),
        flags: Vec::new(),
    };
    let kind = Kind::Kernel(CoreType::Aiv);
    let (platform, runtime) = (Platform::A2a3, RuntimeKind::Trb);
    let recipe = Recipe::new(&compiler, &roots, &code, source, kind, platform, runtime);
    (compiler, recipe)
}

/// The object file of a kernel.
fn object(name: &str, text: &str) -> Vec<u8> {
    let (compiler, recipe) = recipe(&source(name, text));
    let cache = Cache { folder: folder() };
    let object = cache.object(&compiler, &recipe).expect("good source");
    std::fs::read(object).expect("just built")
}

/// A kernel of `sums` that computes `out = x OPERATOR y`.
fn elementwise(name: &str, operator: &str) -> Vec<u8> {
    let text = format!(
        r#"#include "tensor.h"
        static inline __aicore__ __gm__ float *cells(int64_t tensor) {{
            return reinterpret_cast<__gm__ float *>(reinterpret_cast<__gm__ Tensor *>(tensor)->buffer.addr);
        }}
        extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {{
            const uint32_t count = reinterpret_cast<__gm__ Tensor *>(args[2])->shapes[0];
            for (uint32_t i = 0; i < count; i++) cells(args[2])[i] = cells(args[0])[i] {operator} cells(args[1])[i];
        }}"#
    );
    object(name, &text)
}

/// `sums` with another kernel.
fn program(kernel: Vec<u8>) -> Program {
    let mut program = sums(FAMILY, Runtime::Trb, &Compiler::native());
    program.kernels[0].kernel = Kernel::Image(kernel.into());
    program
}

/// Kernels that a core could not run, and what is said of each.
const REFUSED: &[(&str, &str, &[&str])] = &[
    (
        "table",
        "static const int64_t primes[4] = {2, 3, 5, 7};
        extern \"C\" __aicore__ void kernel_entry(__gm__ int64_t *args) { args[0] = primes[args[1] & 3]; }",
        &["section .rodata", "has 32 bytes", "primes", "use no tables"],
    ),
    (
        "counter",
        "static int64_t calls;
        extern \"C\" __aicore__ void kernel_entry(__gm__ int64_t *args) { args[0] = ++calls; }",
        &["section .bss has 8 bytes", "calls", "no static variable"],
    ),
    (
        "call",
        "extern \"C\" int64_t elsewhere(int64_t);
        extern \"C\" __aicore__ void kernel_entry(__gm__ int64_t *args) { args[0] = elsewhere(args[1]); }",
        &["the code refers to elsewhere", "relocations: 1", "inline"],
    ),
    (
        "outside",
        "__attribute__((noinline)) inline int64_t twice(int64_t x) { return 2 * x; }
        extern \"C\" __aicore__ void kernel_entry(__gm__ int64_t *args) { args[0] = twice(args[1]); }",
        &["section .text._Z5twicel", "static or always inline"],
    ),
    (
        "behind",
        "static __attribute__((noinline)) int64_t twice(int64_t x) { return 2 * x; }
        extern \"C\" __aicore__ void kernel_entry(__gm__ int64_t *args) { args[0] = twice(args[1]); }",
        &["kernel_entry begins ", "twice", "make the functions inline"],
    ),
];

#[test]
fn code_that_needs_more_than_itself_is_refused_when_it_is_registered() {
    let session = Session::begin(&Config::new(FAMILY));
    let image = aicpu_image(FAMILY, Runtime::Trb, "native");
    let device = device(&session, FAMILY, &image, limits());
    device.init(0).expect("a played device");
    let refusal = |kernel| {
        let refused = device.prepare(0, &program(kernel));
        refused.expect_err("it would not run").to_string()
    };
    for (name, text, words) in REFUSED {
        let said = refusal(object(name, &format!("#include <cstdint>\n{text}\n")));
        for word in ["kernel func_id 0: "].iter().chain(*words) {
            assert!(said.contains(word), "{name}: no `{word}` in: {said}");
        }
    }
    // What the compiler of this machine makes is not for a core, whatever virtual cores are.
    let here = folder().join("here.o");
    let table = source("here", "extern \"C\" void kernel_entry(long *) {}");
    run(Command::new("c++").args(["-c", "-o"]).args([&here, &table]));
    let said = refusal(std::fs::read(here).expect("just built"));
    assert!(said.contains("build it with ccec"), "{said}");
    // The device is as good as before.
    let good = program(elementwise("good", "+"));
    device.prepare(0, &good).expect("a good program");
    let (out, _) = run_sums(&*device, 0, 2, (1, 2)).expect("a good run");
    assert_eq!(out, expected(2));
    device.finalize().expect("a played device");
    assert_eq!(session.complaints(), Vec::<String>::new());
}

#[test]
fn a_kernel_where_another_one_was_is_the_one_that_runs() {
    let session = Session::begin(&Config::new(FAMILY));
    let image = aicpu_image(FAMILY, Runtime::Trb, "native");
    let device = device(&session, FAMILY, &image, limits());
    device.init(0).expect("a played device");
    let mut places = Vec::new();
    for (name, operator, of_b) in [("plus", "+", 2.0), ("minus", "-", -2.0)] {
        let kernel = elementwise(name, operator);
        let bytes = CORE_PAYLOAD_OFFSET + kernel_text(&kernel).expect("good code").len();
        session.forget_calls();
        device.prepare(0, &program(kernel)).expect("a good program");
        let (out, _) = run_sums(&*device, 0, 1, (1, 2)).expect("a good run");
        let wanted: Vec<f32> = (0..1000_u16).map(|a| f32::from(a) + 2.0 * of_b).collect();
        assert_eq!(out, wanted, "{name}");
        device.unregister(0).expect("it was prepared");
        let calls = session.calls();
        let upload = calls
            .iter()
            .find(|call| call.function == "rtMemcpy" && call.arguments[3] == bytes as u64);
        places.push(upload.expect("code goes to the chip").arguments[0]);
    }
    assert_eq!(places[0], places[1], "this shows nothing at two places");
    device.finalize().expect("a played device");
    assert_eq!(session.complaints(), Vec::<String>::new());
}

#[test]
fn a_core_that_is_sent_to_no_code_says_so() {
    let session = Session::begin(&Config::new(FAMILY));
    let image = aicpu_image(FAMILY, Runtime::Trb, "native");
    let device = device(&session, FAMILY, &image, limits());
    for (byte, says) in [(0, "only zeros"), (0xa5, "never written"), (0xdd, "freed")] {
        device.init(0).expect("a played device");
        let nothing = program(vec![byte; 64]);
        device.prepare(0, &nothing).expect("nobody looks into it");
        run_sums(&*device, 0, 1, (1, 2)).expect_err("there is no code");
        let complaints = session.complaints().join("\n");
        assert!(complaints.contains(says), "no `{says}` in: {complaints}");
        device.finalize().expect("a forced reset");
    }
    device.init(0).expect("it was reset");
    let good = program(elementwise("well", "+"));
    device.prepare(0, &good).expect("a good program");
    let (out, _) = run_sums(&*device, 0, 2, (1, 2)).expect("a good run");
    assert_eq!(out, expected(2));
}

#[test]
fn the_stand_in_of_the_linker_takes_what_is_for_cores_in_two_ways() {
    let linker = root().join("tests/virtual-ascend/toolkit/bin/ld.lld");
    let (kernel, linked) = (folder().join("link.o"), folder().join("linked.o"));
    std::fs::write(&kernel, elementwise("linked", "+")).expect("a writable folder");
    let ask = |words: &[&str], input: &Path| {
        let mut command = Command::new(&linker);
        let output = command
            .args(words)
            .arg("-o")
            .arg(&linked)
            .arg(input)
            .output();
        output.expect("it is a program").status.success()
    };
    let program = ["-m", "aicorelinux", "-Ttext=0", "-static", "-n"];
    assert!(ask(&["-r"], &kernel));
    assert!(ask(&program, &kernel));
    assert!(!ask(&["-shared"], &kernel));
    assert!(!ask(&program[..4], &kernel));
    let foreign = std::env::current_exe().expect("a test is a program");
    assert!(!ask(&["-r"], &foreign));
}

#[test]
fn the_stand_in_takes_our_command_line_and_no_other() {
    let empty = source("nothing", "");
    let (compiler, recipe) = recipe(&empty);
    let ask = |flags: &[String]| -> Output {
        let mut command = Command::new(&compiler.command[0]);
        command.args(flags).arg("-E").arg(&empty);
        command.output().expect("it is a program")
    };
    let ours = ask(&recipe.flags);
    let text = String::from_utf8_lossy(&ours.stderr);
    assert!(ours.status.success(), "{text}");
    // What users may say is not looked at.
    let is_ours = |word: &str| !word.starts_with("-I") && !word.starts_with("-D");
    for left_out in 0..recipe.flags.len() {
        let mut flags = recipe.flags.clone();
        let word = flags.remove(left_out);
        assert_eq!(ask(&flags).status.success(), !is_ours(&word), "{word}");
    }
    for unknown in ["-O2", "-fPIC", "--cce-aicore-arch=dav-c100", "-std=c++20"] {
        let flags = [&recipe.flags[..], &[unknown.to_owned()]].concat();
        let refused = ask(&flags);
        let text = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{unknown}");
        assert!(text.contains(unknown), "{text}");
    }
}

//! Orchestrations and kernels in C that know the binary interface and none of our headers: what was compiled against
//! others' headers is called with these records, by these names, through these tables.

use std::process::Command;

use host::{Arguments, ChipWorker, CoreType, Program, ProgramBuilder, RunConfig, RunReport};
use tests::compiler::{root, scratch};

const PLATFORMS: [&str; 2] = ["a2a3sim", "a5sim"];

/// What a program says that found everything as described. Less is the line of what was not.
const REACHED: u64 = 1_000_000;

/// A C source of `tests/binary` as a shared object, in a folder of its test's own.
fn object(test: &str, source: &str, define: &str) -> Vec<u8> {
    let source = root().join("tests/binary").join(source);
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), &format!("binary-{test}"));
    let output = folder.join(format!("{}.so", define.replace(['-', '/'], "_")));
    let mut cc = Command::new("cc");
    cc.args([
        "-std=gnu11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-O2",
        "-shared",
        "-fPIC",
    ]);
    cc.arg("-o").arg(&output).arg(define).arg(&source);
    let compiled = cc.output().expect("there is a C compiler");
    let messages = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{cc:?}\n{messages}");
    std::fs::read(&output).expect("the compiler wrote it")
}

fn config() -> RunConfig {
    RunConfig {
        block_dim: 2,
        aicpu_threads: 2,
        ..RunConfig::default()
    }
}

fn worker(platform: &str) -> ChipWorker {
    let worker = ChipWorker::on(platform).expect("a platform of this build");
    worker.init(0).expect("a fresh worker");
    worker
}

/// A word that a program writes.
struct Answer(Box<u64>);

impl Answer {
    fn new() -> Self {
        Self(Box::new(0))
    }

    fn address(&mut self) -> u64 {
        (&raw mut *self.0).expose_provenance() as u64
    }

    fn word(&self) -> u64 {
        let word: *const u64 = &raw const *self.0;
        // SAFETY: a word of ours; the programs that know its address have ended.
        unsafe { word.read_volatile() }
    }
}

/// The code of a run that must fail.
#[track_caller]
fn code(result: host::Result<RunReport>) -> i32 {
    match result.expect_err("it must fail") {
        host::Error::Device(error) => error.code(),
        other => panic!("{other}"),
    }
}

fn built_on_the_device(test: &str) -> Program {
    let kernel = |which: u32| object(test, "trb_kernel.c", &format!("-DWHICH={which}"));
    let [waits, counts, copies] = [0, 1, 2].map(kernel);
    let orchestration = object(test, "trb_orchestration.c", "-DRAW");
    let builder = ProgramBuilder::new()
        .kernel_image(0, CoreType::Aiv, &waits)
        .kernel_image(1, CoreType::Aiv, &counts)
        .kernel_image(2, CoreType::Aic, &counts)
        .kernel_image(3, CoreType::Aic, &copies);
    // Without names: the usual ones are looked for.
    let program = builder.orchestration_image(&orchestration, "", "");
    program.expect("names without zero bytes")
}

#[test]
fn a_graph_built_on_the_device() {
    for platform in PLATFORMS {
        let worker = worker(platform);
        let callable = worker
            .register(built_on_the_device("device"))
            .expect("a good program");
        // Good runs before and after one that fails: nothing of it stays.
        for fails in [false, true, false] {
            let mut words = [Answer::new(), Answer::new(), Answer::new()];
            let mut input: Vec<f32> = (0..32_u8).map(f32::from).collect();
            let (mut out, mut counter) = (vec![-5.0_f32; 64], [0_i32]);
            let mut args = Arguments::new();
            args.output(&mut input, &[32]).expect("a tensor");
            args.output(&mut out, &[64]).expect("a tensor");
            args.output(&mut counter, &[1]).expect("a tensor");
            for word in &mut words {
                args.scalar(word.address()).expect("a scalar");
            }
            args.scalar(u64::from(fails)).expect("a scalar");
            let result = worker.run(&callable, &mut args, &config());
            let said: Vec<u64> = words.iter().map(Answer::word).collect();
            if fails {
                assert_eq!(code(result), -9);
                assert_eq!(said, [REACHED, 0, 0]);
                assert!(out == [-5.0; 64], "nothing comes back from a failed run");
                continue;
            }
            let report = result.expect("a good run");
            assert_eq!(said, [REACHED, REACHED, 0], "{platform}");
            assert_eq!((report.submitted, report.kernels, counter), (3, 8, [6]));
            let mut expected: Vec<f32> = (0..32_u8).map(|i| 7.0 + 2.0 * f32::from(i)).collect();
            expected.extend((0..31_u8).map(f32::from).chain([9.5]));
            assert_eq!(out, expected);
        }
    }
}

#[test]
fn an_entry_is_enough() {
    let text = "#include \"call.h\"\nvoid only_this(const struct call_args *args) { report(args->scalars[0]); }\n";
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), "binary-entry");
    let source = folder.join("entry.c");
    std::fs::write(&source, text).expect("the build folder is writable");
    let include = format!("-I{}", root().join("tests/binary").display());
    let source = source.to_str().expect("a path that is text");
    let orchestration = object("entry", source, &include);
    for (config_name, platform) in [("", PLATFORMS[0]), ("not_there", PLATFORMS[1])] {
        let program =
            ProgramBuilder::new().orchestration_image(&orchestration, "only_this", config_name);
        let worker = worker(platform);
        let callable = worker.register(program.expect("names without zero bytes"));
        let callable = callable.expect("a good program");
        let mut word = Answer::new();
        let mut args = Arguments::new();
        args.scalar(word.address()).expect("a scalar");
        worker
            .run(&callable, &mut args, &config())
            .expect("neither config nor binding is needed");
        assert_eq!(word.word(), REACHED);
    }
}

#[test]
fn too_few_arguments_for_the_config() {
    let worker = worker(PLATFORMS[0]);
    let callable = worker
        .register(built_on_the_device("few"))
        .expect("a good program");
    let mut args = Arguments::new();
    args.scalar(0_u64).expect("a scalar");
    assert_eq!(code(worker.run(&callable, &mut args, &config())), -1);
}

#[test]
fn a_graph_built_on_the_host() {
    let kernel = |factor: u32| object("host", "hbg_kernel.c", &format!("-DFACTOR={factor}"));
    let [vector, cube] = [2, 3].map(kernel);
    let orchestration = object("host", "hbg_orchestration.c", "-DRAW");
    for platform in PLATFORMS {
        let program = ProgramBuilder::new()
            .kernel_image(0, CoreType::Aiv, &vector)
            .kernel_image(1, CoreType::Aic, &cube)
            .graph_image(&orchestration, "raw_graph");
        let worker = worker(platform);
        let callable = worker.register(program.expect("a name without zero bytes"));
        let callable = callable.expect("a good program");
        for _ in 0..2 {
            let mut word = Answer::new();
            let mut input: Vec<u32> = (0..100).collect();
            let mut output = vec![0_u32; 100];
            let mut args = Arguments::new();
            args.output(&mut input, &[100]).expect("a tensor");
            args.output(&mut output, &[100]).expect("a tensor");
            args.scalar(word.address()).expect("a scalar");
            worker
                .run(&callable, &mut args, &config())
                .expect("a good run");
            assert_eq!(word.word(), REACHED, "{platform}");
            let expected: Vec<u32> = (0..100).map(|x| 3 * (2 * x + 3) + 5).collect();
            assert_eq!(output, expected);
        }
        let refused = worker.run(&callable, &mut Arguments::new(), &config());
        assert_eq!(code(refused), 4711, "the entry's own code, unchanged");
    }
}

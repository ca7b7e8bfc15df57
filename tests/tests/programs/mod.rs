//! The programs that the corpus makes, with their arguments and what has to come out.

use std::sync::{Mutex, PoisonError};

use host::{Arguments, ChipWorker, CoreType, Program, ProgramBuilder, RunConfig, RunReport};
use tests::corpus::Corpus;
use tests::headers::Kind;

const AIC: CoreType = CoreType::Aic;
const AIV: CoreType = CoreType::Aiv;

/// More than this is as many checks that held; less is the line of one that did not. `checks.h` has it too.
const ALL_HOLD: u64 = 1_000_000;

/// Words that sources of the corpus write what they found out into.
struct Answers(Box<[u64; 4]>);

impl Answers {
    fn new() -> Self {
        Self(Box::new([0; 4]))
    }

    fn address(&mut self, index: usize) -> u64 {
        self.0[index..].as_mut_ptr().expose_provenance() as u64
    }

    fn word(&self, index: usize) -> u64 {
        let word: *const u64 = &raw const self.0[index];
        // SAFETY: a word of ours; the programs that know its address have ended.
        unsafe { word.read_volatile() }
    }

    #[track_caller]
    fn all_hold(&self, index: usize) {
        let verdict = self.word(index);
        assert!(
            verdict > ALL_HOLD,
            "not so in line {verdict} (0: it did not get that far)"
        );
    }
}

/// Four blocks need as many clusters.
fn config() -> RunConfig {
    RunConfig {
        block_dim: 4,
        aicpu_threads: 3,
        ..RunConfig::default()
    }
}

struct Bench<'c> {
    corpus: &'c Corpus,
    worker: ChipWorker,
}

impl Bench<'_> {
    fn trb(
        &self,
        kernels: &[(&str, CoreType)],
        source: &str,
        entry: &str,
        config: &str,
    ) -> Program {
        let builder = self.kernels(Kind::TrbKernel, kernels);
        let image = self.corpus.orchestration(Kind::TrbOrchestration, source);
        let program = builder.orchestration_image(&image, entry, config);
        program.expect("names without zero bytes")
    }

    fn hbg(&self, kernels: &[(&str, CoreType)], source: &str, entry: &str) -> Program {
        let builder = self.kernels(Kind::HbgKernel, kernels);
        let image = self.corpus.orchestration(Kind::HbgOrchestration, source);
        builder
            .graph_image(&image, entry)
            .expect("a name without zero bytes")
    }

    /// Kernels under the numbers of their places.
    fn kernels(&self, kind: Kind, kernels: &[(&str, CoreType)]) -> ProgramBuilder {
        let numbered = (0..).zip(kernels);
        numbered.fold(ProgramBuilder::new(), |builder, (id, (source, core))| {
            builder.kernel_image(id, *core, &self.corpus.kernel(kind, source, *core))
        })
    }

    fn run(&self, program: Program, mut args: Arguments<'_>) -> host::Result<RunReport> {
        let callable = self.worker.register(program).expect("a good program");
        let result = self.worker.run(&callable, &mut args, &config());
        self.worker.unregister(&callable).expect("it is registered");
        result
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

/// Runs every program of the corpus and unloads it.
pub(crate) fn run_all(corpus: &Corpus) {
    let platform = format!("{}sim", corpus.family.name());
    let bench = Bench {
        corpus,
        worker: ChipWorker::on(&platform).expect("a platform of this build"),
    };
    bench.worker.init(0).expect("a fresh worker");
    pipeline(&bench);
    values(&bench);
    every_call(&bench);
    fatal_errors(&bench);
    blocks(&bench);
    deferred(&bench);
    kernel_values(&bench);
    if corpus.family.name() == "a2a3" {
        conditions_of_a2a3(&bench);
    }
    graph(&bench);
    graph_values(&bench);
    bench.worker.finalize().expect("a good end");
}

fn floats(count: u32, value: impl Fn(u32) -> u32) -> Vec<f32> {
    (0..count)
        .map(|index| f32::from(u16::try_from(value(index)).expect("small")))
        .collect()
}

fn pipeline(bench: &Bench<'_>) {
    let kernels = [
        ("both/mixed.cpp", AIC),
        ("both/mixed.cpp", AIV),
        ("both/add.cpp", AIV),
        ("both/scale.cpp", AIV),
        ("both/scale.cpp", AIC),
    ];
    let program = bench.trb(&kernels, "both/pipeline.cpp", "", "");
    let mut answers = Answers::new();
    let (mut a, mut b) = (floats(128 * 64, |i| i % 7), floats(64 * 64, |i| i % 5));
    let mut out = floats(128 * 64, |i| i % 3);
    let (mut chain, mut lengths) = (vec![0.0_f32; 64], [30, 40]);
    let mut args = Arguments::new();
    args.output(&mut a, &[128, 64]).expect("a tensor");
    args.output(&mut b, &[64, 64]).expect("a tensor");
    args.output(&mut out, &[128, 64]).expect("a tensor");
    args.output(&mut chain, &[64]).expect("a tensor");
    args.output(&mut lengths, &[2, 1]).expect("a tensor");
    args.scalar(answers.address(0)).expect("a scalar");
    args.scalar(2.0_f32).expect("a scalar");
    bench.run(program, args).expect("a good run");
    answers.all_hold(0);
    for (index, (got, start)) in out.iter().zip(floats(128 * 64, |i| i % 3)).enumerate() {
        let product = 2.0 * a[index];
        let upper = if index % (64 * 64) < 32 * 64 {
            2.0 * product
        } else {
            0.0
        };
        // Two rounds; the numbers they add are 2 and 3.
        let expected = start + b[index % (64 * 64)] + 2.0 * product + 5.0 + upper;
        assert!(
            (got - expected).abs() < 1e-3,
            "[{index}]: {got} and not {expected}"
        );
    }
    assert!(
        chain == [6.75; 64],
        "three times 3, twice 0.5: {}",
        chain[0]
    );
    assert_eq!(lengths, [30, 41]);
}

const EIGHT: [i32; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

fn values(bench: &Bench<'_>) {
    let program = bench.trb(&[], "both/values.cpp", "values_orchestration", "");
    let mut answers = Answers::new();
    let mut eight = EIGHT;
    let mut args = Arguments::new();
    args.output(&mut eight, &[4, 2]).expect("a tensor");
    args.scalar(answers.address(0)).expect("a scalar");
    args.scalar(42_u64).expect("a scalar");
    bench.run(program, args).expect("a good run");
    answers.all_hold(0);
    assert_eq!(eight, EIGHT);
}

fn every_call_with(bench: &Bench<'_>, mode: u64, answers: &mut Answers) -> host::Result<RunReport> {
    let kernels = [("both/every_arg.cpp", AIC), ("both/every_arg.cpp", AIV)];
    let (entry, config) = ("every_call_orchestration", "every_call_config");
    let program = bench.trb(&kernels, "both/every_call.cpp", entry, config);
    let (mut a, mut b) = ([0.0_f32; 16], [0.0_f32; 16]);
    let mut args = Arguments::new();
    args.output(&mut a, &[16]).expect("a tensor");
    args.output(&mut b, &[16]).expect("a tensor");
    args.scalar(answers.address(0)).expect("a scalar");
    args.scalar(mode).expect("a scalar");
    args.scalar(answers.address(1)).expect("a scalar");
    bench.run(program, args)
}

fn every_call(bench: &Bench<'_>) {
    let log = Log::install();
    let mut answers = Answers::new();
    every_call_with(bench, 0, &mut answers).expect("a good run");
    for index in 0..3 {
        answers.all_hold(index);
    }
    use log::Level::{Debug, Error, Info, Warn};
    for (level, text) in [
        (Error, "messages: number 1"),
        (Warn, "messages: warned"),
        (Debug, "messages: debugged"),
        (Debug, "messages: zero"),
        (Debug, "messages: one"),
        (Debug, "messages: two 2"),
        (Debug, "messages: three"),
        (Debug, "messages: four"),
        (Info, "messages: five"),
        (Info, "messages: small 1"),
        (Info, "messages: seven"),
        (Info, "messages: eight 8.500000"),
        (Info, "operator(): in a lambda"),
        (Warn, "table: a warning"),
        (Debug, "table: 1"),
        (Info, "table: tier 9"),
        (Error, "assert_impl: Assertion failed: n == 1000"),
        (Error, "assert_impl: Assertion failed: direct"),
    ] {
        assert!(log.has(level, text), "{level} {text}");
    }
    assert!(!log.has(Error, "handle: nobody hears this"));
}

fn fatal_errors(bench: &Bench<'_>) {
    let mut answers = Answers::new();
    assert_eq!(code(every_call_with(bench, 1, &mut answers)), -9);
    answers.all_hold(0);
}

fn blocks(bench: &Bench<'_>) {
    let identity = [("both/identity.cpp", AIC), ("both/identity.cpp", AIV)];
    let own: &[&str] = match bench.corpus.family.name() {
        "a5" => &["both/early_fallbacks.cpp", "a5/identity.cpp"],
        _ => &["both/early_fallbacks.cpp"],
    };
    for third in own {
        let kernels = [&identity[..], &[(*third, AIV)]].concat();
        let source = format!("{}/spmd.cpp", bench.corpus.family.name());
        let program = bench.trb(&kernels, &source, "spmd_orchestration", "");
        let mut answers = Answers::new();
        let (mut out, mut own) = (vec![0.0_f32; 128], [0.0_f32; 4]);
        let mut args = Arguments::new();
        args.output(&mut out, &[128]).expect("a tensor");
        args.output(&mut own, &[4]).expect("a tensor");
        args.scalar(answers.address(0)).expect("a scalar");
        bench.run(program, args).expect("a good run");
        answers.all_hold(0);
        let lines = floats(8, |line| 100 * (line / 2) + 4 + 16 + 1);
        for (line, expected) in lines.iter().enumerate() {
            assert_eq!(out[16 * line..][..2], [*expected, 0.0], "line {line}");
        }
        assert_eq!(own, [40.0, 41.0, 42.0, 43.0], "{third}");
    }
}

fn deferred(bench: &Bench<'_>) {
    let kernels = [("both/deferred.cpp", AIV)];
    let entry = "deferred_orchestration";
    let program = bench.trb(&kernels, "both/deferred.cpp", entry, "");
    let mut answers = Answers::new();
    let mut counter = [0];
    let mut args = Arguments::new();
    args.output(&mut counter, &[1]).expect("a tensor");
    args.scalar(answers.address(0)).expect("a scalar");
    args.scalar(answers.address(1)).expect("a scalar");
    bench.run(program, args).expect("a good run");
    answers.all_hold(0);
    answers.all_hold(1);
    assert_eq!(counter, [5]);
}

/// The event record's tail is written where its channel says.
fn conditions_of_a2a3(bench: &Bench<'_>) {
    for (mode, expected) in [(0_u64, 0), (1, -103), (2, -101)] {
        let kernels = [("a2a3/deferred.cpp", AIV)];
        let entry = "deferred_a2a3_orchestration";
        let program = bench.trb(&kernels, "a2a3/deferred.cpp", entry, "");
        let mut answers = Answers::new();
        let channel = answers.address(2);
        // A counter that stands at 4; a record with its flag set, tail 9, and the channel.
        let mut records = [4, 0, (9 << 32) | 1, channel];
        let mut done = [0_u64];
        let mut args = Arguments::new();
        args.output(&mut records, &[4]).expect("a tensor");
        args.output(&mut done, &[1]).expect("a tensor");
        args.scalar(answers.address(0)).expect("a scalar");
        args.scalar(mode).expect("a scalar");
        args.scalar(answers.address(1)).expect("a scalar");
        let result = bench.run(program, args);
        answers.all_hold(0);
        answers.all_hold(1);
        if expected != 0 {
            assert_eq!(code(result), expected);
            continue;
        }
        result.expect("a good run");
        assert_eq!((done, records), ([1], [4, 0, 0, channel]));
        assert_eq!(answers.word(2), (9 << 32) | 9);
    }
}

fn kernel_values(bench: &Bench<'_>) {
    let kernels = [("both/values.cpp", AIV), ("both/values.cpp", AIC)];
    let entry = "kernel_values_orchestration";
    let program = bench.trb(&kernels, "both/kernel_values.cpp", entry, "");
    let mut answers = Answers::new();
    let mut whole = floats(64, |i| i);
    let mut args = Arguments::new();
    args.output(&mut whole, &[8, 8]).expect("a tensor");
    for index in 0..3 {
        args.scalar(answers.address(index)).expect("a scalar");
    }
    bench.run(program, args).expect("a good run");
    for index in 0..3 {
        answers.all_hold(index);
    }
}

fn graph(bench: &Bench<'_>) {
    let kernels = [("both/scale.cpp", AIV), ("both/always_inline.cpp", AIC)];
    let program = || bench.hbg(&kernels, "both/graph.cpp", "build_graph");
    let mut source = floats(128, |i| i);
    let mut result = vec![0.0_f32; 128];
    let mut args = Arguments::new();
    args.output(&mut source, &[2, 64]).expect("a tensor");
    args.output(&mut result, &[2, 64]).expect("a tensor");
    args.scalar(0_u64).expect("a scalar");
    bench.run(program(), args).expect("a good run");
    assert_eq!(result, floats(128, |i| 2 * i + 1), "twice a half more");
    assert_eq!(code(bench.run(program(), Arguments::new())), -77);
}

fn graph_values(bench: &Bench<'_>) {
    let kernels = [("both/scale.cpp", AIV)];
    let program = bench.hbg(&kernels, "both/values.cpp", "values_graph");
    let mut eight = EIGHT;
    let mut answers = Answers::new();
    let mut args = Arguments::new();
    args.output(&mut eight, &[4, 2]).expect("a tensor");
    args.scalar(answers.address(0)).expect("a scalar");
    args.scalar(42_u64).expect("a scalar");
    bench.run(program, args).expect("a good run");
    answers.all_hold(0);
    assert_eq!(
        answers.word(1),
        u64::from(6.0_f32.to_bits()),
        "3, and twice 1.5"
    );
}

/// Keeps what is logged.
struct Log(Mutex<Vec<(log::Level, String)>>);

static LOG: Log = Log(Mutex::new(Vec::new()));

impl Log {
    fn install() -> &'static Self {
        // The first test of the process does it for all.
        if log::set_logger(&LOG).is_ok() {
            log::set_max_level(log::LevelFilter::Debug);
        }
        &LOG
    }

    fn has(&self, level: log::Level, text: &str) -> bool {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().any(|(at, line)| *at == level && line == text)
    }
}

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((record.level(), record.args().to_string()));
    }

    fn flush(&self) {}
}

//! Devices of worker threads that run at once never see one another's logs and counters. Their registers: a test of
//! `platform::sim::cores`; what their kernels are told: `hooks.rs`; memory and programs: the conformance suite.

use std::sync::OnceLock;
use std::thread;

use host::{
    Arguments, Callable, ChipWorker, CoreType, Kernels, Program, ProgramBuilder, RunConfig,
};
use host::{Device, RunReport};
use tests::compiler::{Compiler, root, scratch};
use tests::headers::{Family, Kind};

/// An orchestration that says who it is; the same on both families.
fn says() -> &'static [u8] {
    static SAYS: OnceLock<Vec<u8>> = OnceLock::new();
    SAYS.get_or_init(|| {
        let source = root().join("tests/isolation/says.cpp");
        let object = scratch(env!("CARGO_TARGET_TMPDIR"), "isolation").join("says.so");
        let kind = Kind::TrbOrchestration;
        let built = Compiler::system().shared_object(
            kind,
            Family::A2a3,
            &source,
            &object,
            &["-Wl,--build-id"],
        );
        built.unwrap_or_else(|messages| panic!("{messages}"));
        std::fs::read(&object).expect("the compiler wrote it")
    })
}

/// A kernel in a shared object.
fn kernel() -> &'static [u8] {
    static KERNEL: OnceLock<Vec<u8>> = OnceLock::new();
    KERNEL.get_or_init(|| {
        let source = scratch(env!("CARGO_TARGET_TMPDIR"), "isolation").join("kernel.cpp");
        let text = "extern \"C\" void kernel_entry(long *) {}\n";
        std::fs::write(&source, text).expect("the build folder is writable");
        let object = source.with_extension("so");
        let built = Compiler::system().plain_object(&source, &object);
        built.unwrap_or_else(|messages| panic!("{messages}"));
        std::fs::read(&object).expect("the compiler wrote it")
    })
}

fn says_program() -> Program {
    let builder = ProgramBuilder::new().kernel_image(0, CoreType::Aiv, kernel());
    let program = builder.orchestration_image(says(), "", "");
    program.expect("names without zero bytes")
}

fn attached(platform: &str, device: i32) -> ChipWorker {
    let worker = ChipWorker::on(platform).expect("a platform of this build");
    worker.init(device).expect("a fresh worker");
    worker
}

fn run(
    worker: &ChipWorker,
    callable: &Callable,
    who: u64,
    tasks: u64,
    fails: bool,
) -> host::Result<RunReport> {
    let mut args = Arguments::new();
    for word in [who, tasks, u64::from(fails)] {
        args.scalar(word).expect("a scalar");
    }
    let config = RunConfig {
        block_dim: 1,
        aicpu_threads: 2,
        ..RunConfig::default()
    };
    worker.run(callable, &mut args, &config)
}

/// Two have one number: contexts are what is apart, not numbers of chips.
const DEVICES: [(&str, i32); 4] = [("a2a3sim", 0), ("a2a3sim", 0), ("a5sim", 0), ("a2a3sim", 1)];

#[test]
fn an_error_is_in_the_words_of_its_own_device() {
    thread::scope(|scope| {
        for (who, (platform, device)) in (0_u64..).zip(DEVICES) {
            scope.spawn(move || {
                let worker = attached(platform, device);
                let callable = worker.register(says_program()).expect("a good program");
                for round in 0..40 {
                    let fails = round % 3 != 0;
                    let result = run(&worker, &callable, who, 2, fails);
                    let Err(error) = result else {
                        assert!(!fails, "device {who}, round {round}: it reported an error");
                        continue;
                    };
                    let text = error.to_string();
                    assert!(fails, "device {who}, round {round}: {text}");
                    assert!(text.contains(&format!("device {who} ")), "{text}");
                    for other in (0..4).filter(|other| *other != who) {
                        assert!(!text.contains(&format!("device {other} ")), "{text}");
                    }
                }
            });
        }
    });
}

/// Loads on the device, loads on the host, kernels loaded, allocations.
fn counters(worker: &ChipWorker) -> (u64, u64, usize, u64) {
    let device: &dyn Device = worker.device();
    (
        device.aicpu_dlopen_count(),
        device.host_dlopen_count(),
        device.loaded_kernels(),
        worker.memory().allocations,
    )
}

fn graph_program(tasks: u64) -> Program {
    let builder = ProgramBuilder::new().kernel(0, CoreType::Aiv, |_| Ok(()));
    builder.graph(move |graph, _| {
        for _ in 0..tasks {
            graph.task(0, CoreType::Aiv).first();
        }
        Ok(())
    })
}

#[test]
fn a_device_counts_what_it_does_itself() {
    thread::scope(|scope| {
        for (who, (platform, device)) in (1_u64..).zip(DEVICES) {
            scope.spawn(move || {
                let worker = attached(platform, device);
                for program in 0..who {
                    let loaded = worker.register(says_program()).expect("a good program");
                    let graph = worker
                        .register(graph_program(3 * who))
                        .expect("a good program");
                    worker.malloc(64).expect("little memory");
                    run(&worker, &loaded, who, 5, true).expect_err("it reports an error");
                    for tasks in [who, 0, 2 * who] {
                        let report = run(&worker, &loaded, who, tasks, false).expect("a good run");
                        let done = (report.submitted, report.completed, report.kernels);
                        assert_eq!(done, (tasks, tasks, tasks));
                        let report = run(&worker, &graph, who, 0, false).expect("a good run");
                        assert_eq!((report.completed, report.kernels), (3 * who, 3 * who));
                    }
                    let programs = program + 1;
                    // One kernel in a shared object serves all of the device's programs.
                    let expected = (programs, programs, 1, programs);
                    assert_eq!(counters(&worker), expected, "device {who}");
                }
                worker.finalize().expect("a good end");
                assert_eq!(
                    counters(&worker),
                    (0, who, 0, 0),
                    "of the host's none is forgotten"
                );
            });
        }
    });
}

/// Counts its calls in data of its own.
const COUNTING: &str = "#include <stdint.h>\n\
    static uint64_t calls;\n\
    extern \"C\" void kernel_entry(int64_t *args) { *reinterpret_cast<uint64_t *>(args[0]) = ++calls; }\n";

#[test]
fn data_of_a_kernel_is_its_context_s_and_lasts_from_run_to_run() {
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), "isolation");
    let source = folder.join("counting.cpp");
    std::fs::write(&source, COUNTING).expect("the build folder is writable");
    let object = source.with_extension("so");
    let built = Compiler::system().plain_object(&source, &object);
    built.unwrap_or_else(|messages| panic!("{messages}"));
    let kernel = std::fs::read(&object).expect("the compiler wrote it");
    let program = || {
        let builder = ProgramBuilder::new().kernel_image(0, CoreType::Aiv, &kernel);
        builder.orchestration(|scope, args| {
            let place: u64 = args.scalar(0)?;
            scope.task(Kernels::aiv(0)).scalar(place).submit()?;
            Ok(())
        })
    };
    let workers = [attached("a2a3sim", 0), attached("a2a3sim", 0)];
    // Two programs of the first context have one kernel.
    let first = [(); 2].map(|()| workers[0].register(program()).expect("a good program"));
    let second = workers[1].register(program()).expect("a good program");
    let call = |worker: &ChipWorker, callable: &Callable| {
        let mut count = Box::new(0_u64);
        let place: *mut u64 = &raw mut *count;
        run(worker, callable, place.expose_provenance() as u64, 0, false).expect("a good run");
        // SAFETY: a word of ours; the kernel that knows its address has ended.
        unsafe { place.read_volatile() }
    };
    for round in 0..3 {
        assert_eq!(call(&workers[0], &first[0]), 2 * round + 1);
        assert_eq!(call(&workers[1], &second), round + 1);
        assert_eq!(call(&workers[0], &first[1]), 2 * round + 2);
    }
}

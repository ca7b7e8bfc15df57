//! Code that goes wrong when it runs.

use host::ArgDirection::Inout;
use host::{Callable, RunConfig};
use platform::MemoryStats;
use sync::Word32;

use super::footprint::{Footprint, leaves_nothing, threads_return};
use crate::conformance::bench::{Bench, Buffer, impatient, small};
use crate::conformance::script::{Lanes, Mode, Op, Step};
use crate::conformance::subject::{Language, Recipe, Subject};

fn recipe(language: Language) -> Recipe<'static> {
    Recipe {
        language,
        ..Recipe::rust(&[Inout])
    }
}

/// Runs a script that fails, and checks that nothing is bound afterwards.
fn fail(bench: &Bench<'_>, program: &Callable, script: &[Step], config: &RunConfig) {
    let mut data = [1; 100];
    let buffers = vec![Buffer::Out(&mut data)];
    bench
        .run(program, buffers, script, config)
        .expect_err("the script goes wrong");
    assert_eq!(bench.worker.memory().bound_buffers, 0);
    assert_eq!(data, [1; 100]);
}

/// Scripts that fail in every way that ends by itself.
fn failing() -> [Vec<Step>; 6] {
    let task = Step::task(0, 0, 1, 1);
    [
        vec![task, Step::plain(Op::Fatal, 5, 0), task],
        vec![task, Step::plain(Op::Throw, 0, 0)],
        vec![task, task.with(Mode::Fail, 0), task],
        vec![task.on(Lanes::Cube).with(Mode::Fail, 0)],
        vec![task, task.with(Mode::Beyond, 0)],
        vec![task, task.kernel(900), task],
    ]
}

/// Whatever a run fails with: memory, files, threads and code are as before, and the worker goes on.
pub fn runs_that_fail_leave_nothing(subject: &Subject) {
    leaves_nothing(|| {
        for &language in subject.languages() {
            let bench = Bench::new(subject);
            let program = bench.registered(&recipe(language));
            for script in failing() {
                fail(&bench, &program, &script, &small());
                bench.proves_itself(&program);
            }
            bench.ends_clean();
        }
    });
}

/// A worker that runs, fails and runs again holds what it held before.
pub fn workers_in_use_hold_no_more_from_run_to_run(subject: &Subject) {
    let bench = Bench::new(subject);
    let languages = subject.languages().iter();
    let programs: Vec<Callable> = languages
        .map(|&language| bench.registered(&recipe(language)))
        .collect();
    let mut memory = None;
    leaves_nothing(|| {
        for program in &programs {
            for script in failing() {
                fail(&bench, program, &script, &small());
                bench.proves_itself(program);
            }
        }
        let now = bench.worker.memory();
        let before = *memory.get_or_insert(now);
        assert_eq!(now, before, "buffers are used again");
    });
    bench.ends_clean();
}

/// A word that lives as long as code that looks at it, and its address.
fn gate() -> (&'static Word32, u64) {
    let gate: &'static Word32 = Box::leak(Box::default());
    (gate, core::ptr::from_ref(gate).expose_provenance() as u64)
}

fn comes_back(subject: &Subject, stuck: impl Fn(u64) -> Step) {
    for &language in subject.languages() {
        leaves_nothing(|| {
            let bench = Bench::new(subject);
            let program = bench.registered(&recipe(language));
            bench.proves_itself(&program);
            let (gate, address) = gate();
            fail(&bench, &program, &[stuck(address)], &impatient());
            bench.proves_itself(&program);
            let with_stuck = Footprint::now().threads;
            gate.publish(1);
            threads_return(with_stuck - 1);
            bench.proves_itself(&program);
            bench.ends_clean();
        });
    }
}

/// A thread in an orchestration that does not return is left behind, and gone when it has returned.
pub fn an_orchestration_that_never_returns_leaves_nothing_when_it_has(subject: &Subject) {
    comes_back(subject, |address| Step::plain(Op::Stuck, 0, address));
}

/// The same for a kernel.
pub fn a_kernel_that_never_returns_leaves_nothing_when_it_has(subject: &Subject) {
    comes_back(subject, |address| {
        Step::task(0, 0, 1, 1).with(Mode::Stuck, address)
    });
}

/// A worker may be dropped while code of its program still runs: what that code uses goes with it.
pub fn workers_may_go_before_code_they_left_behind(subject: &Subject) {
    for &language in subject.languages() {
        leaves_nothing(|| {
            let (gate, address) = gate();
            for stuck in [
                Step::plain(Op::Stuck, 0, address),
                Step::task(0, 0, 1, 1).with(Mode::Stuck, address),
            ] {
                let bench = Bench::new(subject);
                let program = bench.registered(&recipe(language));
                fail(&bench, &program, &[stuck], &impatient());
                bench.worker.unregister(&program).expect("it is registered");
                bench.worker.finalize().expect("nobody is waited for");
                assert_eq!(bench.worker.memory(), MemoryStats::default());
            }
            gate.publish(1);
            threads_return(1);
        });
    }
}

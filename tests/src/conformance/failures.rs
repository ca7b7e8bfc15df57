//! Runs that fail: with which error, code and words, and that the same worker then runs a good program.

use core::time::Duration;

use host::ArgDirection::Inout;
use host::{Callable, RunConfig};
use platform::Error;

use super::bench::{Bench, Buffer, impatient, of_device, small};
use super::latch::{Latch, Where};
use super::reach::Loss;
use super::script::{Mode, Op, Step};
use super::subject::{Language, Loads, Recipe, Subject};

/// A worker with a program in each language; after each failure, which costs the run, it proves itself.
fn fails(subject: &Subject, script: &[Step], check: impl Fn(Language, &Error)) {
    fails_at_the_cost(subject, Loss::Run, script, check);
}

/// The same with a failure that costs what `loss` says.
fn fails_at_the_cost(
    subject: &Subject,
    loss: Loss,
    script: &[Step],
    check: impl Fn(Language, &Error),
) {
    for &language in subject.languages() {
        let bench = match loss {
            Loss::Run => Bench::new(subject),
            Loss::Chip { .. } => Bench::impatient(subject),
        };
        let recipe = Recipe {
            language,
            ..Recipe::rust(&[Inout])
        };
        let (bad, good) = (bench.registered(&recipe), bench.registered(&recipe));
        for _ in 0..2 {
            let error = failure(&bench, &bad, script, &small());
            check(language, &error);
            bench.makes_good(loss, &error);
            bench.proves_itself(&good);
            bench.proves_itself(&bad);
        }
        // A chip that was initialised again has loaded its programs again; what the host loads is counted over all.
        let registrations = match (loss, subject.runtime.loads()) {
            (Loss::Chip { .. }, Loads::AtRegistration) => 2 * 3,
            _ => 2,
        };
        bench.expect_loads(registrations, 2);
        bench.ends_clean();
    }
}

/// Why `script` failed; its tensor came back as it was.
#[track_caller]
fn failure(bench: &Bench<'_>, program: &Callable, script: &[Step], config: &RunConfig) -> Error {
    let mut data = [1; 4];
    let buffers = vec![Buffer::Out(&mut data)];
    let error = of_device(bench.run(program, buffers, script, config));
    assert_eq!(data, [1; 4], "nothing comes back");
    error
}

/// A code that the orchestration reports is the run's, with its words.
pub fn a_reported_code_is_the_runs(subject: &Subject) {
    for code in [9, 42, 1000] {
        let script = [
            Step::task(0, 0, 1, 1),
            Step::plain(Op::Fatal, code, 0),
            Step::task(0, 0, 1, 1),
        ];
        let expected = subject
            .runtime
            .reported(i32::try_from(code).expect("small"));
        fails(subject, &script, |language, error| {
            assert_eq!(error.code(), expected, "{error}");
            // In C++ an orchestration on the host has no words, only the value it returns.
            let has_words = language == Language::Rust || subject.runtime.has_blocks();
            let text = error.to_string();
            assert_eq!(text.contains("the script says so"), has_words, "{text}");
        });
    }
}

/// What an orchestration throws or panics with ends its run and no more. In the reference it ends the process.
pub fn an_orchestration_that_throws_fails_its_run(subject: &Subject) {
    let script = [Step::task(0, 0, 1, 1), Step::plain(Op::Throw, 0, 0)];
    fails(subject, &script, |language, error| {
        let text = error.to_string();
        assert!(text.contains("the script says so"), "{text}");
        let how = match language {
            Language::Rust => "panicked",
            Language::Cpp => "threw",
        };
        assert!(text.contains(how), "{text}");
    });
}

/// A kernel that throws or gives up is named, where a core says so much.
pub fn a_kernel_that_fails_is_named(subject: &Subject) {
    let script = [
        Step::task(0, 0, 1, 1),
        Step::task(0, 0, 1, 1).with(Mode::Fail, 0),
        Step::task(0, 0, 1, 1),
    ];
    let loss = subject.terms().kernel_that_throws;
    fails_at_the_cost(subject, loss, &script, |_, error| {
        let text = error.to_string();
        let named = text.starts_with("kernel func_id 0 on core ");
        assert_eq!(named, loss == Loss::Run, "{text}");
    });
}

/// A task whose kernel the program does not have fails its run by the number. In the reference it is called.
pub fn a_kernel_that_is_not_there_is_named(subject: &Subject) {
    for id in [5, 999] {
        let script = [Step::task(0, 0, 1, 1).kernel(id)];
        fails(subject, &script, |_, error| {
            assert_eq!(error.code(), subject.runtime.invalid(), "{error}");
            assert!(error.to_string().contains(&id.to_string()), "{error}");
        });
    }
}

/// An argument that the run does not have is named; in C++ the orchestration says how many it wants.
pub fn arguments_that_are_missing_are_named(subject: &Subject) {
    for &language in subject.languages() {
        let bench = Bench::new(subject);
        let recipe = Recipe {
            language,
            ..Recipe::rust(&[Inout])
        };
        let program = bench.registered(&recipe);
        let mut nothing = host::Arguments::new();
        let error = of_device(bench.worker.run(&program, &mut nothing, &small()));
        let text = error.to_string();
        match language {
            Language::Rust => {
                assert_eq!(error.code(), -5, "{text}");
                assert!(
                    text.contains("scalar 0 was asked for, the run has 0"),
                    "{text}"
                );
            }
            Language::Cpp => {
                assert!(
                    text.contains("at least 1 arguments, 0 were given"),
                    "{text}"
                );
            }
        }
        bench.proves_itself(&program);
    }
}

/// Scopes that are left open are named.
pub fn scopes_left_open_are_named(subject: &Subject) {
    let bench = Bench::new(subject);
    let program = bench.registered(&Recipe::cpp(&[Inout]));
    let open = Step::plain(Op::Open, 0, 0);
    let script = [open, open, Step::task(0, 0, 1, 1), open];
    let error = failure(&bench, &program, &script, &small());
    assert_eq!(error.code(), -5, "{error}");
    assert!(error.to_string().contains("never ended"), "{error}");
    bench.proves_itself(&program);
    bench.ends_clean();
}

/// Code that does not return misses a deadline; the error says which, and who was waited for. The worker goes on
/// without it, and with it when it has returned after all.
fn misses_a_deadline(
    subject: &Subject,
    (place, loss): (Where, Loss),
    stuck: impl Fn(u64) -> Step,
    waiting: &str,
) {
    for &language in subject.languages() {
        let bench = Bench::impatient(subject);
        let recipe = Recipe {
            language,
            ..Recipe::rust(&[Inout])
        };
        let (bad, good) = (bench.registered(&recipe), bench.registered(&recipe));
        let latch = Latch::closed(&bench, place);
        let script = [Step::task(0, 0, 1, 1), stuck(latch.address())];
        let error = failure(&bench, &bad, &script, &impatient());
        let limit = impatient().options.deadlines.no_progress;
        assert_eq!(error.code(), -100, "{error}");
        let text = error.to_string();
        assert!(text.contains(waiting), "{text}");
        assert!(text.contains(&format!("{limit:?}")), "{text}");
        bench.makes_good(loss, &error);
        bench.proves_itself(&good);
        latch.open(&bench, loss);
        bench.proves_itself(&bad);
        bench.ends_clean();
    }
}

/// An orchestration that does not return.
pub fn an_orchestration_that_never_returns_misses_a_deadline(subject: &Subject) {
    let stuck = |address| Step::plain(Op::Stuck, 0, address);
    let loss = subject.terms().orchestration_that_stays;
    let costs = (Where::Orchestration, loss);
    misses_a_deadline(subject, costs, stuck, "the orchestration has not returned");
}

/// A kernel that does not return.
pub fn a_kernel_that_never_returns_misses_a_deadline(subject: &Subject) {
    let stuck = |address| Step::task(0, 0, 1, 1).with(Mode::Stuck, address);
    let loss = subject.terms().kernel_that_stays;
    misses_a_deadline(subject, (Where::Kernel, loss), stuck, "func_id 0");
}

/// A run has a deadline as a whole, too.
pub fn a_run_has_a_deadline_as_a_whole(subject: &Subject) {
    let bench = Bench::impatient(subject);
    let program = bench.registered(&Recipe::rust(&[Inout]));
    let latch = Latch::closed(&bench, Where::Orchestration);
    let mut config = impatient();
    config.options.deadlines.run = Duration::from_millis(100);
    config.options.deadlines.no_progress = Duration::from_secs(30);
    let script = [Step::plain(Op::Stuck, 0, latch.address())];
    let error = failure(&bench, &program, &script, &config);
    let start = format!(
        "the run did not end within {:?} ",
        config.options.deadlines.run
    );
    assert!(error.to_string().starts_with(&start), "{error}");
    let loss = subject.terms().orchestration_that_stays;
    bench.makes_good(loss, &error);
    latch.open(&bench, loss);
    bench.proves_itself(&program);
}

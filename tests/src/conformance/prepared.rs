//! Programs are loaded once per registration and run many times; the counters say so.

use host::ArgDirection::Inout;
use host::{Callable, Program};
use platform::Error;

use super::bench::{Bench, Buffer, refused, small};
use super::script::Step;
use super::subject::{BIAS, Loads, Recipe, Subject};

const ONE: &[host::ArgDirection] = &[Inout];

fn recipes(subject: &Subject) -> impl Iterator<Item = Recipe<'static>> {
    subject.languages().iter().map(|&language| Recipe {
        language,
        ..Recipe::rust(ONE)
    })
}

/// Five runs of one id load once.
pub fn repeated_runs_of_one_id_load_once(subject: &Subject) {
    for recipe in recipes(subject) {
        let bench = Bench::new(subject);
        let program = bench
            .worker
            .register_as(7, bench.program(&recipe))
            .expect("a good program");
        bench.expect_loads(1, 0);
        for _ in 0..5 {
            bench.proves_itself(&program);
            bench.expect_loads(1, 1);
        }
        bench.ends_clean();
    }
}

/// Two ids in turn load twice, though they have the same program.
pub fn two_ids_in_turn_load_once_each(subject: &Subject) {
    for recipe in recipes(subject) {
        let bench = Bench::new(subject);
        let (first, second) = (bench.registered(&recipe), bench.registered(&recipe));
        assert_eq!((first.id(), second.id()), (0, 1));
        for round in 0..5 {
            bench.proves_itself(&first);
            bench.expect_loads(2, if round == 0 { 1 } else { 2 });
            bench.proves_itself(&second);
            bench.expect_loads(2, 2);
        }
    }
}

/// A taken id is refused, whatever the program; the program that has it stays.
pub fn a_second_registration_of_an_id_is_refused(subject: &Subject) {
    for recipe in recipes(subject) {
        let bench = Bench::new(subject);
        let program = bench.registered(&recipe);
        let again = bench.worker.register_as(0, bench.program(&recipe.biased()));
        refused(again, &Error::AlreadyRegistered { id: 0 });
        bench.expect_loads(1, 0);
        bench.proves_itself(&program);
        bench.expect_loads(1, 1);
    }
}

/// An id that was unregistered takes another program, which is loaded; counters never go down.
pub fn an_id_is_registered_again_after_it_was_unregistered(subject: &Subject) {
    for recipe in recipes(subject) {
        let bench = Bench::new(subject);
        let first = bench.registered(&recipe);
        bench.proves_itself(&first);
        bench.expect_loads(1, 1);
        bench.worker.unregister(&first).expect("it is registered");
        bench.expect_loads(1, 1);
        let second = bench.registered(&recipe.biased());
        assert_eq!(second.id(), 0);
        bench.expect_loads(2, 1);
        let mut data = [1; 3];
        bench
            .run(
                &second,
                vec![Buffer::Out(&mut data)],
                &[Step::task(0, 0, 1, 1)],
                &small(),
            )
            .expect("a good run");
        assert_eq!(data, [2 + BIAS; 3], "the program is the new one");
        bench.expect_loads(2, 2);
        bench.ends_clean();
    }
}

/// Images that two ids share stay as long as one of them is registered.
pub fn shared_images_stay_until_their_last_program_goes(subject: &Subject) {
    let bench = Bench::new(subject);
    let recipe = Recipe::cpp(ONE);
    let (first, second) = (bench.registered(&recipe), bench.registered(&recipe));
    let loaded = || bench.worker.device().loaded_kernels();
    let kernels = loaded();
    assert!((1..=2).contains(&kernels), "one vector and one cube kernel");
    bench.proves_itself(&first);
    bench.worker.unregister(&first).expect("it is registered");
    assert_eq!(loaded(), kernels);
    bench.proves_itself(&second);
    bench.worker.unregister(&second).expect("it is registered");
    assert_eq!(loaded(), 0);
    bench.expect_loads(2, 2);
}

/// Finalizing takes everything along; programs come back with the next `init` and are loaded anew.
pub fn finalize_takes_registered_programs_along(subject: &Subject) {
    for recipe in recipes(subject) {
        let bench = Bench::new(subject);
        let programs: Vec<Callable> = (0..5).map(|_| bench.registered(&recipe)).collect();
        for program in &programs[..3] {
            bench.proves_itself(program);
        }
        bench.ends_clean();
        refused(
            bench.run(&programs[0], vec![], &[], &small()),
            &Error::NotAttached { operation: "run" },
        );
        bench
            .worker
            .init(1)
            .expect("finalized workers are like new");
        for program in &programs {
            bench.proves_itself(program);
        }
        if subject.runtime.loads() == Loads::AtFirstRun {
            bench.expect_loads(5, 5);
        }
        bench.ends_clean();
    }
}

/// In the reference an id counts as loaded although its load failed, and never works again.
pub fn a_failed_load_is_not_counted_and_can_be_tried_again(subject: &Subject) {
    let bench = Bench::new(subject);
    let recipe = Recipe::cpp(ONE);
    let objects = subject.objects();
    let bad = || subject.program_of(&recipe, &objects.without_entry);
    for _ in 0..2 {
        let text = load_failure(&bench, bad());
        assert!(text.contains("does not export"), "{text}");
        bench.expect_loads(0, 0);
    }
    let good = bench.worker.register_as(3, bench.program(&recipe));
    bench.proves_itself(&good.expect("the id is free again"));
    bench.expect_loads(1, 1);
}

/// Registers and runs `program` under id 3, and says why one of both failed.
pub(super) fn load_failure(bench: &Bench<'_>, program: Program) -> String {
    let callable = match bench.worker.register_as(3, program) {
        Err(error) => return error.to_string(),
        Ok(callable) => callable,
    };
    let first = bench
        .run(&callable, vec![], &[], &small())
        .expect_err("it cannot be loaded")
        .to_string();
    let again = bench
        .run(&callable, vec![], &[], &small())
        .expect_err("it still cannot be loaded");
    assert_eq!(first, again.to_string());
    bench
        .worker
        .unregister(&callable)
        .expect("it is registered");
    first
}

/// In the reference the kernels of the second program replace those of the first.
pub fn programs_with_one_func_id_and_different_kernels_both_work(subject: &Subject) {
    for recipe in recipes(subject) {
        let bench = Bench::new(subject);
        let plain = bench.registered(&recipe);
        let biased = bench.registered(&recipe.biased());
        for _ in 0..3 {
            for (program, bias) in [(&plain, 0), (&biased, BIAS)] {
                let mut data = [4; 9];
                bench
                    .run(
                        program,
                        vec![Buffer::Out(&mut data)],
                        &[Step::task(0, 0, 2, 1)],
                        &small(),
                    )
                    .expect("a good run");
                assert_eq!(data, [9 + bias; 9]);
            }
        }
        bench.worker.unregister(&plain).expect("it is registered");
        let mut data = [0];
        bench
            .run(
                &biased,
                vec![Buffer::Out(&mut data)],
                &[Step::task(0, 0, 1, 0)],
                &small(),
            )
            .expect("a good run");
        assert_eq!(data, [BIAS]);
    }
}

//! Several devices and several threads in one process.

use std::thread;

use host::ArgDirection::{In, Inout, Out};

use super::bench::{Bench, Buffer, small};
use super::script::Step;
use super::subject::{BIAS, Recipe, Subject};

/// Devices run at the same time and never see one another's programs, memory or counters, though two workers have the
/// same one where they can share it. In the reference two at once may stop.
pub fn devices_run_at_once_and_never_meet(subject: &Subject) {
    let work = |index: u32| {
        let bench = Bench::detached(subject);
        let device = subject.device_of(index);
        bench.worker.init(device).expect("a fresh worker");
        let languages = subject.languages();
        let language = languages[index as usize % languages.len()];
        let recipe = Recipe {
            language,
            ..Recipe::rust(&[In, Out])
        };
        let (recipe, bias) = if index < 2 {
            (recipe, 0)
        } else {
            (recipe.biased(), BIAS)
        };
        let program = bench.registered(&recipe);
        assert_eq!(program.id(), 0);
        for round in 0..20 {
            let input = vec![1000 * index + round; 500];
            let mut output = vec![0; 500];
            bench
                .run(
                    &program,
                    vec![Buffer::In(&input), Buffer::Out(&mut output)],
                    &[
                        Step::task(0, 1, 2, 1),
                        Step::task(1, 1, 3, u64::from(index)),
                    ],
                    &small(),
                )
                .expect("a good run");
            let expected = 3 * (2 * (1000 * index + round) + 1 + bias) + index + bias;
            assert_eq!(output, [expected; 500]);
            bench.expect_loads(1, 1);
            assert_eq!(bench.worker.memory().allocations, 0);
        }
        bench.ends_clean();
    };
    thread::scope(|scope| {
        for index in 0..4 {
            scope.spawn(move || work(index));
        }
    });
}

/// Every call may come from another thread than the one before.
pub fn calls_may_come_from_any_thread(subject: &Subject) {
    for &language in subject.languages() {
        let bench = Bench::detached(subject);
        let recipe = Recipe {
            language,
            ..Recipe::rust(&[Inout])
        };
        let elsewhere = |call: &(dyn Fn() + Sync)| {
            thread::scope(|scope| scope.spawn(call).join().expect("the call worked"));
        };
        elsewhere(&|| bench.worker.init(0).expect("a fresh worker"));
        let program = thread::scope(|scope| {
            let register = scope.spawn(|| bench.registered(&recipe));
            register.join().expect("the call worked")
        });
        for _ in 0..3 {
            elsewhere(&|| bench.proves_itself(&program));
        }
        bench.expect_loads(1, 1);
        elsewhere(&|| bench.worker.unregister(&program).expect("it is registered"));
        elsewhere(&|| bench.ends_clean());
    }
}

/// Threads that run on one worker take turns, and each gets its own results.
pub fn threads_take_turns_on_one_worker(subject: &Subject) {
    let bench = Bench::new(subject);
    let programs = [
        bench.registered(&Recipe::rust(&[Inout])),
        bench.registered(&Recipe::rust(&[Inout]).biased()),
    ];
    thread::scope(|scope| {
        for index in 0..4_u32 {
            let (bench, programs) = (&bench, &programs);
            scope.spawn(move || {
                let which = (index % 2) as usize;
                let bias = [0, BIAS][which];
                for round in 0..25 {
                    let mut data = vec![index; 64];
                    bench
                        .run(
                            &programs[which],
                            vec![Buffer::Out(&mut data)],
                            &[Step::task(0, 0, 7, round)],
                            &small(),
                        )
                        .expect("a good run");
                    let round = u32::try_from(round).expect("small");
                    assert_eq!(data, [7 * index + round + bias; 64]);
                }
            });
        }
    });
    bench.expect_loads(2, 2);
    assert_eq!(bench.worker.memory().bound_buffers, 0);
}

/// Programs come and go while others run.
pub fn programs_come_and_go_while_others_run(subject: &Subject) {
    let bench = Bench::new(subject);
    let steady = bench.registered(&Recipe::rust(&[Inout]));
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..40 {
                bench.proves_itself_amid_others(&steady);
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let program = bench.registered(&Recipe::cpp(&[Inout]));
                    bench.proves_itself_amid_others(&program);
                    bench.worker.unregister(&program).expect("it is registered");
                }
            });
        }
    });
    bench.expect_loads(21, 21);
    bench.ends_clean();
}

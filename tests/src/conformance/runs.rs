//! Runs of every size, with every number of threads and clusters.

use host::ArgDirection::{In, Inout, Out};
use host::{ArgDirection, Error, RunConfig, RunOptions};
use protocol::Malformed;

use super::bench::{Bench, Buffer, of_device, small};
use super::script::{Lanes, Step};
use super::subject::{Language, Recipe, Subject};

/// Numbers that are random enough, and the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A script over `tensors` tensors, and what it does to them one step after the other.
fn any_script(numbers: &mut Numbers, data: &mut [Vec<u32>]) -> Vec<Step> {
    let tensors = data.len() as u64;
    let steps = 1 + numbers.below(17);
    let index = |number: u64| usize::try_from(number).expect("small");
    (0..steps)
        .map(|_| {
            let (from, to) = (index(numbers.below(tensors)), index(numbers.below(tensors)));
            let (factor, addend) = (1 + numbers.below(9), numbers.below(100));
            let source = data[from].clone();
            for (value, source) in data[to].iter_mut().zip(source) {
                let small = |number: u64| u32::try_from(number).expect("small");
                *value = source
                    .wrapping_mul(small(factor))
                    .wrapping_add(small(addend));
            }
            let lanes = [Lanes::Vector, Lanes::Cube][index(numbers.below(2))];
            Step::task(from, to, factor, addend).on(lanes)
        })
        .collect()
}

fn runs_any_script(bench: &Bench<'_>, language: Language, config: &RunConfig, seed: u64) {
    let program = bench.registered(&Recipe {
        language,
        ..Recipe::rust(&[Inout; 4])
    });
    let mut numbers = Numbers(seed);
    for _ in 0..3 {
        let length = usize::try_from(1 + numbers.below(300)).expect("small");
        let mut data: Vec<Vec<u32>> = (1..=4).map(|start| vec![start; length]).collect();
        let mut expected = data.clone();
        let script = any_script(&mut numbers, &mut expected);
        let buffers = data.iter_mut().map(|it| Buffer::Out(it)).collect();
        let report = bench
            .run(&program, buffers, &script, config)
            .expect("a good run");
        assert_eq!(data, expected, "seed {seed}: {script:?}");
        let tasks = script.len() as u64;
        assert_eq!((report.submitted, report.completed), (tasks, tasks));
    }
    bench.worker.unregister(&program).expect("it is registered");
}

/// Every number of threads with every number of clusters that is an edge or does not divide; one thread and one
/// cluster among them. In the reference one thread hangs and so do many clusters per thread.
pub fn every_number_of_threads_and_clusters(subject: &Subject) {
    let bench = Bench::new(subject);
    let most = subject.platform.clusters;
    let (mut seed, mut languages) = (1, subject.languages().iter().cycle());
    for aicpu_threads in 1..=subject.platform.processors {
        for block_dim in [1, 2, 3, 5, 7, most / 2 + 1, most - 1, most] {
            let config = RunConfig {
                aicpu_threads,
                block_dim,
                ..RunConfig::default()
            };
            seed += 1;
            let language = *languages.next().expect("it goes round");
            runs_any_script(&bench, language, &config, seed);
        }
    }
    bench.ends_clean();
}

/// Scripts by chance give what one step after the other gives, in both languages.
pub fn scripts_by_chance_compute_what_a_loop_does(subject: &Subject) {
    let bench = Bench::new(subject);
    for seed in 100..120 {
        for &language in subject.languages() {
            runs_any_script(&bench, language, &small(), seed);
        }
    }
}

/// The thread that built the graph may schedule afterwards.
pub fn the_orchestrating_thread_may_schedule_afterwards(subject: &Subject) {
    let bench = Bench::new(subject);
    for aicpu_threads in 1..=subject.platform.processors {
        let config = RunConfig {
            aicpu_threads,
            options: RunOptions {
                orchestrator_schedules: true,
                ..RunOptions::default()
            },
            ..small()
        };
        runs_any_script(&bench, Language::Cpp, &config, u64::from(aicpu_threads));
    }
}

/// Numbers of threads and clusters that the chip does not have are refused with the value and the limit, and so are
/// those that a chip of the family can have and this one has not.
pub fn numbers_that_the_chip_does_not_have_are_refused(subject: &Subject) {
    let bench = Bench::new(subject);
    let program = bench.registered(&Recipe::rust(&[Inout]));
    let (clusters, threads) = (subject.platform.clusters, subject.platform.threads);
    let cases = [
        (0, 2, "block_dim is 0", clusters),
        (clusters + 1, 2, "block_dim is", clusters),
        (u32::MAX, 2, "block_dim is", clusters),
        (1, 0, "aicpu_thread_num is 0", threads),
        (1, threads + 1, "aicpu_thread_num is", threads),
        (1, u32::MAX, "aicpu_thread_num is", threads),
    ];
    for (block_dim, aicpu_threads, start, most) in cases {
        let config = RunConfig {
            block_dim,
            aicpu_threads,
            ..RunConfig::default()
        };
        let mut data = [1];
        let script = [Step::task(0, 0, 1, 1)];
        let run = bench.run(&program, vec![Buffer::Out(&mut data)], &script, &config);
        let text = of_device(run).to_string();
        assert!(text.starts_with(start), "{text}");
        assert!(text.ends_with(&format!("allowed is 1 to {most}")), "{text}");
        assert_eq!(data, [1]);
    }
    let processors = subject.platform.processors;
    for aicpu_threads in processors + 1..=threads {
        let config = RunConfig {
            aicpu_threads,
            ..small()
        };
        let mut data = [1];
        let script = [Step::task(0, 0, 1, 1)];
        let run = bench.run(&program, vec![Buffer::Out(&mut data)], &script, &config);
        let text = of_device(run).to_string();
        let numbers = format!("{aicpu_threads} control CPUs of {processors}");
        assert!(text.contains(&numbers), "{text}");
        assert_eq!(data, [1]);
    }
    bench.expect_loads(1, 0);
    bench.proves_itself(&program);
}

/// A run without a task is a run. In the reference it takes minutes.
pub fn runs_without_a_task_end(subject: &Subject) {
    for &language in subject.languages() {
        let bench = Bench::new(subject);
        let program = bench.registered(&Recipe {
            language,
            ..Recipe::rust(&[Out, Inout])
        });
        for aicpu_threads in 1..=subject.platform.processors {
            for block_dim in [1, subject.platform.clusters] {
                let config = RunConfig {
                    aicpu_threads,
                    block_dim,
                    ..RunConfig::default()
                };
                let (mut output, mut both) = ([9_u32; 3], [8_u32; 3]);
                let buffers = vec![Buffer::Out(&mut output), Buffer::Out(&mut both)];
                let report = bench
                    .run(&program, buffers, &[], &config)
                    .expect("a good run");
                assert_eq!((report.submitted, report.completed), (0, 0));
                assert_eq!(
                    (output, both),
                    ([0; 3], [8; 3]),
                    "copied as the signature says"
                );
            }
        }
        bench
            .run(&program, vec![], &[], &small())
            .expect("and without a tensor");
    }
}

/// One program takes other tensors, extents and scalars from run to run; buffers are used again and show nothing of
/// the run before.
pub fn arguments_change_from_run_to_run(subject: &Subject) {
    for &language in subject.languages() {
        let bench = Bench::new(subject);
        let program = bench.registered(&Recipe {
            language,
            ..Recipe::rust(&[In, Out])
        });
        for elements in [1, 1000, 7, 64, 20_000, 63, 65, 1] {
            let input: Vec<u32> = (0..).take(elements).collect();
            let mut output = vec![u32::MAX; elements];
            let addend = elements as u64;
            bench
                .run(
                    &program,
                    vec![Buffer::In(&input), Buffer::Out(&mut output)],
                    &[Step::task(0, 1, 3, addend)],
                    &small(),
                )
                .expect("a good run");
            let expected = |at: usize| u32::try_from(3 * at + elements).expect("small");
            assert!(
                output
                    .iter()
                    .enumerate()
                    .all(|(at, &it)| it == expected(at))
            );
        }
        bench.expect_loads(1, 1);
    }
}

/// As many tensors as an argument block holds are all bound and copied back; one more is refused by number and
/// limit. The reference loses what is beyond 62.
pub fn sixty_four_tensors_and_not_one_more(subject: &Subject) {
    let bench = Bench::new(subject);
    let directions: Vec<ArgDirection> = vec![Inout; 64];
    let program = bench.registered(&Recipe::cpp(&directions));
    let mut data: Vec<Vec<u32>> = (0..65).map(|index| vec![index; 10]).collect();
    let script: Vec<Step> = (50..64).map(|at| Step::task(at, at, 1, 1000)).collect();
    let buffers = data[..64].iter_mut().map(|it| Buffer::Out(it)).collect();
    bench
        .run(&program, buffers, &script, &small())
        .expect("a good run");
    for (index, tensor) in (0..).zip(&data[..64]) {
        let added = if index < 50 { 0 } else { 1000 };
        assert_eq!(*tensor, [index + added; 10]);
    }
    let buffers = data.iter_mut().map(|it| Buffer::Out(it)).collect();
    let refused = bench
        .run(&program, buffers, &script, &small())
        .expect_err("one too many");
    assert!(
        matches!(refused, Error::Malformed(Malformed::TooMany { .. })),
        "{refused:?}"
    );
    let text = refused.to_string();
    assert!(text.contains("65 were given, 64 fit"), "{text}");
}

/// Tensors without an element are bound and change nothing.
pub fn tensors_without_an_element_are_bound(subject: &Subject) {
    let bench = Bench::new(subject);
    let program = bench.registered(&Recipe::rust(&[Out, Inout]));
    let mut data = [1, 2];
    bench
        .run(
            &program,
            vec![Buffer::Out(&mut []), Buffer::Out(&mut data)],
            &[Step::task(1, 1, 1, 1)],
            &small(),
        )
        .expect("a good run");
    assert_eq!(data, [2, 3]);
}

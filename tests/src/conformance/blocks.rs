//! Tasks of many blocks, on one core or whole clusters, together or not; tasks that complete later than their
//! kernel returns.

use host::ArgDirection::Inout;
use host::RunConfig;

use super::bench::{Bench, Buffer, of_device, small};
use super::script::{Lanes, Step};
use super::subject::{Language, Recipe, Subject};

const CLUSTERS: u32 = 3;

fn config() -> RunConfig {
    RunConfig {
        block_dim: CLUSTERS,
        aicpu_threads: 3,
        ..RunConfig::default()
    }
}

/// Blocks of `lanes` that the clusters of a run take at once.
const fn capacity(lanes: Lanes) -> u32 {
    match lanes {
        Lanes::Vector => 2 * CLUSTERS,
        Lanes::Cube | Lanes::Cluster => CLUSTERS,
    }
}

fn marks(bench: &Bench<'_>, language: Language, lanes: Lanes, blocks: u32, together: bool) {
    let program = bench.registered(&Recipe {
        language,
        ..Recipe::rust(&[Inout, Inout])
    });
    let cells = (lanes.cores() * blocks) as usize;
    let (mut counter, mut marks) = ([0], vec![u32::MAX; cells + 1]);
    let step = Step::blocks(0, 1, u64::from(blocks), together).on(lanes);
    let buffers = vec![Buffer::Out(&mut counter), Buffer::Out(&mut marks)];
    bench
        .run(&program, buffers, &[step], &config())
        .expect("a good run");
    for (cell, &mark) in (0..).zip(&marks[..cells]) {
        assert_eq!(mark, cell / lanes.cores(), "each core marks its cell once");
    }
    assert_eq!(marks[cells], u32::MAX);
    let counted = if together { lanes.cores() * blocks } else { 0 };
    assert_eq!(counter, [counted]);
    bench.worker.unregister(&program).expect("it is registered");
}

/// Every block runs once on each of its lanes and knows which it is, whether there are few or many.
pub fn blocks_run_once_on_every_lane(subject: &Subject) {
    let bench = Bench::new(subject);
    for &language in subject.languages() {
        for lanes in [Lanes::Vector, Lanes::Cube, Lanes::Cluster] {
            let room = capacity(lanes);
            for blocks in [1, 2, room - 1, room, room + 1, 4 * room + 1] {
                marks(&bench, language, lanes, blocks, false);
            }
        }
    }
}

/// Blocks that start together all run at the same time: each waits for all others.
pub fn blocks_that_start_together_meet(subject: &Subject) {
    let bench = Bench::new(subject);
    for &language in subject.languages() {
        for lanes in [Lanes::Vector, Lanes::Cube, Lanes::Cluster] {
            for blocks in [1, 2, capacity(lanes)] {
                marks(&bench, language, lanes, blocks, true);
            }
        }
    }
}

/// More blocks than start together are refused with both numbers.
pub fn more_blocks_than_can_start_together_are_refused(subject: &Subject) {
    for &language in subject.languages() {
        let bench = Bench::new(subject);
        let program = bench.registered(&Recipe {
            language,
            ..Recipe::rust(&[Inout, Inout])
        });
        for lanes in [Lanes::Vector, Lanes::Cube, Lanes::Cluster] {
            let blocks = capacity(lanes) + 1;
            let (mut counter, mut marks) = ([0], [0; 40]);
            let step = Step::blocks(0, 1, u64::from(blocks), true).on(lanes);
            let buffers = vec![Buffer::Out(&mut counter), Buffer::Out(&mut marks)];
            let error = of_device(bench.run(&program, buffers, &[step], &config()));
            assert_eq!(error.code(), -7, "{error}");
            let text = error.to_string();
            let numbers = format!("block_num={blocks} > limit={}", capacity(lanes));
            assert!(text.contains(&numbers), "{text}");
            assert_eq!((counter, marks), ([0], [0; 40]));
        }
        bench.proves_itself(&bench.registered(&Recipe::rust(&[Inout])));
    }
}

/// A task whose kernel left a condition completes when the condition holds, whether that is at once or later; what
/// depends on it starts then.
pub fn deferred_tasks_complete_when_their_counter_is_reached(subject: &Subject) {
    let bench = Bench::new(subject);
    let program = bench.registered(&Recipe::cpp(&[Inout, Inout, Inout]));
    for senders in [0, 1, 5] {
        for first in [true, false] {
            let (mut counter, mut token, mut after) = ([0], [0], [1]);
            let sends = (0..senders).map(|_| Step::send(0).on(Lanes::Cube));
            let waits = [
                Step::defer(0, 1, senders, 40),
                Step::task(1, 2, 1, 2),
                // Reads what the senders counted, after the wait.
                Step::task(0, 1, 10, 3).on(Lanes::Vector),
            ];
            let script: Vec<Step> = if first {
                sends.chain(waits).collect()
            } else {
                waits[..2].iter().copied().chain(sends).collect()
            };
            let buffers = vec![
                Buffer::Out(&mut counter),
                Buffer::Out(&mut token),
                Buffer::Out(&mut after),
            ];
            bench
                .run(&program, buffers, &script, &small())
                .expect("a good run");
            assert_eq!((u64::from(counter[0]), after), (senders, [42]));
            if first {
                assert_eq!(u64::from(token[0]), 10 * senders + 3);
            }
        }
    }
}

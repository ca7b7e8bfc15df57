//! Random graphs against a model that runs one task after the other.

use host::team::{Args, Error, Kind, Tensor, Worker};
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestRunner};

use crate::support::{function, sub_builder};

/// Elements of the buffer that tasks work on.
const LENGTH: u32 = 24;

/// One step of a graph.
#[derive(Clone, Debug)]
enum Step {
    /// Adds to a part of the buffer.
    Add {
        part: (u32, u32),
        by: i32,
        pin: Option<usize>,
    },
    /// Adds to two disjoint parts as one group.
    Group { parts: [(u32, u32); 2], by: i32 },
    /// Fails where it would write.
    Fail { part: (u32, u32) },
    /// Opens a scope and works on an intermediate in it.
    Scoped { units: u32, value: i32 },
}

fn part() -> impl Strategy<Value = (u32, u32)> {
    (0..LENGTH, 1_u32..6).prop_map(|(start, len)| (start, len.min(LENGTH - start)))
}

fn step() -> impl Strategy<Value = Step> {
    let pin = proptest::option::of(0_usize..3);
    proptest::prop_oneof![
        6 => (part(), 1..9, pin).prop_map(|(part, by, pin)| Step::Add { part, by, pin }),
        2 => (0..LENGTH / 2 - 3, LENGTH / 2..LENGTH - 3, 1..9)
            .prop_map(|(a, b, by)| Step::Group { parts: [(a, 3), (b, 3)], by }),
        1 => part().prop_map(|part| Step::Fail { part }),
        3 => (1_u32..60, any::<i8>()).prop_map(|(units, value)| Step::Scoped { units, value: value.into() }),
    ]
}

/// The buffer after a graph, and how many tasks did not run: each element remembers whether what was
/// last submitted for it failed.
fn model(steps: &[Step]) -> (Vec<i32>, usize) {
    let mut values = vec![0; LENGTH as usize];
    let mut poisoned = vec![false; LENGTH as usize];
    let mut not_run = 0;
    let range = |(start, len): (u32, u32)| start as usize..(start + len) as usize;
    for step in steps {
        let (parts, by): (&[(u32, u32)], Option<i32>) = match step {
            Step::Add { part, by, .. } => (core::slice::from_ref(part), Some(*by)),
            Step::Group { parts, by } => (parts, Some(*by)),
            Step::Fail { part } => (core::slice::from_ref(part), None),
            Step::Scoped { .. } => continue,
        };
        let spoiled = parts
            .iter()
            .any(|&part| poisoned[range(part)].contains(&true));
        let fails = spoiled || by.is_none();
        not_run += usize::from(fails);
        for &part in parts {
            for at in range(part) {
                poisoned[at] = fails;
                if let (false, Some(by)) = (fails, by) {
                    values[at] = values[at] * 3 % 1009 + by;
                }
            }
        }
    }
    (values, not_run)
}

fn run(worker: &Worker, steps: &[Step]) -> (Vec<i32>, usize) {
    let buffer = worker.buffer(LENGTH as usize * 4).expect("there is memory");
    let whole = buffer.tensor::<i32>(&[LENGTH]).expect("it fits");
    let mix = worker.named_function("mix").expect("it is registered");
    let (fail, store, check) = (
        function(worker, "fail"),
        function(worker, "store"),
        function(worker, "check"),
    );
    let rows = |(start, len): (u32, u32)| whole.rows(start, len).expect("it is inside");
    let result = worker.run(|graph| {
        for step in steps {
            match step {
                Step::Add { part, by, pin } => {
                    let mut task = graph
                        .sub(&mix)
                        .args(Args::new().inout(&rows(*part)).scalar(*by));
                    if let Some(pin) = pin {
                        task = task.on(*pin);
                    }
                    task.submit()?;
                }
                Step::Group { parts, by } => {
                    let members = parts.map(|part| Args::new().inout(&rows(part)).scalar(*by));
                    graph.sub(&mix).group(members).submit()?;
                }
                Step::Fail { part } => {
                    graph
                        .sub(&fail)
                        .args(Args::new().inout(&rows(*part)))
                        .submit()?;
                }
                Step::Scoped { units, value } => {
                    let mut scope = graph.scope()?;
                    let inner: Tensor = scope.alloc::<i32>(&[units * 256])?;
                    scope
                        .sub(&store)
                        .args(Args::new().inout(&inner).scalar(*value))
                        .submit()?;
                    scope
                        .sub(&check)
                        .args(Args::new().input(&inner).scalar(*value))
                        .submit()?;
                }
            }
        }
        Ok(())
    });
    let not_run = match result {
        Ok(()) => 0,
        Err(Error::Run { failures, .. }) => failures.len(),
        Err(other) => panic!("{other}"),
    };
    (whole.load().expect("integers"), not_run)
}

pub(crate) fn random_graphs(kind: Kind) {
    let worker = sub_builder(kind, 3)
        .heap_ring_bytes(64 * 1024)
        .fail_fast(false)
        .functions(["mix"])
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    let config = Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    };
    let steps = proptest::collection::vec(step(), 0..40);
    TestRunner::new(config)
        .run(&steps, |steps| {
            proptest::prop_assert_eq!(run(&worker, &steps), model(&steps));
            Ok(())
        })
        .expect("the engine does what one task after the other does");
}

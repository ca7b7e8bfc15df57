//! Chips as children: both families, both runtimes, their memory, few cores.

use host::team::{Args, Kind, Worker};

use crate::support::{ALL, Case, EXEC, catalogue, chips, config, floats, limits};

pub(crate) const CASES: &[Case] = &[
    ("chips_add", ALL, chips_add),
    ("families_and_runtimes_mix", ALL, families_and_runtimes_mix),
    ("device_memory", ALL, device_memory),
    (
        "restarted_chips_lose_their_memory",
        EXEC,
        restarted_chips_lose_their_memory,
    ),
    (
        "host_runtimes_by_path_work",
        &[Kind::Thread, Kind::Exec],
        host_runtimes_by_path_work,
    ),
    (
        "host_runtimes_by_path_are_tried",
        &[Kind::Thread, Kind::Exec],
        host_runtimes_by_path_are_tried,
    ),
];

fn chips_add(kind: Kind) {
    let worker = chips(kind, &[("a2a3sim", 2)]);
    let sum = worker.named_program("sum").expect("it is registered");
    let (a, b) = (floats(&worker, 1.5, 100), floats(&worker, 2.0, 100));
    let outs = [floats(&worker, 0.0, 100), floats(&worker, 0.0, 100)];
    let seen = worker.named_function("same").expect("it is registered");
    worker
        .run(|graph| {
            for (chip, out) in outs.iter().enumerate() {
                let args = Args::new().input(&a).input(&b).output_existing(out);
                graph
                    .next_level(&sum)
                    .on(chip)
                    .args(args)
                    .config(&config())
                    .submit()?;
            }
            let both = Args::new().input(&outs[0]).input(&outs[1]);
            graph.submit_sub(&seen, both)?;
            Ok(())
        })
        .expect("it runs");
    for out in &outs {
        assert_eq!(out.load::<f32>().expect("floats"), vec![3.5; 100]);
    }
}

/// One program for each runtime on chips of both families: the graph of one is built by the chip, of the other by the
/// child, which is its host.
fn families_and_runtimes_mix(kind: Kind) {
    let worker = chips(kind, &[("a2a3sim", 1), ("a5sim", 2)]);
    let (a, b) = (floats(&worker, 1.5, 100), floats(&worker, 2.0, 100));
    for name in ["sum", "sum_hbg"] {
        let sum = worker.named_program(name).expect("it is registered");
        let outs = [0; 3].map(|_| floats(&worker, 0.0, 100));
        // The second takes what the first made, on another chip.
        worker
            .run(|graph| {
                let inputs = [&b, &outs[0], &outs[1]];
                for (chip, (input, out)) in inputs.into_iter().zip(&outs).enumerate() {
                    let args = Args::new().input(&a).input(input).output_existing(out);
                    let task = graph.next_level(&sum).on(chip).args(args);
                    task.config(&config()).submit()?;
                }
                Ok(())
            })
            .expect("it runs");
        assert_eq!(outs[2].load::<f32>().expect("floats"), [6.5; 100], "{name}");
        // And both on the chip's own memory, left there from run to run.
        let there = worker.malloc(1, 400).expect("there is memory");
        worker.copy_to(&there, &[1.0_f32; 100]).expect("it fits");
        let resident = there.tensor::<f32>(&[100]).expect("it fits");
        for _ in 0..3 {
            let args = Args::new()
                .input(&a)
                .input(&resident)
                .output_existing(&resident);
            let run = worker.run_program(1, &sum, args, &config());
            run.expect("it runs");
        }
        assert_eq!(
            worker.copy_from::<f32>(&there).expect("it is there"),
            [5.5; 100],
            "{name}"
        );
    }
}

fn device_memory(kind: Kind) {
    let worker = chips(kind, &[("a2a3sim", 2)]);
    let sum = worker.named_program("sum").expect("it is registered");
    for bytes in [4096, 65536, 12345] {
        let there = worker.malloc(1, bytes).expect("there is memory");
        let pattern: Vec<u8> = (0..bytes).map(|at| (at * 7 % 251) as u8).collect();
        worker.copy_to(&there, &pattern).expect("it fits");
        assert_eq!(
            worker.copy_from::<u8>(&there).expect("it is there"),
            pattern
        );
        worker.free(there).expect("it is live");
    }
    let weight = worker.malloc(0, 400).expect("there is memory");
    worker.copy_to(&weight, &[3.0_f32; 100]).expect("it fits");
    let resident = weight.tensor::<f32>(&[100]).expect("it fits");
    let (a, out) = (floats(&worker, 2.0, 100), floats(&worker, 0.0, 100));
    worker
        .run(|graph| {
            for _ in 0..2 {
                let args = Args::new().input(&a).input(&resident).output_existing(&out);
                graph
                    .next_level(&sum)
                    .args(args)
                    .config(&config())
                    .submit()?;
            }
            let args = Args::new().input(&a).input(&resident).output_existing(&out);
            let refused = graph.next_level(&sum).on(1).args(args).submit();
            assert!(
                refused
                    .expect_err("another chip")
                    .to_string()
                    .contains("device memory of child 0")
            );
            Ok(())
        })
        .expect("it runs");
    assert_eq!(out.load::<f32>().expect("floats"), vec![5.0; 100]);
    let error = worker.malloc(2, 8).expect_err("there is no such chip");
    assert!(error.to_string().contains("invalid worker_id 2"), "{error}");
    assert!(worker.device_memory_used(0).expect("it has a device") >= 400);
}

fn restarted_chips_lose_their_memory(_: Kind) {
    let worker = chips(Kind::Exec, &[("a2a3sim", 2)]);
    let sum = worker.named_program("sum").expect("it is registered");
    let there = worker.malloc(0, 64).expect("there is memory");
    let tensor = there.tensor::<f32>(&[16]).expect("it fits");
    worker.restart_next_level(0).expect("it starts again");
    let error = worker
        .copy_from::<f32>(&there)
        .expect_err("it is lost")
        .to_string();
    assert!(
        error.contains("lost when the child was restarted"),
        "{error}"
    );
    let error = worker
        .run(|graph| {
            let args = Args::new().input(&tensor).input(&tensor).inout(&tensor);
            graph
                .next_level(&sum)
                .args(args)
                .submit()
                .map(drop)
                .map_err(Into::into)
        })
        .expect_err("it is lost")
        .to_string();
    assert!(
        error.contains("lost when the child was restarted"),
        "{error}"
    );
    let there = worker.malloc(0, 64).expect("there is memory");
    worker.copy_to(&there, &[1.0_f32; 16]).expect("it fits");
    let tensor = there.tensor::<f32>(&[16]).expect("it fits");
    let args = Args::new().input(&tensor).input(&tensor).inout(&tensor);
    worker
        .run_program(0, &sum, args, &config())
        .expect("the program was prepared again");
    assert_eq!(
        worker.copy_from::<f32>(&there).expect("it is there"),
        [2.0; 16]
    );
}

/// A folder that has no host runtime is named by the child that was to load it.
fn host_runtimes_by_path_are_tried(kind: Kind) {
    let builder = Worker::builder(3).next_level_kind(kind).limits(limits());
    // SAFETY: there is nothing to load.
    let builder = unsafe { builder.chips_in("/no/such/runtime", [0]) };
    let worker = builder
        .catalogue(&catalogue())
        .build()
        .expect("it may be there by then");
    let text = worker.init().expect_err("it is not").to_string();
    for part in ["chip_process 0 dev=0 did not start", "/no/such/runtime"] {
        assert!(text.contains(part), "{text}");
    }
}

/// Chips of the libraries that `cargo xtask dist` makes, if the environment says where they are.
fn host_runtimes_by_path_work(kind: Kind) {
    let Some(dist) = std::env::var_os("SIMPLER_TESTS_DIST") else {
        eprintln!(
            "l3: NOT RUN: SIMPLER_TESTS_DIST names no folder that `cargo xtask dist` has filled"
        );
        return;
    };
    for runtime in ["a2a3sim/trb", "a5sim/hbg"] {
        let builder = Worker::builder(3).next_level_kind(kind).limits(limits());
        let folder = std::path::Path::new(&dist).join(runtime);
        // SAFETY: they are our own.
        let builder = unsafe { builder.chips_in(folder, [0, 1]) };
        let worker = builder.build().expect("it makes sense");
        worker.init().expect("the libraries are there");
        for chip in 0..2_u8 {
            let there = worker.malloc(chip.into(), 256).expect("there is memory");
            let pattern: Vec<u8> = (0..=u8::MAX).map(|it| it ^ chip).collect();
            worker.copy_to(&there, &pattern).expect("it fits");
            let back: Vec<u8> = worker.copy_from(&there).expect("it is there");
            assert_eq!(back, pattern, "{runtime}");
            worker.free(there).expect("it is live");
        }
    }
}

/// Two chips whose kernels wait for each other, on two cores and on one.
pub(crate) fn few_cores_are_enough(kind: Kind) {
    for cores in [2, 1] {
        let mut set = rustix::thread::CpuSet::new();
        let mine = rustix::thread::sched_getaffinity(None).expect("every process has some");
        (0..rustix::thread::CpuSet::MAX_CPU)
            .filter(|&core| mine.is_set(core))
            .take(cores)
            .for_each(|core| set.set(core));
        rustix::thread::sched_setaffinity(None, &set).expect("they are ours");
        crate::windows::reduce_rounds(kind, 2, 5, &protocol::CallConfig::default());
    }
}

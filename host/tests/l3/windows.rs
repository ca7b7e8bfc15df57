//! Several chips that talk: windows, epochs, deferred completion.

use core::time::Duration;

use aicore_abi::call::{Call, CallError};
use host::team::{Args, Communicator, Kind, Tensor, Windows, Worker};
use host::{CoreType, Kernels, NewTensor, Program, ProgramBuilder, Waits};
use protocol::ArgDirection::{In, Inout, Out, Scalar};

use crate::support::{Case, THREAD, catalogue, limits};

pub(crate) const CASES: &[Case] = &[
    ("allreduce_a_hundred_times", BOTH, allreduce_a_hundred_times),
    ("deferred_notify", BOTH, deferred_notify),
    ("windows_are_what_they_say", BOTH, windows_are_what_they_say),
    ("two_workers_do_not_meet", THREAD, two_workers_do_not_meet),
];

const BOTH: &[Kind] = &[Kind::Thread, Kind::Exec];

/// Elements that are reduced.
const COUNT: u32 = 64;
/// No rank waits longer for another.
const PATIENCE: Duration = Duration::from_secs(20);

/// {input, window: a slot per rank and a counter, output, context, epoch}.
pub(crate) fn allreduce() -> Program {
    ProgramBuilder::new()
        .signature(&[In, Inout, Out, Scalar, Scalar])
        .waiting_kernel(0, CoreType::Aiv, Waits::Always, reduce)
        .orchestration(|scope, args| {
            let (input, window, output) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
            let (context, epoch): (u64, u32) = (args.scalar(0)?, args.scalar(1)?);
            scope
                .task(Kernels::aiv(0))
                .input(&input)
                .update(&window)
                .write(&output)
                .scalar(context)
                .scalar(epoch)
                .submit()?;
            Ok(())
        })
}

fn reduce(call: &Call<'_>) -> Result<(), CallError> {
    // SAFETY: the first scalar is the context of the rank's communicator.
    let windows = unsafe { Windows::of(call, 0) }?;
    let epoch: u32 = call.scalar(1)?;
    let slots = Windows::local(call, 1)?;
    let slot = u64::from(COUNT) * 4;
    let counter = slots + slot * u64::from(windows.ranks());
    let mut own = [0.0_f32; COUNT as usize];
    call.tensor::<f32>(0)?.load(0, &mut own)?;
    for peer in 0..windows.ranks() {
        windows.put(peer, slots + slot * u64::from(windows.rank()), &own)?;
        windows.notify(peer, counter, 1)?;
    }
    windows.wait(counter, epoch * windows.ranks(), PATIENCE)?;
    let mut sum = [0.0_f32; COUNT as usize];
    for rank in 0..windows.ranks() {
        let mut part = [0.0_f32; COUNT as usize];
        windows.get(windows.rank(), slots + slot * u64::from(rank), &mut part)?;
        sum.iter_mut()
            .zip(part)
            .for_each(|(sum, part)| *sum += part);
    }
    call.tensor::<f32>(2)?.store(0, &sum)
}

/// {input, mailbox, counter, result, context, epoch}.
pub(crate) fn notify() -> Program {
    ProgramBuilder::new()
        .signature(&[In, Inout, Inout, Out, Scalar, Scalar])
        .kernel(0, CoreType::Aiv, |call| {
            // SAFETY: the first scalar is the context of the rank's communicator.
            let windows = unsafe { Windows::of(call, 0) }?;
            let peer = (windows.rank() + 1) % windows.ranks();
            let mut values = [0.0_f32; COUNT as usize];
            call.tensor::<f32>(0)?.load(0, &mut values)?;
            windows.put(peer, Windows::local(call, 1)?, &values)?;
            windows.notify(peer, Windows::local(call, 2)?, 1)
        })
        .kernel(1, CoreType::Aiv, |call| {
            // SAFETY: the first scalar is the context of the rank's communicator.
            let windows = unsafe { Windows::of(call, 0) }?;
            let epoch: u32 = call.scalar(1)?;
            windows.defer_until(call, Windows::local(call, 0)?, epoch)
        })
        .kernel(2, CoreType::Aiv, |call| {
            let mut values = [0.0_f32; COUNT as usize];
            call.tensor::<f32>(1)?.load(0, &mut values)?;
            call.tensor::<f32>(2)?.store(0, &values)
        })
        .orchestration(|scope, args| {
            let (input, mailbox, counter, result) = (
                args.tensor(0)?,
                args.tensor(1)?,
                args.tensor(2)?,
                args.tensor(3)?,
            );
            let (context, epoch): (u64, u32) = (args.scalar(0)?, args.scalar(1)?);
            let produce = scope
                .task(Kernels::aiv(0))
                .input(&input)
                .untracked(&mailbox)
                .untracked(&counter);
            produce.scalar(context).submit()?;
            let token = NewTensor::of::<i32>(&[1])?;
            let wait = scope
                .task(Kernels::aiv(1))
                .untracked(&counter)
                .output(&token);
            let waited = wait.scalar(context).scalar(epoch).submit()?;
            let token = waited.output(0);
            scope
                .task(Kernels::aiv(2))
                .input(&token)
                .untracked(&mailbox)
                .write(&result)
                .submit()?;
            Ok(())
        })
}

fn chips(kind: Kind, count: i32) -> Worker {
    let worker = Worker::builder(3)
        .chips("a2a3sim", 0..count)
        .next_level_kind(kind)
        .catalogue(&catalogue())
        .heap_ring_bytes(1 << 20)
        .limits(limits())
        .programs(["allreduce", "notify"])
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    worker
}

fn config() -> protocol::CallConfig {
    protocol::CallConfig {
        block_dim: 1,
        ..protocol::CallConfig::default()
    }
}

fn floats(worker: &Worker, value: f32) -> Tensor {
    let tensor = worker
        .buffer(COUNT as usize * 4)
        .expect("there is memory")
        .tensor::<f32>(&[COUNT]);
    let tensor = tensor.expect("it fits");
    tensor.store(&[value; COUNT as usize]).expect("they fit");
    tensor
}

fn reduce_once(worker: &Worker, comm: &mut Communicator, inputs: &[Tensor], outputs: &[Tensor]) {
    let program = worker.named_program("allreduce").expect("it is registered");
    let ranks = comm.ranks();
    let run = worker.run(|graph| {
        let mut members = Vec::new();
        for rank in 0..ranks {
            let window = comm.tensor::<f32>(rank, "slots", &[COUNT * ranks as u32 + 1])?;
            members.push(
                Args::new()
                    .input(&inputs[rank])
                    .inout(&window)
                    .output_existing(&outputs[rank])
                    .scalar(comm.context(rank)?)
                    .scalar(comm.epoch()),
            );
        }
        graph
            .next_level(&program)
            .group(members)
            .config(&config())
            .submit()?;
        Ok(())
    });
    run.expect("all ranks meet");
    comm.next_epoch();
}

fn allreduce_a_hundred_times(kind: Kind) {
    for ranks in [2_usize, 4] {
        let worker = chips(kind, ranks as i32);
        let all: Vec<usize> = (0..ranks).collect();
        let bytes = u64::from(COUNT) * 4 * ranks as u64 + 4;
        let comm = worker.communicator(&all, 4096, &[("slots", bytes)]);
        let mut comm = comm.expect("all join");
        let inputs: Vec<Tensor> = (0..ranks).map(|_| floats(&worker, 0.0)).collect();
        let outputs: Vec<Tensor> = (0..ranks).map(|_| floats(&worker, 0.0)).collect();
        for round in 0..100 {
            for (rank, input) in inputs.iter().enumerate() {
                let values: Vec<f32> = (0..COUNT)
                    .map(|at| (at + 100 * rank as u32 + round) as f32)
                    .collect();
                input.store(&values).expect("they fit");
            }
            reduce_once(&worker, &mut comm, &inputs, &outputs);
            let n = ranks as u32;
            let wanted: Vec<f32> = (0..COUNT)
                .map(|at| (n * (at + round) + 100 * n * (n - 1) / 2) as f32)
                .collect();
            for output in &outputs {
                assert_eq!(
                    output.load::<f32>().expect("floats"),
                    wanted,
                    "round {round} of {ranks} ranks"
                );
            }
            if round == 50 {
                comm.reset().expect("no run is open");
            }
        }
    }
}

fn deferred_notify(kind: Kind) {
    let worker = chips(kind, 2);
    let program = worker.named_program("notify").expect("it is registered");
    let mailbox = u64::from(COUNT) * 4;
    let comm = worker.communicator(&[0, 1], 4096, &[("mailbox", mailbox), ("counter", 4)]);
    let mut comm = comm.expect("both join");
    let inputs = [floats(&worker, 1.0), floats(&worker, 2.0)];
    let results = [floats(&worker, 0.0), floats(&worker, 0.0)];
    for round in 0..20 {
        let start = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        worker
            .run(|graph| {
                for rank in start {
                    let args = Args::new()
                        .input(&inputs[rank])
                        .inout(&comm.tensor::<f32>(rank, "mailbox", &[COUNT])?)
                        .inout(&comm.tensor::<i32>(rank, "counter", &[1])?)
                        .output_existing(&results[rank])
                        .scalar(comm.context(rank)?)
                        .scalar(comm.epoch());
                    graph
                        .next_level(&program)
                        .on(rank)
                        .args(args)
                        .config(&config())
                        .submit()?;
                }
                Ok(())
            })
            .expect("each gets the other's");
        comm.next_epoch();
        assert_eq!(
            results[0].load::<f32>().expect("floats"),
            [2.0; COUNT as usize]
        );
        assert_eq!(
            results[1].load::<f32>().expect("floats"),
            [1.0; COUNT as usize]
        );
    }
}

fn windows_are_what_they_say(kind: Kind) {
    let worker = chips(kind, 2);
    let parts = [("a", 256), ("b", 128)];
    let comm = worker
        .communicator(&[1, 0], 512, &parts)
        .expect("both join");
    assert_eq!((comm.ranks(), comm.chip(0).expect("a rank")), (2, 1));
    let staged = comm.host_tensor::<f32>(1, "b", &[32]).expect("it fits");
    assert_eq!(
        staged.load::<f32>().expect("floats"),
        [0.0; 32],
        "windows start zeroed"
    );
    staged.store(&[4.5; 32]).expect("they fit");
    let b = comm.tensor::<f32>(1, "b", &[32]).expect("it fits");
    assert_eq!(b.bytes(), 128);
    assert!(
        comm.tensor::<f32>(1, "b", &[33]).is_err()
            && comm.host_tensor::<f32>(1, "b", &[33]).is_err()
    );
    for (part, error) in [
        (
            "buffer `c`",
            comm.tensor::<f32>(0, "c", &[1])
                .expect_err("there is none")
                .to_string(),
        ),
        (
            "rank 2",
            comm.context(2).expect_err("there is none").to_string(),
        ),
    ] {
        assert!(error.contains(part), "{error}");
    }
    for (part, chips, bytes) in [
        ("`b` of 128 bytes at byte 256", &[0, 1][..], 300),
        ("twice", &[0, 0][..], 512),
        ("chip 7", &[0, 7][..], 512),
        ("0 ranks", &[][..], 512),
    ] {
        let error = worker
            .communicator(chips, bytes, &parts)
            .expect_err("it makes no sense")
            .to_string();
        assert!(error.contains(part), "`{part}` is not in `{error}`");
    }
}

fn two_workers_do_not_meet(_: Kind) {
    let both = [chips(Kind::Thread, 2), chips(Kind::Thread, 2)];
    std::thread::scope(|scope| {
        for (number, worker) in both.iter().enumerate() {
            scope.spawn(move || {
                let comm = worker.communicator(&[0, 1], 4096, &[("slots", 516)]);
                let mut comm = comm.expect("both join");
                let value = number as f32 + 1.0;
                let inputs = [floats(worker, value), floats(worker, value)];
                let outputs = [floats(worker, 0.0), floats(worker, 0.0)];
                for _ in 0..10 {
                    reduce_once(worker, &mut comm, &inputs, &outputs);
                    assert_eq!(
                        outputs[1].load::<f32>().expect("floats"),
                        [2.0 * value; COUNT as usize]
                    );
                }
            });
        }
    });
}

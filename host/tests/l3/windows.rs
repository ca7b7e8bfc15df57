//! Several chips that talk: windows, epochs, deferred completion.

use core::time::Duration;

use aicore_abi::call::{Call, CallError, map};
use host::team::{Args, Communicator, Graph, Kind, Result, Tensor, Windows, Worker};
use host::{CoreType, Kernels, NewTensor, Program, ProgramBuilder, Waits};
use protocol::ArgDirection::{In, Inout, Out, Scalar};

use crate::support::{ALL, Case, chips, config, floats};

pub(crate) const CASES: &[Case] = &[("windows_are_what_they_say", ALL, windows_are_what_they_say)];

/// Elements that are reduced.
const COUNT: u32 = 64;
/// No rank waits longer for another.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than any case may take: whoever waits for the dead must be told.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// {input, window: a slot per rank and a counter, output, context, epoch, 0 or 1 + how rank 1 is to die}.
pub(crate) fn allreduce() -> Program {
    ProgramBuilder::new()
        .signature(&[In, Inout, Out, Scalar, Scalar, Scalar])
        .waiting_kernel(0, CoreType::Aiv, Waits::Always, reduce)
        .orchestration(|scope, args| {
            let (input, window, output) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
            let (context, epoch): (u64, u32) = (args.scalar(0)?, args.scalar(1)?);
            let death: u32 = args.scalar(2)?;
            scope
                .task(Kernels::aiv(0))
                .input(&input)
                .update(&window)
                .write(&output)
                .scalar(context)
                .scalar(epoch)
                .scalar(death)
                .submit()?;
            Ok(())
        })
}

fn reduce(call: &Call<'_>) -> Result<(), CallError> {
    // SAFETY: the first scalar is the context of the rank's communicator.
    let windows = unsafe { Windows::of(call, 0) }?;
    let (epoch, death): (u32, u32) = (call.scalar(1)?, call.scalar(2)?);
    let slots = Windows::local(call, 1)?;
    let slot = u64::from(COUNT) * 4;
    let counter = slots + slot * u64::from(windows.ranks());
    let mut own = [0.0_f32; COUNT as usize];
    call.tensor::<f32>(0)?.load(0, &mut own)?;
    if let (1, Some(cause)) = (windows.rank(), death.checked_sub(1)) {
        crate::deaths::die(cause);
    }
    for peer in 0..windows.ranks() {
        windows.put(peer, slots + slot * u64::from(windows.rank()), &own)?;
        windows.notify(peer, counter, 1)?;
    }
    let patience = if death == 0 { PATIENCE } else { FOR_EVER };
    windows.wait(counter, epoch * windows.ranks(), patience)?;
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

/// {x, w, product}: square matrices of as many elements as are reduced.
pub(crate) fn matmul() -> Program {
    ProgramBuilder::new()
        .signature(&[In, In, Out])
        .kernel(0, CoreType::Aic, |call| {
            let (mut x, mut w) = ([0.0; COUNT as usize], [0.0; COUNT as usize]);
            call.tensor::<f32>(0)?.load(0, &mut x)?;
            call.tensor::<f32>(1)?.load(0, &mut w)?;
            call.tensor::<f32>(2)?.store(0, &product(&x, &w))
        })
        .orchestration(|scope, args| {
            let (x, w, out) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
            let task = scope.task(Kernels::aic(0)).input(&x).input(&w);
            task.write(&out).submit()?;
            Ok(())
        })
}

fn product(x: &[f32], w: &[f32]) -> [f32; COUNT as usize] {
    const SIDE: usize = 8;
    core::array::from_fn(|at| {
        let (row, column) = (at / SIDE, at % SIDE);
        let terms = (0..SIDE).map(|k| x[row * SIDE + k] * w[k * SIDE + column]);
        terms.sum()
    })
}

/// Some chips that reduce, and what each has.
pub(crate) struct Ranks {
    comm: Communicator,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) outputs: Vec<Tensor>,
}

impl Ranks {
    pub(crate) fn new(worker: &Worker, ranks: usize) -> Self {
        let all: Vec<usize> = (0..ranks).collect();
        let bytes = u64::from(COUNT) * 4 * ranks as u64 + 4;
        let comm = worker.communicator(&all, 4096, &[("slots", bytes)]);
        let tensors = || all.iter().map(|_| floats(worker, 0.0, COUNT)).collect();
        Self {
            comm: comm.expect("all join"),
            inputs: tensors(),
            outputs: tensors(),
        }
    }

    /// All ranks meet once; unless rank 1 dies by a cause where the others wait for it.
    pub(crate) fn reduce(&mut self, worker: &Worker, death: Option<u32>) -> Result<()> {
        self.reduce_with(worker, death, &config())
    }

    fn reduce_with(
        &mut self,
        worker: &Worker,
        death: Option<u32>,
        config: &protocol::CallConfig,
    ) -> Result<()> {
        let result = worker.run(|graph| {
            self.submit(worker, graph, death, config)?;
            Ok(())
        });
        self.comm.next_epoch();
        result
    }

    fn submit(
        &self,
        worker: &Worker,
        graph: &mut Graph<'_>,
        death: Option<u32>,
        config: &protocol::CallConfig,
    ) -> Result<()> {
        let program = worker.named_program("allreduce").expect("it is registered");
        let ranks = self.comm.ranks();
        let mut members = Vec::new();
        for rank in 0..ranks {
            let window = self
                .comm
                .tensor::<f32>(rank, "slots", &[COUNT * ranks as u32 + 1])?;
            members.push(
                Args::new()
                    .input(&self.inputs[rank])
                    .inout(&window)
                    .output_existing(&self.outputs[rank])
                    .scalar(self.comm.context(rank)?)
                    .scalar(self.comm.epoch())
                    .scalar(death.map_or(0, |cause| cause + 1)),
            );
        }
        let task = graph.next_level(&program).group(members);
        task.config(config).submit()?;
        Ok(())
    }
}

/// Many meetings over one communicator.
pub(crate) fn reduce_rounds(kind: Kind, ranks: usize, rounds: u32, config: &protocol::CallConfig) {
    let worker = chips(kind, &[("a2a3sim", ranks as i32)]);
    let mut all = Ranks::new(&worker, ranks);
    for round in 0..rounds {
        for (rank, input) in all.inputs.iter().enumerate() {
            let values: Vec<f32> = (0..COUNT)
                .map(|at| (at + 100 * rank as u32 + round) as f32)
                .collect();
            input.store(&values).expect("they fit");
        }
        let run = all.reduce_with(&worker, None, config);
        run.expect("all ranks meet");
        let n = ranks as u32;
        let wanted: Vec<f32> = (0..COUNT)
            .map(|at| (n * (at + round) + 100 * n * (n - 1) / 2) as f32)
            .collect();
        for output in &all.outputs {
            let got: Vec<f32> = output.load().expect("floats");
            assert_eq!(got, wanted, "round {round} of {ranks} ranks");
        }
        if round == rounds / 2 {
            all.comm.reset().expect("no run is open");
        }
    }
}

pub(crate) fn allreduce_a_hundred_times(kind: Kind) {
    for ranks in [2, 4] {
        reduce_rounds(kind, ranks, 100, &config());
    }
}

/// Each rank multiplies its part, then all add up everyone's: two programs per rank, ordered by tags alone.
pub(crate) fn feed_forward_a_hundred_times(kind: Kind) {
    for ranks in [2, 4] {
        let worker = chips(kind, &[("a2a3sim", ranks as i32)]);
        let matmul = worker.named_program("matmul").expect("it is registered");
        let mut all = Ranks::new(&worker, ranks);
        let sides: Vec<_> = (0..ranks)
            .map(|_| (floats(&worker, 0.0, COUNT), floats(&worker, 0.0, COUNT)))
            .collect();
        for round in 0..100 {
            let mut wanted = [0.0_f32; COUNT as usize];
            for (rank, (x, w)) in sides.iter().enumerate() {
                let values = |step: usize| -> Vec<f32> {
                    let value = |at| ((at * step + rank + round) % 11) as f32;
                    (0..COUNT as usize).map(value).collect()
                };
                let (left, right) = (values(3), values(7));
                x.store(&left).expect("they fit");
                w.store(&right).expect("they fit");
                let part = product(&left, &right);
                wanted
                    .iter_mut()
                    .zip(part)
                    .for_each(|(sum, part)| *sum += part);
            }
            let run = worker.run(|graph| {
                for (rank, ((x, w), partial)) in sides.iter().zip(&all.inputs).enumerate() {
                    let args = Args::new().input(x).input(w).output_existing(partial);
                    let task = graph.next_level(&matmul).on(rank).args(args);
                    task.config(&config()).submit()?;
                }
                all.submit(&worker, graph, None, &config())?;
                Ok(())
            });
            run.expect("all ranks meet");
            all.comm.next_epoch();
            for output in &all.outputs {
                let got: Vec<f32> = output.load().expect("floats");
                assert_eq!(got, wanted, "round {round} of {ranks} ranks");
            }
        }
    }
}

/// Every rank gets what the one before it has, in whatever order they start.
pub(crate) fn deferred_notify_a_hundred_times(kind: Kind) {
    for ranks in [2_usize, 4] {
        let worker = chips(kind, &[("a2a3sim", ranks as i32)]);
        let program = worker.named_program("notify").expect("it is registered");
        let mailbox = u64::from(COUNT) * 4;
        let all: Vec<usize> = (0..ranks).collect();
        let parts = [("mailbox", mailbox), ("counter", 4)];
        let mut comm = worker.communicator(&all, 4096, &parts).expect("all join");
        let input = |rank: &usize| floats(&worker, *rank as f32 + 1.0, COUNT);
        let inputs: Vec<Tensor> = all.iter().map(input).collect();
        let results: Vec<Tensor> = all.iter().map(|_| floats(&worker, 0.0, COUNT)).collect();
        for round in 0..100 {
            let run = worker.run(|graph| {
                for step in 0..ranks {
                    let rank = (round + step) % ranks;
                    let args = Args::new()
                        .input(&inputs[rank])
                        .inout(&comm.tensor::<f32>(rank, "mailbox", &[COUNT])?)
                        .inout(&comm.tensor::<i32>(rank, "counter", &[1])?)
                        .output_existing(&results[rank])
                        .scalar(comm.context(rank)?)
                        .scalar(comm.epoch());
                    let task = graph.next_level(&program).on(rank).args(args);
                    task.config(&config()).submit()?;
                }
                Ok(())
            });
            run.expect("each gets another's");
            comm.next_epoch();
            for (rank, result) in results.iter().enumerate() {
                let from = (rank + ranks - 1) % ranks;
                let wanted = [from as f32 + 1.0; COUNT as usize];
                let got: Vec<f32> = result.load().expect("floats");
                assert_eq!(got, wanted, "rank {rank} in round {round}");
                result.store(&[0.0; COUNT as usize]).expect("they fit");
            }
        }
    }
}

/// {offered: two halves, fetched: two halves, result, context}: one half is fetched from the next rank, the other put
/// there, both while the kernel has returned.
pub(crate) fn copies() -> Program {
    ProgramBuilder::new()
        .signature(&[In, Inout, Out, Scalar])
        .kernel(0, CoreType::Aiv, |call| {
            // SAFETY: the first scalar is the context of the rank's communicator.
            let windows = unsafe { Windows::of(call, 0) }?;
            let next = (windows.rank() + 1) % windows.ranks();
            let (offered, fetched) = (Windows::local(call, 0)?, Windows::local(call, 1)?);
            let half = u64::from(COPIED) * 4;
            windows.start_get(call, next, offered, fetched, half)?;
            windows.start_put(call, next, offered + half, fetched + half, half)?;
            let beyond = windows.start_get(call, next, offered, fetched, 1 << 40);
            match beyond {
                Err(_) => Ok(()),
                Ok(()) => Err(CallError::Kernel("the copy leaves the window")),
            }
        })
        .kernel(1, CoreType::Aiv, |call| {
            map(&call.tensor(0)?, &call.tensor(1)?, |it: f32| it + 1.0)
        })
        .orchestration(|scope, args| {
            let (offered, fetched, result) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
            let context: u64 = args.scalar(0)?;
            let copies = scope.task(Kernels::aiv(0)).input(&offered).update(&fetched);
            copies.scalar(context).submit()?;
            let task = scope.task(Kernels::aiv(1)).input(&fetched);
            task.write(&result).submit()?;
            Ok(())
        })
}

/// Elements of each half.
const COPIED: u32 = 1 << 14;

/// What depends on a copy starts when the bytes are there, not before.
pub(crate) fn copies_complete_their_tasks(kind: Kind) {
    for platform in ["a2a3sim", "a5sim"] {
        let worker = chips(kind, &[(platform, 2)]);
        let program = worker.named_program("copies").expect("it is registered");
        let bytes = u64::from(COPIED) * 8;
        let parts = [("offered", bytes), ("fetched", bytes)];
        let comm = worker.communicator(&[0, 1], 2 * bytes, &parts);
        let comm = comm.expect("both join");
        let results = [0; 2].map(|_| floats(&worker, 0.0, 2 * COPIED));
        for round in 0..50_u8 {
            for rank in 0..2 {
                let offered = comm.host_tensor::<f32>(rank, "offered", &[2 * COPIED]);
                let value = [10.0, 20.0][rank] + f32::from(round);
                let values = vec![value; 2 * COPIED as usize];
                offered.expect("it fits").store(&values).expect("they fit");
            }
            let run = worker.run(|graph| {
                let mut members = Vec::new();
                for (rank, result) in results.iter().enumerate() {
                    let args = Args::new()
                        .input(&comm.tensor::<f32>(rank, "offered", &[2 * COPIED])?)
                        .inout(&comm.tensor::<f32>(rank, "fetched", &[COPIED])?)
                        .output_existing(&result.rows(0, COPIED)?)
                        .scalar(comm.context(rank)?);
                    members.push(args);
                }
                let task = graph.next_level(&program).group(members);
                task.on_each(0..2).config(&config()).submit()?;
                Ok(())
            });
            run.expect("it runs");
            for (rank, result) in results.iter().enumerate() {
                let wanted = [21.0, 11.0][rank] + f32::from(round);
                let got: Vec<f32> = result.load().expect("floats");
                let fetched = &got[..COPIED as usize];
                assert!(fetched.iter().all(|it| *it == wanted), "round {round}");
                let tensor = comm.host_tensor::<f32>(rank, "fetched", &[2 * COPIED]);
                let window: Vec<f32> = tensor.expect("it fits").load().expect("floats");
                assert_eq!(
                    window[2 * COPIED as usize - 1],
                    wanted - 1.0,
                    "what was put"
                );
            }
        }
    }
}

fn windows_are_what_they_say(kind: Kind) {
    let worker = chips(kind, &[("a2a3sim", 2)]);
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

/// Two workers of one process, each with a communicator of the same shape, at the same time.
pub(crate) fn two_workers_do_not_meet(kind: Kind) {
    let both = [0; 2].map(|_| chips(kind, &[("a2a3sim", 2)]));
    std::thread::scope(|scope| {
        for (number, worker) in both.iter().enumerate() {
            scope.spawn(move || {
                let mut pair = Ranks::new(worker, 2);
                let value = number as f32 + 1.0;
                for input in &pair.inputs {
                    input.store(&[value; COUNT as usize]).expect("they fit");
                }
                for _ in 0..10 {
                    pair.reduce(worker, None).expect("both meet");
                    let got: Vec<f32> = pair.outputs[1].load().expect("floats");
                    assert_eq!(got, [2.0 * value; COUNT as usize]);
                }
            });
        }
    });
}

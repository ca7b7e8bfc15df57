//! Every chip ends with the sum over all chips: windows, put, notify, wait; the same windows three times.
//!
//! ```text
//! 2 ranks, epoch 1: element 5 is 110 on every rank
//! 2 ranks, epoch 2: element 5 is 110 on every rank
//! 2 ranks, epoch 3: element 5 is 110 on every rank
//! 4 ranks, epoch 1: element 5 is 620 on every rank
//! 4 ranks, epoch 2: element 5 is 620 on every rank
//! 4 ranks, epoch 3: element 5 is 620 on every rank
//! ```
#![expect(
    clippy::cast_possible_truncation,
    reason = "ranks and elements are few"
)]

use core::time::Duration;
use std::process::ExitCode;

use aicore_abi::call::{Call, CallError};
use host::team::{Args, Catalogue, Result, Windows, Worker};
use host::{ArgDirection, CoreType, Kernels, Program, ProgramBuilder, Waits};
use protocol::CallConfig;

const COUNT: u32 = 256;

fn allreduce() -> Program {
    use ArgDirection::{In, Inout, Out, Scalar};
    ProgramBuilder::new()
        .signature(&[In, Inout, Out, Scalar, Scalar])
        .waiting_kernel(0, CoreType::Aiv, Waits::Always, reduce)
        .orchestration(|scope, args| {
            let (input, window, out) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
            let (context, epoch): (u64, u32) = (args.scalar(0)?, args.scalar(1)?);
            let task = scope
                .task(Kernels::aiv(0))
                .input(&input)
                .update(&window)
                .write(&out);
            task.scalar(context).scalar(epoch).submit()?;
            Ok(())
        })
}

fn reduce(call: &Call<'_>) -> core::result::Result<(), CallError> {
    // SAFETY: the first scalar is the context of the rank's communicator.
    let windows = unsafe { Windows::of(call, 0) }?;
    let epoch: u32 = call.scalar(1)?;
    let slots = Windows::local(call, 1)?;
    let slot = |rank: u32| slots + u64::from(rank * COUNT * 4);
    let counter = slot(windows.ranks());
    let mut own = [0.0_f32; COUNT as usize];
    call.tensor::<f32>(0)?.load(0, &mut own)?;
    for peer in 0..windows.ranks() {
        windows.put(peer, slot(windows.rank()), &own)?;
        windows.notify(peer, counter, 1)?;
    }
    // Counters only grow: what to wait for depends on how often the windows were used.
    windows.wait(counter, epoch * windows.ranks(), Duration::from_secs(20))?;
    let mut sum = [0.0_f32; COUNT as usize];
    for rank in 0..windows.ranks() {
        windows.get(windows.rank(), slot(rank), &mut own)?;
        sum.iter_mut().zip(own).for_each(|(sum, part)| *sum += part);
    }
    call.tensor::<f32>(2)?.store(0, &sum)
}

fn main() -> Result<ExitCode> {
    let catalogue = Catalogue::new().program("allreduce", allreduce);
    // Each chip is a child that executes this program again and knows the same names.
    if let Some(code) = host::team::child_main(&catalogue) {
        return Ok(code);
    }
    for ranks in [2, 4] {
        let worker = Worker::builder(3)
            .chips("a2a3sim", 0..ranks as i32)
            .catalogue(&catalogue)
            .build()?;
        let program = worker.register_named_program("allreduce")?;
        worker.init()?;
        let all: Vec<usize> = (0..ranks).collect();
        let bytes = ranks as u64 * u64::from(COUNT) * 4 + 4;
        let mut comm = worker.communicator(&all, bytes, &[("slots", bytes)])?;
        let tensor = || worker.buffer(COUNT as usize * 4)?.tensor::<f32>(&[COUNT]);
        let mut parts = Vec::new();
        for rank in 0..ranks {
            let (input, out) = (tensor()?, tensor()?);
            input.store(
                &(0..COUNT)
                    .map(|at| at as f32 + 100.0 * rank as f32)
                    .collect::<Vec<_>>(),
            )?;
            parts.push((input, out));
        }
        for _ in 0..3 {
            worker.run(|graph| {
                let mut members = Vec::new();
                for (rank, (input, out)) in parts.iter().enumerate() {
                    let slots = comm.tensor::<i32>(rank, "slots", &[bytes as u32 / 4])?;
                    let args = Args::new().input(input).inout(&slots).output_existing(out);
                    members.push(args.scalar(comm.context(rank)?).scalar(comm.epoch()));
                }
                // Ranks wait for each other, so they are one group.
                graph
                    .next_level(&program)
                    .group(members)
                    .config(&CallConfig::default())
                    .submit()?;
                Ok(())
            })?;
            let sums: Vec<f32> = parts[0].1.load()?;
            for (_, out) in &parts {
                assert_eq!(out.load::<f32>()?, sums, "all ranks have the same");
            }
            println!(
                "{ranks} ranks, epoch {}: element 5 is {} on every rank",
                comm.epoch(),
                sums[5]
            );
            comm.next_epoch();
        }
        worker.close()?;
    }
    Ok(ExitCode::SUCCESS)
}

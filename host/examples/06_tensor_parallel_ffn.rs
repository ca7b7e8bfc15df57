//! A matrix product split over two chips: each multiplies its part, then all add up everyone's.
//!
//! Two programs per chip: the second takes what the first wrote, and nobody says so but the tags.
//!
//! ```text
//! rank 0: largest difference 0
//! rank 1: largest difference 0
//! ```
#![expect(
    clippy::cast_possible_truncation,
    reason = "ranks and elements are few"
)]

use core::time::Duration;
use std::process::ExitCode;

use aicore_abi::call::{Call, CallError};
use host::team::{Args, Catalogue, Result, Tensor, Windows, Worker};
use host::{ArgDirection, CoreType, Kernels, Program, ProgramBuilder, Waits};
use protocol::CallConfig;

const SIDE: usize = 16;
const COUNT: usize = SIDE * SIDE;
const RANKS: usize = 2;

fn matmul() -> Program {
    use ArgDirection::{In, Out};
    ProgramBuilder::new()
        .signature(&[In, In, Out])
        .kernel(0, CoreType::Aic, |call| {
            let (mut x, mut w) = ([0.0; COUNT], [0.0; COUNT]);
            call.tensor::<f32>(0)?.load(0, &mut x)?;
            call.tensor::<f32>(1)?.load(0, &mut w)?;
            call.tensor::<f32>(2)?.store(0, &product(&x, &w))
        })
        .orchestration(|scope, args| {
            let (x, w, out) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
            scope
                .task(Kernels::aic(0))
                .input(&x)
                .input(&w)
                .write(&out)
                .submit()?;
            Ok(())
        })
}

fn product(x: &[f32], w: &[f32]) -> [f32; COUNT] {
    core::array::from_fn(|at| {
        let (row, column) = (at / SIDE, at % SIDE);
        (0..SIDE)
            .map(|k| x[row * SIDE + k] * w[k * SIDE + column])
            .sum()
    })
}

fn reduce() -> Program {
    use ArgDirection::{In, Inout, Out, Scalar};
    ProgramBuilder::new()
        .signature(&[In, Inout, Out, Scalar])
        .waiting_kernel(0, CoreType::Aiv, Waits::Always, add_up)
        .orchestration(|scope, args| {
            let (partial, window, out) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
            let context: u64 = args.scalar(0)?;
            let task = scope
                .task(Kernels::aiv(0))
                .input(&partial)
                .update(&window)
                .write(&out);
            task.scalar(context).submit()?;
            Ok(())
        })
}

fn add_up(call: &Call<'_>) -> core::result::Result<(), CallError> {
    // SAFETY: the scalar is the context of the rank's communicator.
    let windows = unsafe { Windows::of(call, 0) }?;
    let slots = Windows::local(call, 1)?;
    let slot = |rank: u32| slots + u64::from(rank) * COUNT as u64 * 4;
    let counter = slot(windows.ranks());
    let mut sum = [0.0_f32; COUNT];
    call.tensor::<f32>(0)?.load(0, &mut sum)?;
    for peer in (0..windows.ranks()).filter(|&peer| peer != windows.rank()) {
        windows.put(peer, slot(windows.rank()), &sum)?;
        windows.notify(peer, counter, 1)?;
    }
    windows.wait(counter, windows.ranks() - 1, Duration::from_secs(20))?;
    for peer in (0..windows.ranks()).filter(|&peer| peer != windows.rank()) {
        let mut part = [0.0_f32; COUNT];
        windows.get(windows.rank(), slot(peer), &mut part)?;
        sum.iter_mut()
            .zip(part)
            .for_each(|(sum, part)| *sum += part);
    }
    call.tensor::<f32>(2)?.store(0, &sum)
}

fn main() -> Result<ExitCode> {
    let catalogue = Catalogue::new()
        .program("matmul", matmul)
        .program("reduce", reduce);
    // Each chip is a child that executes this program again and knows the same names.
    if let Some(code) = host::team::child_main(&catalogue) {
        return Ok(code);
    }
    let worker = Worker::builder(3)
        .chips("a2a3sim", [0, 1])
        .catalogue(&catalogue)
        .build()?;
    let (matmul, reduce) = (
        worker.register_named_program("matmul")?,
        worker.register_named_program("reduce")?,
    );
    worker.init()?;
    let window = (RANKS * COUNT * 4 + 4) as u64;
    let comm = worker.communicator(&[0, 1], window, &[("slots", window)])?;

    let tensor = |value: &dyn Fn(usize) -> f32| -> Result<Tensor> {
        let tensor = worker
            .buffer(COUNT * 4)?
            .tensor::<f32>(&[SIDE as u32, SIDE as u32])?;
        tensor.store(&(0..COUNT).map(value).collect::<Vec<_>>())?;
        Ok(tensor)
    };
    let mut parts = Vec::new();
    for rank in 0..RANKS {
        let x = tensor(&|at| (at % 7) as f32 + rank as f32)?;
        let w = tensor(&|at| (at % 5) as f32 - rank as f32)?;
        parts.push((x, w, tensor(&|_| 0.0)?, tensor(&|_| 0.0)?));
    }
    let config = CallConfig::default();
    worker.run(|graph| {
        for (rank, (x, w, partial, _)) in parts.iter().enumerate() {
            let args = Args::new().input(x).input(w).output_existing(partial);
            graph
                .next_level(&matmul)
                .on(rank)
                .args(args)
                .config(&config)
                .submit()?;
        }
        // The second programs wait for each other, so they are one group.
        let mut members = Vec::new();
        for (rank, (_, _, partial, out)) in parts.iter().enumerate() {
            let slots = comm.tensor::<i32>(rank, "slots", &[window as u32 / 4])?;
            let args = Args::new()
                .input(partial)
                .inout(&slots)
                .output_existing(out);
            members.push(args.scalar(comm.context(rank)?));
        }
        graph
            .next_level(&reduce)
            .group(members)
            .on_each(0..RANKS)
            .config(&config)
            .submit()?;
        Ok(())
    })?;

    let mut wanted = [0.0_f32; COUNT];
    for (x, w, ..) in &parts {
        let part = product(&x.load::<f32>()?, &w.load::<f32>()?);
        wanted
            .iter_mut()
            .zip(part)
            .for_each(|(sum, part)| *sum += part);
    }
    for (rank, (.., out)) in parts.iter().enumerate() {
        let got: Vec<f32> = out.load()?;
        let differences = got
            .iter()
            .zip(wanted)
            .map(|(got, wanted)| (got - wanted).abs());
        println!(
            "rank {rank}: largest difference {}",
            differences.fold(0.0, f32::max)
        );
    }
    worker.close()?;
    Ok(ExitCode::SUCCESS)
}

//! A task that waits for another chip without occupying a core.
//!
//! Its kernel names the counter it waits for and returns; whoever takes its token starts when the
//! counter is there.
//!
//! ```text
//! rank 0 received 2
//! rank 1 received 1
//! ```

use std::process::ExitCode;

use host::team::{Args, Catalogue, Result, Windows, Worker};
use host::{ArgDirection, CoreType, Kernels, NewTensor, Program, ProgramBuilder};
use protocol::CallConfig;

const COUNT: u32 = 1024;
const PRODUCE: i32 = 0;
const WAIT: i32 = 1;
const CONSUME: i32 = 2;

fn exchange() -> Program {
    use ArgDirection::{In, Inout, Out, Scalar};
    ProgramBuilder::new()
        .signature(&[In, Inout, Inout, Out, Scalar])
        .kernel(PRODUCE, CoreType::Aiv, |call| {
            // SAFETY: the scalar is the context of the rank's communicator.
            let windows = unsafe { Windows::of(call, 0) }?;
            let peer = (windows.rank() + 1) % windows.ranks();
            let mut values = [0.0_f32; COUNT as usize];
            call.tensor::<f32>(0)?.load(0, &mut values)?;
            windows.put(peer, Windows::local(call, 1)?, &values)?;
            windows.notify(peer, Windows::local(call, 2)?, 1)
        })
        .kernel(WAIT, CoreType::Aiv, |call| {
            // SAFETY: as above.
            let windows = unsafe { Windows::of(call, 0) }?;
            windows.defer_until(call, Windows::local(call, 0)?, 1)
        })
        .kernel(CONSUME, CoreType::Aiv, |call| {
            let mut values = [0.0_f32; COUNT as usize];
            call.tensor::<f32>(1)?.load(0, &mut values)?;
            call.tensor::<f32>(2)?.store(0, &values)
        })
        .orchestration(|scope, args| {
            let (partial, mailbox) = (args.tensor(0)?, args.tensor(1)?);
            let (counter, result) = (args.tensor(2)?, args.tensor(3)?);
            let context: u64 = args.scalar(0)?;
            let produce = scope.task(Kernels::aiv(PRODUCE)).input(&partial);
            produce
                .untracked(&mailbox)
                .untracked(&counter)
                .scalar(context)
                .submit()?;
            let token = NewTensor::of::<i32>(&[1])?;
            let wait = scope
                .task(Kernels::aiv(WAIT))
                .untracked(&counter)
                .output(&token);
            let waited = wait.scalar(context).submit()?;
            let token = waited.output(0);
            let consume = scope
                .task(Kernels::aiv(CONSUME))
                .input(&token)
                .untracked(&mailbox);
            consume.write(&result).submit()?;
            Ok(())
        })
}

fn main() -> Result<ExitCode> {
    let catalogue = Catalogue::new().program("exchange", exchange);
    // Each chip is a child that executes this program again and knows the same names.
    if let Some(code) = host::team::child_main(&catalogue) {
        return Ok(code);
    }
    let worker = Worker::builder(3)
        .chips("a2a3sim", [0, 1])
        .catalogue(&catalogue)
        .build()?;
    let program = worker.register_named_program("exchange")?;
    worker.init()?;
    let mailbox = u64::from(COUNT) * 4;
    let comm = worker.communicator(
        &[0, 1],
        mailbox + 4,
        &[("mailbox", mailbox), ("counter", 4)],
    )?;
    let tensor = || worker.buffer(COUNT as usize * 4)?.tensor::<f32>(&[COUNT]);
    let mut parts = Vec::new();
    for rank in 0..2_u8 {
        let (partial, result) = (tensor()?, tensor()?);
        partial.store(&[f32::from(rank + 1); COUNT as usize])?;
        parts.push((partial, result));
    }
    worker.run(|graph| {
        for (rank, (partial, result)) in parts.iter().enumerate() {
            let args = Args::new()
                .input(partial)
                .inout(&comm.tensor::<f32>(rank, "mailbox", &[COUNT])?)
                .inout(&comm.tensor::<i32>(rank, "counter", &[1])?)
                .output_existing(result)
                .scalar(comm.context(rank)?);
            graph
                .next_level(&program)
                .on(rank)
                .args(args)
                .config(&CallConfig::default())
                .submit()?;
        }
        Ok(())
    })?;
    for (rank, (_, result)) in parts.iter().enumerate() {
        println!("rank {rank} received {}", result.load::<f32>()?[0]);
    }
    worker.close()?;
    Ok(ExitCode::SUCCESS)
}

//! A copy from another chip that occupies no core: the kernel starts it and returns, and its task is complete
//! when the bytes are there. Until then other tasks have the core.
//!
//! ```text
//! rank 0: fetched 2, 3, 4, …; result 3, 4, 5, …
//! rank 1: fetched 1, 2, 3, …; result 2, 3, 4, …
//! ```

use std::process::ExitCode;

use aicore_abi::call::map;
use host::team::{Args, Catalogue, Result, Windows, Worker};
use host::{ArgDirection, CoreType, Kernels, Program, ProgramBuilder};
use protocol::CallConfig;

const COUNT: u32 = 1 << 16;
const BYTES: u64 = COUNT as u64 * 4;
const FETCH: i32 = 0;
const INCREMENT: i32 = 1;

fn fetch_and_increment() -> Program {
    use ArgDirection::{In, Inout, Out, Scalar};
    ProgramBuilder::new()
        .signature(&[In, Inout, Out, Scalar])
        .kernel(FETCH, CoreType::Aiv, |call| {
            // SAFETY: the scalar is the context of the rank's communicator.
            let windows = unsafe { Windows::of(call, 0) }?;
            let peer = (windows.rank() + 1) % windows.ranks();
            let (theirs, fetched) = (Windows::local(call, 0)?, Windows::local(call, 1)?);
            windows.start_get(call, peer, theirs, fetched, BYTES)
        })
        .kernel(INCREMENT, CoreType::Aiv, |call| {
            map(&call.tensor(0)?, &call.tensor(1)?, |it: f32| it + 1.0)
        })
        .orchestration(|scope, args| {
            let (offered, fetched, result) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
            let context: u64 = args.scalar(0)?;
            let fetch = scope
                .task(Kernels::aiv(FETCH))
                .input(&offered)
                .update(&fetched);
            fetch.scalar(context).submit()?;
            // Starts when the copy is over, by nothing but its tags.
            scope
                .task(Kernels::aiv(INCREMENT))
                .input(&fetched)
                .write(&result)
                .submit()?;
            Ok(())
        })
}

fn main() -> Result<ExitCode> {
    let catalogue = Catalogue::new().program("fetch_and_increment", fetch_and_increment);
    if let Some(code) = host::team::child_main(&catalogue) {
        return Ok(code);
    }
    let worker = Worker::builder(3)
        .chips("a2a3sim", [0, 1])
        .catalogue(&catalogue)
        .build()?;
    let program = worker.register_named_program("fetch_and_increment")?;
    worker.init()?;
    let parts = [("offered", BYTES), ("fetched", BYTES)];
    let comm = worker.communicator(&[0, 1], 2 * BYTES, &parts)?;
    let mut results = Vec::new();
    for (rank, first) in [1.0_f32, 2.0].into_iter().enumerate() {
        // The host fills the windows before the run.
        let offered = comm.host_tensor::<f32>(rank, "offered", &[COUNT])?;
        let values: Vec<f32> = (0..=u8::MAX)
            .cycle()
            .map(|it| first + f32::from(it))
            .take(COUNT as usize)
            .collect();
        offered.store(&values)?;
        results.push(worker.buffer(COUNT as usize * 4)?.tensor::<f32>(&[COUNT])?);
    }
    worker.run(|graph| {
        for (rank, result) in results.iter().enumerate() {
            let args = Args::new()
                .input(&comm.tensor::<f32>(rank, "offered", &[COUNT])?)
                .inout(&comm.tensor::<f32>(rank, "fetched", &[COUNT])?)
                .output_existing(result)
                .scalar(comm.context(rank)?);
            let task = graph.next_level(&program).on(rank).args(args);
            task.config(&CallConfig::default()).submit()?;
        }
        Ok(())
    })?;
    for (rank, result) in results.iter().enumerate() {
        let fetched: Vec<f32> = comm.host_tensor::<f32>(rank, "fetched", &[COUNT])?.load()?;
        let result: Vec<f32> = result.load()?;
        let pairs = fetched.iter().zip(&result);
        assert!(
            pairs.into_iter().all(|(one, other)| one + 1.0 == *other),
            "the copy was whole"
        );
        let start = |values: &[f32]| {
            let start: Vec<String> = values[..3].iter().map(f32::to_string).collect();
            start.join(", ")
        };
        println!(
            "rank {rank}: fetched {}, …; result {}, …",
            start(&fetched),
            start(&result)
        );
    }
    worker.close()?;
    Ok(ExitCode::SUCCESS)
}

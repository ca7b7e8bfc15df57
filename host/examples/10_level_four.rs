//! A worker of workers: two workers of level 3 below one of level 4.
//!
//! ```text
//! worker 0 made 1 into 111
//! worker 1 made 2 into 112
//! ```

use host::team::{Args, Failure, Result, Worker};

fn lower() -> Result<Worker> {
    let worker = Worker::builder(3).subs(2).build()?;
    Ok(worker)
}

fn main() -> Result<()> {
    // What the lower workers' own tasks use is registered with them.
    let mut lowers = Vec::new();
    let mut adders = Vec::new();
    for _ in 0..2 {
        let worker = lower()?;
        adders.push(worker.register_function(|call| {
            let (values, by): (Vec<i32>, i32) = (call.load(0)?, call.scalar(0)?);
            Ok(call.store(0, &[values[0] + by])?)
        })?);
        lowers.push(worker);
    }
    let worker = lowers
        .into_iter()
        .fold(Worker::builder(4), |builder, lower| builder.lower(lower));
    let worker = worker.build()?;
    // What they are asked to do is registered here; each uses its own function.
    let graphs = adders.into_iter().map(|add| {
        worker.register_graph(move |graph, call| -> core::result::Result<(), Failure> {
            let tensor = call.tensor(0)?;
            for by in [10, 100] {
                graph.submit_sub(&add, Args::new().inout(&tensor).scalar(by))?;
            }
            Ok(())
        })
    });
    let graphs = graphs.collect::<Result<Vec<_>>>()?;
    worker.init()?;

    let tensors = [1, 2].map(|value| -> Result<_> {
        let tensor = worker.buffer(4)?.tensor::<i32>(&[1])?;
        tensor.store(&[value])?;
        Ok(tensor)
    });
    let tensors = tensors.into_iter().collect::<Result<Vec<_>>>()?;
    worker.run(|graph| {
        for (child, (tensor, below)) in tensors.iter().zip(&graphs).enumerate() {
            graph
                .next_level(below)
                .on(child)
                .args(Args::new().inout(tensor))
                .submit()?;
        }
        Ok(())
    })?;
    for (child, tensor) in tensors.iter().enumerate() {
        println!(
            "worker {child} made {} into {}",
            child + 1,
            tensor.load::<i32>()?[0]
        );
    }
    worker.close()
}

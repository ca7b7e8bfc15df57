//! What fails says where and why, and the worker goes on.
//!
//! ```text
//! refused: child 7: the worker has 2 sub workers, numbered from 0
//! failed: task 2: sub_worker 0: core::num::error::ParseIntError: invalid digit found in string
//! skipped: task 3: skipped because task 2 failed: sub_worker 0: core::num::error::ParseIntError: invalid digit found in string
//! the next run works
//! ```

use host::team::{Args, Error, FaultKind, Result, Worker};

fn main() -> Result<()> {
    let worker = Worker::builder(3).subs(2).fail_fast(false).build()?;
    let parse = worker.register_function(|_| {
        let _: i32 = "forty-two".parse()?;
        Ok(())
    })?;
    let nothing = worker.register_function(|_| Ok(()))?;
    worker.init()?;
    let tensor = worker.buffer(4)?.tensor::<i32>(&[1])?;

    let run = worker.run(|graph| {
        let far = graph.sub(&nothing).on(7).submit();
        println!("refused: {}", far.expect_err("there is no child 7"));
        graph.sub(&nothing).submit()?;
        graph
            .sub(&parse)
            .on(0)
            .args(Args::new().inout(&tensor))
            .submit()?;
        graph
            .sub(&nothing)
            .args(Args::new().input(&tensor))
            .submit()?;
        Ok(())
    });
    if let Err(Error::Run { failures, .. }) = run {
        for failure in failures {
            let skipped = failure.fault.kind == FaultKind::Skipped;
            println!("{}: {failure}", if skipped { "skipped" } else { "failed" });
        }
    }
    worker.run(|graph| graph.sub(&nothing).submit().map(drop).map_err(Into::into))?;
    println!("the next run works");
    worker.close()
}

//! Runs that overlap with what the host does: two are open at any time.
//!
//! ```text
//! run 1: 10
//! run 2: 30
//! run 3: 60
//! run 4: 100
//! ```

use core::time::Duration;

use host::team::{Args, Result, Worker};

fn main() -> Result<()> {
    let worker = Worker::builder(3).subs(2).build()?;
    let add = worker.register_function(|call| {
        let (values, by): (Vec<i32>, i32) = (call.load(0)?, call.scalar(0)?);
        Ok(call.store(0, &[values[0] + by])?)
    })?;
    let copy = worker.register_function(|call| Ok(call.store(1, &call.load::<i32>(0)?)?))?;
    worker.init()?;

    let int = || worker.buffer(4)?.tensor::<i32>(&[1]);
    let state = int()?;
    let mut open = std::collections::VecDeque::new();
    for step in 1..=4 {
        // The next step is prepared while the one before is at work; a third would wait here.
        let seen = int()?;
        let handle = worker.submit_run(|graph| {
            graph.submit_sub(&add, Args::new().inout(&state).scalar(10 * step))?;
            graph.submit_sub(&copy, Args::new().input(&state).output_existing(&seen))?;
            Ok(())
        })?;
        open.push_back((step, seen, handle));
        if open.len() == 2 {
            finish(open.pop_front())?;
        }
    }
    while !open.is_empty() {
        finish(open.pop_front())?;
    }
    return worker.close();

    fn finish(run: Option<(i32, host::team::Tensor, host::team::RunHandle)>) -> Result<()> {
        let Some((step, seen, handle)) = run else {
            return Ok(());
        };
        while !handle.wait(Duration::from_secs(1))? {}
        handle.result()?;
        println!("run {step}: {}", seen.load::<i32>()?[0]);
        Ok(())
    }
}

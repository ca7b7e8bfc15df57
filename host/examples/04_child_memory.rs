//! A weight that stays on the chip: loaded once, used by several tasks.
//!
//! ```text
//! first:  f = (a + w + 1)(a + w + 2) + (a + w) = 47
//! second: f = (a + w + 1)(a + w + 2) + (a + w) = 47
//! ```

use std::process::ExitCode;

use aicore_abi::call::zip_map;
use host::team::{Args, Catalogue, Result, Tensor, Worker};
use host::{ArgDirection, CoreType, Kernels, Program, ProgramBuilder};
use protocol::CallConfig;

fn formula() -> Program {
    use ArgDirection::{In, Out};
    ProgramBuilder::new()
        .signature(&[In, In, Out])
        .kernel(0, CoreType::Aiv, |call| {
            let f = |a: f32, w: f32| (a + w + 1.0) * (a + w + 2.0) + (a + w);
            zip_map(&call.tensor(0)?, &call.tensor(1)?, &call.tensor(2)?, f)
        })
        .orchestration(|scope, args| {
            let (a, w, out) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
            scope
                .task(Kernels::aiv(0))
                .input(&a)
                .input(&w)
                .write(&out)
                .submit()?;
            Ok(())
        })
}

fn main() -> Result<ExitCode> {
    let catalogue = Catalogue::new().program("formula", formula);
    // Each chip is a child that executes this program again and knows the same names.
    if let Some(code) = host::team::child_main(&catalogue) {
        return Ok(code);
    }
    const COUNT: u32 = 16384;
    let worker = Worker::builder(3)
        .chips("a2a3sim", [0])
        .catalogue(&catalogue)
        .build()?;
    let program = worker.register_named_program("formula")?;
    worker.init()?;

    let tensor = |value: f32| -> Result<Tensor> {
        let tensor = worker.buffer(COUNT as usize * 4)?.tensor::<f32>(&[COUNT])?;
        tensor.store(&vec![value; COUNT as usize])?;
        Ok(tensor)
    };
    let (a, first, second) = (tensor(2.0)?, tensor(0.0)?, tensor(0.0)?);
    let weight = worker.malloc(0, u64::from(COUNT) * 4)?;
    worker.copy_to(&weight, &vec![3.0_f32; COUNT as usize])?;
    let resident = weight.tensor::<f32>(&[COUNT])?;

    worker.run(|graph| {
        for out in [&first, &second] {
            // The weight is on chip 0, so the task goes there.
            let args = Args::new().input(&a).input(&resident).output_existing(out);
            graph.submit_next_level(&program, args, &CallConfig::default())?;
        }
        Ok(())
    })?;
    for (name, out) in [("first: ", &first), ("second:", &second)] {
        let values: Vec<f32> = out.load()?;
        assert!(
            values.iter().all(|it| *it == values[0]),
            "all elements are alike"
        );
        println!(
            "{name} f = (a + w + 1)(a + w + 2) + (a + w) = {}",
            values[0]
        );
    }
    worker.close()?;
    Ok(ExitCode::SUCCESS)
}

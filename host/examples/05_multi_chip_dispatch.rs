//! Two chips and a host function that waits for both.
//!
//! ```text
//! the function sees 2 tensors: 11 and 22
//! ```

use std::process::ExitCode;

use aicore_abi::call::zip_map;
use host::team::{Args, Catalogue, Result, Tensor, Worker};
use host::{ArgDirection, CoreType, Kernels, Program, ProgramBuilder};
use protocol::CallConfig;

fn vector_add() -> Program {
    use ArgDirection::{In, Out};
    ProgramBuilder::new()
        .signature(&[In, In, Out])
        .kernel(0, CoreType::Aiv, |call| {
            zip_map(
                &call.tensor(0)?,
                &call.tensor(1)?,
                &call.tensor(2)?,
                |a: f32, b: f32| a + b,
            )
        })
        .orchestration(|scope, args| {
            let (a, b, out) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
            scope
                .task(Kernels::aiv(0))
                .input(&a)
                .input(&b)
                .write(&out)
                .submit()?;
            Ok(())
        })
}

fn main() -> Result<ExitCode> {
    let catalogue = Catalogue::new().program("vector_add", vector_add);
    // Each chip is a child that executes this program again and knows the same names.
    if let Some(code) = host::team::child_main(&catalogue) {
        return Ok(code);
    }
    let worker = Worker::builder(3)
        .chips("a2a3sim", [0, 1])
        .catalogue(&catalogue)
        .subs(1)
        .build()?;
    let add = worker.register_named_program("vector_add")?;
    let show = worker.register_function(|call| {
        let (first, second): (Vec<f32>, Vec<f32>) = (call.load(0)?, call.load(1)?);
        println!(
            "the function sees {} tensors: {} and {}",
            call.tensor_count(),
            first[0],
            second[0]
        );
        Ok(())
    })?;
    worker.init()?;

    let tensor = |value: f32| -> Result<Tensor> {
        let tensor = worker.buffer(128 * 128 * 4)?.tensor::<f32>(&[128, 128])?;
        tensor.store(&vec![value; 128 * 128])?;
        Ok(tensor)
    };
    let inputs = [(tensor(1.0)?, tensor(10.0)?), (tensor(2.0)?, tensor(20.0)?)];
    worker.run(|graph| {
        let mut sums = Args::new();
        for (chip, (a, b)) in inputs.iter().enumerate() {
            // An intermediate: it lasts as long as somebody needs it.
            let sum = graph.alloc::<f32>(&[128, 128])?;
            let args = Args::new().input(a).input(b).inout(&sum);
            graph
                .next_level(&add)
                .on(chip)
                .args(args)
                .config(&CallConfig::default())
                .submit()?;
            sums = sums.input(&sum);
        }
        graph.submit_sub(&show, sums)?;
        Ok(())
    })?;
    worker.close()?;
    Ok(ExitCode::SUCCESS)
}

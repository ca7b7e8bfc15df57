//! One kernel, one orchestration, one run on one chip.
//!
//! ```text
//! out[0] = 0, out[1] = 3, out[16383] = 49149
//! ```

use aicore_abi::call::zip_map;
use host::team::{Args, Result, Worker};
use host::{ArgDirection, CoreType, Kernels, Program, ProgramBuilder};
use protocol::CallConfig;

const ADD: i32 = 0;

fn vector_add() -> Program {
    use ArgDirection::{In, Out};
    ProgramBuilder::new()
        .signature(&[In, In, Out])
        .kernel(ADD, CoreType::Aiv, |call| {
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
                .task(Kernels::aiv(ADD))
                .input(&a)
                .input(&b)
                .write(&out)
                .submit()?;
            Ok(())
        })
}

fn main() -> Result<()> {
    let worker = Worker::builder(2).chips("a2a3sim", [0]).build()?;
    let program = worker.register_program(vector_add())?;
    worker.init()?;

    let shape = [128, 128];
    let tensor = || worker.buffer(128 * 128 * 4)?.tensor::<f32>(&shape);
    let (a, b, out) = (tensor()?, tensor()?, tensor()?);
    let values: Vec<f32> = (0..128 * 128_u16).map(f32::from).collect();
    a.store(&values)?;
    b.store(&values.iter().map(|it| 2.0 * it).collect::<Vec<_>>())?;

    let args = Args::new().input(&a).input(&b).output_existing(&out);
    worker.run_program(0, &program, args, &CallConfig::default())?;
    let sums: Vec<f32> = out.load()?;
    println!(
        "out[0] = {}, out[1] = {}, out[16383] = {}",
        sums[0], sums[1], sums[16383]
    );
    worker.close()
}

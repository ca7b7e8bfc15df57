//! Scenes again, with orchestration and kernels in Rust.
//!
//! Knows the graphs of four scenes under `tests/scenes/trb` and what comes out of them. Refuses to
//! know C++: what a twin and its scene both compute is computed by two interfaces of one runtime.

use aicore_abi::call::{Call, CallError, View, map, zip_map};
use host::ArgDirection::{In, Inout, Out};
use host::{
    Arguments, ChipWorker, CoreType, GraphError, Kernels, NewTensor, Program, ProgramBuilder,
    RunArguments, RunConfig, Scope,
};

const PLATFORMS: [&str; 2] = ["a2a3sim", "a5sim"];

/// Runs `program` three times on each platform, each time with arguments of its own.
fn on_every_platform(program: impl Fn() -> Program, run: impl Fn(&dyn Fn(&mut Arguments<'_>))) {
    for platform in PLATFORMS {
        let worker = ChipWorker::on(platform).expect("this build simulates both families");
        worker.init(0).expect("a simulated chip starts");
        let callable = worker.register(program()).expect("the program is whole");
        let config = RunConfig {
            block_dim: 3,
            ..RunConfig::default()
        };
        for _ in 0..3 {
            run(&|args| {
                worker
                    .run(&callable, args, &config)
                    .unwrap_or_else(|error| panic!("{platform}: {error}"));
            });
        }
        worker.finalize().expect("a healthy chip stops");
    }
}

/// `out = x + y`.
fn add(call: &Call<'_>) -> Result<(), CallError> {
    zip_map(
        &call.tensor(0)?,
        &call.tensor(1)?,
        &call.tensor(2)?,
        |x: f32, y: f32| x + y,
    )
}

/// `x = factor * x + addend`; twice or in another order gives another result.
fn affine(call: &Call<'_>) -> Result<(), CallError> {
    let (factor, addend): (u32, u32) = (call.scalar(0)?, call.scalar(1)?);
    let x: View<'_, u32> = call.tensor(0)?;
    for at in 0..x.len() {
        let value = x.get(at)?.wrapping_mul(factor).wrapping_add(addend);
        x.set(at, value)?;
    }
    Ok(())
}

#[test]
fn vector_example() {
    const SHAPE: [u32; 2] = [128, 128];
    fn add_scalar(call: &Call<'_>) -> Result<(), CallError> {
        let addend: f32 = call.scalar(0)?;
        map(&call.tensor(0)?, &call.tensor(1)?, |x: f32| x + addend)
    }
    fn mul(call: &Call<'_>) -> Result<(), CallError> {
        zip_map(
            &call.tensor(0)?,
            &call.tensor(1)?,
            &call.tensor(2)?,
            |x: f32, y: f32| x * y,
        )
    }
    fn orchestrate(scope: &mut Scope<'_, '_>, args: &RunArguments<'_>) -> Result<(), GraphError> {
        let (a, b, f) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
        let made = NewTensor::of::<f32>(&SHAPE)?;
        let sum = scope
            .task(Kernels::aiv(0))
            .input(&a)
            .input(&b)
            .output(&made)
            .submit()?;
        let c = sum.output(0);
        scope.scope(|inner| {
            let mut shifted = Vec::new();
            for addend in [1.0f32, 2.0] {
                let task = inner.task(Kernels::aiv(1)).input(&c).output(&made);
                shifted.push(task.scalar(addend).submit()?.output(0));
            }
            let product = inner
                .task(Kernels::aiv(2))
                .input(&shifted[0])
                .input(&shifted[1])
                .output(&made)
                .submit()?
                .output(0);
            inner
                .task(Kernels::aiv(0))
                .input(&product)
                .input(&c)
                .write(&f)
                .submit()?;
            Ok(())
        })
    }
    let program = || {
        ProgramBuilder::new()
            .signature(&[In, In, Out])
            .kernel(0, CoreType::Aiv, add)
            .kernel(1, CoreType::Aiv, add_scalar)
            .kernel(2, CoreType::Aiv, mul)
            .orchestration(orchestrate)
    };
    on_every_platform(program, |start| {
        let (a, b) = (vec![2.0f32; 128 * 128], vec![3.0f32; 128 * 128]);
        let mut f = vec![0.0f32; 128 * 128];
        let mut args = Arguments::new();
        args.input(&a, &SHAPE).expect("fits");
        args.input(&b, &SHAPE).expect("fits");
        args.output(&mut f, &SHAPE).expect("fits");
        start(&mut args);
        drop(args);
        assert!(f.iter().all(|&value| value == 47.0), "{:?}", &f[..4]);
    });
}

#[test]
fn bgemm() {
    const GROUPS: u32 = 8;
    const STEPS: u32 = 4;
    const SIDE: u32 = 8;
    fn matmul(call: &Call<'_>) -> Result<(), CallError> {
        let (x, y, out): (View<'_, f32>, View<'_, f32>, View<'_, f32>) =
            (call.tensor(0)?, call.tensor(1)?, call.tensor(2)?);
        let side = SIDE as usize;
        for at in 0..side * side {
            let mut sum = 0.0;
            for step in 0..side {
                sum += x.get(at / side * side + step)? * y.get(step * side + at % side)?;
            }
            out.set(at, sum)?;
        }
        Ok(())
    }
    fn accumulate(call: &Call<'_>) -> Result<(), CallError> {
        let (x, total): (View<'_, f32>, View<'_, f32>) = (call.tensor(0)?, call.tensor(1)?);
        for at in 0..total.len() {
            total.set(at, total.get(at)? + x.get(at)?)?;
        }
        Ok(())
    }
    fn orchestrate(scope: &mut Scope<'_, '_>, args: &RunArguments<'_>) -> Result<(), GraphError> {
        let (a, b, c) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
        let made = NewTensor::of::<f32>(&[1, SIDE, SIDE])?;
        for group in 0..GROUPS {
            scope.scope(|inner| {
                let total = c.view(&[1, SIDE, SIDE], &[group, 0, 0])?;
                for step in 0..STEPS {
                    let at = [group, step, 0, 0];
                    let x = a.view(&[1, 1, SIDE, SIDE], &at)?;
                    let y = b.view(&[1, 1, SIDE, SIDE], &at)?;
                    let product = inner
                        .task(Kernels::aic(0))
                        .input(&x)
                        .input(&y)
                        .output(&made);
                    let part = product.submit()?.output(0);
                    inner
                        .task(Kernels::aiv(1))
                        .input(&part)
                        .update(&total)
                        .submit()?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }
    let program = || {
        ProgramBuilder::new()
            .signature(&[In, In, Inout])
            .kernel(0, CoreType::Aic, matmul)
            .kernel(1, CoreType::Aiv, accumulate)
            .orchestration(orchestrate)
    };
    on_every_platform(program, |start| {
        let tile = (SIDE * SIDE) as usize;
        let a = vec![2.0f32; (GROUPS * STEPS) as usize * tile];
        let b = vec![0.5f32; (GROUPS * STEPS) as usize * tile];
        let mut c = vec![1.0f32; GROUPS as usize * tile];
        let mut args = Arguments::new();
        args.input(&a, &[GROUPS, STEPS, SIDE, SIDE]).expect("fits");
        args.input(&b, &[GROUPS, STEPS, SIDE, SIDE]).expect("fits");
        args.output(&mut c, &[GROUPS, SIDE, SIDE]).expect("fits");
        start(&mut args);
        drop(args);
        // Each step adds a sum of SIDE products of 2 and 0.5 to the 1 that was there.
        assert!(c.iter().all(|&value| value == 33.0), "{:?}", &c[..4]);
    });
}

#[test]
fn bench_chain() {
    const LINKS: u32 = 4000;
    fn orchestrate(scope: &mut Scope<'_, '_>, args: &RunArguments<'_>) -> Result<(), GraphError> {
        let x = args.tensor(0)?;
        for first in (0..LINKS).step_by(500) {
            scope.scope(|inner| {
                for link in first..first + 500 {
                    let task = inner.task(Kernels::aiv(0)).update(&x);
                    task.scalar(3u32).scalar(link).submit()?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }
    let program = || {
        ProgramBuilder::new()
            .signature(&[Inout])
            .kernel(0, CoreType::Aiv, affine)
            .orchestration(orchestrate)
    };
    let expected = (0..LINKS).fold(7u32, |x, link| x.wrapping_mul(3).wrapping_add(link));
    on_every_platform(program, |start| {
        let mut x = [7u32; 16];
        let mut args = Arguments::new();
        args.output(&mut x, &[16]).expect("fits");
        start(&mut args);
        drop(args);
        assert_eq!(x, [expected; 16]);
    });
}

#[test]
fn manual_scope() {
    const ROWS: u32 = 10;
    fn copy(call: &Call<'_>) -> Result<(), CallError> {
        map(&call.tensor(0)?, &call.tensor(1)?, |x: u32| x)
    }
    fn orchestrate(scope: &mut Scope<'_, '_>, args: &RunArguments<'_>) -> Result<(), GraphError> {
        let result = args.tensor(0)?;
        for row in 0..ROWS {
            scope.manual_scope(|inner| {
                let into = result.view(&[1, 16], &[row, 0])?;
                let made = NewTensor::filled(&[1, 16], row)?;
                let x = inner.alloc(&made)?;
                let first = inner
                    .task(Kernels::aiv(0))
                    .update(&x)
                    .scalar(10u32)
                    .scalar(1u32);
                let first = first.submit()?.task();
                let second = inner
                    .task(Kernels::aiv(0))
                    .update(&x)
                    .scalar(10u32)
                    .scalar(2u32);
                let second = second.after(first).submit()?.task();
                inner
                    .task(Kernels::aiv(1))
                    .input(&x)
                    .write(&into)
                    .after(second)
                    .submit()?;
                Ok(())
            })?;
        }
        Ok(())
    }
    let program = || {
        ProgramBuilder::new()
            .signature(&[Out])
            .kernel(0, CoreType::Aiv, affine)
            .kernel(1, CoreType::Aiv, copy)
            .orchestration(orchestrate)
    };
    on_every_platform(program, |start| {
        let mut result = vec![0u32; (ROWS * 16) as usize];
        let mut args = Arguments::new();
        args.output(&mut result, &[ROWS, 16]).expect("fits");
        start(&mut args);
        drop(args);
        for (row, cells) in (0..ROWS).zip(result.chunks(16)) {
            assert_eq!(cells, [100 * row + 12; 16]);
        }
    });
}

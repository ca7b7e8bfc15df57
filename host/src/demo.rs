//! A first look: a task graph with kernels in Rust, and a picture of what ran where.
//!
//! Knows one small program and how to draw it. Refuses to know devices: it uses the same interface
//! as any application, and is meant to be read as one.
//!
//! ```text
//! for each tile t:   p = A[t] · B[t]  (cube core)  ──▶  r = max(p + bias, 0)  (vector core)
//! then, in pairs:    r₀ + r₁, r₂ + r₃, …  ──▶  …  ──▶  the result
//! ```

pub mod chips;
mod timeline;

use core::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use aicore_abi::call::{Call, CallError, View, zip_map};
use platform::{Program, Waits};
use protocol::ArgDirection::{In, Out};
use protocol::CoreType;

use crate::args::Arguments;
use crate::error::Result;
use crate::graph::{GraphError, Kernels, NewTensor, RunArguments, Scope};
use crate::program::ProgramBuilder;
use crate::worker::{ChipWorker, RunConfig};

use timeline::Timeline;

/// Tiles that are multiplied; a power of two, so that they pair up.
const TILES: u32 = 8;
/// Rows and columns of a tile.
const SIDE: u32 = 32;
/// Clusters the program runs on: fewer than tiles, so that cores are used again.
const CLUSTERS: u32 = 3;

const MATMUL: i32 = 0;
const RELU: i32 = 1;
const ADD: i32 = 2;

/// Runs the demonstration on `platform` and returns what to show.
///
/// # Errors
///
/// The platform is unknown, or something failed that should not.
pub fn run(platform: &str) -> Result<String> {
    let worker = ChipWorker::on(platform)?;
    worker.init(0)?;
    let timeline = Arc::new(Timeline::new());
    let program = worker.register(program(&timeline))?;

    let length = (TILES * SIDE * SIDE) as usize;
    let a: Vec<f32> = (0..length).map(|at| (at % 7) as f32 - 3.0).collect();
    let b: Vec<f32> = (0..length).map(|at| (at % 5) as f32 - 2.0).collect();
    let mut sum = vec![0.0f32; (SIDE * SIDE) as usize];
    let config = RunConfig {
        block_dim: CLUSTERS,
        ..RunConfig::default()
    };
    let run = |sum: &mut [f32]| {
        let mut args = Arguments::new();
        args.input(&a, &[TILES, SIDE, SIDE])?
            .input(&b, &[TILES, SIDE, SIDE])?
            .output(sum, &[SIDE, SIDE])?
            .scalar(BIAS)?;
        let start = Instant::now();
        let report = worker.run(&program, &mut args, &config)?;
        Ok::<_, crate::Error>((report, start.elapsed()))
    };
    // The first run finds the memory; the second is the one to look at.
    run(&mut sum)?;
    timeline.clear();
    let (report, took) = run(&mut sum)?;

    let expected = reference(&a, &b);
    let right = sum
        .iter()
        .zip(&expected)
        .all(|(got, want)| (got - want).abs() <= 1e-3);
    let mut text = format!(
        "{TILES} tiles of {SIDE}×{SIDE}: multiply on cube cores, add a bias and cut below zero on \
         vector cores, add up in pairs.\n\n"
    );
    text.push_str(&timeline.draw());
    let verdict = if right { "equals" } else { "DIFFERS FROM" };
    write!(
        text,
        "\n{} tasks on {} cores of {platform} in {took:.1?}; the result {verdict} a plain loop's.\n",
        report.completed,
        3 * CLUSTERS,
    )
    .expect("a string takes everything");
    Ok(text)
}

const BIAS: f32 = 0.5;

fn program(timeline: &Arc<Timeline>) -> Program {
    ProgramBuilder::new()
        .signature(&[In, In, Out])
        .traced_kernel(timeline, 'm', MATMUL, CoreType::Aic, matmul)
        .traced_kernel(timeline, 'r', RELU, CoreType::Aiv, relu)
        .traced_kernel(timeline, '+', ADD, CoreType::Aiv, add)
        .orchestration(orchestrate)
}

/// Submits the graph. Dependencies follow from who reads what whom wrote.
fn orchestrate(scope: &mut Scope<'_, '_>, args: &RunArguments<'_>) -> Result<(), GraphError> {
    let (a, b, sum) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
    let bias: f32 = args.scalar(0)?;
    let tile = NewTensor::of::<f32>(&[SIDE, SIDE])?;

    let mut parts = Vec::new();
    for index in 0..TILES {
        let at = [index, 0, 0];
        let (a, b) = (
            a.view(&[1, SIDE, SIDE], &at)?,
            b.view(&[1, SIDE, SIDE], &at)?,
        );
        let product = scope
            .task(Kernels::aic(MATMUL))
            .input(&a)
            .input(&b)
            .output(&tile)
            .submit()?
            .output(0);
        let part = scope
            .task(Kernels::aiv(RELU))
            .input(&product)
            .output(&tile)
            .scalar(bias)
            .submit()?
            .output(0);
        parts.push(part);
    }
    while let [first, second, rest @ ..] = &parts[..] {
        let add = scope.task(Kernels::aiv(ADD)).input(first).input(second);
        if rest.is_empty() {
            add.write(&sum).submit()?;
            break;
        }
        let both = add.output(&tile).submit()?.output(0);
        let mut rest = rest.to_vec();
        rest.push(both);
        parts = rest;
    }
    Ok(())
}

fn matmul(call: &Call<'_>) -> Result<(), CallError> {
    let (a, b, product): (View<'_, f32>, View<'_, f32>, View<'_, f32>) =
        (call.tensor(0)?, call.tensor(1)?, call.tensor(2)?);
    let side = SIDE as usize;
    let (mut rows, mut columns) = (vec![0.0; side * side], vec![0.0; side * side]);
    a.load(0, &mut rows)?;
    b.load(0, &mut columns)?;
    product.store(0, &multiply(&rows, &columns))
}

fn relu(call: &Call<'_>) -> Result<(), CallError> {
    let bias: f32 = call.scalar(0)?;
    aicore_abi::call::map(&call.tensor(0)?, &call.tensor(1)?, |x: f32| {
        (x + bias).max(0.0)
    })
}

fn add(call: &Call<'_>) -> Result<(), CallError> {
    zip_map(
        &call.tensor(0)?,
        &call.tensor(1)?,
        &call.tensor(2)?,
        |x: f32, y: f32| x + y,
    )
}

fn multiply(a: &[f32], b: &[f32]) -> Vec<f32> {
    let side = SIDE as usize;
    let mut product = vec![0.0; side * side];
    for row in 0..side {
        for inner in 0..side {
            let factor = a[row * side + inner];
            for column in 0..side {
                product[row * side + column] += factor * b[inner * side + column];
            }
        }
    }
    product
}

/// The same without tasks.
fn reference(a: &[f32], b: &[f32]) -> Vec<f32> {
    let tile = (SIDE * SIDE) as usize;
    let mut sum = vec![0.0; tile];
    for (a, b) in a.chunks(tile).zip(b.chunks(tile)) {
        for (total, product) in sum.iter_mut().zip(multiply(a, b)) {
            *total += (product + BIAS).max(0.0);
        }
    }
    sum
}

impl ProgramBuilder {
    /// A kernel whose calls appear in `timeline` as `letter`.
    fn traced_kernel(
        self,
        timeline: &Arc<Timeline>,
        letter: char,
        func_id: i32,
        core: CoreType,
        kernel: fn(&Call<'_>) -> Result<(), CallError>,
    ) -> Self {
        let timeline = Arc::clone(timeline);
        self.kernel_on_core(func_id, core, Waits::Never, move |call, place| {
            let start = Instant::now();
            let result = kernel(call);
            timeline.record(letter, place.core, core, start, Instant::now());
            result
        })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_demonstration_computes_what_a_plain_loop_does() {
        for platform in crate::platforms::names() {
            let shown = super::run(platform).expect("the demonstration runs");
            assert!(shown.contains("equals a plain loop's"), "{shown}");
            assert!(shown.contains("23 tasks"), "{shown}");
        }
    }
}

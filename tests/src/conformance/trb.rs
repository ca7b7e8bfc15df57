//! What the device-built runtime brings to the suite.
//!
//! Knows how scripts become submitted tasks and what the suite's kernels do, in Rust. The same in C++ is
//! `tests/conformance/trb`.

use core::time::Duration;
use std::time::Instant;

use aicore_abi::call::{Call, CallError, View};
use host::{CoreType, GraphError, Kernels, Program, ProgramBuilder, RunArguments, Scope, Waits};
use protocol::error_code::RunError;
use sync::Word32;

use super::objects::Objects;
use super::script::{KERNEL, Lanes, Mode, Op, STEP_WORDS, Step};
use super::subject::{BIAS, Language, Loads, Parts, Recipe, Runtime};

/// How long code of a failed test goes on at most.
const GIVE_UP: Duration = Duration::from_secs(60);

/// The device-built runtime.
#[derive(Debug)]
pub struct Trb;

impl Runtime for Trb {
    fn name(&self) -> &'static str {
        "trb"
    }

    fn loads(&self) -> Loads {
        Loads::AtFirstRun
    }

    fn program(&self, recipe: &Recipe<'_>, parts: &Parts) -> Program {
        with_orchestration(
            with_kernels(recipe, parts.kernels, parts.objects),
            recipe.language,
            parts.objects,
        )
    }

    fn program_of(&self, recipe: &Recipe<'_>, parts: &Parts, image: &[u8]) -> Program {
        with_kernels(recipe, parts.kernels, parts.objects)
            .orchestration_image(image, "", "")
            .expect("names without zero bytes")
    }

    fn program_with_kernel(&self, recipe: &Recipe<'_>, parts: &Parts, image: &[u8]) -> Program {
        let builder = ProgramBuilder::new()
            .signature(recipe.signature)
            .kernel_image(KERNEL, CoreType::Aiv, image);
        with_orchestration(builder, recipe.language, parts.objects)
    }

    fn reported(&self, code: i32) -> i32 {
        -code
    }

    fn invalid(&self) -> i32 {
        -RunError::InvalidArgs.code()
    }

    fn has_blocks(&self) -> bool {
        true
    }
}

/// The program with the orchestration that carries out scripts.
fn with_orchestration(builder: ProgramBuilder, language: Language, objects: &Objects) -> Program {
    match language {
        Language::Rust => builder.orchestration(orchestrate),
        Language::Cpp => builder
            .orchestration_image(&objects.orchestration, "", "")
            .expect("names without zero bytes"),
    }
}

/// The suite's kernels, which take descriptors.
pub(super) fn with_kernels(
    recipe: &Recipe<'_>,
    language: Language,
    objects: &Objects,
) -> ProgramBuilder {
    let builder = ProgramBuilder::new().signature(recipe.signature);
    match language {
        Language::Rust => in_rust(builder, recipe.bias),
        Language::Cpp => in_cpp(builder, recipe.bias, objects),
    }
}

fn in_rust(builder: ProgramBuilder, bias: u32) -> ProgramBuilder {
    [(KERNEL, CoreType::Aiv), (KERNEL + 1, CoreType::Aic)]
        .into_iter()
        .fold(builder, |builder, (id, core)| {
            builder.waiting_kernel(id, core, Waits::WithinGroup, move |call| {
                kernel(call, core, bias)
            })
        })
}

pub(super) fn in_cpp(builder: ProgramBuilder, bias: u32, objects: &Objects) -> ProgramBuilder {
    let vector = if bias == BIAS {
        &objects.biased
    } else {
        &objects.vector
    };
    builder
        .kernel_image(KERNEL, CoreType::Aiv, vector)
        .kernel_image(KERNEL + 1, CoreType::Aic, &objects.cube)
}

/// Carries out a script.
fn orchestrate(scope: &mut Scope<'_, '_>, args: &RunArguments<'_>) -> Result<(), GraphError> {
    let steps: u64 = args.scalar(0)?;
    let steps = usize::try_from(steps).expect("a script fits an argument block");
    for step in 0..steps {
        let mut words = [0; STEP_WORDS];
        for (index, word) in words.iter_mut().enumerate() {
            *word = args.scalar(1 + step * STEP_WORDS + index)?;
        }
        submit(scope, args, &Step::read(words))?;
    }
    Ok(())
}

fn submit(
    scope: &mut Scope<'_, '_>,
    args: &RunArguments<'_>,
    step: &Step,
) -> Result<(), GraphError> {
    let code = |word: u64| i32::try_from(word).expect("a code");
    match step.op {
        Op::Fatal => return Err(GraphError::failed(code(step.factor), "the script says so")),
        Op::Throw => panic!("the script says so"),
        Op::Stuck => {
            stay_until_set(step.aux);
            return Ok(());
        }
        // A scope of the Rust interface ends with its closure, whatever happens in it.
        Op::Open => return scope.scope(|_| Ok(())),
        Op::Task | Op::Blocks | Op::Defer | Op::Send => {}
    }
    let (from, to) = (args.tensor(step.from)?, args.tensor(step.to)?);
    let task = scope.task(match step.lanes {
        Lanes::Vector => Kernels::aiv(step.kernel),
        Lanes::Cube => Kernels::aic(step.kernel + 1),
        Lanes::Cluster => Kernels::cluster(step.kernel + 1, step.kernel, step.kernel),
    });
    let lines = u64::from(step.lanes.cores());
    let (task, scalars) = match step.op {
        Op::Blocks => {
            let blocks = u32::try_from(step.factor).expect("a number of blocks");
            let task = task.untracked(&from).update(&to).blocks(blocks);
            let together = step.addend != 0;
            let task = if together { task.together() } else { task };
            let cores = if together { lines * step.factor } else { 0 };
            (task, [lines, cores, Mode::Mark as u64, 0])
        }
        Op::Defer => {
            let mode = Mode::Defer as u64;
            let task = task.untracked(&from).update(&to);
            (task, [step.factor, step.addend, mode, step.aux])
        }
        Op::Send => {
            let mode = Mode::Send as u64;
            let task = task.untracked(&from).untracked(&to);
            (task, [step.factor, step.addend, mode, step.aux])
        }
        _ => {
            let task = if step.from == step.to {
                task.untracked(&from).update(&to)
            } else {
                // Readers and later writers are not ordered by themselves; who updates is.
                task.update(&from).update(&to)
            };
            (task, [step.factor, step.addend, step.mode as u64, step.aux])
        }
    };
    scalars
        .into_iter()
        .fold(task, |task, scalar| task.scalar(scalar))
        .submit()?;
    Ok(())
}

/// The suite's kernel.
fn kernel(call: &Call<'_>, core: CoreType, bias: u32) -> Result<(), CallError> {
    let (from, to): (View<'_, u32>, View<'_, u32>) = (call.tensor(0)?, call.tensor(1)?);
    let (factor, addend): (u32, u32) = (call.scalar(0)?, call.scalar(1)?);
    let mode: u64 = call.scalar(2)?;
    let mode = Mode::from_word(mode).ok_or(CallError::Kernel("there is no such mode"))?;
    match mode {
        Mode::Fail => return Err(CallError::Kernel("the script says so")),
        Mode::Stuck => stay_until_set(call.scalar(3)?),
        Mode::Mark => return mark(call, core, &to, factor, addend),
        Mode::Defer => return Err(CallError::Kernel("only C++ kernels leave conditions")),
        Mode::Send => {
            word_at(call.descriptor(0)?.buffer.addr).add(1);
            return Ok(());
        }
        Mode::Compute | Mode::Beyond => {}
    }
    let mut values = vec![0; to.len()];
    from.load(0, &mut values)?;
    for value in &mut values {
        *value = value
            .wrapping_mul(factor)
            .wrapping_add(addend)
            .wrapping_add(bias);
    }
    to.store(0, &values)?;
    if mode == Mode::Beyond {
        let buffer = call.descriptor(1)?.buffer;
        word_at(buffer.addr + buffer.size).publish(1);
    }
    Ok(())
}

/// One core's part of [`Op::Blocks`].
fn mark(
    call: &Call<'_>,
    core: CoreType,
    marks: &View<'_, u32>,
    lines: u32,
    together: u32,
) -> Result<(), CallError> {
    let lane = match core {
        CoreType::Aiv if lines > 1 => 1 + call.lane(),
        _ => 0,
    };
    let block = call.block_idx();
    let number = |number: i32| usize::try_from(number).expect("no block or lane is negative");
    if together != 0 {
        let counter = word_at(call.descriptor(0)?.buffer.addr);
        counter.add(1);
        let started = Instant::now();
        while counter.observe() < together {
            if started.elapsed() > GIVE_UP {
                return Err(CallError::Kernel("the others did not start"));
            }
            std::thread::yield_now();
        }
    }
    let cell = number(block) * lines as usize + number(lane);
    let mark = block.unsigned_abs() + 1;
    marks.set(cell, marks.get(cell)?.wrapping_add(mark))
}

/// Returns when the word at `address` is set.
pub(super) fn stay_until_set(address: u64) {
    let started = Instant::now();
    while word_at(address).observe() == 0 && started.elapsed() < GIVE_UP {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A word that a script names, or one of a tensor.
fn word_at<'a>(address: u64) -> &'a Word32 {
    let address = usize::try_from(address).expect("an address of this process");
    // SAFETY: scripts of the suite name words of their own that outlive all runs, and elements of a run's tensors
    // or of the guard zones behind them, aligned and alive while its kernels run; everyone who shares one goes
    // through such a word.
    unsafe { &*core::ptr::with_exposed_provenance(address) }
}

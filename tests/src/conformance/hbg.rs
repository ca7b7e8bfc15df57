//! What the host-built runtime brings to the suite.
//!
//! Knows how scripts become graphs, in Rust and, with `tests/conformance/hbg`, in C++. The kernels of a graph in Rust are
//! those of the device-built runtime, whatever they are written in: they get the same descriptors.

use aicore_abi::call::{Call, CallError};
use host::{
    ArgDirection, CoreType, GraphArguments, GraphTask, Program, ProgramBuilder, TaskGraph,
    TaskGraphError,
};

use super::script::{KERNEL, Lanes, Op, STEP_WORDS, Step};
use super::subject::{Language, Loads, Parts, Recipe, Runtime};
use super::trb::{in_cpp, stay_until_set, with_kernels};

/// The host-built runtime.
#[derive(Debug)]
pub struct Hbg;

/// What the orchestration in C++ has before the directions of its tensors.
const DIRECTIONS: &[u8] = b"directions:";

impl Runtime for Hbg {
    fn name(&self) -> &'static str {
        "hbg"
    }

    fn loads(&self) -> Loads {
        Loads::AtRegistration
    }

    fn program(&self, recipe: &Recipe<'_>, parts: &Parts) -> Program {
        match recipe.language {
            Language::Rust => with_kernels(recipe, parts.kernels, parts.described).graph(describe),
            Language::Cpp => self.program_of(
                recipe,
                parts,
                &with_directions(&parts.objects.orchestration, recipe.signature),
            ),
        }
    }

    fn program_of(&self, recipe: &Recipe<'_>, parts: &Parts, image: &[u8]) -> Program {
        let builder = ProgramBuilder::new().signature(recipe.signature);
        let builder = match parts.kernels {
            Language::Rust => builder.kernel(KERNEL, CoreType::Aiv, of_bare_words),
            Language::Cpp => in_cpp(builder, recipe.bias, parts.objects),
        };
        builder
            .graph_image(image, "build_graph")
            .expect("a name without zero bytes")
    }

    // Kernels in C++ get bare addresses, which only the orchestration in C++ hands out.
    fn program_with_kernel(&self, recipe: &Recipe<'_>, parts: &Parts, image: &[u8]) -> Program {
        ProgramBuilder::new()
            .signature(recipe.signature)
            .kernel_image(KERNEL, CoreType::Aiv, image)
            .graph_image(
                &with_directions(&parts.objects.orchestration, recipe.signature),
                "build_graph",
            )
            .expect("a name without zero bytes")
    }

    fn reported(&self, code: i32) -> i32 {
        code
    }

    fn invalid(&self) -> i32 {
        -1
    }

    fn has_blocks(&self) -> bool {
        false
    }
}

/// The computation of the suite's kernel for a graph described in C++, whose words are addresses.
fn of_bare_words(call: &Call<'_>) -> Result<(), CallError> {
    let word = |index| call.scalar::<u64>(index);
    let wrapping = |index| call.scalar::<u32>(index);
    let address = |word: u64| usize::try_from(word).expect("64-bit addresses");
    let from = core::ptr::with_exposed_provenance::<u32>(address(word(0)?));
    let to = core::ptr::with_exposed_provenance_mut::<u32>(address(word(1)?));
    let (factor, addend) = (wrapping(2)?, wrapping(3)?);
    for index in 0..address(word(6)?) {
        // SAFETY: the graph states the addresses of its tensors and how many elements they have.
        let source = unsafe { from.add(index) };
        // SAFETY: as above.
        let target = unsafe { to.add(index) };
        // SAFETY: as above.
        let value = unsafe { source.read_volatile() };
        // SAFETY: as above.
        unsafe { target.write_volatile(factor.wrapping_mul(value).wrapping_add(addend)) };
    }
    Ok(())
}

/// The orchestration in C++, told which way its tensors go.
fn with_directions(image: &[u8], signature: &[ArgDirection]) -> Vec<u8> {
    let mut image = image.to_vec();
    let at = image
        .windows(DIRECTIONS.len())
        .position(|bytes| bytes == DIRECTIONS)
        .expect("the orchestration keeps its directions");
    let places = &mut image[at + DIRECTIONS.len()..];
    for (place, direction) in places.iter_mut().zip(signature) {
        *place = match direction {
            ArgDirection::In => b'i',
            ArgDirection::Out => b'o',
            _ => b'b',
        };
    }
    image
}

/// Carries out a script.
fn describe<'g>(
    graph: &mut TaskGraph<'_, 'g>,
    args: &GraphArguments<'g>,
) -> Result<(), TaskGraphError> {
    let steps: u64 = graph.read(args, 0)?;
    let steps = usize::try_from(steps).expect("a script fits an argument block");
    // The task that touched each tensor last.
    let mut last: Vec<Option<GraphTask<'g>>> = vec![None; args.tensors()?];
    for step in 0..steps {
        let mut words = [0; STEP_WORDS];
        for (index, word) in words.iter_mut().enumerate() {
            *word = graph.read(args, 1 + step * STEP_WORDS + index)?;
        }
        add(graph, args, &mut last, &Step::read(words))?;
    }
    Ok(())
}

fn add<'g>(
    graph: &mut TaskGraph<'_, 'g>,
    args: &GraphArguments<'g>,
    last: &mut [Option<GraphTask<'g>>],
    step: &Step,
) -> Result<(), TaskGraphError> {
    match step.op {
        Op::Task => {}
        Op::Fatal => {
            let code = i32::try_from(step.factor).expect("a code");
            return Err(TaskGraphError::failed(code, "the script says so"));
        }
        Op::Throw => panic!("the script says so"),
        Op::Stuck => {
            stay_until_set(step.aux);
            return Ok(());
        }
        Op::Blocks | Op::Open | Op::Defer | Op::Send => {
            unreachable!("cases for runtimes with blocks")
        }
    }
    let (from, to) = (args.tensor(step.from)?, args.tensor(step.to)?);
    let task = match step.lanes {
        Lanes::Cube => graph.task(step.kernel + 1, CoreType::Aic),
        Lanes::Vector | Lanes::Cluster => graph.task(step.kernel, CoreType::Aiv),
    };
    let earlier: Vec<GraphTask<'g>> = [last[step.from], last[step.to]]
        .into_iter()
        .flatten()
        .collect();
    let task = task
        .tensor(&from)
        .tensor(&to)
        .scalar(step.factor)
        .scalar(step.addend)
        .scalar(step.mode as u64)
        .scalar(step.aux)
        .after(&earlier);
    (last[step.from], last[step.to]) = (Some(task), Some(task));
    Ok(())
}

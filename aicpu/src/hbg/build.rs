//! The host's half of a run: from what was registered to a graph that is ready to run.
//!
//! Knows how a graph comes about, and that one of a function is used again. Refuses to know where it runs: in a
//! simulation beside its cores, on a chip it is sent there.

use core::any::Any;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use aicore_abi::seam::KernelEntry;
use aicore_abi::tensor::Tensor;
use protocol::ChipStorageTaskArgs;
use runtime_hbg::dump::DumpTables;
use runtime_hbg::packed::Packing;
use runtime_hbg::{Blueprint, CopyBack, Graph, GraphView, HostMemory, Plan};
use sync::{Flag, Word64};

use super::failure::RunFailure;
use super::orchestration::{Body, Last, Loaded, What};
use crate::guarded_call::{self, BuildEntry, panic_text};

/// What a graph is built for.
#[derive(Clone, Copy)]
pub struct BuildOrder<'a> {
    /// What builds it.
    pub orchestration: &'a Loaded,
    /// The program's kernels by function id.
    pub kernels: &'a [KernelEntry],
    /// The run's arguments: as the caller gave them for an image, bound to device memory for a function.
    pub args: &'a ChipStorageTaskArgs,
    /// Where the orchestration's device memory comes from. What the run has taken from there is in use until the
    /// cores have stopped, which may be after the end.
    pub memory: &'a dyn HostMemory,
}

impl core::fmt::Debug for BuildOrder<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("BuildOrder")
            .field("orchestration", &self.orchestration)
            .finish_non_exhaustive()
    }
}

/// Builds graphs, one after the other.
#[derive(Debug, Default)]
pub struct Builder {
    /// An orchestration has not returned.
    orchestrating: Flag,
    /// What orchestrations have done so far.
    steps: Word64,
}

/// A graph that is ready to run.
#[derive(Debug)]
pub enum Ready {
    /// Of an image.
    Built {
        /// The graph.
        graph: Box<Graph>,
        /// What is to be copied to the host after a good run.
        copies: Vec<CopyBack>,
        /// What it said of tensors.
        dump: DumpTables,
    },
    /// Of a function.
    Planned(Box<Plan>),
}

impl Builder {
    /// Builds the graph of a run.
    ///
    /// # Errors
    ///
    /// The orchestration failed, or its graph was refused.
    pub fn build(&self, order: &BuildOrder<'_>) -> Result<Ready, RunFailure> {
        let ready = match &order.orchestration.0 {
            What::Image { entry, .. } => self.of_image(*entry, order),
            What::Graph(body, last) => self.of_function(&**body, last, order),
        }?;
        order.memory.complete();
        Ok(ready)
    }

    fn of_image(&self, entry: BuildEntry, order: &BuildOrder<'_>) -> Result<Ready, RunFailure> {
        let memory = Watched {
            memory: order.memory,
            steps: &self.steps,
        };
        let mut orchestration = runtime_hbg::Orchestration::new(&memory);
        let mut thrown = Ok(());
        let orchestrated = self.orchestrate(|| {
            orchestration.orchestrate(|handle| {
                // SAFETY: the entry takes the handle and a pointer to the argument block; both outlive the call.
                match unsafe {
                    guarded_call::build(
                        entry,
                        handle.cast(),
                        core::ptr::from_ref(order.args).cast(),
                    )
                } {
                    Ok(code) => code,
                    Err(text) => {
                        thrown = Err(text);
                        -1
                    }
                }
            })
        });
        thrown?;
        orchestrated?;
        let (graph, copies, dump) = orchestration.seal(order.kernels)?.leave_memory();
        Ok(Ready::Built {
            graph: Box::new(graph),
            copies,
            dump,
        })
    }

    fn of_function(
        &self,
        body: &Body,
        last: &Last,
        order: &BuildOrder<'_>,
    ) -> Result<Ready, RunFailure> {
        let mut plan = match Loaded::plan(last, order.args) {
            Some(plan) => plan,
            None => Box::new(self.orchestrate(|| describe(body, order))?),
        };
        let bytes = plan.scratch_bytes();
        let scratch = match usize::try_from(bytes).map_or(0, |bytes| match bytes {
            0 => 0,
            bytes => order.memory.malloc(bytes),
        }) {
            0 if bytes != 0 => return Err(RunFailure::NoScratch { bytes }),
            scratch => scratch,
        };
        plan.fill(order.args, scratch)?;
        Ok(Ready::Planned(plan))
    }

    /// Calls code of the program that builds a graph.
    fn orchestrate<R>(&self, build: impl FnOnce() -> R) -> R {
        self.orchestrating.set();
        let built = build();
        self.orchestrating.clear();
        built
    }

    /// Whether an orchestration has not returned.
    pub fn is_orchestrating(&self) -> bool {
        self.orchestrating.is_set()
    }

    /// A number that changes with everything that an orchestration does.
    pub fn progress(&self) -> u64 {
        self.steps.own()
    }
}

impl Ready {
    /// The graph, for whoever runs it in this process.
    #[must_use]
    pub fn graph(&self) -> GraphView<'_> {
        match self {
            Self::Built { graph, dump, .. } => GraphView::from(&**graph).with_dump(dump),
            Self::Planned(plan) => plan.graph().into(),
        }
    }

    /// How the graph is packed for a device.
    #[must_use]
    pub fn packing(&self) -> Packing {
        Packing::of(&self.graph(), self.descriptors().len())
    }

    /// Packs the graph for a device that will have it at `address`.
    pub fn pack(&mut self, packing: &Packing, address: u64, into: &mut Vec<u8>) {
        if let Self::Planned(plan) = self {
            plan.describe_at(address + packing.descriptors_at());
        }
        packing.write(&self.graph(), self.descriptors(), into);
    }

    fn descriptors(&self) -> &[Tensor] {
        match self {
            Self::Built { .. } => &[],
            Self::Planned(plan) => plan.descriptors(),
        }
    }

    /// Ends the run for which `orchestration` has built it: what is to be copied to the host, which is nothing of a
    /// failed run, and what cores may still read if they have not stopped.
    #[must_use]
    pub fn finish(
        self,
        orchestration: &Loaded,
        good: bool,
    ) -> (Vec<CopyBack>, Option<Box<dyn Any + Send>>) {
        match self {
            Self::Built { graph, copies, .. } => {
                (if good { copies } else { Vec::new() }, Some(graph as _))
            }
            Self::Planned(plan) if good => {
                orchestration.keep(plan);
                (Vec::new(), None)
            }
            Self::Planned(plan) => (Vec::new(), Some(plan as _)),
        }
    }
}

fn describe(body: &Body, order: &BuildOrder<'_>) -> Result<Plan, RunFailure> {
    let mut blueprint = Blueprint::new();
    catch_unwind(AssertUnwindSafe(|| body(&mut blueprint, order.args)))
        .map_err(|panic| RunFailure::Panicked(panic_text(&*panic)))??;
    Ok(blueprint.seal(order.kernels, order.args)?)
}

/// Device memory, and a count of what an orchestration does.
struct Watched<'a> {
    memory: &'a dyn HostMemory,
    steps: &'a Word64,
}

impl HostMemory for Watched<'_> {
    fn malloc(&self, bytes: usize) -> u64 {
        self.memory.malloc(bytes)
    }

    fn free(&self, device: u64) {
        self.memory.free(device);
    }

    unsafe fn copy_to(&self, device: u64, host: *const u8, bytes: usize) -> i32 {
        // SAFETY: the caller's promise.
        unsafe { self.memory.copy_to(device, host, bytes) }
    }

    fn complete(&self) {
        self.memory.complete();
    }

    fn refusal(&self) -> Option<String> {
        self.memory.refusal()
    }

    fn stepped(&self) {
        // Nobody else counts here.
        self.steps.set_own(self.steps.own().wrapping_add(1));
    }
}

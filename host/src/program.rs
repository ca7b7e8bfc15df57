//! Putting a program together.
//!
//! Knows the ways an orchestration and a kernel may be written. Refuses to know where they run.

use std::sync::Arc;

use aicore_abi::call::{Call, CallError};
#[cfg(feature = "hbg")]
use aicpu::hbg;
#[cfg(feature = "trb")]
use aicpu::trb;
use platform::{InProcessKernel, Kernel, KernelCall, ProgramKernel, Waits};
#[cfg(any(feature = "trb", feature = "hbg"))]
use platform::{Orchestration, Program};
#[cfg(any(feature = "trb", feature = "hbg"))]
use protocol::ChipStorageTaskArgs;
use protocol::{ArgDirection, CoreType};

#[cfg(any(feature = "trb", feature = "hbg"))]
use crate::error::Result;
#[cfg(feature = "trb")]
use crate::graph::{GraphError, RunArguments, Scope};
#[cfg(feature = "hbg")]
use crate::task_graph::{GraphArguments, TaskGraph, TaskGraphError};

/// A program in the making.
///
/// ```
/// use aicore_abi::call::{map, Call, CallError};
/// use host::{CoreType, Kernels, ProgramBuilder};
/// use protocol::ArgDirection::{In, Out};
///
/// const DOUBLE: i32 = 0;
///
/// fn double(call: &Call<'_>) -> Result<(), CallError> {
///     map(&call.tensor(0)?, &call.tensor(1)?, |x: f32| 2.0 * x)
/// }
///
/// let program = ProgramBuilder::new()
///     .signature(&[In, Out])
///     .kernel(DOUBLE, CoreType::Aiv, double)
///     .orchestration(|scope, args| {
///         let (x, y) = (args.tensor(0)?, args.tensor(1)?);
///         scope.task(Kernels::aiv(DOUBLE)).input(&x).write(&y).submit()?;
///         Ok(())
///     });
/// ```
#[derive(Clone, Debug, Default)]
pub struct ProgramBuilder {
    signature: Vec<ArgDirection>,
    kernels: Vec<ProgramKernel>,
}

impl ProgramBuilder {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the program does with each argument; an argument beyond it is copied both ways.
    #[must_use]
    pub fn signature(mut self, signature: &[ArgDirection]) -> Self {
        signature.clone_into(&mut self.signature);
        self
    }

    /// A kernel that is a function of this process and waits for nobody.
    #[must_use]
    pub fn kernel(
        self,
        func_id: i32,
        core: CoreType,
        kernel: impl Fn(&Call<'_>) -> core::result::Result<(), CallError> + Send + Sync + 'static,
    ) -> Self {
        self.waiting_kernel(func_id, core, Waits::Never, kernel)
    }

    /// A kernel that is a function of this process and may wait for others.
    #[must_use]
    pub fn waiting_kernel(
        self,
        func_id: i32,
        core: CoreType,
        waits: Waits,
        kernel: impl Fn(&Call<'_>) -> core::result::Result<(), CallError> + Send + Sync + 'static,
    ) -> Self {
        self.kernel_on_core(func_id, core, waits, move |call, _| kernel(call))
    }

    /// A kernel that also wants to know where it runs.
    #[must_use]
    pub fn kernel_on_core(
        self,
        func_id: i32,
        core: CoreType,
        waits: Waits,
        kernel: impl Fn(&Call<'_>, &KernelCall<'_>) -> core::result::Result<(), CallError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let run = move |place: &KernelCall<'_>| {
            // SAFETY: the scheduler filled the payload for this very call.
            let call = unsafe { Call::of_payload(place.payload) };
            kernel(&call, place).map_err(|error| error.to_string())
        };
        self.any_kernel(
            func_id,
            core,
            Kernel::InProcess(InProcessKernel {
                run: Arc::new(run),
                waits,
            }),
        )
    }

    /// A kernel in a shared object with a `kernel_entry`.
    #[must_use]
    pub fn kernel_image(self, func_id: i32, core: CoreType, image: &[u8]) -> Self {
        self.any_kernel(func_id, core, Kernel::Image(image.into()))
    }

    /// The orchestration is a function of this process that submits tasks while they run.
    ///
    /// An error it returns ends the run with that error.
    #[cfg(feature = "trb")]
    #[must_use]
    pub fn orchestration(
        self,
        body: impl Fn(&mut Scope<'_, '_>, &RunArguments<'_>) -> core::result::Result<(), GraphError>
        + Send
        + Sync
        + 'static,
    ) -> Program {
        let body = move |orchestrator: &mut runtime_trb::Orchestrator<'_>,
                         args: &ChipStorageTaskArgs| {
            crate::graph::run(orchestrator, args, &body);
        };
        self.with(Orchestration::Trb(trb::Orchestration::InProcess(Arc::new(
            body,
        ))))
    }

    /// The orchestration is a shared object for the runtime that builds graphs on the device; an empty name stands for
    /// the usual one.
    ///
    /// # Errors
    ///
    /// A name has a zero byte in it.
    #[cfg(feature = "trb")]
    pub fn orchestration_image(self, image: &[u8], entry: &str, config: &str) -> Result<Program> {
        let orchestration = trb::Orchestration::image(image, entry, config)?;
        Ok(self.with(Orchestration::Trb(orchestration)))
    }

    /// The whole graph is described by a function of this process before it runs.
    ///
    /// The function is called once for arguments of some shapes; as long as they stay, the graph it described runs
    /// again. Tensors are bound to device memory as the signature says.
    ///
    /// ```
    /// use aicore_abi::call::{map, Call, CallError};
    /// use host::{CoreType, DataType, ProgramBuilder};
    /// use protocol::ArgDirection::{In, Out};
    ///
    /// const DOUBLE: i32 = 0;
    ///
    /// fn double(call: &Call<'_>) -> Result<(), CallError> {
    ///     map(&call.tensor(0)?, &call.tensor(1)?, |x: f32| 2.0 * x)
    /// }
    ///
    /// let four_times = ProgramBuilder::new()
    ///     .signature(&[In, Out])
    ///     .kernel(DOUBLE, CoreType::Aiv, double)
    ///     .graph(|graph, args| {
    ///         let (x, y) = (args.tensor(0)?, args.tensor(1)?);
    ///         let twice = graph.scratch(x.shape(), DataType::Float32)?;
    ///         let first = graph.task(DOUBLE, CoreType::Aiv).tensor(&x).tensor(&twice).first();
    ///         graph.task(DOUBLE, CoreType::Aiv).tensor(&twice).tensor(&y).after(&[first]);
    ///         Ok(())
    ///     });
    /// ```
    #[cfg(feature = "hbg")]
    #[must_use]
    pub fn graph(
        self,
        body: impl for<'a, 'g> Fn(
            &mut TaskGraph<'a, 'g>,
            &GraphArguments<'g>,
        ) -> core::result::Result<(), TaskGraphError>
        + Send
        + Sync
        + 'static,
    ) -> Program {
        let body = move |blueprint: &mut runtime_hbg::Blueprint, args: &ChipStorageTaskArgs| {
            crate::task_graph::describe(blueprint, args, &body)
        };
        self.with(Orchestration::Hbg(hbg::Orchestration::Graph(Arc::new(
            body,
        ))))
    }

    /// The graph is built by a shared object for the runtime that builds graphs on the host. It gets the arguments as
    /// the caller gave them and moves their data itself.
    ///
    /// # Errors
    ///
    /// The name has a zero byte in it.
    #[cfg(feature = "hbg")]
    pub fn graph_image(self, image: &[u8], entry: &str) -> Result<Program> {
        let orchestration = hbg::Orchestration::image(image, entry)?;
        Ok(self.with(Orchestration::Hbg(orchestration)))
    }

    fn any_kernel(mut self, func_id: i32, core: CoreType, kernel: Kernel) -> Self {
        self.kernels.push(ProgramKernel {
            func_id,
            core: Some(core),
            kernel,
        });
        self
    }

    #[cfg(any(feature = "trb", feature = "hbg"))]
    fn with(self, orchestration: Orchestration) -> Program {
        Program {
            orchestration,
            signature: self.signature,
            kernels: self.kernels,
        }
    }
}

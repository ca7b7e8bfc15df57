//! Putting a program together.
//!
//! Knows the ways an orchestration and a kernel may be written. Refuses to know where they run.

use std::sync::Arc;

use aicore_abi::call::{Call, CallError};
use aicpu::trb::Orchestration;
use platform::{
    InProcessKernel, Kernel, KernelCall, Orchestration as AnyOrchestration, Program, ProgramKernel,
    Waits,
};
use protocol::{ArgDirection, ChipStorageTaskArgs, CoreType};

use crate::error::Result;
use crate::graph::{GraphError, RunArguments, Scope};

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

    /// The orchestration is a function of this process.
    ///
    /// An error it returns ends the run with that error.
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
        self.with(Orchestration::InProcess(Arc::new(body)))
    }

    /// The orchestration is a shared object; an empty name stands for the usual one.
    ///
    /// # Errors
    ///
    /// A name has a zero byte in it.
    pub fn orchestration_image(self, image: &[u8], entry: &str, config: &str) -> Result<Program> {
        Ok(self.with(Orchestration::image(image, entry, config)?))
    }

    fn any_kernel(mut self, func_id: i32, core: CoreType, kernel: Kernel) -> Self {
        self.kernels.push(ProgramKernel {
            func_id,
            core: Some(core),
            kernel,
        });
        self
    }

    fn with(self, orchestration: Orchestration) -> Program {
        Program {
            orchestration: AnyOrchestration::Trb(orchestration),
            signature: self.signature,
            kernels: self.kernels,
        }
    }
}

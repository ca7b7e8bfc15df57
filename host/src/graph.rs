//! Writing an orchestration in Rust.
//!
//! Knows how tasks are submitted so that nothing outlives what it needs. Refuses to know when they
//! run.
//!
//! A tensor that the runtime allocates lives as long as the scope it was made in. [`Scope::scope`]
//! gives each scope a lifetime of its own, so a tensor cannot leave it:
//!
//! ```compile_fail
//! # use host::{Scope, Kernels, NewTensor, GraphError};
//! # fn orchestrate(scope: &mut Scope<'_, '_>) -> Result<(), GraphError> {
//! let leaked = scope.scope(|inner| {
//!     let made = inner.task(Kernels::aiv(0)).output(&NewTensor::of::<f32>(&[8])?).submit()?;
//!     Ok(made.output(0)) // does not compile: the tensor ends with its scope
//! })?;
//! # Ok(())
//! # }
//! ```

mod task;
mod tensor;

use core::marker::PhantomData;

use aicore_abi::orchestration::trb::ScopeMode;
use protocol::{ChipStorageTaskArgs, Malformed, Scalar};
use runtime_trb::{Fatal, Orchestrator};

pub use task::{Kernels, NewTensor, Submitted, Task, TaskRef};
pub use tensor::Tensor;

/// Why an orchestration ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The runtime refused a call; the run is over.
    #[error(transparent)]
    Runtime(#[from] Fatal),
    /// A tensor operation was refused.
    #[error(transparent)]
    Tensor(#[from] aicore_abi::Error),
    /// An argument is malformed.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// There is no such argument.
    #[error("{kind} {index} was asked for, the run has {count}")]
    NoSuchArgument {
        /// Tensor or scalar.
        kind: &'static str,
        /// The index asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// The orchestration gave up.
    #[error("{message}")]
    Failed {
        /// Code that the run ends with.
        code: i32,
        /// Why.
        message: String,
    },
}

impl GraphError {
    /// The orchestration gives up for a reason of its own; the run ends with `code`.
    #[must_use]
    pub fn failed(code: i32, message: impl Into<String>) -> Self {
        Self::Failed {
            code,
            message: message.into(),
        }
    }

    fn code(&self) -> i32 {
        match self {
            Self::Runtime(fatal) => fatal.code(),
            Self::Failed { code, .. } => *code,
            Self::Tensor(_) | Self::Malformed(_) | Self::NoSuchArgument { .. } => {
                protocol::error_code::RunError::InvalidArgs.code()
            }
        }
    }
}

/// The arguments of a run, as its orchestration sees them: every tensor in device memory.
#[derive(Clone, Copy, Debug)]
pub struct RunArguments<'s> {
    block: &'s ChipStorageTaskArgs,
}

impl<'s> RunArguments<'s> {
    /// Tensor `index`.
    ///
    /// # Errors
    ///
    /// There is no such tensor.
    pub fn tensor(&self, index: usize) -> Result<Tensor<'s>, GraphError> {
        let tensors = self.block.used_tensors()?;
        let argument = tensors.get(index).ok_or(GraphError::NoSuchArgument {
            kind: "tensor",
            index,
            count: tensors.len(),
        })?;
        Ok(Tensor::new(aicore_abi::tensor::Tensor::from_argument(
            argument, false, 0,
        )?))
    }

    /// How many tensors there are.
    ///
    /// # Errors
    ///
    /// The argument block is malformed.
    pub fn tensors(&self) -> Result<usize, GraphError> {
        Ok(self.block.used_tensors()?.len())
    }

    /// Scalar `index`, counted from the first scalar.
    ///
    /// # Errors
    ///
    /// There is no such scalar.
    pub fn scalar<T: Scalar>(&self, index: usize) -> Result<T, GraphError> {
        let scalars = self.block.used_scalars()?;
        let slot = scalars.get(index).ok_or(GraphError::NoSuchArgument {
            kind: "scalar",
            index,
            count: scalars.len(),
        })?;
        Ok(T::from_slot(*slot))
    }
}

/// A scope that tasks are submitted in.
///
/// `'s` is the life of the scope: what is made in it cannot leave it.
#[derive(Debug)]
pub struct Scope<'s, 'r> {
    orchestrator: &'s mut Orchestrator<'r>,
    // Invariant: a longer or shorter scope is another scope.
    life: PhantomData<fn(&'s ()) -> &'s ()>,
}

impl<'s, 'r> Scope<'s, 'r> {
    /// Starts a task; nothing happens before [`Task::submit`].
    pub fn task<'t>(&'t mut self, kernels: Kernels) -> Task<'t, 's, 'r> {
        Task::new(self.orchestrator, kernels)
    }

    /// Allocates a tensor that no kernel writes.
    ///
    /// # Errors
    ///
    /// There is no room; the run is then over.
    pub fn alloc(&mut self, tensor: &NewTensor) -> Result<Tensor<'s>, GraphError> {
        task::alloc(self.orchestrator, tensor)
    }

    /// Runs `body` in a scope inside this one; its tensors are released when it ends.
    ///
    /// # Errors
    ///
    /// What `body` returned, or that scopes are nested too deep; the run is then over.
    pub fn scope<R>(
        &mut self,
        body: impl for<'i> FnOnce(&mut Scope<'i, 'r>) -> Result<R, GraphError>,
    ) -> Result<R, GraphError> {
        self.nested(ScopeMode::Auto, body)
    }

    /// Runs `body` in a scope in which only named dependencies count.
    ///
    /// # Errors
    ///
    /// As [`scope`](Self::scope).
    pub fn manual_scope<R>(
        &mut self,
        body: impl for<'i> FnOnce(&mut Scope<'i, 'r>) -> Result<R, GraphError>,
    ) -> Result<R, GraphError> {
        self.nested(ScopeMode::Manual, body)
    }

    fn nested<R>(
        &mut self,
        mode: ScopeMode,
        body: impl for<'i> FnOnce(&mut Scope<'i, 'r>) -> Result<R, GraphError>,
    ) -> Result<R, GraphError> {
        self.orchestrator.scope_begin(mode)?;
        let result = body(&mut Scope {
            orchestrator: self.orchestrator,
            life: PhantomData,
        })?;
        self.orchestrator.scope_end()?;
        Ok(result)
    }

    /// Waits for the tasks that write `tensor` and reads one element.
    ///
    /// # Errors
    ///
    /// The element is of another type or outside, or the tasks take too long.
    pub fn read<T: aicore_abi::call::Element + Scalar>(
        &mut self,
        tensor: &Tensor<'_>,
        index: &[u32],
    ) -> Result<T, GraphError> {
        tensor.expect_type(T::DATA_TYPE)?;
        // SAFETY: the tensor's buffer is an argument of the run or memory of the runtime, alive as
        // its lifetime says; its writers are tasks of this run.
        let slot = unsafe { self.orchestrator.get_tensor_data(tensor.raw(), index) }?;
        Ok(T::from_slot(slot))
    }

    /// Waits for all tasks that use `tensor` and writes one element.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn write<T: aicore_abi::call::Element + Scalar>(
        &mut self,
        tensor: &Tensor<'_>,
        index: &[u32],
        value: T,
    ) -> Result<(), GraphError> {
        tensor.expect_type(T::DATA_TYPE)?;
        // SAFETY: as in `read`; its readers are tasks of this run too.
        unsafe {
            self.orchestrator
                .set_tensor_data(tensor.raw(), index, value.to_slot())
        }?;
        Ok(())
    }
}

/// Runs `body` as the orchestration of a run and reports its error, if it has one.
pub(crate) fn run(
    orchestrator: &mut Orchestrator<'_>,
    args: &ChipStorageTaskArgs,
    body: &impl Fn(&mut Scope<'_, '_>, &RunArguments<'_>) -> Result<(), GraphError>,
) {
    let mut scope = Scope {
        orchestrator,
        life: PhantomData,
    };
    let result = body(&mut scope, &RunArguments { block: args });
    if let Err(error) = result
        && !orchestrator.is_fatal()
    {
        orchestrator.report_fatal(error.code(), &error.to_string());
    }
}

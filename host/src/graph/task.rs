//! One task of an orchestration.

use core::marker::PhantomData;

use aicore_abi::call::Element;
use aicore_abi::orchestration::trb::{MixedKernels, TaskOutputTensors};
use aicore_abi::tensor::TensorCreateInfo;
use protocol::{DataType, Scalar, TaskId};
use runtime_trb::{Args, Orchestrator};

use super::{GraphError, Tensor};

/// Which kernels a task runs, by function id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernels([i32; 3]);

impl Kernels {
    const NONE: i32 = protocol::limits::trb::INVALID_KERNEL_ID;

    /// One kernel on a cube core.
    #[must_use]
    pub const fn aic(kernel: i32) -> Self {
        Self([kernel, Self::NONE, Self::NONE])
    }

    /// One kernel on a vector core.
    #[must_use]
    pub const fn aiv(kernel: i32) -> Self {
        Self([Self::NONE, kernel, Self::NONE])
    }

    /// Kernels on the cores of one cluster at the same time: the cube core and one vector core.
    #[must_use]
    pub const fn pair(aic: i32, aiv: i32) -> Self {
        Self([aic, aiv, Self::NONE])
    }

    /// Kernels on both vector cores of one cluster at the same time.
    #[must_use]
    pub const fn vectors(first: i32, second: i32) -> Self {
        Self([Self::NONE, first, second])
    }

    /// Kernels on all three cores of one cluster at the same time.
    #[must_use]
    pub const fn cluster(aic: i32, first: i32, second: i32) -> Self {
        Self([aic, first, second])
    }
}

/// A task that was submitted in a scope of life `'s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskRef<'s> {
    id: TaskId,
    life: PhantomData<&'s ()>,
}

impl TaskRef<'_> {
    /// The runtime's number for the task.
    #[must_use]
    pub const fn id(&self) -> TaskId {
        self.id
    }
}

/// A submitted task and what was allocated for it.
#[derive(Clone, Copy, Debug)]
pub struct Submitted<'s> {
    raw: TaskOutputTensors,
    life: PhantomData<&'s ()>,
}

impl<'s> Submitted<'s> {
    const fn new(raw: TaskOutputTensors) -> Self {
        Self {
            raw,
            life: PhantomData,
        }
    }

    /// The task, for [`Task::after`].
    #[must_use]
    pub const fn task(&self) -> TaskRef<'s> {
        TaskRef {
            id: self.raw.task_id,
            life: PhantomData,
        }
    }

    /// How many tensors were allocated.
    #[must_use]
    pub const fn outputs(&self) -> usize {
        self.raw.output_count() as usize
    }

    /// The tensor that the `index`-th [`Task::output`] asked for.
    ///
    /// # Panics
    ///
    /// When the task asked for fewer outputs.
    #[must_use]
    pub fn output(&self, index: usize) -> Tensor<'s> {
        let tensor = self
            .raw
            .get(index)
            .expect("the task asked for so many outputs");
        // SAFETY: the descriptor lies in the task's record, which its scope keeps, and `'s` is the
        // life of that scope.
        Tensor::new(unsafe { *tensor })
    }
}

/// A tensor to be allocated.
#[derive(Clone, Copy, Debug)]
pub struct NewTensor(TensorCreateInfo);

impl NewTensor {
    /// Elements of type `T`, not initialised.
    ///
    /// # Errors
    ///
    /// The shape is no shape.
    pub fn of<T: Element>(shape: &[u32]) -> Result<Self, GraphError> {
        Self::with_type(shape, T::DATA_TYPE)
    }

    /// Elements of type `dtype`, not initialised.
    ///
    /// # Errors
    ///
    /// The shape is no shape.
    pub fn with_type(shape: &[u32], dtype: DataType) -> Result<Self, GraphError> {
        Ok(Self(TensorCreateInfo::new(shape, dtype, false)?))
    }

    /// Every element is `value`.
    ///
    /// # Errors
    ///
    /// The shape is no shape.
    pub fn filled<T: Element + Scalar>(shape: &[u32], value: T) -> Result<Self, GraphError> {
        let info = TensorCreateInfo::new(shape, T::DATA_TYPE, false)?;
        Ok(Self(info.with_initial_value(value.to_slot())))
    }
}

/// A task in the making: tensors in the kernel's order, then scalars.
///
/// What is wrong with an argument is said by [`submit`](Self::submit).
#[derive(Debug)]
#[must_use = "a task does nothing before it is submitted"]
pub struct Task<'t, 's, 'r> {
    orchestrator: &'t mut Orchestrator<'r>,
    kernels: MixedKernels,
    args: Args<'t>,
    scope: PhantomData<fn(&'s ()) -> &'s ()>,
}

impl<'t, 's, 'r> Task<'t, 's, 'r> {
    pub(super) fn new(orchestrator: &'t mut Orchestrator<'r>, kernels: Kernels) -> Self {
        Self {
            orchestrator,
            kernels: MixedKernels::from_lanes(kernels.0),
            args: Args::new(),
            scope: PhantomData,
        }
    }

    /// The kernel reads `tensor`.
    pub fn input(self, tensor: &'t Tensor<'_>) -> Self {
        self.with(|args| args.input(tensor.raw()))
    }

    /// The kernel reads and writes `tensor`.
    pub fn update(self, tensor: &'t Tensor<'_>) -> Self {
        self.with(|args| args.inout(tensor.raw()))
    }

    /// The kernel writes `tensor` without reading it.
    pub fn write(self, tensor: &'t Tensor<'_>) -> Self {
        self.with(|args| args.output_existing(tensor.raw()))
    }

    /// The kernel uses `tensor` in an order that nobody keeps.
    pub fn untracked(self, tensor: &'t Tensor<'_>) -> Self {
        self.with(|args| args.no_dep(tensor.raw()))
    }

    /// The kernel writes a tensor that the runtime allocates for it.
    pub fn output(self, tensor: &'t NewTensor) -> Self {
        self.with(|args| args.output(&tensor.0))
    }

    /// A constant for the kernel.
    pub fn scalar(self, value: impl Scalar) -> Self {
        self.with(|args| args.scalar(value.to_slot()))
    }

    /// The task starts when `task` is done, whatever tensors they use.
    pub fn after(self, task: TaskRef<'_>) -> Self {
        self.with(|args| args.after(task.id))
    }

    /// The kernels run `count` times, each knowing which time it is.
    pub fn blocks(self, count: u32) -> Self {
        self.with(|args| args.blocks(count))
    }

    /// All blocks start at the same time.
    pub fn together(self) -> Self {
        self.with(Args::together)
    }

    /// Submits the task.
    ///
    /// # Errors
    ///
    /// What is wrong with it; the run is then over.
    pub fn submit(self) -> Result<Submitted<'s>, GraphError> {
        let submitted = self.orchestrator.submit(&self.kernels, &self.args)?;
        Ok(Submitted::new(submitted.into_raw()))
    }

    fn with(mut self, add: impl for<'x> FnOnce(&'x mut Args<'t>) -> &'x mut Args<'t>) -> Self {
        add(&mut self.args);
        self
    }
}

/// Allocates one tensor that no kernel writes.
pub(super) fn alloc<'s>(
    orchestrator: &mut Orchestrator<'_>,
    tensor: &NewTensor,
) -> Result<Tensor<'s>, GraphError> {
    let allocated = orchestrator.alloc_tensors(Args::new().output(&tensor.0))?;
    Ok(Submitted::new(allocated.into_raw()).output(0))
}

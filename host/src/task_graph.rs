//! Describing a graph in Rust, whole, before it runs.
//!
//! Knows tasks, their order and which of their values change from run to run. Refuses to know addresses: a graph is
//! described once for arguments of some shapes and used again as long as the shapes stay.
//!
//! Handles are branded with the graph they belong to: an edge to a task of another graph does not compile, and one to
//! a task that does not exist cannot be written.
//!
//! ```compile_fail
//! # use host::{ArgDirection, CoreType, ProgramBuilder, TaskGraphError, GraphTask};
//! # let builder = ProgramBuilder::new();
//! let mut leaked = None;
//! builder.graph(|graph, _| {
//!     leaked = Some(graph.task(0, CoreType::Aiv).first()); // does not compile: the task ends with its graph
//!     Ok(())
//! });
//! ```

use core::marker::PhantomData;

use aicore_abi::tensor::Tensor;
use protocol::{ChipStorageTaskArgs, ContinuousTensor, CoreType, DataType, Malformed, Scalar};
use runtime_hbg::{Blueprint, Descriptor, Source, Value};

/// Why a graph was not described to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskGraphError {
    /// The runtime refused a call.
    #[error(transparent)]
    Runtime(#[from] runtime_hbg::Error),
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
    /// Whoever describes the graph gave up.
    #[error("{message}")]
    Failed {
        /// Code that the run ends with.
        code: i32,
        /// Why.
        message: String,
    },
}

impl TaskGraphError {
    /// Whoever describes the graph gives up for a reason of its own; the run ends with `code`.
    #[must_use]
    pub fn failed(code: i32, message: impl Into<String>) -> Self {
        Self::Failed {
            code,
            message: message.into(),
        }
    }

    fn into_runtime(self) -> runtime_hbg::Error {
        let code = match self {
            Self::Runtime(error) => return error,
            Self::Failed { code, .. } => code,
            Self::Tensor(_) | Self::Malformed(_) | Self::NoSuchArgument { .. } => -1,
        };
        runtime_hbg::Error::Orchestration {
            code,
            reason: Some(self.to_string()),
        }
    }
}

/// Ties handles to their graph: no two graphs have the same.
type Brand<'g> = PhantomData<fn(&'g ()) -> &'g ()>;

/// A task of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphTask<'g> {
    number: u32,
    brand: Brand<'g>,
}

impl GraphTask<'_> {
    /// Its number: tasks count from 0 in the order they are added.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }
}

/// Memory that tasks of a graph work on: an argument, intermediate results, or a part of them.
#[derive(Clone, Copy, Debug)]
pub struct GraphTensor<'g> {
    /// Where its buffer is, is not known yet.
    raw: Tensor,
    source: Source,
    offset: u64,
    brand: Brand<'g>,
}

impl GraphTensor<'_> {
    /// Extents.
    #[must_use]
    pub fn shape(&self) -> &[u32] {
        self.raw.shape()
    }

    /// Element type.
    ///
    /// # Errors
    ///
    /// The descriptor names none.
    pub fn dtype(&self) -> Result<DataType, TaskGraphError> {
        Ok(self.raw.data_type()?)
    }

    /// The part of `shape` elements from `offset` on.
    ///
    /// # Errors
    ///
    /// The part reaches outside.
    pub fn view(&self, shape: &[u32], offset: &[u32]) -> Result<Self, TaskGraphError> {
        Ok(Self {
            raw: self.raw.view(shape, offset, false)?,
            ..*self
        })
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    ///
    /// The number of elements differs, or the rows of this view do not touch.
    pub fn reshape(&self, shape: &[u32]) -> Result<Self, TaskGraphError> {
        Ok(Self {
            raw: self.raw.reshape(shape, false)?,
            ..*self
        })
    }
}

/// The arguments of a run, as far as its graph may depend on them.
#[derive(Debug)]
pub struct GraphArguments<'g> {
    block: ChipStorageTaskArgs,
    brand: Brand<'g>,
}

impl<'g> GraphArguments<'g> {
    /// Tensor `index`.
    ///
    /// # Errors
    ///
    /// There is no such tensor.
    pub fn tensor(&self, index: usize) -> Result<GraphTensor<'g>, TaskGraphError> {
        let tensors = self.block.used_tensors()?;
        let argument = tensors.get(index).ok_or(TaskGraphError::NoSuchArgument {
            kind: "tensor",
            index,
            count: tensors.len(),
        })?;
        let mut raw = Tensor::from_argument(argument, false, 0)?;
        raw.buffer.addr = 0;
        let index = u32::try_from(index).expect("there is such a tensor");
        Ok(GraphTensor {
            raw,
            source: Source::Tensor(index),
            offset: 0,
            brand: PhantomData,
        })
    }

    /// How many tensors there are.
    ///
    /// # Errors
    ///
    /// The argument block is malformed.
    pub fn tensors(&self) -> Result<usize, TaskGraphError> {
        Ok(self.block.used_tensors()?.len())
    }

    /// How many scalars there are.
    ///
    /// # Errors
    ///
    /// The argument block is malformed.
    pub fn scalars(&self) -> Result<usize, TaskGraphError> {
        Ok(self.block.used_scalars()?.len())
    }
}

/// A graph while it is described.
#[derive(Debug)]
pub struct TaskGraph<'a, 'g> {
    blueprint: &'a mut Blueprint,
    values: Vec<Value>,
    /// The descriptors so far, the last one first to be looked at.
    last: Option<(GraphTensor<'g>, Descriptor)>,
    brand: Brand<'g>,
}

impl<'g> TaskGraph<'_, 'g> {
    /// Starts a task that calls kernel `func_id` on a core of type `core`. It is added when it is said what it waits
    /// for.
    #[inline]
    pub fn task<'t>(&'t mut self, func_id: i32, core: CoreType) -> NewTask<'t, 'g> {
        self.values.clear();
        NewTask {
            blueprint: self.blueprint,
            values: &mut self.values,
            last: &mut self.last,
            func_id,
            core,
        }
    }

    /// Lets `to` wait for `from`: for edges that are known only after both tasks were added.
    #[inline]
    pub fn edge(&mut self, from: GraphTask<'g>, to: GraphTask<'g>) {
        // The graph keeps the error.
        let _kept = self.blueprint.graph.add_edge(from.number, to.number);
    }

    /// Memory for intermediate results, the graph's own. What it holds at the start of a run is not said.
    ///
    /// # Errors
    ///
    /// The shape is no shape.
    pub fn scratch(
        &mut self,
        shape: &[u32],
        dtype: DataType,
    ) -> Result<GraphTensor<'g>, TaskGraphError> {
        let tensor = ContinuousTensor::new(0, shape, dtype)?;
        let offset = self.blueprint.scratch(tensor.byte_size()?)?;
        Ok(GraphTensor {
            raw: Tensor::from_argument(&tensor, false, 0)?,
            source: Source::Scratch,
            offset,
            brand: PhantomData,
        })
    }

    /// The value of scalar `index`. The graph is then used again only with the same value; pass it on with
    /// [`NewTask::argument`] if only kernels need it.
    ///
    /// # Errors
    ///
    /// There is no such scalar.
    pub fn read<T: Scalar>(
        &mut self,
        args: &GraphArguments<'g>,
        index: usize,
    ) -> Result<T, TaskGraphError> {
        let scalars = args.block.used_scalars()?;
        let slot = scalars.get(index).ok_or(TaskGraphError::NoSuchArgument {
            kind: "scalar",
            index,
            count: scalars.len(),
        })?;
        self.blueprint.depends_on(index);
        Ok(T::from_slot(*slot))
    }

    /// Tasks so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.blueprint.graph.task_count()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A task in the making.
#[derive(Debug)]
#[must_use = "say what the task waits for: `after` other tasks, or `first`"]
pub struct NewTask<'t, 'g> {
    blueprint: &'t mut Blueprint,
    values: &'t mut Vec<Value>,
    last: &'t mut Option<(GraphTensor<'g>, Descriptor)>,
    func_id: i32,
    core: CoreType,
}

impl<'g> NewTask<'_, 'g> {
    /// The next argument is the descriptor of a tensor; all of them come before the others.
    #[inline]
    pub fn tensor(self, tensor: &GraphTensor<'g>) -> Self {
        let descriptor = match self.last {
            Some((last, descriptor))
                if (last.source, last.offset) == (tensor.source, tensor.offset)
                    && bytemuck::bytes_of(&last.raw) == bytemuck::bytes_of(&tensor.raw) =>
            {
                *descriptor
            }
            _ => {
                let descriptor = self
                    .blueprint
                    .describe(&tensor.raw, tensor.source, tensor.offset);
                *self.last = Some((*tensor, descriptor));
                descriptor
            }
        };
        self.values.push(Value::Tensor(descriptor));
        self
    }

    /// The next argument is the address of a tensor's first element: what kernels made for this runtime expect.
    #[inline]
    pub fn address(self, tensor: &GraphTensor<'g>) -> Self {
        // The buffer is at 0 as long as its address is not known.
        let within = tensor.raw.element_address().unwrap_or(0);
        self.values.push(Value::At {
            source: tensor.source,
            offset: tensor.offset + within,
        });
        self
    }

    /// The next argument is this value in every run.
    #[inline]
    pub fn scalar(self, value: impl Scalar) -> Self {
        self.values.push(Value::Fixed(value.to_slot()));
        self
    }

    /// The next argument is scalar `index` of each run.
    #[inline]
    pub fn argument(self, index: u32) -> Self {
        self.values.push(Value::At {
            source: Source::Scalar(index),
            offset: 0,
        });
        self
    }

    /// Adds the task; it waits for all of `before`.
    #[inline]
    pub fn after(self, before: &[GraphTask<'g>]) -> GraphTask<'g> {
        let added = self
            .blueprint
            .add_task(self.func_id, self.core as i32, self.values);
        // A task that could not be added is nowhere; the graph keeps the error and is never sealed.
        let number = added.unwrap_or(u32::MAX);
        for earlier in before {
            let _kept = self.blueprint.graph.add_edge(earlier.number, number);
        }
        GraphTask {
            number,
            brand: PhantomData,
        }
    }

    /// Adds the task; it waits for nothing.
    #[inline]
    pub fn first(self) -> GraphTask<'g> {
        self.after(&[])
    }
}

/// Lets `body` describe the graph for `args`.
pub(crate) fn describe(
    blueprint: &mut Blueprint,
    args: &ChipStorageTaskArgs,
    body: &impl for<'a, 'g> Fn(
        &mut TaskGraph<'a, 'g>,
        &GraphArguments<'g>,
    ) -> Result<(), TaskGraphError>,
) -> runtime_hbg::Result<()> {
    let mut graph = TaskGraph {
        blueprint,
        values: Vec::new(),
        last: None,
        brand: PhantomData,
    };
    let args = GraphArguments {
        block: *args,
        brand: PhantomData,
    };
    body(&mut graph, &args).map_err(TaskGraphError::into_runtime)
}

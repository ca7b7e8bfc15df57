//! A graph that is built once and run with one set of arguments after another.
//!
//! Knows which argument words change from run to run and where their values come from. Refuses to know the
//! arguments' memory.
//!
//! ```text
//! Blueprint ──seal──▶ Plan ──fill(values of this run)──▶ &Graph
//! ```
//!
//! What a graph depends on besides is its *key*: the shapes of its tensors, how many scalars there are, and the
//! values of those scalars that were read while it was built. With the same key the same graph comes out, so the plan
//! stays; with another one it is built anew.

use aicore_abi::seam::KernelEntry;
use aicore_abi::tensor::Tensor;
use protocol::{ChipStorageTaskArgs, ContinuousTensor};

use crate::builder::GraphBuilder;
use crate::error::{Error, Result};
use crate::graph::Graph;

/// Where the value of a word comes from at each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The address of a tensor argument.
    Tensor(u32),
    /// A scalar argument.
    Scalar(u32),
    /// The address of the memory that the run has for intermediate results.
    Scratch,
}

/// A word that changes from run to run.
#[derive(Clone, Copy, Debug)]
struct Place {
    word: u32,
    source: Source,
    offset: u64,
}

/// A value of a task's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// The same in every run.
    Fixed(u64),
    /// This much behind what `source` says.
    At {
        /// Where it comes from.
        source: Source,
        /// How much is added.
        offset: u64,
    },
    /// The address of this descriptor; a task has all of them before its other values.
    Tensor(Descriptor),
}

/// A tensor descriptor of a [`Blueprint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor(u32);

/// Alignment of what is taken from the scratch memory.
const ALIGN: u64 = 64;

/// A graph in the making whose words may come from the arguments of a run.
#[derive(Debug, Default)]
pub struct Blueprint {
    /// Tasks and edges.
    pub graph: GraphBuilder,
    places: Vec<Place>,
    words: Vec<u64>,
    descriptors: Descriptors,
    scratch: u64,
    /// Scalars, by bit, whose values were read.
    read: u128,
}

/// Descriptors, whose buffers are where `origins` say.
#[derive(Debug, Default)]
struct Descriptors {
    tensors: Vec<Tensor>,
    origins: Vec<(Source, u64)>,
    /// Words that are addresses of them.
    uses: Vec<(u32, Descriptor)>,
}

impl Blueprint {
    /// An empty graph.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a task: its number.
    ///
    /// # Errors
    ///
    /// As for [`GraphBuilder::add_task`].
    #[inline]
    pub fn add_task(&mut self, func_id: i32, core_type: i32, values: &[Value]) -> Result<u32> {
        let first = self.graph.words.len();
        self.words.clear();
        self.words.extend(values.iter().map(|value| match *value {
            Value::Fixed(word) => word,
            Value::At { .. } | Value::Tensor(_) => 0,
        }));
        let task = self.graph.add_task(func_id, core_type, &self.words)?;
        let mut tensors = 0;
        for (index, value) in values.iter().enumerate() {
            let word = u32::try_from(first + index).expect("the builder counts words so");
            match *value {
                Value::Fixed(_) => {}
                Value::At { source, offset } => self.places.push(Place {
                    word,
                    source,
                    offset,
                }),
                Value::Tensor(descriptor) => {
                    self.descriptors.uses.push((word, descriptor));
                    tensors = index + 1;
                }
            }
        }
        self.graph.tasks[task as usize].tensors = u16::try_from(tensors).map_err(|_| {
            let error = Error::TooMany {
                what: "tensors of a task",
                wanted: tensors as u64,
                limit: u64::from(u16::MAX),
            };
            self.graph.fail(error.clone());
            error
        })?;
        Ok(task)
    }

    /// A descriptor like `tensor`, whose buffer is `offset` bytes behind what `source` says.
    pub fn describe(&mut self, tensor: &Tensor, source: Source, offset: u64) -> Descriptor {
        let number = self.descriptors.tensors.len();
        self.descriptors.tensors.push(*tensor);
        self.descriptors.origins.push((source, offset));
        Descriptor(
            u32::try_from(number).expect("each descriptor is for a word, and those are fewer"),
        )
    }

    /// Memory for intermediate results, the run's own: where in the scratch memory it begins.
    ///
    /// # Errors
    ///
    /// There is no such size; the graph keeps the error.
    pub fn scratch(&mut self, bytes: u64) -> Result<u64> {
        let first = self.scratch;
        let end = bytes.checked_next_multiple_of(ALIGN);
        let end = end.and_then(|bytes| first.checked_add(bytes));
        let Some(end) = end.filter(|&end| usize::try_from(end).is_ok()) else {
            let error = Error::TooMany {
                what: "bytes of intermediate results",
                wanted: bytes,
                limit: u64::MAX - first,
            };
            self.graph.fail(error.clone());
            return Err(error);
        };
        self.scratch = end;
        Ok(first)
    }

    /// Takes note that the graph depends on the value of a scalar.
    pub fn depends_on(&mut self, scalar: usize) {
        self.read |= u32::try_from(scalar)
            .ok()
            .and_then(|scalar| 1_u128.checked_shl(scalar))
            .unwrap_or(0);
    }

    /// Checks and packs everything, for a program with these kernels, as it came out for `args`.
    ///
    /// # Errors
    ///
    /// As for [`GraphBuilder::seal`].
    pub fn seal(self, kernels: &[KernelEntry], args: &ChipStorageTaskArgs) -> Result<Plan> {
        let mut plan = Plan {
            graph: self.graph.seal(kernels)?,
            descriptors: self.descriptors,
            described_at: 0,
            places: self.places,
            scratch: self.scratch,
            key: Box::new(*args),
            read: self.read,
            filled: None,
        };
        // Here a core reads them where they are.
        let tensors = plan.descriptors.tensors.as_ptr();
        plan.describe_at(tensors.expose_provenance() as u64);
        Ok(plan)
    }
}

/// A sealed graph with the words that change from run to run.
#[derive(Debug)]
pub struct Plan {
    graph: Graph,
    /// Words of the graph are addresses of these: their vector never changes its size.
    descriptors: Descriptors,
    /// Where those words say that the first one lies.
    described_at: u64,
    places: Vec<Place>,
    scratch: u64,
    /// The arguments it was built for.
    key: Box<ChipStorageTaskArgs>,
    read: u128,
    /// What the words were filled with last: arguments and scratch memory.
    filled: Option<(Box<ChipStorageTaskArgs>, u64)>,
}

impl Plan {
    /// Whether the same graph would come out for `args`.
    #[must_use]
    pub fn fits(&self, args: &ChipStorageTaskArgs) -> bool {
        let (Ok(ours), Ok(theirs)) = (self.key.used_tensors(), args.used_tensors()) else {
            return false;
        };
        let (Ok(own), Ok(other)) = (self.key.used_scalars(), args.used_scalars()) else {
            return false;
        };
        let shapes = ours.len() == theirs.len()
            && ours
                .iter()
                .zip(theirs)
                .all(|(a, b)| a.dtype == b.dtype && extents(a) == extents(b));
        let mut read = own.iter().zip(other).enumerate();
        shapes
            && own.len() == other.len()
            && read.all(|(index, (a, b))| self.read >> index & 1 == 0 || a == b)
    }

    /// Bytes for intermediate results that a run needs.
    #[must_use]
    pub const fn scratch_bytes(&self) -> u64 {
        self.scratch
    }

    /// The graph for a run with these arguments and this scratch memory.
    ///
    /// # Errors
    ///
    /// The arguments are malformed.
    pub fn fill(&mut self, args: &ChipStorageTaskArgs, scratch: u64) -> Result<&Graph> {
        let (tensors, scalars) = (args.used_tensors()?, args.used_scalars()?);
        let same = |(last, memory): &(Box<ChipStorageTaskArgs>, u64)| {
            *memory == scratch
                && last.used_scalars().is_ok_and(|last| last == scalars)
                && last.used_tensors().is_ok_and(|last| {
                    let last = last.iter().map(|tensor| tensor.data);
                    last.eq(tensors.iter().map(|tensor| tensor.data))
                })
        };
        if !self.filled.as_ref().is_some_and(same) {
            let value = |source, offset: u64| {
                let value = match source {
                    Source::Tensor(index) => tensors.get(index as usize).map(|tensor| tensor.data),
                    Source::Scalar(index) => scalars.get(index as usize).copied(),
                    Source::Scratch => Some(scratch),
                };
                // A plan is run only with arguments that it fits.
                value.unwrap_or(0).wrapping_add(offset)
            };
            for place in &self.places {
                let value = value(place.source, place.offset);
                self.graph.words[place.word as usize] = value;
            }
            let Descriptors {
                tensors, origins, ..
            } = &mut self.descriptors;
            for (tensor, &(source, offset)) in tensors.iter_mut().zip(&*origins) {
                tensor.buffer.addr = value(source, offset);
            }
            match &mut self.filled {
                Some((last, memory)) => (**last, *memory) = (*args, scratch),
                none => *none = Some((Box::new(*args), scratch)),
            }
        }
        Ok(&self.graph)
    }

    /// The tensor descriptors that tasks refer to.
    #[must_use]
    pub fn descriptors(&self) -> &[Tensor] {
        &self.descriptors.tensors
    }

    /// Lets tasks find the first of [`descriptors`](Self::descriptors) at `address` and the others behind it.
    pub fn describe_at(&mut self, address: u64) {
        if self.described_at == address {
            return;
        }
        self.described_at = address;
        for &(word, Descriptor(number)) in &self.descriptors.uses {
            let offset = u64::from(number) * size_of::<Tensor>() as u64;
            self.graph.words[word as usize] = address + offset;
        }
    }

    /// The graph as it was filled last.
    #[must_use]
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }
}

fn extents(tensor: &ContinuousTensor) -> &[u32] {
    let used = (tensor.ndims as usize).min(tensor.shapes.len());
    &tensor.shapes[..used]
}

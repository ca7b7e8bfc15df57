//! A growing argument list with a tag per tensor.

use alloc::vec::Vec;

use super::{Scalar, TaskArgsView, TensorArgType};
use crate::{ContinuousTensor, Malformed};

/// The arguments of one task while the host collects them.
///
/// It has no capacity of its own: the limits are those of the place the arguments go to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskArgs {
    tags: Vec<TensorArgType>,
    tensors: Vec<ContinuousTensor>,
    scalars: Vec<u64>,
}

impl TaskArgs {
    /// No arguments.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            tags: Vec::new(),
            tensors: Vec::new(),
            scalars: Vec::new(),
        }
    }

    /// Appends a tensor that the task reads.
    ///
    /// # Errors
    /// As [`push_tagged`](Self::push_tagged).
    pub fn push_tensor(&mut self, tensor: ContinuousTensor) -> Result<(), Malformed> {
        self.push_tagged(tensor, TensorArgType::Input)
    }

    /// Appends a tensor with its use.
    ///
    /// # Errors
    /// When a scalar is already there or the record is invalid.
    pub fn push_tagged(
        &mut self,
        tensor: ContinuousTensor,
        tag: TensorArgType,
    ) -> Result<(), Malformed> {
        if !self.scalars.is_empty() {
            return Err(Malformed::TensorAfterScalar {
                scalars: self.scalars.len() as u64,
            });
        }
        tensor.validate()?;
        self.tensors.push(tensor);
        self.tags.push(tag);
        Ok(())
    }

    /// Appends a scalar.
    pub fn push_scalar(&mut self, scalar: impl Scalar) {
        self.scalars.push(scalar.to_slot());
    }

    /// Forgets all arguments and keeps the memory.
    pub fn clear(&mut self) {
        self.tags.clear();
        self.tensors.clear();
        self.scalars.clear();
    }

    /// The tags, one per tensor.
    #[must_use]
    pub fn tags(&self) -> &[TensorArgType] {
        &self.tags
    }

    /// The tensors.
    #[must_use]
    pub fn tensors(&self) -> &[ContinuousTensor] {
        &self.tensors
    }

    /// The scalar slots.
    #[must_use]
    pub fn scalars(&self) -> &[u64] {
        &self.scalars
    }

    /// The arguments without their tags.
    #[must_use]
    pub fn view(&self) -> TaskArgsView<'_> {
        TaskArgsView::new(&self.tensors, &self.scalars)
    }
}

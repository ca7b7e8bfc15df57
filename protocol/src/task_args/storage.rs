//! The fixed block of arguments that an orchestration is called with.

use bytemuck::{Pod, Zeroable};

use super::{Scalar, TaskArgsView};
use crate::limits::{CHIP_MAX_SCALAR_ARGS, CHIP_MAX_TENSOR_ARGS};
use crate::{ContinuousTensor, Malformed};

/// The argument block of `run_prepared` and of the orchestration entry.
///
/// Only the first `tensor_count` tensors and `scalar_count` scalars mean anything; the accessors
/// check the counts before they look.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct ChipStorageTaskArgs {
    /// Tensor records.
    pub tensors: [ContinuousTensor; CHIP_MAX_TENSOR_ARGS],
    /// Scalar slots.
    pub scalars: [u64; CHIP_MAX_SCALAR_ARGS],
    /// Tensors in use.
    pub tensor_count: i32,
    /// Scalars in use.
    pub scalar_count: i32,
}

crate::pin_layout!(ChipStorageTaskArgs, 3592 bytes, align 8, {
    0 => tensors: [ContinuousTensor; CHIP_MAX_TENSOR_ARGS],
    2560 => scalars: [u64; CHIP_MAX_SCALAR_ARGS],
    3584 => tensor_count: i32,
    3588 => scalar_count: i32,
});

impl Default for ChipStorageTaskArgs {
    /// No arguments, all bytes zero.
    fn default() -> Self {
        Self::zeroed()
    }
}

impl ChipStorageTaskArgs {
    /// A block with the arguments of `view`, its unused slots zero.
    ///
    /// # Errors
    /// When there are more than [`CHIP_MAX_TENSOR_ARGS`] tensors or [`CHIP_MAX_SCALAR_ARGS`]
    /// scalars.
    pub fn from_view(view: &TaskArgsView<'_>) -> Result<Self, Malformed> {
        let mut block = Self::zeroed();
        block.tensor_count = capacity("tensors", view.tensor_count(), CHIP_MAX_TENSOR_ARGS)?;
        block.scalar_count = capacity("scalars", view.scalar_count(), CHIP_MAX_SCALAR_ARGS)?;
        for (slot, tensor) in block.tensors.iter_mut().zip(view.tensors()) {
            *slot = tensor;
        }
        for (slot, scalar) in block.scalars.iter_mut().zip(view.scalars()) {
            *slot = scalar;
        }
        Ok(block)
    }

    /// The tensors in use.
    ///
    /// # Errors
    /// When `tensor_count` is out of range.
    pub fn used_tensors(&self) -> Result<&[ContinuousTensor], Malformed> {
        Ok(&self.tensors
            [..Malformed::count("tensor_count", self.tensor_count, CHIP_MAX_TENSOR_ARGS)?])
    }

    /// The tensors in use, to be bound to other addresses.
    ///
    /// # Errors
    /// When `tensor_count` is out of range.
    pub fn used_tensors_mut(&mut self) -> Result<&mut [ContinuousTensor], Malformed> {
        let used = Malformed::count("tensor_count", self.tensor_count, CHIP_MAX_TENSOR_ARGS)?;
        Ok(&mut self.tensors[..used])
    }

    /// The scalar slots in use.
    ///
    /// # Errors
    /// When `scalar_count` is out of range.
    pub fn used_scalars(&self) -> Result<&[u64], Malformed> {
        Ok(&self.scalars
            [..Malformed::count("scalar_count", self.scalar_count, CHIP_MAX_SCALAR_ARGS)?])
    }

    /// The arguments in use, every tensor record checked.
    ///
    /// # Errors
    /// When a count is out of range or a tensor record is invalid.
    pub fn view(&self) -> Result<TaskArgsView<'_>, Malformed> {
        let view = TaskArgsView::new(self.used_tensors()?, self.used_scalars()?);
        view.validate()?;
        Ok(view)
    }

    /// Appends a tensor.
    ///
    /// # Errors
    /// When a scalar is already there, all slots are taken, or the record is invalid.
    pub fn push_tensor(&mut self, tensor: ContinuousTensor) -> Result<(), Malformed> {
        let scalars = self.used_scalars()?.len();
        if scalars > 0 {
            return Err(Malformed::TensorAfterScalar {
                scalars: scalars as u64,
            });
        }
        tensor.validate()?;
        let used = self.used_tensors()?.len();
        self.tensor_count = capacity("tensors", used + 1, CHIP_MAX_TENSOR_ARGS)?;
        self.tensors[used] = tensor;
        Ok(())
    }

    /// Appends a scalar.
    ///
    /// # Errors
    /// When all slots are taken.
    pub fn push_scalar(&mut self, scalar: impl Scalar) -> Result<(), Malformed> {
        let used = self.used_scalars()?.len();
        self.scalar_count = capacity("scalars", used + 1, CHIP_MAX_SCALAR_ARGS)?;
        self.scalars[used] = scalar.to_slot();
        Ok(())
    }
}

fn capacity(field: &'static str, count: usize, limit: usize) -> Result<i32, Malformed> {
    i32::try_from(count)
        .ok()
        .filter(|_| count <= limit)
        .ok_or(Malformed::TooMany {
            field,
            value: count as u64,
            limit: limit as u64,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_checked_before_a_slot_is_looked_at() {
        let mut block = ChipStorageTaskArgs::default();
        for (count, is_valid) in [(0, true), (64, true), (65, false), (-1, false)] {
            block.tensor_count = count;
            assert_eq!(block.used_tensors().is_ok(), is_valid, "{count}");
            assert_eq!(block.used_tensors_mut().is_ok(), is_valid, "{count}");
            assert_eq!(block.view().is_ok(), is_valid, "{count}");
        }
        block.tensor_count = 0;
        block.scalar_count = i32::MAX;
        assert_eq!(
            block.used_scalars(),
            Err(Malformed::OutOfRange {
                field: "scalar_count",
                value: i64::from(i32::MAX),
                min: 0,
                max: 128
            })
        );
        assert!(block.push_scalar(1).is_err());
    }

    #[test]
    fn a_refused_tensor_leaves_the_block_as_it_was() {
        let mut block = ChipStorageTaskArgs::default();
        let mut tensor = ContinuousTensor::zeroed();
        tensor.dtype = 11;
        assert!(block.push_tensor(tensor).is_err());
        assert_eq!(block.tensor_count, 0);
        assert_eq!(
            bytemuck::bytes_of(&block),
            [0; size_of::<ChipStorageTaskArgs>()]
        );
    }
}

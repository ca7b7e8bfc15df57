//! Outputs that do not exist yet: what the runtime shall allocate.
//!
//! Knows the creation record, its size and how a descriptor is made from it. Refuses to know where
//! the memory comes from.

use bytemuck::{Pod, Zeroable};
use protocol::limits::{TENSOR_MAX_DIMS, trb::PACKED_OUTPUT_ALIGN};
use protocol::{ContinuousTensor, DataType, TaskId};

use super::{BufferHandle, Tensor};
use crate::error::{Error, Result};

/// An output the runtime allocates: element type, shape and optional content.
///
/// Its bytes are the first line of the [`Tensor`] that is made of it.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct TensorCreateInfo {
    /// Bits of one element; the low bytes are used.
    pub initial_value: u64,
    /// Not zero: fill the buffer with [`initial_value`](Self::initial_value).
    pub has_initial_value: u8,
    /// Unspecified.
    pub pad: [u8; 7],
    /// Unspecified; the descriptor has its owner here.
    pub owner_place: u64,
    /// Unspecified; the descriptor has its start here.
    pub start_place: u64,
    /// Generation of the content: zero.
    pub version: i32,
    /// Dimensions in use.
    pub ndims: u32,
    /// A [`DataType`], unchecked.
    pub dtype: u8,
    /// Always 1.
    pub is_all_offset_zero: u8,
    /// Always 1.
    pub is_raw_eq_shapes: u8,
    /// Not zero: the user orders accesses, no overlap is looked for.
    pub manual_dep: u8,
    /// Extents.
    pub raw_shapes: [u32; TENSOR_MAX_DIMS],
}

protocol::pin_layout!(TensorCreateInfo, 64 bytes, align 64, {
    0 => initial_value: u64,
    8 => has_initial_value: u8,
    9 => pad: [u8; 7],
    16 => owner_place: u64,
    24 => start_place: u64,
    32 => version: i32,
    36 => ndims: u32,
    40 => dtype: u8,
    41 => is_all_offset_zero: u8,
    42 => is_raw_eq_shapes: u8,
    43 => manual_dep: u8,
    44 => raw_shapes: [u32; TENSOR_MAX_DIMS],
});

impl TensorCreateInfo {
    /// An output with this shape.
    ///
    /// # Errors
    /// When the shape has too many dimensions or describes more bytes than 64 bits can count.
    pub fn new(shape: &[u32], dtype: DataType, manual_dep: bool) -> Result<Self> {
        let checked = ContinuousTensor::new(0, shape, dtype)?;
        Ok(Self {
            initial_value: 0,
            has_initial_value: 0,
            pad: [0; 7],
            owner_place: 0,
            start_place: 0,
            version: 0,
            ndims: checked.ndims,
            dtype: checked.dtype,
            is_all_offset_zero: 1,
            is_raw_eq_shapes: 1,
            manual_dep: u8::from(manual_dep),
            raw_shapes: checked.shapes,
        })
    }

    /// The same output, filled with an element of these bits; those above the element are dropped.
    #[must_use]
    pub const fn with_initial_value(mut self, bits: u64) -> Self {
        self.initial_value = bits;
        self.has_initial_value = 1;
        self
    }

    /// Bytes of the tensor.
    ///
    /// # Errors
    /// When the record is malformed or the size does not fit 64 bits.
    #[inline]
    pub fn byte_size(&self) -> Result<u64> {
        let record = ContinuousTensor {
            data: 0,
            shapes: self.raw_shapes,
            ndims: self.ndims,
            dtype: self.dtype,
            child_memory: 0,
            pad: [0; 6],
        };
        Ok(record.byte_size()?)
    }

    /// Bytes the tensor takes among the outputs of its task.
    ///
    /// # Errors
    /// When the record is malformed or the size does not fit 64 bits.
    #[inline]
    pub fn packed_size(&self) -> Result<u64> {
        self.byte_size()?
            .checked_next_multiple_of(PACKED_OUTPUT_ALIGN as u64)
            .ok_or(Error::TooLarge {
                what: "the packed size",
                shape: self.raw_shapes,
            })
    }

    /// Makes the descriptor of the output in a slot of the runtime, after a buffer of its size was allocated.
    ///
    /// Extents of the buffer and offsets are implied, so the slot's second line is left alone.
    #[inline]
    pub const fn materialise_into(&self, slot: &mut Tensor, buffer: BufferHandle, owner: TaskId) {
        slot.buffer = buffer;
        slot.owner_task_id = owner;
        slot.start_offset = 0;
        slot.version = self.version;
        slot.ndims = self.ndims;
        slot.dtype = self.dtype;
        slot.is_all_offset_zero = 1;
        slot.is_raw_eq_shapes = 1;
        slot.manual_dep = self.manual_dep;
        slot.shapes = self.raw_shapes;
    }

    /// Repeats the initial value over a whole buffer; does nothing when there is none.
    ///
    /// # Errors
    /// When the element type is unknown; the buffer is then untouched.
    pub fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        if self.has_initial_value == 0 {
            return Ok(());
        }
        let size = DataType::from_wire(self.dtype)?.element_size() as usize;
        let value = self.initial_value.to_le_bytes();
        for element in buffer.chunks_mut(size) {
            element.copy_from_slice(&value[..element.len()]);
        }
        Ok(())
    }
}

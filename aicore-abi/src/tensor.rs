//! Tensor descriptors: a buffer, and the region of it that a task sees.
//!
//! Knows the descriptor's bytes and the geometry in them. Refuses to know who produces or consumes
//! the region.
//!
//! A region is a box inside a buffer: `shapes` elements from `offsets` on, in a buffer of
//! `raw_shapes`. The common cases cost no second cache line: with `is_all_offset_zero` the offsets,
//! with `is_raw_eq_shapes` the buffer extents are implied and their bytes mean nothing.
//!
//! Descriptors also arrive from C++ programs, which leave `start_offset` unset until the runtime
//! stores its copy ([`Tensor::store_into`]); descriptors made here always have it.

mod create_info;
mod derive;

use bytemuck::{Pod, Zeroable};
use protocol::limits::TENSOR_MAX_DIMS;
use protocol::{ContinuousTensor, DataType, Malformed, TaskId};

use crate::error::{Error, Result};

pub use create_info::TensorCreateInfo;

/// Memory that tensors are regions of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct BufferHandle {
    /// Address of the first byte.
    pub addr: u64,
    /// Bytes.
    pub size: u64,
}

protocol::pin_layout!(BufferHandle, 16 bytes, align 8, {
    0 => addr: u64,
    8 => size: u64,
});

/// A region of a buffer, as orchestrations and kernels see it.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Tensor {
    /// The memory.
    pub buffer: BufferHandle,
    /// The task that created the buffer, invalid for external ones.
    pub owner_task_id: TaskId,
    /// Elements of the buffer before the region.
    pub start_offset: u64,
    /// Generation of the content; orders accesses of the same region.
    pub version: i32,
    /// Dimensions in use.
    pub ndims: u32,
    /// A [`DataType`], unchecked.
    pub dtype: u8,
    /// Not zero: the region starts where the buffer starts and `offsets` means nothing.
    pub is_all_offset_zero: u8,
    /// Not zero: the buffer has the region's extents and `raw_shapes` means nothing.
    pub is_raw_eq_shapes: u8,
    /// Not zero: the user orders accesses, no overlap is looked for.
    pub manual_dep: u8,
    /// Extents of the region.
    pub shapes: [u32; TENSOR_MAX_DIMS],
    /// Extents of the buffer.
    pub raw_shapes: [u32; TENSOR_MAX_DIMS],
    /// Where in the buffer the region starts.
    pub offsets: [u32; TENSOR_MAX_DIMS],
    /// Unspecified.
    pub reserved: [u8; 24],
}

protocol::pin_layout!(Tensor, 128 bytes, align 64, {
    0 => buffer: BufferHandle,
    16 => owner_task_id: TaskId,
    24 => start_offset: u64,
    32 => version: i32,
    36 => ndims: u32,
    40 => dtype: u8,
    41 => is_all_offset_zero: u8,
    42 => is_raw_eq_shapes: u8,
    43 => manual_dep: u8,
    44 => shapes: [u32; TENSOR_MAX_DIMS],
    64 => raw_shapes: [u32; TENSOR_MAX_DIMS],
    84 => offsets: [u32; TENSOR_MAX_DIMS],
    104 => reserved: [u8; 24],
});

impl Tensor {
    /// A tensor over memory that no task created.
    ///
    /// # Errors
    /// When the shape has too many dimensions or describes more bytes than 64 bits can count.
    pub fn external(
        address: u64,
        shape: &[u32],
        dtype: DataType,
        manual_dep: bool,
        version: i32,
    ) -> Result<Self> {
        let argument = ContinuousTensor::new(address, shape, dtype)?;
        Self::from_argument(&argument, manual_dep, version)
    }

    /// The tensor of an orchestration call's argument.
    ///
    /// # Errors
    /// When the argument is malformed.
    pub fn from_argument(
        argument: &ContinuousTensor,
        manual_dep: bool,
        version: i32,
    ) -> Result<Self> {
        let mut shapes = [0; TENSOR_MAX_DIMS];
        let shape = argument.shape()?;
        shapes[..shape.len()].copy_from_slice(shape);
        Ok(Self {
            buffer: BufferHandle {
                addr: argument.data,
                size: argument.byte_size()?,
            },
            owner_task_id: TaskId::INVALID,
            start_offset: 0,
            version,
            ndims: argument.ndims,
            dtype: argument.dtype,
            is_all_offset_zero: 1,
            is_raw_eq_shapes: 1,
            manual_dep: u8::from(manual_dep),
            shapes,
            raw_shapes: [0; TENSOR_MAX_DIMS],
            offsets: [0; TENSOR_MAX_DIMS],
            reserved: [0; 24],
        })
    }

    /// Checks what a descriptor of another program can get wrong by itself.
    ///
    /// # Errors
    /// On too many dimensions or an unknown element type.
    #[inline]
    pub fn validate(&self) -> Result<()> {
        if self.ndims as usize > TENSOR_MAX_DIMS {
            return Err(Error::Malformed(Malformed::OutOfRange {
                field: "ndims",
                value: i64::from(self.ndims),
                min: 0,
                max: TENSOR_MAX_DIMS as i64,
            }));
        }
        self.data_type().map(|_| ())
    }

    /// Dimensions in use; a number beyond the limit counts as the limit.
    #[inline]
    #[must_use]
    pub const fn rank(&self) -> usize {
        let rank = self.ndims as usize;
        if rank < TENSOR_MAX_DIMS {
            rank
        } else {
            TENSOR_MAX_DIMS
        }
    }

    /// The element type.
    ///
    /// # Errors
    /// When the byte names none.
    #[inline]
    pub fn data_type(&self) -> Result<DataType> {
        Ok(DataType::from_wire(self.dtype)?)
    }

    /// Extents of the region.
    #[inline]
    #[must_use]
    pub fn shape(&self) -> &[u32] {
        &self.shapes[..self.rank()]
    }

    /// Extents of the buffer, implied or not.
    #[inline]
    #[must_use]
    pub fn raw_shape(&self) -> &[u32] {
        if self.is_raw_eq_shapes != 0 {
            self.shape()
        } else {
            &self.raw_shapes[..self.rank()]
        }
    }

    /// Where in the buffer the region starts, implied or not.
    #[inline]
    #[must_use]
    pub fn offset(&self) -> &[u32] {
        const ZERO: &[u32; TENSOR_MAX_DIMS] = &[0; TENSOR_MAX_DIMS];
        if self.is_all_offset_zero != 0 {
            &ZERO[..self.rank()]
        } else {
            &self.offsets[..self.rank()]
        }
    }

    /// Elements of the region. Zero for rank zero, although such a buffer has the bytes of one.
    ///
    /// # Errors
    /// When 64 bits cannot count them.
    pub fn element_count(&self) -> Result<u64> {
        element_count(self.shape())
    }

    /// Elements of the buffer before the region, computed from the geometry.
    ///
    /// # Errors
    /// When 64 bits cannot count them.
    #[inline]
    pub fn first_element(&self) -> Result<u64> {
        if self.is_all_offset_zero != 0 {
            return Ok(0);
        }
        self.horner(self.offset().iter().map(|&at| u64::from(at)))
    }

    /// Position in the buffer of the element at `index` of the region, counted in elements.
    ///
    /// # Errors
    /// When the index has another rank or lies outside the region.
    pub fn flat_index(&self, index: &[u32]) -> Result<u64> {
        self.expect_rank("the index", index.len())?;
        for (dimension, (&index, &extent)) in index.iter().zip(self.shape()).enumerate() {
            if index >= extent {
                return Err(Error::IndexOutsideTensor {
                    dimension,
                    index,
                    extent,
                });
            }
        }
        let position = index.iter().zip(self.offset());
        self.horner(position.map(|(&index, &start)| u64::from(index) + u64::from(start)))
    }

    /// Address of the region's first element.
    ///
    /// # Errors
    /// When the descriptor is malformed or the address does not fit 64 bits.
    pub fn element_address(&self) -> Result<u64> {
        let size = u64::from(self.data_type()?.element_size());
        self.first_element()?
            .checked_mul(size)
            .and_then(|bytes| self.buffer.addr.checked_add(bytes))
            .ok_or(self.too_large("the address"))
    }

    /// Whether the elements of the region lie one behind the other.
    #[must_use]
    pub fn is_contiguous(&self) -> bool {
        self.first_cut().is_none()
    }

    /// Copies a [valid](Self::validate) descriptor into a slot of the runtime and fills in where the region starts,
    /// which is its [`first_element`](Self::first_element).
    ///
    /// Bytes that mean nothing are left as they are in the slot, so that a plain tensor touches one
    /// cache line.
    #[inline]
    pub const fn store_into(&self, slot: &mut Self, first_element: u64) {
        slot.start_offset = first_element;
        slot.buffer = self.buffer;
        slot.owner_task_id = self.owner_task_id;
        slot.version = self.version;
        slot.ndims = self.ndims;
        slot.dtype = self.dtype;
        slot.is_all_offset_zero = self.is_all_offset_zero;
        slot.is_raw_eq_shapes = self.is_raw_eq_shapes;
        slot.manual_dep = self.manual_dep;
        slot.shapes = self.shapes;
        if self.is_raw_eq_shapes == 0 {
            slot.raw_shapes = self.raw_shapes;
        }
        if self.is_all_offset_zero == 0 {
            slot.offsets = self.offsets;
        }
    }

    /// Position of a point of the buffer, row-major.
    fn horner(&self, point: impl Iterator<Item = u64>) -> Result<u64> {
        point
            .zip(self.raw_shape())
            .try_fold(0_u64, |position, (at, &extent)| {
                position.checked_mul(u64::from(extent))?.checked_add(at)
            })
            .ok_or(self.too_large("the position"))
    }

    /// The first dimension, after the outermost, that shows less than the buffer has.
    fn first_cut(&self) -> Option<usize> {
        (1..self.rank()).find(|&dimension| self.shape()[dimension] != self.raw_shape()[dimension])
    }

    const fn too_large(&self, what: &'static str) -> Error {
        Error::TooLarge {
            what,
            shape: self.shapes,
        }
    }

    fn expect_rank(&self, what: &'static str, found: usize) -> Result<()> {
        let expected = self.rank();
        if found == expected {
            Ok(())
        } else {
            Err(Error::RankMismatch {
                what,
                found,
                expected,
            })
        }
    }
}

/// Elements of a shape; zero for rank zero.
fn element_count(shape: &[u32]) -> Result<u64> {
    if shape.is_empty() || shape.contains(&0) {
        return Ok(0);
    }
    shape
        .iter()
        .try_fold(1_u64, |count, &extent| count.checked_mul(u64::from(extent)))
        .ok_or_else(|| {
            let mut extents = [0; TENSOR_MAX_DIMS];
            for (slot, &extent) in extents.iter_mut().zip(shape) {
                *slot = extent;
            }
            Error::TooLarge {
                what: "the element count",
                shape: extents,
            }
        })
}

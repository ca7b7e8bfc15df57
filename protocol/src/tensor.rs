//! The tensor record of calls: an address, a shape, an element type.
//!
//! Knows the 40 bytes and how many bytes they describe. Refuses to know who owns the memory.

use bytemuck::{Pod, Zeroable};

use crate::limits::TENSOR_MAX_DIMS;
use crate::{DataType, Malformed};

/// One contiguous tensor as the host names it in a call.
///
/// Equality is equality of bytes, the unspecified ones included; a record made by
/// [`new`](Self::new) has them zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ContinuousTensor {
    /// Byte address; in host or device memory as `child_memory` says.
    pub data: u64,
    /// Elements per dimension; unspecified from `ndims` on.
    pub shapes: [u32; TENSOR_MAX_DIMS],
    /// Dimensions in use.
    pub ndims: u32,
    /// A [`DataType`], unchecked.
    pub dtype: u8,
    /// Zero: host memory, copied in and out. Otherwise device memory, passed through.
    pub child_memory: u8,
    /// Unspecified when written, ignored when read.
    pub pad: [u8; 6],
}

crate::pin_layout!(ContinuousTensor, 40 bytes, align 8, {
    0 => data: u64,
    8 => shapes: [u32; TENSOR_MAX_DIMS],
    28 => ndims: u32,
    32 => dtype: u8,
    33 => child_memory: u8,
    34 => pad: [u8; 6],
});

impl ContinuousTensor {
    /// A tensor in host memory.
    ///
    /// # Errors
    /// When `shape` has too many dimensions or describes more bytes than 64 bits can count.
    pub fn new(data: u64, shape: &[u32], dtype: DataType) -> Result<Self, Malformed> {
        let mut shapes = [0; TENSOR_MAX_DIMS];
        let Some(used) = shapes.get_mut(..shape.len()) else {
            return Err(ndims_out_of_range(shape.len() as u64));
        };
        used.copy_from_slice(shape);
        let tensor = Self {
            data,
            shapes,
            ndims: used_dims(shape),
            dtype: dtype.to_wire(),
            child_memory: 0,
            pad: [0; 6],
        };
        tensor.byte_size()?;
        Ok(tensor)
    }

    /// The same tensor, already in device memory.
    #[must_use]
    pub const fn in_device_memory(mut self) -> Self {
        self.child_memory = 1;
        self
    }

    /// Whether the address is in device memory.
    #[must_use]
    pub const fn is_device_memory(&self) -> bool {
        self.child_memory != 0
    }

    /// The element type.
    ///
    /// # Errors
    /// When `dtype` names none.
    #[inline]
    pub const fn data_type(&self) -> Result<DataType, Malformed> {
        DataType::from_wire(self.dtype)
    }

    /// The extents in use.
    ///
    /// # Errors
    /// When `ndims` is out of range.
    #[inline]
    pub fn shape(&self) -> Result<&[u32], Malformed> {
        usize::try_from(self.ndims)
            .ok()
            .and_then(|ndims| self.shapes.get(..ndims))
            .ok_or(ndims_out_of_range(u64::from(self.ndims)))
    }

    /// Elements of the tensor: the product of its extents, one for rank zero.
    ///
    /// # Errors
    /// When the record is invalid or its byte size does not fit 64 bits.
    pub fn element_count(&self) -> Result<u64, Malformed> {
        let size = u64::from(self.data_type()?.element_size());
        Ok(self.byte_size()? / size)
    }

    /// Bytes of the tensor.
    ///
    /// # Errors
    /// When the record is invalid or the size does not fit 64 bits: the size never wraps.
    #[inline]
    pub fn byte_size(&self) -> Result<u64, Malformed> {
        let element_size = self.data_type()?.element_size();
        let shape = self.shape()?;
        // An empty tensor has no bytes however large its other extents are.
        if shape.contains(&0) {
            return Ok(0);
        }
        shape
            .iter()
            .try_fold(u64::from(element_size), |size, &extent| {
                size.checked_mul(u64::from(extent))
            })
            .ok_or_else(|| {
                let mut shapes = [1; TENSOR_MAX_DIMS];
                shapes[..shape.len()].copy_from_slice(shape);
                Malformed::SizeOverflow {
                    shapes,
                    element_size,
                }
            })
    }

    /// Checks everything a record can get wrong by itself.
    ///
    /// # Errors
    /// On an unknown element type, too many dimensions, or a byte size beyond 64 bits.
    pub fn validate(&self) -> Result<(), Malformed> {
        self.byte_size().map(|_| ())
    }
}

const fn ndims_out_of_range(value: u64) -> Malformed {
    Malformed::OutOfRange {
        field: "ndims",
        value: value.cast_signed(),
        min: 0,
        max: TENSOR_MAX_DIMS as i64,
    }
}

/// The rank of a shape that is known to fit [`TENSOR_MAX_DIMS`].
fn used_dims(shape: &[u32]) -> u32 {
    u32::try_from(shape.len()).expect("at most TENSOR_MAX_DIMS")
}

//! The arguments of one call, as bytes a device can take.
//!
//! Knows element types, shapes, directions and aligned host memory. Refuses to know where the
//! values came from and what is done with them.

use core::fmt;
use std::sync::Arc;

use protocol::DataType;

use super::array::Array;
use super::dtype;

/// Which way a tensor travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the device.
    In,
    /// From the device.
    Out,
    /// Both ways.
    InOut,
}

impl Direction {
    /// True if the run may change the tensor.
    #[must_use]
    pub fn comes_back(self) -> bool {
        self != Self::In
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::In => "in",
            Self::Out => "out",
            Self::InOut => "inout",
        })
    }
}

/// One cache line of tensor memory.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Tensor bytes, aligned to cache lines: host orchestrations and vector kernels read them in place.
#[derive(Clone)]
pub struct Bytes {
    lines: Vec<Line>,
    len: usize,
}

impl Bytes {
    /// A copy of `bytes`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let mut copy = Self {
            lines: vec![Line([0; 64]); bytes.len().div_ceil(64)],
            len: bytes.len(),
        };
        copy.as_mut_slice().copy_from_slice(bytes);
        copy
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }

    /// The bytes, to change.
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes", self.len)
    }
}

/// A tensor argument.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Name in the scene.
    pub name: Arc<str>,
    /// Type of its elements.
    pub dtype: DataType,
    /// Extents, outermost first; 1 to 5 of them.
    pub shape: Vec<u32>,
    /// Which way it travels.
    pub direction: Direction,
    /// Its elements in C order.
    pub bytes: Bytes,
}

impl Tensor {
    /// Its values as numbers.
    #[must_use]
    pub fn to_array(&self) -> Array {
        Array::new(
            self.shape.iter().map(|&extent| extent as usize).collect(),
            dtype::load(self.dtype, self.bytes.as_slice()),
        )
    }
}

/// A scalar argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// Name in the scene.
    pub name: Arc<str>,
    /// Its type.
    pub dtype: DataType,
    /// Its object bytes in the low end, the rest zero, as the wire wants it.
    pub word: u64,
}

impl Scalar {
    /// Its value as a number.
    #[must_use]
    pub fn to_array(&self) -> Array {
        let size = self.dtype.element_size() as usize;
        Array::new(
            vec![],
            dtype::load(self.dtype, &self.word.to_le_bytes()[..size]),
        )
    }
}

/// One argument of the orchestration, in call order.
#[derive(Clone, Debug)]
pub enum ArgValue {
    /// A tensor.
    Tensor(Tensor),
    /// A scalar.
    Scalar(Scalar),
}

impl ArgValue {
    /// Name in the scene.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Tensor(tensor) => &tensor.name,
            Self::Scalar(scalar) => &scalar.name,
        }
    }

    /// Its value or values as numbers.
    #[must_use]
    pub fn to_array(&self) -> Array {
        match self {
            Self::Tensor(tensor) => tensor.to_array(),
            Self::Scalar(scalar) => scalar.to_array(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Scalar};
    use crate::scene::array::Array;
    use protocol::DataType;

    #[test]
    fn tensor_memory_is_aligned_and_as_long_as_asked() {
        for len in [0, 1, 63, 64, 65, 200] {
            let bytes = Bytes::new(&vec![7; len]);
            assert_eq!(bytes.as_slice(), vec![7; len]);
            assert_eq!(bytes.as_slice().as_ptr().addr() % 64, 0);
        }
    }

    #[test]
    fn a_scalar_reads_its_low_bytes() {
        let scalar = Scalar {
            name: "n".into(),
            dtype: DataType::Int32,
            word: 0xffff_ffff,
        };
        assert_eq!(scalar.to_array(), Array::whole(-1));
    }
}

//! Element types of tensors.
//!
//! Knows the wire byte and the size of each. Refuses to know arithmetic.

use bytemuck::{CheckedBitPattern, NoUninit};

use crate::Malformed;

/// Type of one tensor element.
///
/// Crosses the boundary as a bare `u8`; [`DataType::from_wire`] turns it back and refuses the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, CheckedBitPattern, NoUninit)]
#[repr(u8)]
pub enum DataType {
    /// IEEE single precision.
    Float32 = 0,
    /// IEEE half precision.
    Float16 = 1,
    /// Signed, 32 bits.
    Int32 = 2,
    /// Signed, 16 bits.
    Int16 = 3,
    /// Signed, 8 bits.
    Int8 = 4,
    /// Unsigned, 8 bits.
    Uint8 = 5,
    /// The upper half of a single.
    Bfloat16 = 6,
    /// Signed, 64 bits.
    Int64 = 7,
    /// Unsigned, 64 bits.
    Uint64 = 8,
    /// Unsigned, 16 bits.
    Uint16 = 9,
    /// Unsigned, 32 bits.
    Uint32 = 10,
}

static_assertions::assert_not_impl_any!(DataType: bytemuck::Pod);

impl DataType {
    /// Every type, at the index of its wire value.
    pub const ALL: [Self; 11] = [
        Self::Float32,
        Self::Float16,
        Self::Int32,
        Self::Int16,
        Self::Int8,
        Self::Uint8,
        Self::Bfloat16,
        Self::Int64,
        Self::Uint64,
        Self::Uint16,
        Self::Uint32,
    ];

    /// The type a wire byte names.
    ///
    /// # Errors
    /// [`Malformed::UnknownValue`] when it names none.
    pub const fn from_wire(wire: u8) -> Result<Self, Malformed> {
        if (wire as usize) < Self::ALL.len() {
            Ok(Self::ALL[wire as usize])
        } else {
            Err(Malformed::UnknownValue {
                field: "dtype",
                value: wire as i64,
                max: Self::ALL.len() as i64 - 1,
            })
        }
    }

    /// The wire byte.
    #[must_use]
    pub const fn to_wire(self) -> u8 {
        self as u8
    }

    /// Bytes of one element.
    #[must_use]
    pub const fn element_size(self) -> u32 {
        match self {
            Self::Int8 | Self::Uint8 => 1,
            Self::Float16 | Self::Int16 | Self::Bfloat16 | Self::Uint16 => 2,
            Self::Float32 | Self::Int32 | Self::Uint32 => 4,
            Self::Int64 | Self::Uint64 => 8,
        }
    }

    /// The name in C++ sources, log lines and scene files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float32 => "FLOAT32",
            Self::Float16 => "FLOAT16",
            Self::Int32 => "INT32",
            Self::Int16 => "INT16",
            Self::Int8 => "INT8",
            Self::Uint8 => "UINT8",
            Self::Bfloat16 => "BFLOAT16",
            Self::Int64 => "INT64",
            Self::Uint64 => "UINT64",
            Self::Uint16 => "UINT16",
            Self::Uint32 => "UINT32",
        }
    }
}

impl TryFrom<u8> for DataType {
    type Error = Malformed;

    fn try_from(wire: u8) -> Result<Self, Malformed> {
        Self::from_wire(wire)
    }
}

impl core::fmt::Display for DataType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

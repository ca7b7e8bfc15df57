//! Element types of tensors.
//!
//! Knows the wire byte and the size of each. Refuses to know arithmetic.

use crate::wire_enum::wire_enum;

wire_enum! {
    /// Type of one tensor element.
    pub enum DataType: u8 as "dtype" {
        /// IEEE single precision.
        Float32 = 0 => "FLOAT32",
        /// IEEE half precision.
        Float16 = 1 => "FLOAT16",
        /// Signed, 32 bits.
        Int32 = 2 => "INT32",
        /// Signed, 16 bits.
        Int16 = 3 => "INT16",
        /// Signed, 8 bits.
        Int8 = 4 => "INT8",
        /// Unsigned, 8 bits.
        Uint8 = 5 => "UINT8",
        /// The upper half of a single.
        Bfloat16 = 6 => "BFLOAT16",
        /// Signed, 64 bits.
        Int64 = 7 => "INT64",
        /// Unsigned, 64 bits.
        Uint64 = 8 => "UINT64",
        /// Unsigned, 16 bits.
        Uint16 = 9 => "UINT16",
        /// Unsigned, 32 bits.
        Uint32 = 10 => "UINT32",
    }
}

impl DataType {
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
}

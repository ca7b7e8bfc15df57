//! Why a reader refused its input.
//!
//! Knows the field that is wrong, the value found there and the bound it broke. Refuses to know
//! what the caller will do about it.

/// Why bytes, a count or a value of another program were refused.
///
/// All readers and builders of this crate fail with this type and with nothing else, before
/// anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The buffer ends before the thing it should hold.
    #[error("{field} needs {needed} bytes, the buffer has {available}")]
    Truncated {
        /// What did not fit.
        field: &'static str,
        /// Bytes it needs, counted from the start of the buffer.
        needed: u64,
        /// Bytes the buffer has.
        available: u64,
    },
    /// A child of a chip image does not lie inside it.
    #[error("child {index} needs {needed} bytes, {available} are left of the image")]
    TruncatedChild {
        /// Which child.
        index: u32,
        /// Bytes it needs.
        needed: u64,
        /// Bytes from its start to the end of the buffer.
        available: u64,
    },
    /// A number lies outside the range its field allows.
    #[error("{field} is {value}, allowed is {min} to {max}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: i64,
        /// The smallest allowed value.
        min: i64,
        /// The largest allowed value.
        max: i64,
    },
    /// An integer names no member of the enumeration its field holds.
    #[error("{field} is {value}, which has no meaning: the largest known value is {max}")]
    UnknownValue {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: i64,
        /// The largest known value.
        max: i64,
    },
    /// One element of an array field lies outside its range.
    #[error("{field}[{index}] is {value}, allowed is {min} to {max}")]
    ElementOutOfRange {
        /// The array field.
        field: &'static str,
        /// Which element.
        index: u32,
        /// What it holds.
        value: i64,
        /// The smallest allowed value.
        min: i64,
        /// The largest allowed value.
        max: i64,
    },
    /// A tensor's shape describes more bytes than 64 bits can count.
    #[error(
        "the byte size of shape {shapes:?} with {element_size} bytes per element exceeds 64 bits"
    )]
    SizeOverflow {
        /// The extents, those beyond the rank as 1.
        shapes: [u32; crate::limits::TENSOR_MAX_DIMS],
        /// Bytes per element.
        element_size: u32,
    },
    /// A name is not what its length field says: a NUL inside it, or none after it.
    #[error("{field} is not a string of {length} bytes followed by NUL")]
    BadName {
        /// The name field.
        field: &'static str,
        /// The stated length.
        length: u64,
    },
    /// Two children of one image claim the same function id with different content.
    #[error(
        "children {first} and {second} both claim func_id {func_id}: give each kernel its own id"
    )]
    DuplicateFuncId {
        /// The id.
        func_id: i32,
        /// Index of the child that has it first.
        first: u32,
        /// Index of the child that claims it again.
        second: u32,
    },
    /// A tensor was added after a scalar.
    #[error("a tensor was added after {scalars} scalars: add all tensors first")]
    TensorAfterScalar {
        /// Scalars already there.
        scalars: u64,
    },
    /// A container is full.
    #[error("{field}: {value} were given, {limit} fit")]
    TooMany {
        /// The container.
        field: &'static str,
        /// How many were given.
        value: u64,
        /// How many fit.
        limit: u64,
    },
    /// A diagnostic is switched on and has nowhere to write.
    #[error("{field} is {value} but output_prefix is empty: name a directory for its output")]
    NoOutputPrefix {
        /// The diagnostic that is on.
        field: &'static str,
        /// Its setting.
        value: i32,
    },
}

impl Malformed {
    /// A count as an index bound, if it is in 0..=limit.
    pub(crate) fn count(field: &'static str, count: i32, limit: usize) -> Result<usize, Self> {
        usize::try_from(count)
            .ok()
            .filter(|&count| count <= limit)
            .ok_or(Self::OutOfRange {
                field,
                value: i64::from(count),
                min: 0,
                max: limit as i64,
            })
    }
}

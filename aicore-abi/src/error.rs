//! Why a tensor operation or an argument was refused.
//!
//! Knows the numbers that did not fit and the limit they broke. Refuses to know what becomes of the
//! task.

use protocol::Malformed;

/// Result of everything this crate can fail at.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why a tensor operation or an argument was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A record of another program is malformed.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A shape, offset or index has a different number of dimensions than the tensor.
    #[error("{what} has {found} dimensions, the tensor has {expected}")]
    RankMismatch {
        /// What was passed.
        what: &'static str,
        /// Its dimensions.
        found: usize,
        /// The tensor's dimensions.
        expected: usize,
    },
    /// A dimension number is not below the rank.
    #[error("dimension {dimension} does not exist: the tensor has {rank}")]
    NoSuchDimension {
        /// The number passed.
        dimension: usize,
        /// The tensor's dimensions.
        rank: usize,
    },
    /// A view reaches beyond the tensor it is taken of.
    #[error(
        "the view covers {offset} to {offset} + {extent} of dimension {dimension}, which has {parent} elements"
    )]
    ViewOutsideParent {
        /// The dimension.
        dimension: usize,
        /// First element of the view, relative to the parent.
        offset: u32,
        /// Elements of the view.
        extent: u32,
        /// Elements of the parent.
        parent: u32,
    },
    /// An index lies outside the tensor.
    #[error("index {index} of dimension {dimension} is outside: it has {extent} elements")]
    IndexOutsideTensor {
        /// The dimension.
        dimension: usize,
        /// The index.
        index: u32,
        /// Elements of the dimension.
        extent: u32,
    },
    /// Only tensors whose elements lie one behind the other can be given another shape.
    #[error(
        "dimension {dimension} shows {extent} of {raw} elements, so rows do not touch: copy the view before reshaping it"
    )]
    NotContiguous {
        /// The first dimension that is cut.
        dimension: usize,
        /// Elements shown.
        extent: u32,
        /// Elements of the buffer.
        raw: u32,
    },
    /// A reshape must keep the number of elements.
    #[error("the new shape has {new} elements, the tensor has {old}")]
    ElementCountDiffers {
        /// Elements of the new shape.
        new: u64,
        /// Elements of the tensor.
        old: u64,
    },
    /// The start of a view is not the start of a row of the new shape.
    #[error(
        "the view starts {offset} elements into its buffer, not at a multiple of the new row of {row}: reshape the whole buffer first, then take the view"
    )]
    OffsetSplitsRow {
        /// Elements before the view.
        offset: u64,
        /// Elements of one row of the new shape.
        row: u64,
    },
    /// A size or position does not fit its field.
    #[error("{what} of shape {shape:?} does not fit")]
    TooLarge {
        /// The quantity.
        what: &'static str,
        /// The extents it is computed from.
        shape: [u32; protocol::limits::TENSOR_MAX_DIMS],
    },
    /// No kernel is named, so there is nothing to run.
    #[error("the task names no kernel: set one of the three kernel ids")]
    NoKernel,
    /// A tensor was added after a scalar.
    #[error("all tensors must be added before the first scalar")]
    TensorAfterScalar,
    /// The argument object is full.
    #[error("{what}: {given} more would exceed the limit of {limit}")]
    ArgumentsFull {
        /// What there is too much of.
        what: &'static str,
        /// How many were to be added.
        given: usize,
        /// How many a task takes.
        limit: usize,
    },
    /// Scalars were to be copied from beyond those the source has.
    #[error("scalars {first} to {first} + {count} were asked for, the source has {available}")]
    NoSuchScalar {
        /// The first one.
        first: usize,
        /// How many.
        count: usize,
        /// How many the source has.
        available: usize,
    },
}

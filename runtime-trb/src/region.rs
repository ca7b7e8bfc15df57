//! Do two regions of one buffer overlap?
//!
//! Knows the geometry of a registered write and of an access. Refuses to know tasks and where entries are kept.
//!
//! When both regions are boxes of the same row-major buffer, the answer is exact, dimension by dimension. When
//! they see the buffer differently (a reshape, a transpose, another element size), only their byte ranges can be
//! compared: disjoint ranges prove that there is no overlap, everything else counts as overlap, and a region is
//! said to cover another only if both views agree on it.

use aicore_abi::tensor::Tensor;
use protocol::DataType;
use protocol::limits::TENSOR_MAX_DIMS;

/// What an access has to do with an earlier write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They touch different bytes.
    Disjoint,
    /// The access depends on the write.
    Overlaps,
    /// The access depends on the write and touches everything it wrote.
    Covers,
}

/// The region of a registered write, in two cache lines of which most comparisons need the first.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Region {
    pub(crate) version: i32,
    pub(crate) rank: u8,
    /// The region starts where the buffer starts; `offsets` means nothing.
    pub(crate) at_start: bool,
    /// The buffer has the region's extents; `raw` means nothing.
    pub(crate) whole: bool,
    pub(crate) element_size: u8,
    pub(crate) shape: [u32; TENSOR_MAX_DIMS],
}

/// The part of a region that only views need.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct View {
    pub(crate) raw: [u32; TENSOR_MAX_DIMS],
    pub(crate) offsets: [u32; TENSOR_MAX_DIMS],
}

impl Region {
    /// The first line of a tensor's region.
    #[inline]
    pub(crate) fn of(tensor: &Tensor) -> Self {
        Self {
            version: tensor.version,
            #[expect(clippy::cast_possible_truncation, reason = "at most 5")]
            rank: tensor.rank() as u8,
            at_start: tensor.is_all_offset_zero != 0,
            whole: tensor.is_raw_eq_shapes != 0,
            element_size: element_size(tensor),
            shape: tensor.shapes,
        }
    }

    #[inline]
    fn shape(&self) -> &[u32] {
        &self.shape[..usize::from(self.rank)]
    }
}

impl View {
    /// The second line of a tensor's region; what is implied is left zero.
    #[inline]
    pub(crate) fn of(tensor: &Tensor) -> Self {
        Self {
            raw: tensor.raw_shapes,
            offsets: tensor.offsets,
        }
    }
}

/// Bytes of one element; an unknown element type counts as bytes.
#[inline]
fn element_size(tensor: &Tensor) -> u8 {
    #[expect(clippy::cast_possible_truncation, reason = "at most 8")]
    DataType::from_wire(tensor.dtype).map_or(1, |kind| kind.element_size() as u8)
}

/// First byte of a tensor's region in its buffer and the byte behind its last; never empty, so that it lies
/// somewhere.
#[inline]
pub(crate) fn byte_range(tensor: &Tensor) -> (u64, u64) {
    let size = element_size(tensor);
    let (begin, end) = if tensor.is_all_offset_zero != 0 && tensor.is_raw_eq_shapes != 0 {
        let elements = tensor
            .shape()
            .iter()
            .try_fold(u64::from(size), |bytes, &extent| {
                bytes.checked_mul(u64::from(extent))
            });
        (0, elements.unwrap_or(u64::MAX))
    } else {
        Boxed::of(tensor, size).bytes()
    };
    (begin, end.max(begin.saturating_add(1)))
}

/// Compares `access` with a write of the same buffer; `view` yields the write's second line if it is needed.
#[inline]
pub(crate) fn compare<'a>(
    access: &Tensor,
    written: &Region,
    view: impl FnOnce() -> &'a View,
) -> Verdict {
    let both_whole = access.is_all_offset_zero != 0
        && access.is_raw_eq_shapes != 0
        && written.at_start
        && written.whole;
    if both_whole && access.version == written.version && same_rows(access, written) {
        // Rows of equal length from the same start: only their number can differ.
        return match (access.shapes.first(), written.shape.first()) {
            (Some(accessed), Some(wrote)) if accessed >= wrote => Verdict::Covers,
            _ => Verdict::Overlaps,
        };
    }
    compare_views(access, written, view())
}

/// Whether two whole buffers have the same rank, element size and extents but for the outermost.
#[inline]
fn same_rows(access: &Tensor, written: &Region) -> bool {
    let rank = access.rank();
    rank == usize::from(written.rank)
        && rank > 0
        && access.shapes[1..rank].iter().eq(&written.shape[1..rank])
        && element_size(access) == written.element_size
}

fn compare_views(access: &Tensor, written: &Region, view: &View) -> Verdict {
    let rank = usize::from(written.rank);
    let raw = if written.whole {
        &written.shape[..rank]
    } else {
        &view.raw[..rank]
    };
    const START: [u32; TENSOR_MAX_DIMS] = [0; TENSOR_MAX_DIMS];
    let offsets = if written.at_start {
        &START[..rank]
    } else {
        &view.offsets[..rank]
    };
    let wrote = Boxed {
        shape: written.shape(),
        raw,
        offsets,
        element_size: written.element_size,
    };
    let accessed = Boxed::of(access, element_size(access));
    if access.version > written.version {
        // A newer generation depends on the older one as a whole.
        return Verdict::Overlaps;
    }
    if !accessed.lies_like(&wrote) {
        return if accessed.disjoint_bytes(&wrote) {
            Verdict::Disjoint
        } else {
            Verdict::Overlaps
        };
    }
    let both_at_start = written.at_start && access.is_all_offset_zero != 0;
    let mut covers = access.version == written.version;
    for dimension in 0..rank {
        let (from, to) = accessed.interval(dimension);
        let (wrote_from, wrote_to) = wrote.interval(dimension);
        if !both_at_start && (to <= wrote_from || wrote_to <= from) {
            return Verdict::Disjoint;
        }
        covers &= from <= wrote_from && wrote_to <= to;
    }
    if covers {
        Verdict::Covers
    } else {
        Verdict::Overlaps
    }
}

/// A box of elements in a row-major buffer.
struct Boxed<'a> {
    shape: &'a [u32],
    raw: &'a [u32],
    offsets: &'a [u32],
    element_size: u8,
}

impl<'a> Boxed<'a> {
    fn of(tensor: &'a Tensor, element_size: u8) -> Self {
        Self {
            shape: tensor.shape(),
            raw: tensor.raw_shape(),
            offsets: tensor.offset(),
            element_size,
        }
    }
    fn interval(&self, dimension: usize) -> (u64, u64) {
        let from = u64::from(self.offsets[dimension]);
        (from, from + u64::from(self.shape[dimension]))
    }

    /// Whether both are boxes of one and the same row-major buffer, so that coordinates can be compared.
    fn lies_like(&self, other: &Self) -> bool {
        let inside = |boxed: &Self| {
            (1..boxed.raw.len())
                .all(|dimension| boxed.interval(dimension).1 <= u64::from(boxed.raw[dimension]))
        };
        self.element_size == other.element_size
            && self.raw.len() == other.raw.len()
            && self.raw.get(1..) == other.raw.get(1..)
            && inside(self)
            && inside(other)
    }

    /// First byte and the byte behind the last, relative to the buffer; as wide as possible if they overflow.
    fn bytes(&self) -> (u64, u64) {
        if self.shape.contains(&0) {
            return (0, 0);
        }
        let mut first = Some(0_u64);
        let mut last = Some(0_u64);
        for dimension in 0..self.raw.len() {
            let extent = u64::from(self.raw[dimension]);
            let (from, to) = self.interval(dimension);
            let step = |position: Option<u64>, at| position?.checked_mul(extent)?.checked_add(at);
            first = step(first, from);
            last = step(last, to - 1);
        }
        let size = u64::from(self.element_size);
        let begin = first.and_then(|first| first.checked_mul(size));
        let end = last.and_then(|last| last.checked_add(1)?.checked_mul(size));
        (begin.unwrap_or(0), end.unwrap_or(u64::MAX))
    }

    fn disjoint_bytes(&self, other: &Self) -> bool {
        let (begin, end) = self.bytes();
        let (other_begin, other_end) = other.bytes();
        end <= other_begin || other_end <= begin
    }
}

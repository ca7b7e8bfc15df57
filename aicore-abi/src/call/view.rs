//! A typed view of a tensor in global memory.
//!
//! Knows the region's rows. Refuses to know what is computed with it.
//!
//! Elements are counted row-major within the region. A region whose rows do not touch is walked row
//! by row; a contiguous one is a single row.

use core::marker::PhantomData;
use core::mem::MaybeUninit;

use bytemuck::Pod;
use protocol::DataType;
use protocol::limits::TENSOR_MAX_DIMS;

use super::CallError;
use crate::tensor::Tensor;

/// A type that tensor elements can have in Rust.
pub trait Element: Pod {
    /// What a descriptor of such elements says.
    const DATA_TYPE: DataType;
}

macro_rules! elements {
    ($($ty:ty => $data_type:ident),+ $(,)?) => {
        $(impl Element for $ty {
            const DATA_TYPE: DataType = DataType::$data_type;
        })+
    };
}

elements! {
    f32 => Float32,
    i32 => Int32,
    i16 => Int16,
    i8 => Int8,
    u8 => Uint8,
    i64 => Int64,
    u64 => Uint64,
    u16 => Uint16,
    u32 => Uint32,
}

/// Elements that [`map`] and [`zip_map`] hold at once, on the stack.
const CHUNK: usize = 256;

/// A region of global memory with elements of type `T`.
///
/// Other kernels may see the same memory: the dependencies of the tasks say who may when. Accesses
/// are volatile, so a kernel that breaks its declarations computes wrong numbers and nothing worse.
#[derive(Clone, Copy, Debug)]
pub struct View<'call, T> {
    /// Address of the region's first element.
    first: usize,
    /// Elements per row: trailing dimensions that lie one behind the other.
    row: usize,
    /// Dimensions outside a row: extents and distances in elements.
    outer: [(usize, usize); TENSOR_MAX_DIMS],
    elements: usize,
    shape: &'call [u32],
    of: PhantomData<T>,
}

impl<'call, T: Element> View<'call, T> {
    pub(super) fn of(tensor: &'call Tensor, index: usize) -> Result<Self, CallError> {
        if tensor.dtype != T::DATA_TYPE.to_wire() {
            return Err(CallError::WrongType {
                index,
                found: tensor.dtype,
                asked: T::DATA_TYPE,
            });
        }
        let outside = |end: u64| CallError::OutsideBuffer {
            index,
            end,
            size: tensor.buffer.size,
            address: tensor.buffer.addr,
        };
        let (shape, raw) = (tensor.shape(), tensor.raw_shape());
        let elements = shape
            .iter()
            .try_fold(1usize, |count, &extent| count.checked_mul(extent as usize));
        let elements = elements.ok_or(outside(u64::MAX))?;
        let mut outer = [(1, 0); TENSOR_MAX_DIMS];
        let mut distance = 1u64;
        let mut last = 0u64;
        let mut row = 1;
        let mut in_row = true;
        for dimension in (0..shape.len()).rev() {
            let extent = u64::from(shape[dimension]);
            last = extent
                .saturating_sub(1)
                .checked_mul(distance)
                .and_then(|reach| reach.checked_add(last))
                .ok_or(outside(u64::MAX))?;
            if in_row {
                row =
                    usize::checked_mul(row, shape[dimension] as usize).ok_or(outside(u64::MAX))?;
                in_row = shape[dimension] == raw[dimension];
            } else {
                outer[dimension] = (shape[dimension] as usize, to_usize(distance));
            }
            distance = distance
                .checked_mul(u64::from(raw[dimension]))
                .ok_or(outside(u64::MAX))?;
        }
        let size = size_of::<T>() as u64;
        let end = tensor
            .start_offset
            .checked_add(last)
            .and_then(|last| last.checked_add(1)?.checked_mul(size))
            .ok_or(outside(u64::MAX))?;
        if elements > 0 && (end > tensor.buffer.size || tensor.buffer.addr == 0) {
            return Err(outside(end));
        }
        let first = tensor
            .buffer
            .addr
            .wrapping_add(tensor.start_offset.wrapping_mul(size));
        let align = align_of::<T>();
        if elements > 0 && !first.is_multiple_of(align as u64) {
            return Err(CallError::Misaligned {
                index,
                address: first,
                align,
            });
        }
        Ok(Self {
            first: to_usize(first),
            row,
            outer,
            elements,
            shape,
            of: PhantomData,
        })
    }

    /// Elements in the region.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.elements
    }

    /// Whether the region has no elements.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.elements == 0
    }

    /// Extents of the region.
    #[must_use]
    pub const fn shape(&self) -> &'call [u32] {
        self.shape
    }

    /// One element.
    ///
    /// # Errors
    ///
    /// The region has no element `at`.
    pub fn get(&self, at: usize) -> Result<T, CallError> {
        let mut value = [T::zeroed()];
        self.load(at, &mut value)?;
        Ok(value[0])
    }

    /// Writes one element.
    ///
    /// # Errors
    ///
    /// The region has no element `at`.
    pub fn set(&self, at: usize, value: T) -> Result<(), CallError> {
        self.store(at, &[value])
    }

    /// Fills `local` with the elements from `start` on.
    ///
    /// # Errors
    ///
    /// They reach beyond the region.
    pub fn load(&self, start: usize, local: &mut [T]) -> Result<(), CallError> {
        let mut done = 0;
        self.rows(start, local.len(), |address, count| {
            let source = core::ptr::with_exposed_provenance::<T>(address);
            for (offset, value) in local[done..done + count].iter_mut().enumerate() {
                // SAFETY: `rows` yields runs inside the region, and the region lies in its buffer.
                let source = unsafe { source.add(offset) };
                // SAFETY: the constructor of the call promised the buffer, the view's checked the alignment, and any
                // bits are a `T`.
                *value = unsafe { source.read_volatile() };
            }
            done += count;
        })
    }

    /// Writes `local` to the elements from `start` on.
    ///
    /// # Errors
    ///
    /// They reach beyond the region; nothing is written then.
    pub fn store(&self, start: usize, local: &[T]) -> Result<(), CallError> {
        let mut done = 0;
        self.rows(start, local.len(), |address, count| {
            let target = core::ptr::with_exposed_provenance_mut::<T>(address);
            for (offset, &value) in local[done..done + count].iter().enumerate() {
                // SAFETY: as in `load`.
                let target = unsafe { target.add(offset) };
                // SAFETY: as in `load`; kernels may write global memory.
                unsafe { target.write_volatile(value) };
            }
            done += count;
        })
    }

    /// Yields address and length of each run of touching elements.
    fn rows(
        &self,
        start: usize,
        count: usize,
        mut run: impl FnMut(usize, usize),
    ) -> Result<(), CallError> {
        let end = start.checked_add(count).filter(|&end| end <= self.elements);
        let Some(end) = end else {
            return Err(CallError::OutsideView {
                start,
                count,
                elements: self.elements,
            });
        };
        let mut at = start;
        while at < end {
            let within = at % self.row;
            let length = (self.row - within).min(end - at);
            let mut rest = at / self.row;
            let mut element = within;
            for &(extent, distance) in self.outer.iter().rev() {
                element += rest % extent * distance;
                rest /= extent;
            }
            run(self.first + element * size_of::<T>(), length);
            at += length;
        }
        Ok(())
    }
}

/// Stores `function` of each element of `input` in `output`.
///
/// # Errors
///
/// The views differ in length.
pub fn map<T: Element, U: Element>(
    input: &View<'_, T>,
    output: &View<'_, U>,
    mut function: impl FnMut(T) -> U,
) -> Result<(), CallError> {
    same_length(input.len(), output.len())?;
    let mut values = [T::zeroed(); CHUNK];
    in_chunks(output, |start, results| {
        let values = &mut values[..results.len()];
        input.load(start, values)?;
        for (result, &value) in results.iter_mut().zip(&*values) {
            result.write(function(value));
        }
        Ok(())
    })
}

/// Stores `function` of each pair of elements in `output`.
///
/// # Errors
///
/// The views differ in length.
pub fn zip_map<T: Element, U: Element, V: Element>(
    left: &View<'_, T>,
    right: &View<'_, U>,
    output: &View<'_, V>,
    mut function: impl FnMut(T, U) -> V,
) -> Result<(), CallError> {
    same_length(left.len(), right.len())?;
    same_length(left.len(), output.len())?;
    let mut lefts = [T::zeroed(); CHUNK];
    let mut rights = [U::zeroed(); CHUNK];
    in_chunks(output, |start, results| {
        let (lefts, rights) = (&mut lefts[..results.len()], &mut rights[..results.len()]);
        left.load(start, lefts)?;
        right.load(start, rights)?;
        for ((result, &left), &right) in results.iter_mut().zip(&*lefts).zip(&*rights) {
            result.write(function(left, right));
        }
        Ok(())
    })
}

/// Stores what `fill` computes for each chunk of `output`.
fn in_chunks<T: Element>(
    output: &View<'_, T>,
    mut fill: impl FnMut(usize, &mut [MaybeUninit<T>]) -> Result<(), CallError>,
) -> Result<(), CallError> {
    let mut results = [MaybeUninit::new(T::zeroed()); CHUNK];
    let mut start = 0;
    while start < output.len() {
        let count = CHUNK.min(output.len() - start);
        fill(start, &mut results[..count])?;
        // SAFETY: every entry has been initialised, at the latest with zero above.
        let results = unsafe { results[..count].assume_init_ref() };
        output.store(start, results)?;
        start += count;
    }
    Ok(())
}

const fn same_length(first: usize, second: usize) -> Result<(), CallError> {
    if first == second {
        Ok(())
    } else {
        Err(CallError::LengthsDiffer { first, second })
    }
}

/// An address or a number of bytes as the machine counts them.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the assertion says that it is none"
)]
pub(super) const fn to_usize(value: u64) -> usize {
    const { assert!(size_of::<usize>() == 8, "addresses have 64 bits") };
    value as usize
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::{View, map, zip_map};
    use crate::call::CallError;
    use crate::tensor::Tensor;
    use protocol::DataType;

    fn tensor(memory: &mut [f32], shape: &[u32]) -> Tensor {
        let address = memory.as_mut_ptr().expose_provenance() as u64;
        Tensor::external(address, shape, DataType::Float32, false, 0).expect("a good shape")
    }

    fn stored(tensor: &Tensor) -> Tensor {
        let mut slot = *tensor;
        tensor.store_into(&mut slot, tensor.first_element().expect("a good tensor"));
        slot
    }

    fn all(view: &View<'_, f32>) -> Vec<f32> {
        (0..view.len())
            .map(|at| view.get(at).expect("inside"))
            .collect()
    }

    #[test]
    fn a_cut_view_is_walked_row_by_row() {
        let mut memory: Vec<f32> = (0u8..60).map(f32::from).collect();
        let whole = tensor(&mut memory, &[3, 4, 5]);
        let cut = stored(&whole.view(&[2, 2, 5], &[1, 1, 0], false).expect("inside"));
        let view = View::<f32>::of(&cut, 0).expect("inside");
        let expected: Vec<f32> = [25u8, 45]
            .iter()
            .flat_map(|&first| (first..first + 10).map(f32::from))
            .collect();
        assert_eq!(all(&view), expected);
        let mut part = [0.0; 7];
        view.load(6, &mut part).expect("inside");
        assert_eq!(part[..], expected[6..13]);
    }

    #[test]
    fn a_column_is_a_row_of_one() {
        let mut memory: Vec<f32> = (0u8..12).map(f32::from).collect();
        let whole = tensor(&mut memory, &[3, 4]);
        let column = stored(&whole.view(&[3, 1], &[0, 2], false).expect("inside"));
        let view = View::<f32>::of(&column, 0).expect("inside");
        assert_eq!(all(&view), [2.0, 6.0, 10.0]);
        map(&view, &view, |x| -x).expect("same length");
        assert_eq!(memory[6], -6.0);
        assert_eq!(memory[7], 7.0);
    }

    #[test]
    fn chunks_cover_everything_once() {
        let mut a: Vec<f32> = (0u16..1000).map(f32::from).collect();
        let mut sum = std::vec![0.0f32; 1000];
        let (left, out) = (
            stored(&tensor(&mut a, &[1000])),
            stored(&tensor(&mut sum, &[10, 100])),
        );
        let left = View::<f32>::of(&left, 0).expect("inside");
        zip_map(&left, &left, &View::of(&out, 1).expect("inside"), |x, y| {
            x + y
        })
        .expect("same length");
        assert!((0u16..1000).all(|at| sum[usize::from(at)] == 2.0 * f32::from(at)));
    }

    #[test]
    fn what_lies_outside_is_refused() {
        let mut memory = [0.0; 8];
        let mut eight = stored(&tensor(&mut memory, &[8]));
        let view = View::<f32>::of(&eight, 0).expect("inside");
        let error = view.store(7, &[1.0, 2.0]).expect_err("one too many");
        assert_eq!(
            error,
            CallError::OutsideView {
                start: 7,
                count: 2,
                elements: 8
            }
        );
        assert_eq!(view.get(7), Ok(0.0), "nothing was written");
        assert!(matches!(
            View::<i32>::of(&eight, 3),
            Err(CallError::WrongType { index: 3, .. })
        ));
        eight.buffer.size = 31;
        assert!(matches!(
            View::<f32>::of(&eight, 0),
            Err(CallError::OutsideBuffer { end: 32, .. })
        ));
        eight.start_offset = u64::MAX;
        assert!(View::<f32>::of(&eight, 0).is_err());
    }

    #[test]
    fn elements_that_lie_askew_are_refused() {
        let mut memory = [0.0; 2];
        let mut one = stored(&tensor(&mut memory, &[1]));
        one.buffer.addr += 2;
        let address = one.buffer.addr;
        let refused = CallError::Misaligned {
            index: 4,
            address,
            align: 4,
        };
        assert_eq!(View::<f32>::of(&one, 4).err(), Some(refused));
    }

    #[test]
    fn extents_that_no_address_space_holds_are_refused() {
        let mut memory = [0.0; 1];
        let mut huge = stored(&tensor(&mut memory, &[1, 1, 1, 1, 1]));
        huge.is_raw_eq_shapes = 1;
        // Nothing in the region, and 2^64 elements in a row of it.
        huge.shapes = [0, 2, 2, 1 << 31, 1 << 31];
        huge.raw_shapes = huge.shapes;
        assert!(matches!(
            View::<f32>::of(&huge, 0),
            Err(CallError::OutsideBuffer { end: u64::MAX, .. })
        ));
    }
}

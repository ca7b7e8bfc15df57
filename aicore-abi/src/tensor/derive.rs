//! New regions from old ones: view, reshape, transpose.
//!
//! Knows which regions can be described. Refuses to move data: a result shares its parent's buffer,
//! owner and version, and never its manual flag.

use protocol::limits::TENSOR_MAX_DIMS;

use super::{Tensor, element_count};
use crate::error::{Error, Result};

impl Tensor {
    /// The part of the region that starts at `offset` and has `shape`.
    ///
    /// The reference accepts views that reach beyond their parent; here they are refused.
    ///
    /// # Errors
    /// When a rank differs or the view does not lie inside the region.
    pub fn view(&self, shape: &[u32], offset: &[u32], manual_dep: bool) -> Result<Self> {
        self.expect_rank("the shape", shape.len())?;
        self.expect_rank("the offset", offset.len())?;
        let mut view = *self;
        view.raw_shapes = padded(self.raw_shape());
        view.offsets = padded(self.offset());
        for dimension in 0..self.rank() {
            let outside = Error::ViewOutsideParent {
                dimension,
                offset: offset[dimension],
                extent: shape[dimension],
                parent: self.shapes[dimension],
            };
            let end = offset[dimension].checked_add(shape[dimension]);
            if end.is_none_or(|end| end > self.shapes[dimension]) {
                return Err(outside);
            }
            view.offsets[dimension] = view.offsets[dimension]
                .checked_add(offset[dimension])
                .ok_or(outside)?;
        }
        view.shapes = padded(shape);
        view.is_raw_eq_shapes = 0;
        view.manual_dep = u8::from(manual_dep);
        if self.is_all_offset_zero != 0 && offset.iter().all(|&at| at == 0) {
            view.is_all_offset_zero = 1;
        } else {
            view.is_all_offset_zero = 0;
        }
        view.start_offset = view.first_element()?;
        Ok(view)
    }

    /// The same elements in another shape.
    ///
    /// The reference forgets where a contiguous view starts and hands out the beginning of the
    /// buffer instead; here the result starts where the view starts.
    ///
    /// # Errors
    /// When the elements do not lie one behind the other, when their number changes, or when the
    /// region starts inside a row of the new shape, which no descriptor can say.
    pub fn reshape(&self, shape: &[u32], manual_dep: bool) -> Result<Self> {
        if shape.len() > TENSOR_MAX_DIMS {
            return Err(Error::RankMismatch {
                what: "the new shape",
                found: shape.len(),
                expected: TENSOR_MAX_DIMS,
            });
        }
        let (new, old) = (element_count(shape)?, self.element_count()?);
        if new != old {
            return Err(Error::ElementCountDiffers { new, old });
        }
        if let Some(dimension) = self.first_cut() {
            return Err(Error::NotContiguous {
                dimension,
                extent: self.shapes[dimension],
                raw: self.raw_shape()[dimension],
            });
        }
        let start = self.first_element()?;
        let mut reshaped = *self;
        reshaped.ndims = u32::try_from(shape.len()).expect("at most TENSOR_MAX_DIMS");
        reshaped.shapes = padded(shape);
        reshaped.raw_shapes = [0; TENSOR_MAX_DIMS];
        reshaped.offsets = [0; TENSOR_MAX_DIMS];
        reshaped.is_raw_eq_shapes = 1;
        reshaped.is_all_offset_zero = 1;
        reshaped.manual_dep = u8::from(manual_dep);
        reshaped.start_offset = start;
        if start != 0 && new != 0 {
            reshaped.start_at_row(start)?;
        }
        Ok(reshaped)
    }

    /// Swaps two dimensions of shape, buffer extents and start.
    ///
    /// No stride is kept: the result describes a buffer whose rows lie the other way round.
    ///
    /// # Errors
    /// When a dimension does not exist.
    pub fn transpose(&self, x: usize, y: usize, manual_dep: bool) -> Result<Self> {
        let rank = self.rank();
        if let Some(&dimension) = [x, y].iter().find(|&&dimension| dimension >= rank) {
            return Err(Error::NoSuchDimension { dimension, rank });
        }
        let mut transposed = *self;
        transposed.shapes.swap(x, y);
        transposed.raw_shapes.swap(x, y);
        transposed.offsets.swap(x, y);
        transposed.manual_dep = u8::from(manual_dep);
        transposed.start_offset = transposed.first_element()?;
        Ok(transposed)
    }

    /// Lets a full-row region start `start` elements into its buffer.
    fn start_at_row(&mut self, start: u64) -> Result<()> {
        let row = element_count(&self.shape()[1..])?.max(1);
        let size = u64::from(self.data_type()?.element_size());
        if !start.is_multiple_of(row) {
            return Err(Error::OffsetSplitsRow { offset: start, row });
        }
        let too_large = self.too_large("the start");
        let rows_before = u32::try_from(start / row).map_err(|_| too_large)?;
        let rows = u32::try_from(self.buffer.size / size / row).map_err(|_| too_large)?;
        self.raw_shapes = self.shapes;
        self.raw_shapes[0] = rows;
        self.offsets[0] = rows_before;
        self.is_raw_eq_shapes = 0;
        self.is_all_offset_zero = 0;
        Ok(())
    }
}

/// Extents with zeros after the last.
fn padded(extents: &[u32]) -> [u32; TENSOR_MAX_DIMS] {
    let mut padded = [0; TENSOR_MAX_DIMS];
    padded[..extents.len()].copy_from_slice(extents);
    padded
}

#[cfg(test)]
mod tests {
    use protocol::DataType;

    use super::*;

    fn matrix() -> Tensor {
        Tensor::external(0x1000, &[4, 8], DataType::Float32, false, 0).expect("a valid shape")
    }

    #[test]
    fn reshape_of_an_offset_view_keeps_its_start() {
        let rows = matrix().view(&[2, 8], &[2, 0], false).expect("inside");
        for shape in [&[16][..], &[2, 8], &[4, 4], &[2, 2, 4]] {
            let reshaped = rows.reshape(shape, false).expect("row aligned");
            assert_eq!(reshaped.start_offset, 16, "{shape:?}");
            let index = [0; TENSOR_MAX_DIMS];
            assert_eq!(reshaped.flat_index(&index[..shape.len()]), Ok(16));
            assert!(reshaped.is_contiguous());
        }
    }

    #[test]
    fn a_start_inside_a_new_row_is_refused() {
        let rows = matrix().view(&[2, 8], &[1, 0], false).expect("inside");
        assert_eq!(
            rows.reshape(&[1, 16], false).err(),
            Some(Error::OffsetSplitsRow { offset: 8, row: 16 })
        );
    }

    #[test]
    fn a_view_beyond_its_parent_is_refused() {
        assert_eq!(
            matrix().view(&[4, 8], &[1, 0], false).err(),
            Some(Error::ViewOutsideParent {
                dimension: 0,
                offset: 1,
                extent: 4,
                parent: 4
            })
        );
        assert!(matrix().view(&[1, 1], &[u32::MAX, 0], false).is_err());
    }

    #[test]
    fn an_index_beyond_the_region_is_refused() {
        let view = matrix().view(&[2, 3], &[1, 4], false).expect("inside");
        assert_eq!(view.flat_index(&[1, 2]), Ok(22));
        assert_eq!(
            view.flat_index(&[1, 3]),
            Err(Error::IndexOutsideTensor {
                dimension: 1,
                index: 3,
                extent: 3
            })
        );
    }
}

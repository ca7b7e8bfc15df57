//! What a tensor contains, for the dump.
//!
//! Knows which bytes of a buffer a region is, in row-major order. Refuses to know where they are put.

use core::iter;
use core::slice;

use bytemuck::Zeroable;
use protocol::limits::TENSOR_MAX_DIMS;
use protocol::recording::TensorRecord;

use crate::tensor::Tensor;

/// A tensor's shape as a record, and its bytes in order; `None` if the descriptor makes no sense.
///
/// # Safety
/// The whole region is readable while the result is used, and nobody writes to it meanwhile.
pub unsafe fn contents(tensor: &Tensor) -> Option<(TensorRecord, impl Iterator<Item = &[u8]>)> {
    let size = usize::try_from(tensor.data_type().ok()?.element_size()).ok()?;
    let elements = usize::try_from(tensor.element_count().ok()?).ok()?;
    let bytes = elements.checked_mul(size)?;
    let first = usize::try_from(tensor.element_address().ok()?).ok()?;
    let contiguous = tensor.is_contiguous();
    let record = TensorRecord {
        bytes: bytes as u64,
        rank: u8::try_from(tensor.rank()).ok()?,
        dtype: tensor.dtype,
        contiguous: u8::from(contiguous),
        shape: extents(tensor.shape()),
        offsets: extents(tensor.offset()),
        raw: extents(tensor.raw_shape()),
        ..TensorRecord::zeroed()
    };
    let row = match (contiguous, tensor.shape().last()) {
        (true, _) | (_, None) => bytes,
        (false, Some(&extent)) => extent as usize * size,
    };
    let rows = bytes.checked_div(row).unwrap_or(0);
    let chunks = (0..rows).map(move |number| {
        let place = first + row_start(tensor, number) * size * usize::from(!contiguous);
        let place = core::ptr::with_exposed_provenance(place);
        // SAFETY: the caller's promise; the row lies in the region.
        unsafe { slice::from_raw_parts(place, row) }
    });
    Some((record, chunks))
}

/// Elements of the buffer from the region's first to the first of row `number`.
fn row_start(tensor: &Tensor, number: usize) -> usize {
    let (shape, raw) = (tensor.shape(), tensor.raw_shape());
    let mut number = number;
    let mut stride = raw.last().map_or(1, |&extent| extent as usize);
    let mut start = 0;
    for dimension in (0..shape.len().saturating_sub(1)).rev() {
        let extent = shape[dimension] as usize;
        start += number % extent * stride;
        number /= extent;
        stride *= raw[dimension] as usize;
    }
    start
}

fn extents(of: &[u32]) -> [u32; TENSOR_MAX_DIMS] {
    let mut extents = [0; TENSOR_MAX_DIMS];
    for (place, &extent) in iter::zip(&mut extents, of) {
        *place = extent;
    }
    extents
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use protocol::DataType;

    use super::contents;
    use crate::tensor::Tensor;

    fn read(tensor: &Tensor) -> Vec<u8> {
        // SAFETY: the tests' buffers are there and nobody writes to them.
        let (record, chunks) = unsafe { contents(tensor) }.expect("a good tensor");
        let bytes = chunks.flatten().copied().collect::<Vec<u8>>();
        assert_eq!(bytes.len() as u64, record.bytes);
        bytes
    }

    #[test]
    fn a_view_of_five_dimensions_is_read_row_by_row() {
        let shape = [2, 3, 2, 3, 4];
        let buffer: Vec<u8> = (0..144).collect();
        let address = buffer.as_ptr().expose_provenance() as u64;
        let whole = Tensor::external(address, &shape, DataType::Uint8, false, 0).expect("fits");
        assert_eq!(read(&whole), buffer);

        let (extents, start) = ([2, 2, 1, 2, 3], [0, 1, 1, 1, 1]);
        let view = whole.view(&extents, &start, false).expect("lies inside");
        let mut expected = Vec::new();
        for a in 0..2_usize {
            for b in 1..3 {
                for d in 1..3 {
                    for e in 1..4 {
                        expected.push(buffer[(((a * 3 + b) * 2 + 1) * 3 + d) * 4 + e]);
                    }
                }
            }
        }
        assert_eq!(read(&view), expected);
    }

    #[test]
    fn an_empty_tensor_has_no_bytes() {
        let empty = Tensor::external(64, &[4, 0], DataType::Float32, false, 0).expect("fits");
        assert!(read(&empty).is_empty());
    }
}

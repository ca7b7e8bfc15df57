//! A borrowed argument list, and its form as a byte blob.
//!
//! | offset | what |
//! | --- | --- |
//! | 0 | `i32` T, number of tensors |
//! | 4 | `i32` S, number of scalars |
//! | 8 | T records of 40 bytes |
//! | 8 + 40·T | S slots of 8 bytes |
//!
//! Tags do not travel: dependencies were found on the sending side.

use crate::limits::TASK_ARGS_BLOB_HEADER_SIZE;
use crate::{ContinuousTensor, Malformed};

const TENSOR_BYTES: usize = size_of::<ContinuousTensor>();
const SCALAR_BYTES: usize = size_of::<u64>();

/// The arguments of one task, lying in someone else's memory at any alignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskArgsView<'a> {
    tensors: &'a [[u8; TENSOR_BYTES]],
    scalars: &'a [[u8; SCALAR_BYTES]],
}

impl<'a> TaskArgsView<'a> {
    /// A view of two arrays.
    ///
    /// The tensors are not checked here; what leaves through [`write_blob`](Self::write_blob) is
    /// checked by its reader.
    #[must_use]
    pub fn new(tensors: &'a [ContinuousTensor], scalars: &'a [u64]) -> Self {
        Self {
            tensors: bytemuck::must_cast_slice(tensors),
            scalars: bytemuck::must_cast_slice(scalars),
        }
    }

    /// Reads the blob at the start of `bytes`; what follows it is ignored.
    ///
    /// # Errors
    /// When the buffer is too short for the header or for what the header announces, a count is
    /// negative, or a tensor record is invalid.
    pub fn read_blob(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let truncated = |needed| Malformed::Truncated {
            field: "task-args blob",
            needed,
            available: bytes.len() as u64,
        };
        let (tensor_count, rest) = bytes
            .split_first_chunk()
            .ok_or(truncated(TASK_ARGS_BLOB_HEADER_SIZE as u64))?;
        let (scalar_count, rest) = rest
            .split_first_chunk()
            .ok_or(truncated(TASK_ARGS_BLOB_HEADER_SIZE as u64))?;
        let tensor_count = checked_count("tensor_count", i32::from_le_bytes(*tensor_count))?;
        let scalar_count = checked_count("scalar_count", i32::from_le_bytes(*scalar_count))?;

        // Two counts below 2^31 and records below 2^6 bytes: no 64-bit overflow.
        let tensor_bytes = u64::from(tensor_count) * TENSOR_BYTES as u64;
        let scalar_bytes = u64::from(scalar_count) * SCALAR_BYTES as u64;
        let (tensors, rest) = split(rest, tensor_bytes)
            .and_then(|(tensors, rest)| Some((tensors, split(rest, scalar_bytes)?.0)))
            .ok_or(truncated(
                TASK_ARGS_BLOB_HEADER_SIZE as u64 + tensor_bytes + scalar_bytes,
            ))?;
        let view = Self {
            tensors: tensors.as_chunks().0,
            scalars: rest.as_chunks().0,
        };
        view.validate()?;
        Ok(view)
    }

    /// Writes the blob to the start of `out` and returns its length.
    ///
    /// # Errors
    /// When it does not fit; then nothing is written.
    pub fn write_blob(&self, out: &mut [u8]) -> Result<usize, Malformed> {
        let size = self.blob_size();
        let available = out.len() as u64;
        let counts = (wire_count("tensors", self.tensors.len())?)
            .to_le_bytes()
            .into_iter()
            .chain(wire_count("scalars", self.scalars.len())?.to_le_bytes());
        let out = out.get_mut(..size).ok_or(Malformed::Truncated {
            field: "task-args blob",
            needed: size as u64,
            available,
        })?;
        let (header, rest) = out.split_at_mut(TASK_ARGS_BLOB_HEADER_SIZE);
        for (byte, count) in header.iter_mut().zip(counts) {
            *byte = count;
        }
        let tensors = self.tensors.as_flattened();
        let (tensors_out, scalars_out) = rest.split_at_mut(tensors.len());
        tensors_out.copy_from_slice(tensors);
        scalars_out.copy_from_slice(self.scalars.as_flattened());
        Ok(size)
    }

    /// Bytes of the blob.
    #[must_use]
    pub const fn blob_size(&self) -> usize {
        TASK_ARGS_BLOB_HEADER_SIZE
            + self.tensors.len() * TENSOR_BYTES
            + self.scalars.len() * SCALAR_BYTES
    }

    /// Number of tensors.
    #[must_use]
    pub const fn tensor_count(&self) -> usize {
        self.tensors.len()
    }

    /// Number of scalars.
    #[must_use]
    pub const fn scalar_count(&self) -> usize {
        self.scalars.len()
    }

    /// The tensors, in order.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = ContinuousTensor> + use<'a> {
        self.tensors.iter().map(|bytes| bytemuck::must_cast(*bytes))
    }

    /// The scalar slots, in order.
    pub fn scalars(&self) -> impl ExactSizeIterator<Item = u64> + use<'a> {
        self.scalars.iter().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// Checks every tensor record.
    ///
    /// # Errors
    /// What [`ContinuousTensor::validate`] says about the first invalid one.
    pub fn validate(&self) -> Result<(), Malformed> {
        self.tensors().try_for_each(|tensor| tensor.validate())
    }
}

fn split(bytes: &[u8], at: u64) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(usize::try_from(at).ok()?)
}

fn checked_count(field: &'static str, count: i32) -> Result<u32, Malformed> {
    u32::try_from(count).map_err(|_| Malformed::OutOfRange {
        field,
        value: i64::from(count),
        min: 0,
        max: i64::from(i32::MAX),
    })
}

fn wire_count(field: &'static str, count: usize) -> Result<i32, Malformed> {
    i32::try_from(count).map_err(|_| Malformed::TooMany {
        field,
        value: count as u64,
        limit: i32::MAX as u64,
    })
}

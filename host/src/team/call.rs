//! What a function in a child gets: tensors and scalars where they lie.
//!
//! Knows shapes and mapped memory. Refuses to know what depends on it.
//!
//! Tensor memory is shared between processes, so it is copied in and out; the graph's dependencies
//! are what keeps two from doing that at once.

use std::sync::Arc;

use aicore_abi::call::Element;
use protocol::{CallConfig, ContinuousTensor, DataType, Scalar};

use super::fault::{Fault, FaultKind};
use super::segment::Segment;
use super::tensor::{Hold, Place, Tensor};

/// A tensor of a call and the memory it lies in.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// The record, with an offset for an address where there is a segment.
    pub(crate) record: ContinuousTensor,
    pub(crate) segment: Option<Arc<Segment>>,
}

/// The arguments of one call of a function.
#[derive(Debug)]
pub struct Call<'a> {
    pub(crate) tensors: &'a [Placed],
    pub(crate) scalars: &'a [u64],
    pub(crate) config: &'a CallConfig,
}

impl Call<'_> {
    /// How many tensors there are.
    #[must_use]
    pub const fn tensor_count(&self) -> usize {
        self.tensors.len()
    }

    /// How many scalars there are.
    #[must_use]
    pub const fn scalar_count(&self) -> usize {
        self.scalars.len()
    }

    /// How the task was configured.
    #[must_use]
    pub const fn config(&self) -> &CallConfig {
        self.config
    }

    /// Scalar `index`.
    ///
    /// # Errors
    /// There is no such scalar.
    pub fn scalar<T: Scalar>(&self, index: usize) -> Result<T, Fault> {
        let slot = self.scalars.get(index);
        slot.map(|&slot| T::from_slot(slot))
            .ok_or_else(|| missing("scalar", index, self.scalars.len()))
    }

    /// Extents of tensor `index`.
    ///
    /// # Errors
    /// There is no such tensor.
    pub fn shape(&self, index: usize) -> Result<&[u32], Fault> {
        self.placed(index)?.record.shape().map_err(malformed)
    }

    /// Element type of tensor `index`.
    ///
    /// # Errors
    /// There is no such tensor.
    pub fn data_type(&self, index: usize) -> Result<DataType, Fault> {
        self.placed(index)?.record.data_type().map_err(malformed)
    }

    /// The elements of tensor `index`.
    ///
    /// # Errors
    /// There is no such tensor, it has another element type, or it lies in a device's memory.
    pub fn load<T: Element>(&self, index: usize) -> Result<Vec<T>, Fault> {
        let (from, elements) = self.typed::<T>(index)?;
        let mut out: Vec<T> = Vec::with_capacity(elements);
        // SAFETY: `typed` found room for so many elements there and the vector has it here.
        unsafe {
            core::ptr::copy_nonoverlapping(from, out.as_mut_ptr().cast(), elements * size_of::<T>())
        };
        // SAFETY: just filled, and any bytes are elements.
        unsafe { out.set_len(elements) };
        Ok(out)
    }

    /// Overwrites the elements of tensor `index`.
    ///
    /// # Errors
    /// As [`load`](Self::load), and another number of elements than the tensor has.
    pub fn store<T: Element>(&self, index: usize, values: &[T]) -> Result<(), Fault> {
        let (to, elements) = self.typed::<T>(index)?;
        if elements != values.len() {
            return Err(Fault::new(
                FaultKind::Malformed,
                format!(
                    "tensor {index} has {elements} elements, {} were given",
                    values.len()
                ),
            ));
        }
        // SAFETY: `typed` found room for so many elements there.
        unsafe { core::ptr::copy_nonoverlapping(values.as_ptr().cast(), to, size_of_val(values)) };
        Ok(())
    }

    /// Tensor `index` as an argument for tasks of a lower worker.
    ///
    /// # Errors
    /// There is no such tensor, or it lies in a device's memory.
    pub fn tensor(&self, index: usize) -> Result<Tensor, Fault> {
        self.address(index)?;
        let placed = self.placed(index)?;
        let segment = placed.segment.as_ref().expect("it has an address");
        Ok(Tensor {
            place: Place::Host(Hold::borrowed(Arc::clone(segment))),
            record: placed.record,
        })
    }

    /// Where tensor `index` lies in this process, for code that does its own accesses.
    ///
    /// # Errors
    /// There is no such tensor, or it lies in a device's memory.
    pub fn address(&self, index: usize) -> Result<*mut u8, Fault> {
        let placed = self.placed(index)?;
        let Some(segment) = &placed.segment else {
            return Err(Fault::new(
                FaultKind::Unsupported,
                format!("tensor {index} lies in a device's memory: copy it to a host buffer first"),
            ));
        };
        let bytes = placed.record.byte_size().map_err(malformed)?;
        segment.at(placed.record.data, bytes).ok_or_else(|| {
            Fault::new(
                FaultKind::Malformed,
                format!("tensor {index} ends beyond its buffer"),
            )
        })
    }

    fn typed<T: Element>(&self, index: usize) -> Result<(*mut u8, usize), Fault> {
        let dtype = self.data_type(index)?;
        if dtype != T::DATA_TYPE {
            return Err(Fault::new(
                FaultKind::Malformed,
                format!(
                    "tensor {index} has elements of type {dtype:?}, {:?} was asked for",
                    T::DATA_TYPE
                ),
            ));
        }
        let address = self.address(index)?;
        let elements = self
            .placed(index)?
            .record
            .element_count()
            .map_err(malformed)?;
        Ok((
            address,
            usize::try_from(elements).expect("the tensor is mapped"),
        ))
    }

    pub(crate) fn placed(&self, index: usize) -> Result<&Placed, Fault> {
        let placed = self.tensors.get(index);
        placed.ok_or_else(|| missing("tensor", index, self.tensors.len()))
    }
}

fn missing(kind: &str, index: usize, count: usize) -> Fault {
    Fault::new(
        FaultKind::Malformed,
        format!("{kind} {index} was asked for, the task has {count}"),
    )
}

pub(crate) fn malformed(error: protocol::Malformed) -> Fault {
    Fault::new(FaultKind::Malformed, error.to_string())
}

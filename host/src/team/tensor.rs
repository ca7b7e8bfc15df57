//! Buffers and tensors: memory with an identity, and views of it.
//!
//! Knows who owns which bytes. Refuses to know addresses in other processes: a view is a buffer, an
//! offset and a shape, and every process puts its own address in.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use aicore_abi::call::Element;
use protocol::{ContinuousTensor, DataType, Scalar, TensorArgType};

use super::segment::Segment;
use super::task_id::TaskId;
use crate::error::{Error, Result};

/// Segments that nobody holds any more: their mappings in children are to be dropped.
#[derive(Debug, Default)]
pub(crate) struct Dropped(Mutex<Vec<u64>>);

impl Dropped {
    fn push(&self, id: u64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(id);
    }

    /// Everything dropped since the last call.
    pub(crate) fn take(&self) -> Vec<u64> {
        core::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Debug)]
struct Held {
    segment: Arc<Segment>,
    dropped: Weak<Dropped>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(dropped) = self.dropped.upgrade() {
            dropped.push(self.segment.id().0);
        }
    }
}

/// Keeps a segment in use; when the last one goes, children unmap it.
#[derive(Clone, Debug)]
pub(crate) struct Hold(Arc<Held>);

impl Hold {
    pub(crate) fn new(segment: Arc<Segment>, dropped: &Arc<Dropped>) -> Self {
        Self(Arc::new(Held {
            segment,
            dropped: Arc::downgrade(dropped),
        }))
    }

    /// A hold on a segment that somebody else gives up.
    pub(crate) fn borrowed(segment: Arc<Segment>) -> Self {
        Self(Arc::new(Held {
            segment,
            dropped: Weak::new(),
        }))
    }

    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.0.segment
    }
}

/// Host memory that every child can reach, whenever it was made.
///
/// It lives until the last tensor on it is dropped and the last task that uses it is over.
#[derive(Clone, Debug)]
pub struct Buffer {
    hold: Hold,
}

impl Buffer {
    pub(crate) const fn new(hold: Hold) -> Self {
        Self { hold }
    }

    /// Its size in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.hold.segment().len()
    }

    /// A tensor at the start of the buffer.
    ///
    /// # Errors
    /// The shape is no shape, or the tensor ends beyond the buffer.
    pub fn tensor<T: Element>(&self, shape: &[u32]) -> Result<Tensor> {
        self.tensor_at(0, shape, T::DATA_TYPE)
    }

    /// A tensor `offset` bytes into the buffer.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn tensor_at(&self, offset: u64, shape: &[u32], dtype: DataType) -> Result<Tensor> {
        let record = ContinuousTensor::new(offset, shape, dtype)?;
        let bytes = record.byte_size()?;
        if self.hold.segment().at(offset, bytes).is_none() {
            return Err(Error::refused(
                format!("a tensor of {bytes} bytes at byte {offset}"),
                format!("the buffer has {} bytes: make a larger one", self.bytes()),
            ));
        }
        Ok(Tensor {
            place: Place::Host(self.hold.clone()),
            record,
        })
    }
}

/// Device memory of one child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceBuffer {
    pub(crate) port: u32,
    pub(crate) generation: u32,
    pub(crate) owner: OwnerId,
    pub(crate) address: u64,
    pub(crate) bytes: u64,
}

impl DeviceBuffer {
    /// The child that has it.
    #[must_use]
    pub const fn child(&self) -> usize {
        self.port as usize
    }

    /// Its address on the device; it means nothing in this process.
    #[must_use]
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// Its size in bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A tensor at the start of the buffer.
    ///
    /// # Errors
    /// The shape is no shape, or the tensor ends beyond the buffer.
    pub fn tensor<T: Element>(&self, shape: &[u32]) -> Result<Tensor> {
        self.tensor_at(0, shape, T::DATA_TYPE)
    }

    /// A tensor `offset` bytes into the buffer.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn tensor_at(&self, offset: u64, shape: &[u32], dtype: DataType) -> Result<Tensor> {
        let record = ContinuousTensor::new(self.address + offset, shape, dtype)?.in_device_memory();
        let end = record.byte_size()?.checked_add(offset);
        if end.is_none_or(|end| end > self.bytes) {
            return Err(Error::refused(
                format!("a tensor of shape {shape:?} at byte {offset}"),
                format!(
                    "the device buffer has {} bytes: make a larger one",
                    self.bytes
                ),
            ));
        }
        Ok(Tensor {
            place: Place::Device {
                port: self.port,
                generation: self.generation,
                owner: self.owner.clone(),
            },
            record,
        })
    }
}

/// Names one worker, to tell its handles from those of others.
#[derive(Clone, Debug)]
pub(crate) struct OwnerId(pub(crate) Arc<()>);

impl OwnerId {
    pub(crate) fn new() -> Self {
        Self(Arc::new(()))
    }
}

impl PartialEq for OwnerId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for OwnerId {}

/// Where a tensor's bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In a buffer; the record has the offset for an address.
    Host(Hold),
    /// In a heap ring, as long as the task that owns it is not consumed.
    Ring {
        hold: Hold,
        owner: OwnerId,
        task: TaskId,
    },
    /// In the device memory of one child.
    Device {
        port: u32,
        generation: u32,
        owner: OwnerId,
    },
    /// Nowhere yet: memory is found when the task is submitted.
    Nowhere,
}

/// A view of a buffer: where it starts, its extents, its element type.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub(crate) place: Place,
    pub(crate) record: ContinuousTensor,
}

impl Tensor {
    /// A tensor without memory, as an output that the runtime allocates.
    ///
    /// # Errors
    /// The shape is no shape.
    pub fn unplaced<T: Element>(shape: &[u32]) -> Result<Self> {
        Ok(Self {
            place: Place::Nowhere,
            record: ContinuousTensor::new(0, shape, T::DATA_TYPE)?,
        })
    }

    /// Its extents.
    #[must_use]
    pub fn shape(&self) -> &[u32] {
        self.record
            .shape()
            .expect("it was checked when it was made")
    }

    /// Its element type.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        self.record
            .data_type()
            .expect("it was checked when it was made")
    }

    /// Its size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.record
            .byte_size()
            .expect("it was checked when it was made")
    }

    /// Rows `first` to `first + count` of the outermost dimension.
    ///
    /// # Errors
    /// There are not so many rows.
    pub fn rows(&self, first: u32, count: u32) -> Result<Self> {
        let shape = self.shape();
        let rows = shape.first().copied().unwrap_or(0);
        if first.checked_add(count).is_none_or(|end| end > rows) {
            return Err(Error::refused(
                format!("rows {first} to {first} + {count}"),
                format!("the tensor has {rows}"),
            ));
        }
        let row = self.bytes().checked_div(u64::from(rows)).unwrap_or(0);
        let mut part = self.clone();
        part.record.shapes[0] = count;
        part.record.data += row * u64::from(first);
        Ok(part)
    }

    /// The elements, copied out.
    ///
    /// Tasks that write them must be over: the run that has them was waited for.
    ///
    /// # Errors
    /// The tensor has another element type, or lies in a device's memory.
    pub fn load<T: Element>(&self) -> Result<Vec<T>> {
        let (from, elements) = self.host::<T>()?;
        let mut out: Vec<T> = Vec::with_capacity(elements);
        // SAFETY: so many elements lie in the mapping, and the vector has room for them.
        unsafe {
            core::ptr::copy_nonoverlapping(
                from,
                out.as_mut_ptr().cast(),
                elements * size_of::<T>(),
            );
        }
        // SAFETY: just filled, and any bytes are elements.
        unsafe { out.set_len(elements) };
        Ok(out)
    }

    /// Overwrites the elements.
    ///
    /// # Errors
    /// As [`load`](Self::load), and another number of elements than the tensor has.
    pub fn store<T: Element>(&self, values: &[T]) -> Result<()> {
        let (to, elements) = self.host::<T>()?;
        if elements != values.len() {
            return Err(Error::refused(
                format!("storing {} elements", values.len()),
                format!("the tensor has {elements}"),
            ));
        }
        // SAFETY: so many elements lie in the mapping.
        unsafe { core::ptr::copy_nonoverlapping(values.as_ptr().cast(), to, size_of_val(values)) };
        Ok(())
    }

    fn host<T: Element>(&self) -> Result<(*mut u8, usize)> {
        if self.data_type() != T::DATA_TYPE {
            return Err(Error::refused(
                format!("elements of type {:?}", T::DATA_TYPE),
                format!("the tensor has elements of type {:?}", self.data_type()),
            ));
        }
        let (Place::Host(hold) | Place::Ring { hold, .. }) = &self.place else {
            return Err(Error::refused(
                "reading or writing a tensor from the host",
                "it is not in host memory: use copy_to and copy_from",
            ));
        };
        let at = hold.segment().at(self.record.data, self.bytes());
        let at = at.expect("it was checked when it was made");
        let elements = usize::try_from(self.bytes()).expect("it is mapped") / size_of::<T>();
        Ok((at, elements))
    }
}

/// Arguments of one task: tensors with the way they are used, then scalars.
///
/// Mistakes are reported by the submit that gets the arguments.
#[derive(Clone, Debug, Default)]
pub struct Args {
    pub(crate) tensors: Vec<(TensorArgType, Tensor)>,
    pub(crate) scalars: Vec<u64>,
    pub(crate) tensor_after_scalar: bool,
}

impl Args {
    /// No arguments.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A tensor that the task reads: waits for its writers.
    #[must_use]
    pub fn input(self, tensor: &Tensor) -> Self {
        self.tagged(TensorArgType::Input, tensor)
    }

    /// A tensor that the task overwrites or, if it has no memory, makes.
    #[must_use]
    pub fn output(self, tensor: &Tensor) -> Self {
        self.tagged(TensorArgType::Output, tensor)
    }

    /// A tensor that the task overwrites; nobody waits for its earlier writers.
    #[must_use]
    pub fn output_existing(self, tensor: &Tensor) -> Self {
        self.tagged(TensorArgType::OutputExisting, tensor)
    }

    /// A tensor that the task reads and writes: waits for its writers and becomes one.
    #[must_use]
    pub fn inout(self, tensor: &Tensor) -> Self {
        self.tagged(TensorArgType::Inout, tensor)
    }

    /// A tensor that nobody waits for.
    #[must_use]
    pub fn no_dep(self, tensor: &Tensor) -> Self {
        self.tagged(TensorArgType::NoDep, tensor)
    }

    /// A tensor with its tag.
    #[must_use]
    pub fn tagged(mut self, tag: TensorArgType, tensor: &Tensor) -> Self {
        self.tensor_after_scalar |= !self.scalars.is_empty();
        self.tensors.push((tag, tensor.clone()));
        self
    }

    /// A scalar; all tensors come before the first one.
    #[must_use]
    pub fn scalar(mut self, value: impl Scalar) -> Self {
        self.scalars.push(value.to_slot());
        self
    }
}

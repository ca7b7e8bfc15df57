//! The arguments of one run, typed and borrowed.
//!
//! Knows which host memory a run may read and which it may write. Refuses to know what the program
//! does with it; that is checked against the program's signature when the run starts.

use core::marker::PhantomData;

use aicore_abi::call::Element;
use platform::DeviceAddress;
use protocol::{ArgDirection, ChipStorageTaskArgs, ContinuousTensor, DataType, Scalar};

use crate::error::{Error, Result};

/// How the caller lent the memory of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lent {
    /// For reading only.
    Shared,
    /// For reading and writing.
    Exclusive,
    /// It is device memory.
    Device,
}

/// Arguments in the order of the orchestration's: tensors first, then scalars.
///
/// ```
/// # use host::Arguments;
/// let (a, mut sum) = (vec![1.0f32; 6], vec![0.0f32; 6]);
/// let mut args = Arguments::new();
/// args.input(&a, &[2, 3])?.output(&mut sum, &[2, 3])?.scalar(0.5f32)?;
/// # Ok::<(), host::Error>(())
/// ```
#[derive(Debug)]
pub struct Arguments<'a> {
    block: Box<ChipStorageTaskArgs>,
    lent: Vec<Lent>,
    memory: PhantomData<&'a mut [u8]>,
}

impl Default for Arguments<'_> {
    fn default() -> Self {
        Self {
            block: Box::new(bytemuck::Zeroable::zeroed()),
            lent: Vec::new(),
            memory: PhantomData,
        }
    }
}

impl<'a> Arguments<'a> {
    /// No arguments.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A tensor that the program reads.
    ///
    /// # Errors
    ///
    /// `data` has not as many elements as `shape` says, or there are too many tensors.
    pub fn input<T: Element>(&mut self, data: &'a [T], shape: &[u32]) -> Result<&mut Self> {
        let address = data.as_ptr().expose_provenance();
        self.host(address, data.len(), shape, T::DATA_TYPE, Lent::Shared)
    }

    /// A tensor that the program writes, or reads and writes.
    ///
    /// # Errors
    ///
    /// As [`input`](Self::input).
    pub fn output<T: Element>(&mut self, data: &'a mut [T], shape: &[u32]) -> Result<&mut Self> {
        let (address, length) = (data.as_mut_ptr().expose_provenance(), data.len());
        self.host(address, length, shape, T::DATA_TYPE, Lent::Exclusive)
    }

    /// A tensor of raw bytes that the program may read and write, for element types that Rust has
    /// no name for.
    ///
    /// # Errors
    ///
    /// `data` has not as many bytes as `shape` and `dtype` say, or there are too many tensors.
    pub fn bytes(
        &mut self,
        data: &'a mut [u8],
        shape: &[u32],
        dtype: DataType,
    ) -> Result<&mut Self> {
        let (address, length) = (data.as_mut_ptr().expose_provenance(), data.len());
        let size = dtype.element_size() as usize;
        if length % size != 0 {
            return Err(Error::ShapeMismatch {
                argument: self.lent.len(),
                elements: (length / size) as u64,
                shape: shape.to_vec(),
            });
        }
        self.host(address, length / size, shape, dtype, Lent::Exclusive)
    }

    /// A tensor that already lies in the memory of the worker's device: passed through, never copied.
    ///
    /// # Errors
    ///
    /// The shape is no shape, or there are too many tensors.
    pub fn resident(
        &mut self,
        address: DeviceAddress,
        shape: &[u32],
        dtype: DataType,
    ) -> Result<&mut Self> {
        let tensor = ContinuousTensor::new(address.0, shape, dtype)?.in_device_memory();
        self.push(tensor, Lent::Device)
    }

    /// A scalar; all tensors come before the first one.
    ///
    /// # Errors
    ///
    /// There are too many scalars.
    pub fn scalar(&mut self, value: impl Scalar) -> Result<&mut Self> {
        self.block.push_scalar(value)?;
        Ok(self)
    }

    /// Refuses memory that was lent for reading only where the program writes.
    pub(crate) fn check(&self, signature: &[ArgDirection]) -> Result<&ChipStorageTaskArgs> {
        for (argument, lent) in self.lent.iter().enumerate() {
            let direction = signature.get(argument).copied();
            if *lent == Lent::Shared && direction != Some(ArgDirection::In) {
                return Err(Error::SharedButWritten {
                    argument,
                    direction,
                });
            }
        }
        Ok(&self.block)
    }

    fn host(
        &mut self,
        address: usize,
        elements: usize,
        shape: &[u32],
        dtype: DataType,
        lent: Lent,
    ) -> Result<&mut Self> {
        let tensor = ContinuousTensor::new(address as u64, shape, dtype)?;
        if tensor.byte_size()? != elements as u64 * u64::from(dtype.element_size()) {
            return Err(Error::ShapeMismatch {
                argument: self.lent.len(),
                elements: elements as u64,
                shape: shape.to_vec(),
            });
        }
        self.push(tensor, lent)
    }

    fn push(&mut self, tensor: ContinuousTensor, lent: Lent) -> Result<&mut Self> {
        self.block.push_tensor(tensor)?;
        self.lent.push(lent);
        Ok(self)
    }
}

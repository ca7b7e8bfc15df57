//! A kernel's view of its call, in Rust.
//!
//! Knows how argument words become typed views and scalars. Refuses to know how the call came about.
//!
//! A kernel works as the hardware does: it loads from global memory into storage of its own,
//! computes, and stores. So a [`View`] copies and never lends a reference to memory that other
//! kernels see, and every access is volatile and checked against the view.
//!
//! ```
//! use aicore_abi::call::{Call, CallError, zip_map};
//!
//! fn add(call: &Call<'_>) -> Result<(), CallError> {
//!     let (a, b, sum) = (call.tensor(0)?, call.tensor(1)?, call.tensor(2)?);
//!     zip_map(&a, &b, &sum, |a: f32, b: f32| a + b)
//! }
//! ```

mod defer;
mod view;

use core::marker::PhantomData;
use core::ptr::NonNull;

use protocol::{DataType, Scalar};

use crate::kernel::{GLOBAL_CONTEXT_INDEX, GlobalContext, LOCAL_CONTEXT_INDEX, LocalContext};
use crate::payload::DispatchPayload;
use crate::tensor::Tensor;

pub use defer::Condition;
pub use view::{Element, View, map, zip_map};

/// Why a kernel cannot use an argument the way it asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// There is no such tensor.
    #[error("tensor {index} was asked for, the call has {count}")]
    NoSuchTensor {
        /// The index asked for.
        index: usize,
        /// Tensors of the call.
        count: usize,
    },
    /// There is no such scalar.
    #[error("scalar {index} was asked for, the call has {count}")]
    NoSuchScalar {
        /// The index asked for.
        index: usize,
        /// Scalars of the call.
        count: usize,
    },
    /// The tensor's elements are of another type.
    #[error("tensor {index} has elements of type {found}, the kernel asked for {asked:?}")]
    WrongType {
        /// Index of the tensor.
        index: usize,
        /// The type byte in its descriptor.
        found: u8,
        /// The type asked for.
        asked: DataType,
    },
    /// The descriptor shows memory that its buffer does not have, or none.
    #[error(
        "tensor {index} shows elements up to byte {end} of its buffer, which has {size} at {address:#x}"
    )]
    OutsideBuffer {
        /// Index of the tensor.
        index: usize,
        /// Where the last element ends.
        end: u64,
        /// Bytes of the buffer.
        size: u64,
        /// Address of the buffer.
        address: u64,
    },
    /// The first element does not lie where its type may.
    #[error("tensor {index} starts at {address:#x}, its elements need a multiple of {align}")]
    Misaligned {
        /// Index of the tensor.
        index: usize,
        /// Where its first element lies.
        address: u64,
        /// What its address must be a multiple of.
        align: usize,
    },
    /// A load or store reaches beyond the view.
    #[error("elements {start} to {start} + {count} were asked for, the view has {elements}")]
    OutsideView {
        /// First element.
        start: usize,
        /// How many.
        count: usize,
        /// Elements of the view.
        elements: usize,
    },
    /// Views that must have the same number of elements do not.
    #[error("the views have {first} and {second} elements")]
    LengthsDiffer {
        /// Elements of one.
        first: usize,
        /// Elements of the other.
        second: usize,
    },
    /// The task is complete when its kernels return: its runtime has no conditions.
    #[error("this task cannot be complete later than its kernel: its runtime has no conditions")]
    CannotDefer,
    /// A condition looks at something that does not lie where it may.
    #[error("{condition:?} looks at an address that is not aligned")]
    MisalignedCondition {
        /// The condition.
        condition: Condition,
    },
    /// The call has as many conditions as there is room for.
    #[error("the call has {capacity} conditions, which is the limit")]
    TooManyConditions {
        /// The limit.
        capacity: u32,
    },
    /// The kernel itself gave up.
    #[error("the kernel gave up: {0}")]
    Kernel(&'static str),
}

/// One call of a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Call<'call> {
    words: NonNull<u64>,
    /// The payload's array, at whose end the contexts are; the same memory unless the words did not fit.
    array: NonNull<u64>,
    tensors: usize,
    scalars: usize,
    borrowed: PhantomData<&'call DispatchPayload>,
}

impl<'call> Call<'call> {
    /// The call that `payload` describes.
    ///
    /// # Safety
    ///
    /// The runtime filled `payload`: its first words are addresses of descriptors that live as long
    /// as the payload is borrowed, their buffers are memory this process may access, and its context
    /// words are set.
    #[must_use]
    pub unsafe fn of_payload(payload: &'call DispatchPayload) -> Self {
        Self {
            words: payload.words(),
            array: NonNull::from(&payload.args).cast(),
            tensors: payload.tensor_count as usize,
            scalars: payload.scalar_count as usize,
            borrowed: PhantomData,
        }
    }

    /// The call whose argument words start at `args`, as a kernel's entry gets them.
    ///
    /// # Safety
    ///
    /// As for [`of_payload`](Self::of_payload); the first `tensors` words are descriptor addresses,
    /// the next `scalars` are scalars: a kernel's own shared object has to know that.
    #[must_use]
    pub unsafe fn of_words(args: NonNull<u64>, tensors: usize, scalars: usize) -> Self {
        Self {
            words: args,
            array: args,
            tensors,
            scalars,
            borrowed: PhantomData,
        }
    }

    /// How many tensors the call has.
    #[must_use]
    pub const fn tensor_count(&self) -> usize {
        self.tensors
    }

    /// How many scalars the call has.
    #[must_use]
    pub const fn scalar_count(&self) -> usize {
        self.scalars
    }

    /// Tensor `index` as elements of type `T`.
    ///
    /// # Errors
    ///
    /// There is no such tensor, it has another type, its descriptor leaves its buffer, or its elements lie askew.
    pub fn tensor<T: Element>(&self, index: usize) -> Result<View<'call, T>, CallError> {
        View::of(self.descriptor(index)?, index)
    }

    /// The descriptor of tensor `index`.
    ///
    /// # Errors
    ///
    /// There is no such tensor.
    pub fn descriptor(&self, index: usize) -> Result<&'call Tensor, CallError> {
        if index >= self.tensors {
            return Err(CallError::NoSuchTensor {
                index,
                count: self.tensors,
            });
        }
        // SAFETY: the constructors promise a live descriptor at each of the first words.
        Ok(unsafe { &*self.pointer(index) })
    }

    /// Scalar `index`, counted from the first scalar.
    ///
    /// # Errors
    ///
    /// There is no such scalar.
    pub fn scalar<T: Scalar>(&self, index: usize) -> Result<T, CallError> {
        if index >= self.scalars {
            return Err(CallError::NoSuchScalar {
                index,
                count: self.scalars,
            });
        }
        Ok(T::from_slot(self.word(self.tensors + index)))
    }

    /// Which block of the task this call computes: 0 up to [`block_num`](Self::block_num).
    #[must_use]
    pub fn block_idx(&self) -> i32 {
        self.local().block_idx
    }

    /// Blocks of the task.
    #[must_use]
    pub fn block_num(&self) -> i32 {
        self.local().block_num
    }

    /// Lane of the vector core within its cluster: 0 or 1.
    #[must_use]
    pub fn lane(&self) -> i32 {
        let context: *const GlobalContext = self.context(GLOBAL_CONTEXT_INDEX);
        // SAFETY: the constructors promise that the context words are set.
        unsafe { (*context).sub_block_id }
    }

    /// What changes with every dispatch.
    #[must_use]
    pub fn local(&self) -> &'call LocalContext {
        // SAFETY: the constructors promise that the context words are set.
        unsafe { &*self.context(LOCAL_CONTEXT_INDEX) }
    }

    /// What the address in word `index` points to.
    fn pointer<T>(&self, index: usize) -> *const T {
        address(self.word(index))
    }

    /// The context whose address is in word `index` of the payload's array.
    fn context<T>(&self, index: usize) -> *const T {
        // SAFETY: the array has the context words.
        let word = unsafe { self.array.add(index) };
        // SAFETY: the constructors promise that the context words are set.
        address(unsafe { word.read() })
    }

    fn word(&self, index: usize) -> u64 {
        // SAFETY: callers pass an index below the counts, and the constructors promise that many words.
        let word = unsafe { self.words.add(index) };
        // SAFETY: as above.
        unsafe { word.read() }
    }
}

fn address<T>(word: u64) -> *const T {
    core::ptr::with_exposed_provenance(view::to_usize(word))
}

//! The argument object of a submission.
//!
//! Knows its bytes and how it is filled; a refused addition adds nothing and marks the object, which
//! the submission then refuses. Refuses to read the tensors it points to.

use core::ffi::{CStr, c_char, c_void};
use core::ptr;

use protocol::TaskId;
use protocol::limits::trb::{MAX_EXPLICIT_DEPS, MAX_SCALAR_ARGS, MAX_TENSOR_ARGS};
use protocol::task_args::TensorArgType;

use super::LaunchSpec;
use crate::error::{Error, Result};
use crate::tensor::{Tensor, TensorCreateInfo};

/// Tasks a task waits for because the user says so.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ExplicitDeps {
    /// The tasks; entries from `count` on mean nothing.
    pub ids: [TaskId; MAX_EXPLICIT_DEPS],
    /// How many.
    pub count: u32,
    /// Unspecified.
    pub pad: u32,
}

protocol::pin_layout!(ExplicitDeps, 136 bytes, align 8, {
    0 => ids: [TaskId; MAX_EXPLICIT_DEPS],
    128 => count: u32,
    132 => pad: u32,
});

/// Tensors, scalars, launch settings and dependencies of one submission.
///
/// Tensors are referred to, not copied: they must live until the submission returns.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Arg {
    /// A [`TensorArgType`] per tensor, unchecked.
    pub tags: [i32; MAX_TENSOR_ARGS],
    /// Per tensor a [`TensorCreateInfo`] when its tag is `Output`, otherwise a [`Tensor`].
    pub tensors: [*const c_void; MAX_TENSOR_ARGS],
    /// The scalars, small ones in the low bytes.
    pub scalars: [u64; MAX_SCALAR_ARGS],
    /// Tensors in use.
    pub tensor_count: i32,
    /// Scalars in use.
    pub scalar_count: i32,
    /// Not zero: something was refused.
    pub has_error: u8,
    /// Unspecified.
    pub pad: [u8; 7],
    /// What was refused first; text that lives as long as the program, or null.
    pub error_msg: *const c_char,
    /// How many times the task runs.
    pub launch_spec: LaunchSpec,
    /// Unspecified.
    pub launch_pad: u32,
    /// Dependencies the user names.
    pub explicit_deps: ExplicitDeps,
}

protocol::pin_layout!(Arg, 616 bytes, align 8, {
    0 => tags: [i32; MAX_TENSOR_ARGS],
    64 => tensors: [*const c_void; MAX_TENSOR_ARGS],
    192 => scalars: [u64; MAX_SCALAR_ARGS],
    448 => tensor_count: i32,
    452 => scalar_count: i32,
    456 => has_error: u8,
    457 => pad: [u8; 7],
    464 => error_msg: *const c_char,
    472 => launch_spec: LaunchSpec,
    476 => launch_pad: u32,
    480 => explicit_deps: ExplicitDeps,
});

impl Default for Arg {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

impl Arg {
    /// No arguments, one block, no dependencies.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            tags: [0; MAX_TENSOR_ARGS],
            tensors: [ptr::null(); MAX_TENSOR_ARGS],
            scalars: [0; MAX_SCALAR_ARGS],
            tensor_count: 0,
            scalar_count: 0,
            has_error: 0,
            pad: [0; 7],
            error_msg: ptr::null(),
            launch_spec: LaunchSpec::ONCE,
            launch_pad: 0,
            explicit_deps: ExplicitDeps {
                ids: [TaskId::from_raw(0); MAX_EXPLICIT_DEPS],
                count: 0,
                pad: 0,
            },
        }
    }

    /// Adds tensors that the task reads.
    ///
    /// # Errors
    /// When there are too many, or a scalar was added before. Nothing is added then.
    #[inline]
    pub fn add_input(&mut self, tensors: &[*const Tensor]) -> Result<()> {
        self.add_existing(TensorArgType::Input, tensors)
    }

    /// Adds outputs that the runtime allocates.
    ///
    /// # Errors
    /// As [`add_input`](Self::add_input).
    #[inline]
    pub fn add_output(&mut self, outputs: &[*const TensorCreateInfo]) -> Result<()> {
        let place = self.make_room(outputs.len())?;
        for (index, output) in (place..).zip(outputs) {
            self.put(index, TensorArgType::Output, output.cast());
        }
        Ok(())
    }

    /// Adds existing tensors that the task writes.
    ///
    /// # Errors
    /// As [`add_input`](Self::add_input).
    #[inline]
    pub fn add_output_existing(&mut self, tensors: &[*const Tensor]) -> Result<()> {
        self.add_existing(TensorArgType::OutputExisting, tensors)
    }

    /// Adds tensors that the task reads and writes.
    ///
    /// # Errors
    /// As [`add_input`](Self::add_input).
    #[inline]
    pub fn add_inout(&mut self, tensors: &[*const Tensor]) -> Result<()> {
        self.add_existing(TensorArgType::Inout, tensors)
    }

    /// Adds tensors that the task uses without any order being kept.
    ///
    /// # Errors
    /// As [`add_input`](Self::add_input).
    #[inline]
    pub fn add_no_dep(&mut self, tensors: &[*const Tensor]) -> Result<()> {
        self.add_existing(TensorArgType::NoDep, tensors)
    }

    /// Adds scalars, small values zero-extended.
    ///
    /// # Errors
    /// When there are too many. Nothing is added then.
    #[inline]
    pub fn add_scalars(&mut self, scalars: &[u64]) -> Result<()> {
        let first = self.scalars().len();
        let Some(room) = self.scalars.get_mut(first..first + scalars.len()) else {
            return self.refuse(
                c"too many scalars: a task takes 32",
                Error::ArgumentsFull {
                    what: "scalars",
                    given: scalars.len(),
                    limit: MAX_SCALAR_ARGS,
                },
            );
        };
        room.copy_from_slice(scalars);
        self.scalar_count = count(first + scalars.len());
        Ok(())
    }

    /// Adds 32-bit scalars; the sign is not extended.
    ///
    /// # Errors
    /// As [`add_scalars`](Self::add_scalars).
    pub fn add_scalars_i32(&mut self, scalars: &[i32]) -> Result<()> {
        let mut wide = [0; MAX_SCALAR_ARGS];
        let Some(used) = wide.get_mut(..scalars.len()) else {
            return self.refuse(
                c"too many scalars: a task takes 32",
                Error::ArgumentsFull {
                    what: "scalars",
                    given: scalars.len(),
                    limit: MAX_SCALAR_ARGS,
                },
            );
        };
        for (wide, scalar) in used.iter_mut().zip(scalars) {
            *wide = u64::from(scalar.cast_unsigned());
        }
        self.add_scalars(&wide[..scalars.len()])
    }

    /// Adds `count` scalars of another object, from number `first` on.
    ///
    /// # Errors
    /// When the source has fewer, or there are too many. Nothing is added then.
    pub fn copy_scalars_from(&mut self, source: &Self, first: usize, count: usize) -> Result<()> {
        let available = source.scalars().len();
        let end = first.saturating_add(count);
        match source.scalars().get(first..end) {
            Some(scalars) => self.add_scalars(scalars),
            None => self.refuse(
                c"the source has fewer scalars than were to be copied",
                Error::NoSuchScalar {
                    first,
                    count,
                    available,
                },
            ),
        }
    }

    /// Adds tasks to wait for. Whether they name tasks is looked at when the task is submitted.
    ///
    /// # Errors
    /// When there are too many. Nothing is added then.
    #[inline]
    pub fn add_dep(&mut self, ids: &[TaskId]) -> Result<()> {
        let first = self.deps().len();
        let Some(room) = self.explicit_deps.ids.get_mut(first..first + ids.len()) else {
            return self.refuse(
                c"too many explicit dependencies: a task takes 16",
                Error::ArgumentsFull {
                    what: "explicit dependencies",
                    given: ids.len(),
                    limit: MAX_EXPLICIT_DEPS,
                },
            );
        };
        room.copy_from_slice(ids);
        self.explicit_deps.count = count(first + ids.len()).cast_unsigned();
        Ok(())
    }

    /// Marks the object as unusable; the first reason stays.
    pub const fn set_error(&mut self, reason: &'static CStr) {
        if self.has_error == 0 {
            self.has_error = 1;
            self.error_msg = reason.as_ptr();
        }
    }

    /// Forgets tensors, scalars and dependencies. Launch settings and a refusal stay.
    pub const fn clear(&mut self) {
        self.tensor_count = 0;
        self.scalar_count = 0;
        self.explicit_deps.count = 0;
    }

    /// Forgets everything but the launch settings.
    pub const fn reset(&mut self) {
        self.clear();
        self.has_error = 0;
        self.error_msg = ptr::null();
    }

    /// The tensors in use with their tags; a count outside the limits counts as the nearest limit.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = (i32, *const c_void)> {
        let used = clamped(self.tensor_count, MAX_TENSOR_ARGS);
        let tags = self.tags[..used].iter().copied();
        tags.zip(self.tensors[..used].iter().copied())
    }

    /// The scalars in use; a count outside the limits counts as the nearest limit.
    #[inline]
    #[must_use]
    pub fn scalars(&self) -> &[u64] {
        &self.scalars[..clamped(self.scalar_count, MAX_SCALAR_ARGS)]
    }

    /// The dependencies in use; a count beyond the limit counts as the limit.
    #[inline]
    #[must_use]
    pub fn deps(&self) -> &[TaskId] {
        let used = (self.explicit_deps.count as usize).min(MAX_EXPLICIT_DEPS);
        &self.explicit_deps.ids[..used]
    }

    #[inline]
    fn add_existing(&mut self, tag: TensorArgType, tensors: &[*const Tensor]) -> Result<()> {
        let place = self.make_room(tensors.len())?;
        for (index, tensor) in (place..).zip(tensors) {
            self.put(index, tag, tensor.cast());
        }
        Ok(())
    }

    /// Makes room for `more` tensors and returns the place of the first.
    #[inline]
    fn make_room(&mut self, more: usize) -> Result<usize> {
        if self.scalar_count != 0 {
            self.refuse(
                c"a tensor was added after a scalar: add all tensors first",
                Error::TensorAfterScalar,
            )?;
        }
        let place = clamped(self.tensor_count, MAX_TENSOR_ARGS);
        if place + more > MAX_TENSOR_ARGS {
            self.refuse(
                c"too many tensors: a task takes 16",
                Error::ArgumentsFull {
                    what: "tensors",
                    given: more,
                    limit: MAX_TENSOR_ARGS,
                },
            )?;
        }
        self.tensor_count = count(place + more);
        Ok(place)
    }

    #[inline]
    const fn put(&mut self, index: usize, tag: TensorArgType, object: *const c_void) {
        self.tags[index] = tag.to_wire();
        self.tensors[index] = object;
    }

    fn refuse(&mut self, reason: &'static CStr, error: Error) -> Result<()> {
        self.set_error(reason);
        Err(error)
    }
}

/// A count as the wire holds it.
#[inline]
fn count(used: usize) -> i32 {
    i32::try_from(used).expect("limits are below a hundred")
}

#[inline]
fn clamped(count: i32, limit: usize) -> usize {
    usize::try_from(count).unwrap_or(0).min(limit)
}

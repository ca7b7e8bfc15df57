//! The arguments of a task, safe to build.
//!
//! Knows that what an argument object points to must live until it is submitted. Refuses to know what a submission does
//! with it.

use core::marker::PhantomData;

use aicore_abi::orchestration::trb::{Arg, LaunchSpec};
use aicore_abi::tensor::{Tensor, TensorCreateInfo};
use protocol::TaskId;

/// How many times a task runs, and whether all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Blocks; more than the 16 bits of the C interface can say.
    pub count: u32,
    /// All blocks start together.
    pub together: bool,
}

impl Default for Blocks {
    fn default() -> Self {
        Self {
            count: 1,
            together: false,
        }
    }
}

impl From<LaunchSpec> for Blocks {
    fn from(spec: LaunchSpec) -> Self {
        Self {
            // A negative number is refused like zero.
            count: u32::try_from(spec.block_num).unwrap_or(0),
            together: spec.require_sync_start != 0,
        }
    }
}

/// Arguments of one task, borrowed until they are submitted.
///
/// A refused addition is reported when the object is submitted; the first refusal counts.
#[derive(Clone, Debug, Default)]
pub struct Args<'a> {
    pub(crate) arg: Arg,
    pub(crate) blocks: Blocks,
    borrowed: PhantomData<&'a Tensor>,
}

impl<'a> Args<'a> {
    /// No arguments, one block.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The task reads `tensor`.
    #[inline]
    pub fn input(&mut self, tensor: &'a Tensor) -> &mut Self {
        self.noted(|arg| arg.add_input(&[tensor]).is_ok());
        self
    }

    /// The task creates a tensor.
    #[inline]
    pub fn output(&mut self, tensor: &'a TensorCreateInfo) -> &mut Self {
        self.noted(|arg| arg.add_output(&[tensor]).is_ok());
        self
    }

    /// The task writes `tensor`, which exists.
    #[inline]
    pub fn output_existing(&mut self, tensor: &'a Tensor) -> &mut Self {
        self.noted(|arg| arg.add_output_existing(&[tensor]).is_ok());
        self
    }

    /// The task reads and writes `tensor`.
    #[inline]
    pub fn inout(&mut self, tensor: &'a Tensor) -> &mut Self {
        self.noted(|arg| arg.add_inout(&[tensor]).is_ok());
        self
    }

    /// The task uses `tensor` without any order being kept.
    #[inline]
    pub fn no_dep(&mut self, tensor: &'a Tensor) -> &mut Self {
        self.noted(|arg| arg.add_no_dep(&[tensor]).is_ok());
        self
    }

    /// The task gets a constant, after all tensors.
    #[inline]
    pub fn scalar(&mut self, value: u64) -> &mut Self {
        self.noted(|arg| arg.add_scalars(&[value]).is_ok());
        self
    }

    /// The task waits for `task`.
    #[inline]
    pub fn after(&mut self, task: TaskId) -> &mut Self {
        self.noted(|arg| arg.add_dep(&[task]).is_ok());
        self
    }

    /// The task runs `count` times.
    #[inline]
    pub const fn blocks(&mut self, count: u32) -> &mut Self {
        self.blocks.count = count;
        self
    }

    /// All blocks of the task start together.
    #[inline]
    pub const fn together(&mut self) -> &mut Self {
        self.blocks.together = true;
        self
    }

    /// A refused addition has marked the object; submitting it will say why.
    #[inline]
    fn noted(&mut self, add: impl FnOnce(&mut Arg) -> bool) {
        let added = add(&mut self.arg);
        debug_assert!(
            added || self.arg.has_error != 0,
            "a refusal leaves its mark"
        );
    }
}

//! The tensor arguments of one task, read and checked.
//!
//! Knows what a tag lets a pointer point to. Refuses to know what the task does with it.

use core::ffi::c_void;

use aicore_abi::orchestration::trb::Arg;
use aicore_abi::tensor::{Tensor, TensorCreateInfo};
use protocol::TensorArgType;
use protocol::limits::trb::{MAX_EXPLICIT_DEPS, MAX_SCALAR_ARGS, MAX_TENSOR_ARGS};

use super::Orchestrator;
use crate::error::Fatal;

/// One tensor argument that was looked at.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    tag: i32,
    /// A tensor, or a creation record if the tag says output; aligned and checked.
    object: *const c_void,
}

/// The tensor arguments of one task, checked.
pub(super) struct Operands<'a> {
    tags: &'a [i32],
    objects: &'a [*const c_void],
    /// Bytes of all outputs together.
    pub(super) output_bytes: u64,
    /// Tensors the task writes and is registered for.
    pub(super) writes: u32,
}

const INPUT: i32 = TensorArgType::Input.to_wire();
const OUTPUT: i32 = TensorArgType::Output.to_wire();
const INOUT: i32 = TensorArgType::Inout.to_wire();
const OUTPUT_EXISTING: i32 = TensorArgType::OutputExisting.to_wire();

impl Operands<'_> {
    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = Operand> + '_ {
        let pairs = self.tags.iter().zip(self.objects);
        pairs.map(|(&tag, &object)| Operand { tag, object })
    }

    /// What the task does with them, to be written down.
    pub(super) fn roles(&self) -> u32 {
        crate::recording::roles(self.tags)
    }

    #[inline]
    pub(super) const fn count(&self) -> usize {
        self.tags.len()
    }
}

impl Operand {
    /// The creation record of an output.
    #[inline]
    pub(super) fn creation(&self) -> Option<&TensorCreateInfo> {
        // SAFETY: checked when the operand was read; the object lives until the submission returns.
        (self.tag == OUTPUT).then(|| unsafe { &*self.object.cast() })
    }

    /// The tensor of anything but an output.
    #[inline]
    pub(super) fn tensor(&self) -> Option<&Tensor> {
        // SAFETY: checked when the operand was read; the object lives until the submission returns.
        (self.tag != OUTPUT).then(|| unsafe { &*self.object.cast() })
    }

    /// Whether writers of the tensor are looked for.
    #[inline]
    pub(super) const fn reads(&self) -> bool {
        self.tag == INPUT || self.tag == INOUT
    }

    /// Whether a write that this access covers need not be waited for any more.
    #[inline]
    pub(super) const fn supersedes(&self) -> bool {
        self.tag == INOUT
    }

    /// The tensor, if the task is registered as its writer.
    #[inline]
    pub(super) fn written(&self) -> Option<&Tensor> {
        if self.tag != INOUT && self.tag != OUTPUT_EXISTING {
            return None;
        }
        self.tensor().filter(|tensor| tensor.manual_dep == 0)
    }
}

impl Orchestrator<'_> {
    /// Copies the objects of an argument object to where they are aligned: other programs' memory may be aligned to 16 bytes
    /// only.
    #[cold]
    pub(super) unsafe fn stage(&mut self, arg: &Arg) -> Arg {
        let mut aligned = *arg;
        let staged = &mut self.graph.staged;
        staged.clear();
        // Never more than an argument object holds, so earlier copies stay where they are.
        staged.reserve_exact(MAX_TENSOR_ARGS);
        for ((tag, object), place) in arg.tensors().zip(&mut aligned.tensors) {
            if object.is_null() {
                continue;
            }
            let bytes = if tag == OUTPUT {
                size_of::<TensorCreateInfo>()
            } else {
                size_of::<Tensor>()
            };
            staged.push(bytemuck::Zeroable::zeroed());
            let copy = core::ptr::from_mut(staged.last_mut().expect("just pushed"));
            // SAFETY: the caller says that so many bytes are there, and the copy is as large as the larger object.
            unsafe {
                core::ptr::copy_nonoverlapping(object.cast::<u8>(), copy.cast::<u8>(), bytes);
            }
            *place = copy.cast_const().cast();
        }
        aligned
    }
}

/// Refuses argument objects that are broken as a whole.
#[inline]
pub(super) fn check_arg(arg: &Arg) -> Result<(), Fatal> {
    if arg.has_error != 0 {
        return Err(invalid_arg(arg));
    }
    if counts(arg).iter().all(fits) {
        Ok(())
    } else {
        Err(bad_count(arg))
    }
}

/// What an argument object counts: its name, how many it has, how many it may have.
type Count = (&'static str, i64, usize);

#[inline]
fn counts(arg: &Arg) -> [Count; 3] {
    [
        ("tensor", i64::from(arg.tensor_count), MAX_TENSOR_ARGS),
        ("scalar", i64::from(arg.scalar_count), MAX_SCALAR_ARGS),
        (
            "explicit dependency",
            i64::from(arg.explicit_deps.count),
            MAX_EXPLICIT_DEPS,
        ),
    ]
}

#[inline]
fn fits(&(_, count, limit): &Count) -> bool {
    (0..=limit as i64).contains(&count)
}

#[cold]
fn bad_count(arg: &Arg) -> Fatal {
    let first = counts(arg).into_iter().find(|count| !fits(count));
    let (what, count, limit) = first.expect("one of them does not fit");
    Fatal::BadCount { what, count, limit }
}

#[cold]
fn invalid_arg(arg: &Arg) -> Fatal {
    let message = if arg.error_msg.is_null() {
        String::from("no reason was given")
    } else {
        // SAFETY: the interface demands a text that lives as long as the program.
        let text = unsafe { core::ffi::CStr::from_ptr(arg.error_msg) };
        text.to_string_lossy().into_owned()
    };
    Fatal::InvalidArg {
        message,
        tensors: arg.tensor_count,
        scalars: arg.scalar_count,
    }
}

/// Whether every object an argument object points to is where a reference may point.
#[inline]
pub(super) fn is_aligned(arg: &Arg) -> bool {
    let count = usize::try_from(arg.tensor_count)
        .unwrap_or(0)
        .min(MAX_TENSOR_ARGS);
    let bits = arg.tensors[..count]
        .iter()
        .fold(0, |bits, object| bits | object.addr());
    bits.is_multiple_of(align_of::<Tensor>())
}

/// Looks at every tensor argument before anything is done with any of them.
#[inline(always)]
pub(super) unsafe fn check_operands(arg: &Arg) -> Result<Operands<'_>, Fatal> {
    // Counts were checked before.
    let count = usize::try_from(arg.tensor_count)
        .unwrap_or(0)
        .min(MAX_TENSOR_ARGS);
    let mut operands = Operands {
        tags: &arg.tags[..count],
        objects: &arg.tensors[..count],
        output_bytes: 0,
        writes: 0,
    };
    for (index, (&tag, &object)) in arg.tags[..count].iter().zip(&arg.tensors).enumerate() {
        if object.is_null() || TensorArgType::from_wire(tag).is_err() {
            return Err(Fatal::BadPointer {
                index,
                tag,
                address: object.addr() as u64,
            });
        }
        let operand = Operand { tag, object };
        if let Some(creation) = operand.creation() {
            let bytes = creation
                .packed_size()
                .map_err(|reason| Fatal::BadTensor { index, reason })?;
            operands.output_bytes = operands
                .output_bytes
                .checked_add(bytes)
                .ok_or(Fatal::OutputTooLarge)?;
        } else if let Some(tensor) = operand.tensor() {
            tensor
                .validate()
                .and_then(|()| tensor.first_element())
                .map_err(|reason| Fatal::BadTensor { index, reason })?;
            operands.writes += u32::from(operand.written().is_some());
        }
    }
    Ok(operands)
}

//! The arguments of a submitted task, as kernels reach them.
//!
//! Knows the record in a ring of the shared block. Refuses to know who copies what into it: to
//! kernels and orchestrations only the addresses of the tensor descriptors matter.

use bytemuck::{Pod, Zeroable};
use protocol::limits::trb::{FANIN_INLINE, MAX_SCALAR_ARGS, MAX_TENSOR_ARGS};

use crate::tensor::Tensor;

/// Arguments and producers of one task.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct TaskPayload {
    /// Tensors in use.
    pub tensor_count: i32,
    /// Scalars in use.
    pub scalar_count: i32,
    /// Producers.
    pub fanin_actual_count: i32,
    /// First of the producers that did not fit, 0 for none.
    pub fanin_spill_start: i32,
    /// Private.
    pub fanin_spill_pool: u64,
    /// Private.
    pub fanin_inline_slot_states: [u64; FANIN_INLINE],
    /// Zero.
    pub pad: [u8; 40],
    /// Descriptors; their addresses go to kernels.
    pub tensors: [Tensor; MAX_TENSOR_ARGS],
    /// Scalars.
    pub scalars: [u64; MAX_SCALAR_ARGS],
}

protocol::pin_layout!(TaskPayload, 2880 bytes, align 64, {
    0 => tensor_count: i32,
    4 => scalar_count: i32,
    8 => fanin_actual_count: i32,
    12 => fanin_spill_start: i32,
    16 => fanin_spill_pool: u64,
    24 => fanin_inline_slot_states: [u64; FANIN_INLINE],
    536 => pad: [u8; 40],
    576 => tensors: [Tensor; MAX_TENSOR_ARGS],
    2624 => scalars: [u64; MAX_SCALAR_ARGS],
});

static_assertions::const_assert_eq!(
    size_of::<TaskPayload>(),
    protocol::shared_memory::TASK_PAYLOAD_BYTES
);

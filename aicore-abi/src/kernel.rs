//! What a kernel is called with.
//!
//! Knows the argument array's context words and the objects behind them. Refuses to know who fills
//! them in.
//!
//! A kernel of the device-built runtime gets one pointer to 50 words: tensor descriptor addresses,
//! then scalars, and at fixed places the addresses of a [`LocalContext`] and a [`GlobalContext`].
//! A kernel of the host-built runtime gets the words its task was added with and no contexts.

use bytemuck::{Pod, Zeroable};
use protocol::TaskId;
use protocol::limits::trb::MAX_COMPLETIONS_PER_TASK;

/// Word that holds the address of the [`LocalContext`].
pub use protocol::limits::trb::LOCAL_CONTEXT_INDEX;

/// Word that holds the address of the [`GlobalContext`].
pub use protocol::limits::trb::GLOBAL_CONTEXT_INDEX;

/// The entry of a kernel.
pub type KernelEntry = unsafe extern "C" fn(*mut i64);

/// Name of the entry in a simulated kernel's shared object.
pub const KERNEL_ENTRY: &core::ffi::CStr = c"kernel_entry";

/// Which block of which task this call computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LocalContext {
    /// The block.
    pub block_idx: i32,
    /// Blocks of the task.
    pub block_num: i32,
    /// Where the kernel says what it does not wait for.
    pub async_ctx: AsyncCtx,
}

protocol::pin_layout!(LocalContext, 48 bytes, align 8, {
    0 => block_idx: i32,
    4 => block_num: i32,
    8 => async_ctx: AsyncCtx,
});

/// Where a kernel registers conditions that complete its task later.
///
/// Addresses of the fields of one [`DeferredIngressBuffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct AsyncCtx {
    /// Address of the `u32` that counts the entries.
    pub completion_count: u64,
    /// Address of the `i32` that takes an error code.
    pub completion_error_code: u64,
    /// Address of the first [`DeferredCondition`].
    pub completion_entries: u64,
    /// Entries there is room for.
    pub completion_capacity: u32,
    /// Zero.
    pub reserved: u32,
    /// The task; with an invalid one nothing can be deferred.
    pub task_token: TaskId,
}

protocol::pin_layout!(AsyncCtx, 40 bytes, align 8, {
    0 => completion_count: u64,
    8 => completion_error_code: u64,
    16 => completion_entries: u64,
    24 => completion_capacity: u32,
    28 => reserved: u32,
    32 => task_token: TaskId,
});

/// What a core tells its kernels about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct GlobalContext {
    /// Lane among the vector cores of the cluster: 0 or 1; 0 on a cube core.
    pub sub_block_id: i32,
}

protocol::pin_layout!(GlobalContext, 4 bytes, align 4, {
    0 => sub_block_id: i32,
});

/// One condition that must hold before a task is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct DeferredCondition {
    /// Address to look at.
    pub addr: u64,
    /// Threshold of a counter.
    pub expected_value: u32,
    /// A [`CompletionEngine`], unchecked; information only.
    pub engine: u32,
    /// A [`CompletionType`], unchecked.
    pub completion_type: i32,
    /// Zero.
    pub pad: u32,
}

protocol::pin_layout!(DeferredCondition, 24 bytes, align 8, {
    0 => addr: u64,
    8 => expected_value: u32,
    12 => engine: u32,
    16 => completion_type: i32,
    20 => pad: u32,
});

/// The conditions of one dispatch; one buffer per core and payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct DeferredIngressBuffer {
    /// Entries in use.
    pub count: u32,
    /// Not zero: the run fails with this scheduler code.
    pub error_code: i32,
    /// The conditions.
    pub entries: [DeferredCondition; MAX_COMPLETIONS_PER_TASK],
    /// Unspecified.
    pub pad: [u8; 56],
}

protocol::pin_layout!(DeferredIngressBuffer, 1600 bytes, align 64, {
    0 => count: u32,
    4 => error_code: i32,
    8 => entries: [DeferredCondition; MAX_COMPLETIONS_PER_TASK],
    1544 => pad: [u8; 56],
});

impl AsyncCtx {
    /// The context through which a kernel of `task` reaches the buffer at `ingress`.
    #[must_use]
    pub const fn new(ingress: u64, task: TaskId) -> Self {
        use core::mem::offset_of;
        Self {
            completion_count: ingress + offset_of!(DeferredIngressBuffer, count) as u64,
            completion_error_code: ingress + offset_of!(DeferredIngressBuffer, error_code) as u64,
            completion_entries: ingress + offset_of!(DeferredIngressBuffer, entries) as u64,
            completion_capacity: DeferredIngressBuffer::CAPACITY,
            reserved: 0,
            task_token: task,
        }
    }
}

impl DeferredIngressBuffer {
    /// Conditions there is room for.
    #[expect(clippy::cast_possible_truncation, reason = "64")]
    pub const CAPACITY: u32 = MAX_COMPLETIONS_PER_TASK as u32;
}

/// The engine whose work a condition waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum CompletionEngine {
    /// System DMA.
    Sdma = 0,
    /// RDMA over Ethernet.
    Roce = 1,
    /// Unified remote memory access.
    Urma = 2,
    /// Collective communication unit.
    Ccu = 3,
}

/// How a condition is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum CompletionType {
    /// The `u32` at the address has reached the expected value.
    Counter = 0,
    /// The [`SdmaEventRecord`] at the address has its flag set. One chip family only.
    SdmaEventRecord = 1,
}

impl CompletionType {
    /// The type a wire word names.
    #[must_use]
    pub const fn from_wire(wire: i32) -> Option<Self> {
        match wire {
            0 => Some(Self::Counter),
            1 => Some(Self::SdmaEventRecord),
            _ => None,
        }
    }
}

/// What the system DMA writes when a transfer is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SdmaEventRecord {
    /// Not zero: the transfer is over.
    pub flag: u32,
    /// Queue position to acknowledge.
    pub sq_tail: u32,
    /// Address of the word the acknowledgement is written to, 0 for none.
    pub channel_info: u64,
}

protocol::pin_layout!(SdmaEventRecord, 16 bytes, align 8, {
    0 => flag: u32,
    4 => sq_tail: u32,
    8 => channel_info: u64,
});

impl SdmaEventRecord {
    /// The word that acknowledges the transfer.
    #[must_use]
    pub const fn acknowledgement(&self) -> u64 {
        (self.sq_tail as u64) << 32 | self.sq_tail as u64
    }
}

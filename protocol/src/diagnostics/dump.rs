//! The tensor dump: contents of tensors before and after each task.
//!
//! Knows the records and the head of their block. Refuses to know the payload's format: it is the
//! tensor's bytes.

use bytemuck::{Pod, Zeroable};

use super::queues::{FreeQueue, ReadyQueues};
use crate::limits::TENSOR_MAX_DIMS;
use crate::wire_enum::wire_enum;

/// Marks the head as written.
pub const TENSOR_DUMP_MAGIC: u32 = 0x4455_4d50;
/// Records of a buffer.
const RECORDS: usize = 256;

wire_enum! {
    /// What the task does with the tensor.
    pub enum TensorDumpRole: u8 as "role" {
        /// Reads it.
        Input = 0 => "INPUT",
        /// Writes it.
        Output = 1 => "OUTPUT",
        /// Reads and writes it.
        Inout = 2 => "INOUT",
    }
}

wire_enum! {
    /// When the content was taken.
    pub enum TensorDumpStage: u8 as "stage" {
        /// Before the task was dispatched.
        BeforeDispatch = 0 => "BEFORE_DISPATCH",
        /// After the task was complete.
        AfterCompletion = 1 => "AFTER_COMPLETION",
    }
}

/// One tensor of one task at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct TensorDumpRecord {
    /// The task.
    pub task_id: u64,
    /// The lane: AIC, AIV0, AIV1.
    pub subtask_id: u8,
    /// A [`TensorDumpRole`], unchecked.
    pub role: u8,
    /// A [`TensorDumpStage`], unchecked.
    pub stage: u8,
    /// Dimensions in use.
    pub ndims: u8,
    /// The kernel.
    pub func_id: u32,
    /// Which tensor of the task.
    pub arg_index: u32,
    /// A [`DataType`](crate::DataType), unchecked.
    pub dtype: u8,
    /// Not zero: the content was cut.
    pub truncated: u8,
    /// Not zero: the region's elements lie one behind the other.
    pub is_contiguous: u8,
    /// Zero.
    pub pad0: u8,
    /// Where in the thread's arena the content starts; runs on.
    pub payload_offset: u64,
    /// Bytes of content.
    pub payload_size: u64,
    /// Zero.
    pub pad1: [u8; 24],
    /// Extents of the region.
    pub shapes: [u32; TENSOR_MAX_DIMS],
    /// Where in the buffer the region starts.
    pub offsets: [u32; TENSOR_MAX_DIMS],
    /// Extents of the buffer.
    pub raw_shapes: [u32; TENSOR_MAX_DIMS],
    /// Zero.
    pub pad2: u32,
}

crate::pin_layout!(TensorDumpRecord, 128 bytes, align 64, {
    0 => task_id: u64,
    8 => subtask_id: u8,
    9 => role: u8,
    10 => stage: u8,
    11 => ndims: u8,
    12 => func_id: u32,
    16 => arg_index: u32,
    20 => dtype: u8,
    21 => truncated: u8,
    22 => is_contiguous: u8,
    23 => pad0: u8,
    24 => payload_offset: u64,
    32 => payload_size: u64,
    40 => pad1: [u8; 24],
    64 => shapes: [u32; TENSOR_MAX_DIMS],
    84 => offsets: [u32; TENSOR_MAX_DIMS],
    104 => raw_shapes: [u32; TENSOR_MAX_DIMS],
    124 => pad2: u32,
});

/// Records of one AICPU thread.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct DumpMetaBuffer {
    /// The records.
    pub records: [TensorDumpRecord; RECORDS],
    /// How many.
    pub count: u32,
    /// Zero.
    pub pad: [u8; 60],
}

crate::pin_layout!(DumpMetaBuffer, 32832 bytes, align 64, {
    0 => records: [TensorDumpRecord; RECORDS],
    32768 => count: u32,
    32772 => pad: [u8; 60],
});

/// Books of one AICPU thread's buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct DumpBufferState {
    /// Empty buffers.
    pub free_queue: FreeQueue,
    /// Address of the buffer in use, 0 for none.
    pub current_buf_ptr: u64,
    /// Its number.
    pub current_buf_seq: u32,
    /// Zero.
    pub pad0: u32,
    /// Address of the arena for contents.
    pub arena_base: u64,
    /// Bytes of it.
    pub arena_size: u64,
    /// Bytes ever written to it.
    pub arena_write_offset: u64,
    /// Records for which there was no room.
    pub dropped_record_count: u32,
    /// Zero.
    pub pad1: [u8; 84],
}

crate::pin_layout!(DumpBufferState, 256 bytes, align 64, {
    0 => free_queue: FreeQueue,
    128 => current_buf_ptr: u64,
    136 => current_buf_seq: u32,
    140 => pad0: u32,
    144 => arena_base: u64,
    152 => arena_size: u64,
    160 => arena_write_offset: u64,
    168 => dropped_record_count: u32,
    172 => pad1: [u8; 84],
});

/// Head of the block on [`A2a3`](crate::A2a3).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct DumpDataHeaderA2a3 {
    /// Full buffers, per thread.
    pub queues: ReadyQueues<4, 64>,
    /// Where the host reads.
    pub queue_heads: [u32; 4],
    /// Where the device writes.
    pub queue_tails: [u32; 4],
    /// Threads.
    pub num_dump_threads: u32,
    /// Records of a buffer.
    pub records_per_buffer: u32,
    /// Bytes of a thread's arena.
    pub arena_size_per_thread: u64,
    /// [`TENSOR_DUMP_MAGIC`] once written.
    pub magic: u32,
    /// Zero.
    pub pad: [u8; 12],
}

crate::pin_layout!(DumpDataHeaderA2a3, 8256 bytes, align 64, {
    0 => queues: ReadyQueues<4, 64>,
    8192 => queue_heads: [u32; 4],
    8208 => queue_tails: [u32; 4],
    8224 => num_dump_threads: u32,
    8228 => records_per_buffer: u32,
    8232 => arena_size_per_thread: u64,
    8240 => magic: u32,
    8244 => pad: [u8; 12],
});

/// Head of the block on [`A5`](crate::A5).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct DumpDataHeaderA5 {
    /// Full buffers, per thread.
    pub queues: ReadyQueues<7, 112>,
    /// Where the host reads.
    pub queue_heads: [u32; 7],
    /// Where the device writes.
    pub queue_tails: [u32; 7],
    /// Threads.
    pub num_dump_threads: u32,
    /// Records of a buffer.
    pub records_per_buffer: u32,
    /// Bytes of a thread's arena.
    pub arena_size_per_thread: u64,
    /// [`TENSOR_DUMP_MAGIC`] once written.
    pub magic: u32,
    /// Zero.
    pub pad: [u8; 52],
}

crate::pin_layout!(DumpDataHeaderA5, 25216 bytes, align 64, {
    0 => queues: ReadyQueues<7, 112>,
    25088 => queue_heads: [u32; 7],
    25116 => queue_tails: [u32; 7],
    25144 => num_dump_threads: u32,
    25148 => records_per_buffer: u32,
    25152 => arena_size_per_thread: u64,
    25160 => magic: u32,
    25164 => pad: [u8; 52],
});

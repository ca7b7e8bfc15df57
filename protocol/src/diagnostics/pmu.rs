//! Performance counters: what the hardware counted during each task.
//!
//! Knows the records and the head of their block. Refuses to know what a count means: the tables of
//! events are in the neighbouring file.

use bytemuck::{Pod, Zeroable};

use super::queues::{FreeQueue, ReadyQueues};
use crate::wire_enum::wire_enum;

/// Records of a buffer.
const RECORDS: usize = 512;
/// Records of a buffer that the AICore writes and the AICPU completes, by token parity.
const STAGED: usize = 2;

wire_enum! {
    /// What is counted in a run.
    pub enum PmuEventSet: u32 as "event_type" {
        /// How busy the arithmetic units are.
        ArithmeticUtilization = 1 => "ARITHMETIC_UTILIZATION",
        /// How busy the pipes are.
        PipeUtilization = 2 => "PIPE_UTILIZATION",
        /// Memory traffic.
        Memory = 4 => "MEMORY",
        /// Traffic of the first-level buffers.
        MemoryL0 = 5 => "MEMORY_L0",
        /// Waiting for one another.
        ResourceConflict = 6 => "RESOURCE_CONFLICT",
        /// Traffic of the unified buffer.
        MemoryUb = 7 => "MEMORY_UB",
        /// Second-level cache.
        L2Cache = 8 => "L2_CACHE",
    }
}

impl PmuEventSet {
    /// The set that is counted when a run asks for one there is not.
    pub const DEFAULT: Self = Self::PipeUtilization;
}

/// Counts of one task on [`A2a3`](crate::A2a3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct PmuRecordA2a3 {
    /// The task.
    pub task_id: u64,
    /// The kernel.
    pub func_id: u32,
    /// A [`CoreType`](crate::CoreType), unchecked.
    pub core_type: i32,
    /// Cycles in all.
    pub pmu_total_cycles: u64,
    /// The counts.
    pub pmu_counters: [u32; 8],
    /// Zero.
    pub pad: [u8; 8],
}

crate::pin_layout!(PmuRecordA2a3, 64 bytes, align 64, {
    0 => task_id: u64,
    8 => func_id: u32,
    12 => core_type: i32,
    16 => pmu_total_cycles: u64,
    24 => pmu_counters: [u32; 8],
    56 => pad: [u8; 8],
});

/// Counts of one task on [`A5`](crate::A5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct PmuRecordA5 {
    /// The task.
    pub task_id: u64,
    /// The kernel.
    pub func_id: u32,
    /// A [`CoreType`](crate::CoreType), unchecked.
    pub core_type: i32,
    /// Cycles in all.
    pub pmu_total_cycles: u64,
    /// The counts.
    pub pmu_counters: [u32; 10],
}

crate::pin_layout!(PmuRecordA5, 64 bytes, align 64, {
    0 => task_id: u64,
    8 => func_id: u32,
    12 => core_type: i32,
    16 => pmu_total_cycles: u64,
    24 => pmu_counters: [u32; 10],
});

/// Records of one core on [`A2a3`](crate::A2a3).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct PmuBufferA2a3 {
    /// The records.
    pub records: [PmuRecordA2a3; RECORDS],
    /// How many.
    pub count: u32,
    /// Zero.
    pub pad: [u8; 60],
}

crate::pin_layout!(PmuBufferA2a3, 32832 bytes, align 64, {
    0 => records: [PmuRecordA2a3; RECORDS],
    32768 => count: u32,
    32772 => pad: [u8; 60],
});

/// Records of one core on [`A5`](crate::A5).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct PmuBufferA5 {
    /// How many records.
    pub count: u32,
    /// Zero.
    pub pad: [u8; 60],
    /// Where the core stages its records, by token parity.
    pub dual_issue_slots: [PmuRecordA5; STAGED],
    /// The records.
    pub records: [PmuRecordA5; RECORDS],
}

crate::pin_layout!(PmuBufferA5, 32960 bytes, align 64, {
    0 => count: u32,
    4 => pad: [u8; 60],
    64 => dual_issue_slots: [PmuRecordA5; STAGED],
    192 => records: [PmuRecordA5; RECORDS],
});

/// Books of one core's buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct PmuBufferState {
    /// Empty buffers.
    pub free_queue: FreeQueue,
    /// Address of the buffer in use, 0 for none.
    pub current_buf_ptr: u64,
    /// Its number.
    pub current_buf_seq: u32,
    /// Records for which there was no room.
    pub dropped_record_count: u32,
    /// Records that were to be written.
    pub total_record_count: u32,
    /// Zero.
    pub pad: [u8; 44],
}

crate::pin_layout!(PmuBufferState, 192 bytes, align 64, {
    0 => free_queue: FreeQueue,
    128 => current_buf_ptr: u64,
    136 => current_buf_seq: u32,
    140 => dropped_record_count: u32,
    144 => total_record_count: u32,
    148 => pad: [u8; 44],
});

/// Head of the block on [`A2a3`](crate::A2a3).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct PmuDataHeaderA2a3 {
    /// Full buffers, per thread.
    pub queues: ReadyQueues<4, 288>,
    /// Where the host reads.
    pub queue_heads: [u32; 4],
    /// Where the device writes.
    pub queue_tails: [u32; 4],
    /// Cores.
    pub num_cores: u32,
    /// A [`PmuEventSet`], unchecked.
    pub event_type: u32,
    /// Zero.
    pub pad: [u8; 24],
}

crate::pin_layout!(PmuDataHeaderA2a3, 36928 bytes, align 64, {
    0 => queues: ReadyQueues<4, 288>,
    36864 => queue_heads: [u32; 4],
    36880 => queue_tails: [u32; 4],
    36896 => num_cores: u32,
    36900 => event_type: u32,
    36904 => pad: [u8; 24],
});

/// Head of the block on [`A5`](crate::A5).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct PmuDataHeaderA5 {
    /// Full buffers, per thread.
    pub queues: ReadyQueues<7, 432>,
    /// Where the host reads.
    pub queue_heads: [u32; 7],
    /// Where the device writes.
    pub queue_tails: [u32; 7],
    /// Cores.
    pub num_cores: u32,
    /// A [`PmuEventSet`], unchecked.
    pub event_type: u32,
    /// Zero.
    pub pad: [u8; 64],
}

crate::pin_layout!(PmuDataHeaderA5, 96896 bytes, align 64, {
    0 => queues: ReadyQueues<7, 432>,
    96768 => queue_heads: [u32; 7],
    96796 => queue_tails: [u32; 7],
    96824 => num_cores: u32,
    96828 => event_type: u32,
    96832 => pad: [u8; 64],
});

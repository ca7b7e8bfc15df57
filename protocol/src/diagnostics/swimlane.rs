//! The swimlane: when each task ran, and what the AICPU threads did meanwhile.
//!
//! Knows the records and the head of their block. Refuses to know clocks.
//!
//! Block: head, one buffer state per core, and with phases a phase head and one state per thread.

use bytemuck::{Pod, Zeroable};

use super::queues::{FreeQueue, ReadyQueues};
use crate::limits::hbg::MAX_FANOUT;
use crate::wire_enum::wire_enum;

/// Marks a phase head and an orchestrator summary as written.
pub const AICPU_PHASE_MAGIC: u32 = 0x4143_5048;
/// Records of a buffer.
const RECORDS: usize = 1000;
/// Records of a buffer that the AICore writes and the AICPU completes, by token parity.
const STAGED: usize = 2;

/// One task on one core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct L2PerfRecord {
    /// When the kernel started, by the core's counter.
    pub start_time: u64,
    /// When the kernel returned, by the core's counter.
    pub end_time: u64,
    /// The difference.
    pub duration: u64,
    /// When it was dispatched, by the AICPU's counter.
    pub dispatch_time: u64,
    /// When its end was seen, by the AICPU's counter.
    pub finish_time: u64,
    /// The token while staged, then the task.
    pub task_id: u64,
    /// The kernel.
    pub func_id: u32,
    /// A [`CoreType`](crate::CoreType), unchecked.
    pub core_type: i32,
    /// The tasks that wait for it.
    pub fanout: [u64; MAX_FANOUT],
    /// How many.
    pub fanout_count: i32,
    /// Zero.
    pub pad: u32,
}

crate::pin_layout!(L2PerfRecord, 1088 bytes, align 64, {
    0 => start_time: u64,
    8 => end_time: u64,
    16 => duration: u64,
    24 => dispatch_time: u64,
    32 => finish_time: u64,
    40 => task_id: u64,
    48 => func_id: u32,
    52 => core_type: i32,
    56 => fanout: [u64; MAX_FANOUT],
    1080 => fanout_count: i32,
    1084 => pad: u32,
});

/// Where a core stages its records, by token parity; one family only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct L2PerfAicoreRing {
    /// The two.
    pub records: [L2PerfRecord; STAGED],
}

crate::pin_layout!(L2PerfAicoreRing, 2176 bytes, align 64, {
    0 => records: [L2PerfRecord; STAGED],
});

/// Records of one core on [`A2a3`](crate::A2a3).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct L2PerfBufferA2a3 {
    /// The records.
    pub records: [L2PerfRecord; RECORDS],
    /// How many.
    pub count: u32,
    /// Zero.
    pub pad: [u8; 60],
}

crate::pin_layout!(L2PerfBufferA2a3, 1088064 bytes, align 64, {
    0 => records: [L2PerfRecord; RECORDS],
    1088000 => count: u32,
    1088004 => pad: [u8; 60],
});

/// Records of one core on [`A5`](crate::A5).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct L2PerfBufferA5 {
    /// Where the core stages its records, by token parity.
    pub wip: [L2PerfRecord; STAGED],
    /// The records.
    pub records: [L2PerfRecord; RECORDS],
    /// How many.
    pub count: u32,
    /// Zero.
    pub pad: [u8; 60],
}

crate::pin_layout!(L2PerfBufferA5, 1090240 bytes, align 64, {
    0 => wip: [L2PerfRecord; STAGED],
    2176 => records: [L2PerfRecord; RECORDS],
    1090176 => count: u32,
    1090180 => pad: [u8; 60],
});

/// Books of one core's buffers on [`A2a3`](crate::A2a3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct L2PerfBufferStateA2a3 {
    /// Empty buffers.
    pub free_queue: FreeQueue,
    /// Address of the buffer in use, 0 for none.
    pub current_buf_ptr: u64,
    /// Address of the staging ring.
    pub aicore_ring_ptr: u64,
    /// Its number.
    pub current_buf_seq: u32,
    /// Records that were to be written.
    pub total_record_count: u32,
    /// Records for which there was no room.
    pub dropped_record_count: u32,
    /// Staged records that belonged to another token.
    pub mismatch_record_count: u32,
    /// Zero.
    pub pad: [u8; 32],
}

crate::pin_layout!(L2PerfBufferStateA2a3, 192 bytes, align 64, {
    0 => free_queue: FreeQueue,
    128 => current_buf_ptr: u64,
    136 => aicore_ring_ptr: u64,
    144 => current_buf_seq: u32,
    148 => total_record_count: u32,
    152 => dropped_record_count: u32,
    156 => mismatch_record_count: u32,
    160 => pad: [u8; 32],
});

/// Books of one core's buffers on [`A5`](crate::A5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct L2PerfBufferStateA5 {
    /// Empty buffers.
    pub free_queue: FreeQueue,
    /// Address of the buffer in use, 0 for none.
    pub current_buf_ptr: u64,
    /// Its number.
    pub current_buf_seq: u32,
    /// Zero.
    pub pad: [u8; 52],
}

crate::pin_layout!(L2PerfBufferStateA5, 192 bytes, align 64, {
    0 => free_queue: FreeQueue,
    128 => current_buf_ptr: u64,
    136 => current_buf_seq: u32,
    140 => pad: [u8; 52],
});

/// Head of the block on [`A2a3`](crate::A2a3).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct L2PerfDataHeaderA2a3 {
    /// Full buffers, per thread.
    pub queues: ReadyQueues<4, 640>,
    /// Where the host reads.
    pub queue_heads: [u32; 4],
    /// Where the device writes.
    pub queue_tails: [u32; 4],
    /// Cores.
    pub num_cores: u32,
    /// Zero.
    pub pad: [u8; 28],
}

crate::pin_layout!(L2PerfDataHeaderA2a3, 81984 bytes, align 64, {
    0 => queues: ReadyQueues<4, 640>,
    81920 => queue_heads: [u32; 4],
    81936 => queue_tails: [u32; 4],
    81952 => num_cores: u32,
    81956 => pad: [u8; 28],
});

/// Head of the block on [`A5`](crate::A5).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct L2PerfDataHeaderA5 {
    /// Full buffers, per thread.
    pub queues: ReadyQueues<7, 976>,
    /// Where the host reads.
    pub queue_heads: [u32; 7],
    /// Where the device writes.
    pub queue_tails: [u32; 7],
    /// Cores.
    pub num_cores: u32,
    /// Tasks of the run.
    pub total_tasks: u32,
}

crate::pin_layout!(L2PerfDataHeaderA5, 218688 bytes, align 64, {
    0 => queues: ReadyQueues<7, 976>,
    218624 => queue_heads: [u32; 7],
    218652 => queue_tails: [u32; 7],
    218680 => num_cores: u32,
    218684 => total_tasks: u32,
});

wire_enum! {
    /// What an AICPU thread did.
    pub enum AicpuPhaseId: u32 as "phase_id" {
        /// Scheduler: handled tasks that finished.
        SchedComplete = 0 => "SCHED_COMPLETE",
        /// Scheduler: dispatched tasks.
        SchedDispatch = 1 => "SCHED_DISPATCH",
        /// Scheduler: looked for ready tasks.
        SchedScan = 2 => "SCHED_SCAN",
        /// Scheduler: waited.
        SchedIdleWait = 3 => "SCHED_IDLE_WAIT",
        /// Orchestrator: synchronised.
        OrchSync = 16 => "ORCH_SYNC",
        /// Orchestrator: allocated a slot.
        OrchAlloc = 17 => "ORCH_ALLOC",
        /// Orchestrator: copied arguments.
        OrchParams = 18 => "ORCH_PARAMS",
        /// Orchestrator: looked producers up.
        OrchLookup = 19 => "ORCH_LOOKUP",
        /// Orchestrator: allocated outputs.
        OrchHeap = 20 => "ORCH_HEAP",
        /// Orchestrator: registered writers.
        OrchInsert = 21 => "ORCH_INSERT",
        /// Orchestrator: stored producers.
        OrchFanin = 22 => "ORCH_FANIN",
        /// Orchestrator: handed the task over.
        OrchFinalize = 23 => "ORCH_FINALIZE",
        /// Orchestrator: closed a scope.
        OrchScopeEnd = 24 => "ORCH_SCOPE_END",
    }
}

/// One phase of one AICPU thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct AicpuPhaseRecord {
    /// When it began.
    pub start_time: u64,
    /// When it ended.
    pub end_time: u64,
    /// The iteration it belongs to.
    pub loop_iter: u32,
    /// An [`AicpuPhaseId`], unchecked.
    pub phase_id: u32,
    /// The task, or how many were handled.
    pub task_id: u64,
}

crate::pin_layout!(AicpuPhaseRecord, 32 bytes, align 8, {
    0 => start_time: u64,
    8 => end_time: u64,
    16 => loop_iter: u32,
    20 => phase_id: u32,
    24 => task_id: u64,
});

/// What the orchestrator's phases add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct AicpuOrchSummary {
    /// When orchestration began.
    pub start_time: u64,
    /// When it ended.
    pub end_time: u64,
    /// Ticks in synchronisation.
    pub sync_cycle: u64,
    /// Ticks in slot allocation.
    pub alloc_cycle: u64,
    /// Ticks in argument copies.
    pub args_cycle: u64,
    /// Ticks in lookups.
    pub lookup_cycle: u64,
    /// Ticks in output allocation.
    pub heap_cycle: u64,
    /// Ticks in registrations.
    pub insert_cycle: u64,
    /// Ticks in storing producers.
    pub fanin_cycle: u64,
    /// Ticks in closing scopes.
    pub scope_end_cycle: u64,
    /// Tasks submitted.
    pub submit_count: i64,
    /// [`AICPU_PHASE_MAGIC`] once written.
    pub magic: u32,
    /// Zero.
    pub pad: [u8; 36],
}

crate::pin_layout!(AicpuOrchSummary, 128 bytes, align 64, {
    0 => start_time: u64,
    8 => end_time: u64,
    16 => sync_cycle: u64,
    24 => alloc_cycle: u64,
    32 => args_cycle: u64,
    40 => lookup_cycle: u64,
    48 => heap_cycle: u64,
    56 => insert_cycle: u64,
    64 => fanin_cycle: u64,
    72 => scope_end_cycle: u64,
    80 => submit_count: i64,
    88 => magic: u32,
    92 => pad: [u8; 36],
});

/// Head of the phases on [`A2a3`](crate::A2a3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct AicpuPhaseHeaderA2a3 {
    /// [`AICPU_PHASE_MAGIC`] once written.
    pub magic: u32,
    /// Scheduler threads.
    pub num_sched_threads: u32,
    /// Records of a phase buffer.
    pub records_per_thread: u32,
    /// Cores.
    pub num_cores: u32,
    /// The thread that drives each core, −1 for none.
    pub core_to_thread: [i8; 72],
    /// Zero.
    pub pad: [u8; 40],
    /// The orchestrator's totals.
    pub orch_summary: AicpuOrchSummary,
}

crate::pin_layout!(AicpuPhaseHeaderA2a3, 256 bytes, align 64, {
    0 => magic: u32,
    4 => num_sched_threads: u32,
    8 => records_per_thread: u32,
    12 => num_cores: u32,
    16 => core_to_thread: [i8; 72],
    88 => pad: [u8; 40],
    128 => orch_summary: AicpuOrchSummary,
});

/// Head of the phases on [`A5`](crate::A5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct AicpuPhaseHeaderA5 {
    /// [`AICPU_PHASE_MAGIC`] once written.
    pub magic: u32,
    /// Scheduler threads.
    pub num_sched_threads: u32,
    /// Records of a phase buffer.
    pub records_per_thread: u32,
    /// Cores.
    pub num_cores: u32,
    /// The thread that drives each core, −1 for none.
    pub core_to_thread: [i8; 108],
    /// Zero.
    pub pad: [u8; 4],
    /// The orchestrator's totals.
    pub orch_summary: AicpuOrchSummary,
}

crate::pin_layout!(AicpuPhaseHeaderA5, 256 bytes, align 64, {
    0 => magic: u32,
    4 => num_sched_threads: u32,
    8 => records_per_thread: u32,
    12 => num_cores: u32,
    16 => core_to_thread: [i8; 108],
    124 => pad: [u8; 4],
    128 => orch_summary: AicpuOrchSummary,
});

/// Phases of one thread on [`A2a3`](crate::A2a3).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct PhaseBufferA2a3 {
    /// The records.
    pub records: [AicpuPhaseRecord; 16384],
    /// How many.
    pub count: u32,
    /// Zero.
    pub pad: [u8; 60],
}

crate::pin_layout!(PhaseBufferA2a3, 524352 bytes, align 64, {
    0 => records: [AicpuPhaseRecord; 16384],
    524288 => count: u32,
    524292 => pad: [u8; 60],
});

/// Phases of one thread on [`A5`](crate::A5).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct PhaseBufferA5 {
    /// The records.
    pub records: [AicpuPhaseRecord; 500000],
    /// How many.
    pub count: u32,
    /// Zero.
    pub pad: [u8; 60],
}

crate::pin_layout!(PhaseBufferA5, 16000064 bytes, align 64, {
    0 => records: [AicpuPhaseRecord; 500000],
    16000000 => count: u32,
    16000004 => pad: [u8; 60],
});

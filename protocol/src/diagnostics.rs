//! The blocks in which device and host exchange what diagnostics record.
//!
//! Knows the records of swimlane, tensor dump and performance counters, and the two queues all three
//! use. Refuses to know when something is recorded.
//!
//! Buffers travel in a circle: the host fills a *free queue* of addresses per producer, the device
//! writes records and returns full buffers through a *ready queue* per AICPU thread. A ready queue is
//! empty when head is tail and full when the next tail would be head; positions of a free queue run on
//! and count modulo its slots.

mod dump;
mod pmu;
mod pmu_events;
mod swimlane;

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

pub use dump::{
    DumpBufferState, DumpDataHeaderA2a3, DumpDataHeaderA5, DumpMetaBuffer, TENSOR_DUMP_MAGIC,
    TensorDumpRecord, TensorDumpRole, TensorDumpStage,
};
pub use pmu::{
    PmuBufferA2a3, PmuBufferA5, PmuBufferState, PmuDataHeaderA2a3, PmuDataHeaderA5, PmuEventSet,
    PmuRecordA2a3, PmuRecordA5,
};
pub(crate) use pmu_events::{A2A3 as A2A3_EVENTS, A5 as A5_EVENTS};
pub use pmu_events::{PmuEvent, PmuEvents};
pub use swimlane::{
    AICPU_PHASE_MAGIC, AicpuOrchSummary, AicpuPhaseHeaderA2a3, AicpuPhaseHeaderA5, AicpuPhaseId,
    AicpuPhaseRecord, L2PerfAicoreRing, L2PerfBufferA2a3, L2PerfBufferA5, L2PerfBufferStateA2a3,
    L2PerfBufferStateA5, L2PerfDataHeaderA2a3, L2PerfDataHeaderA5, L2PerfRecord, PhaseBufferA2a3,
    PhaseBufferA5,
};

use crate::{A2a3, A5, Arch, Pinned};

/// Addresses a free queue holds.
pub const FREE_QUEUE_SLOTS: usize = 4;

/// Empty buffers, host to device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct FreeQueue {
    /// Addresses.
    pub buffer_ptrs: [u64; FREE_QUEUE_SLOTS],
    /// Buffers taken, counted by the device.
    pub head: u32,
    /// Buffers given, counted by the host.
    pub tail: u32,
    /// Zero.
    pub pad: [u8; 88],
}

crate::pin_layout!(FreeQueue, 128 bytes, align 64, {
    0 => buffer_ptrs: [u64; FREE_QUEUE_SLOTS],
    32 => head: u32,
    36 => tail: u32,
    40 => pad: [u8; 88],
});

/// One full buffer, device to host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(32))]
pub struct ReadyQueueEntry {
    /// The core, or the AICPU thread, that wrote it.
    pub owner: u32,
    /// 1 for a buffer of AICPU phases, otherwise 0.
    pub is_phase: u32,
    /// Its address.
    pub buffer_ptr: u64,
    /// Its number among the owner's buffers.
    pub buffer_seq: u32,
    /// Zero.
    pub pad: [u8; 12],
}

crate::pin_layout!(ReadyQueueEntry, 32 bytes, align 32, {
    0 => owner: u32,
    4 => is_phase: u32,
    8 => buffer_ptr: u64,
    16 => buffer_seq: u32,
    20 => pad: [u8; 12],
});

/// A chip family whose diagnostic records are known.
pub trait DiagnosticRecords: Arch {
    /// Head of the swimlane block.
    type L2PerfDataHeader: Pod + Pinned + Send + Sync;
    /// Swimlane buffer of one core.
    type L2PerfBuffer: Pod + Pinned + Send + Sync;
    /// Books of one core's swimlane buffers.
    type L2PerfBufferState: Pod + Pinned + Send + Sync;
    /// Head of the phases in the swimlane block.
    type AicpuPhaseHeader: Pod + Pinned + Send + Sync;
    /// Phase buffer of one AICPU thread.
    type PhaseBuffer: Pod + Pinned + Send + Sync;
    /// Head of the tensor dump block.
    type DumpDataHeader: Pod + Pinned + Send + Sync;
    /// Head of the counter block.
    type PmuDataHeader: Pod + Pinned + Send + Sync;
    /// Counter buffer of one core.
    type PmuBuffer: Pod + Pinned + Send + Sync;
    /// Counters of one task.
    type PmuRecord: Pod + Pinned + Send + Sync;
    /// Ready-queue entries per thread: swimlane.
    const SWIMLANE_READY_ENTRIES: usize;
    /// Ready-queue entries per thread: tensor dump.
    const DUMP_READY_ENTRIES: usize;
    /// Ready-queue entries per thread: counters.
    const PMU_READY_ENTRIES: usize;
    /// Records of a phase buffer.
    const PHASE_RECORDS: usize;
}

impl DiagnosticRecords for A2a3 {
    type L2PerfDataHeader = L2PerfDataHeaderA2a3;
    type L2PerfBuffer = L2PerfBufferA2a3;
    type L2PerfBufferState = L2PerfBufferStateA2a3;
    type AicpuPhaseHeader = AicpuPhaseHeaderA2a3;
    type PhaseBuffer = PhaseBufferA2a3;
    type DumpDataHeader = DumpDataHeaderA2a3;
    type PmuDataHeader = PmuDataHeaderA2a3;
    type PmuBuffer = PmuBufferA2a3;
    type PmuRecord = PmuRecordA2a3;
    const SWIMLANE_READY_ENTRIES: usize = 640;
    const DUMP_READY_ENTRIES: usize = 64;
    const PMU_READY_ENTRIES: usize = 288;
    const PHASE_RECORDS: usize = 16_384;
}

impl DiagnosticRecords for A5 {
    type L2PerfDataHeader = L2PerfDataHeaderA5;
    type L2PerfBuffer = L2PerfBufferA5;
    type L2PerfBufferState = L2PerfBufferStateA5;
    type AicpuPhaseHeader = AicpuPhaseHeaderA5;
    type PhaseBuffer = PhaseBufferA5;
    type DumpDataHeader = DumpDataHeaderA5;
    type PmuDataHeader = PmuDataHeaderA5;
    type PmuBuffer = PmuBufferA5;
    type PmuRecord = PmuRecordA5;
    const SWIMLANE_READY_ENTRIES: usize = 976;
    const DUMP_READY_ENTRIES: usize = 112;
    const PMU_READY_ENTRIES: usize = 432;
    const PHASE_RECORDS: usize = 500_000;
}

/// What must hold between a family's numbers and its heads.
macro_rules! check_ready_queues {
    ($arch:ty, $swimlane:ty, $dump:ty, $pmu:ty, $phases:ty) => {
        const _: () = {
            const fn queues(entries: usize) -> usize {
                <$arch as Arch>::MAX_AICPU_THREADS as usize * entries * size_of::<ReadyQueueEntry>()
            }
            assert!(queues(<$arch>::SWIMLANE_READY_ENTRIES) == offset_of!($swimlane, queue_heads));
            assert!(queues(<$arch>::DUMP_READY_ENTRIES) == offset_of!($dump, queue_heads));
            assert!(queues(<$arch>::PMU_READY_ENTRIES) == offset_of!($pmu, queue_heads));
            assert!(
                <$arch>::PHASE_RECORDS * size_of::<AicpuPhaseRecord>()
                    == offset_of!($phases, count)
            );
        };
    };
}

check_ready_queues!(
    A2a3,
    L2PerfDataHeaderA2a3,
    DumpDataHeaderA2a3,
    PmuDataHeaderA2a3,
    PhaseBufferA2a3
);
check_ready_queues!(
    A5,
    L2PerfDataHeaderA5,
    DumpDataHeaderA5,
    PmuDataHeaderA5,
    PhaseBufferA5
);

/// The ready queues of one family's threads, `ENTRIES` each.
type ReadyQueues<const THREADS: usize, const ENTRIES: usize> =
    [[ReadyQueueEntry; ENTRIES]; THREADS];

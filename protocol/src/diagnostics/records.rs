//! The records of each chip family, and how many there is room for.
//!
//! Knows which head and which buffer are which family's. Refuses to know what is in them.

use core::mem::offset_of;

use bytemuck::Pod;

use super::dump::{DumpDataHeaderA2a3, DumpDataHeaderA5};
use super::pmu::{
    PmuBufferA2a3, PmuBufferA5, PmuDataHeaderA2a3, PmuDataHeaderA5, PmuRecordA2a3, PmuRecordA5,
};
use super::queues::ReadyQueueEntry;
use super::swimlane::{
    AicpuPhaseHeaderA2a3, AicpuPhaseHeaderA5, AicpuPhaseRecord, L2PerfBufferA2a3, L2PerfBufferA5,
    L2PerfBufferStateA2a3, L2PerfBufferStateA5, L2PerfDataHeaderA2a3, L2PerfDataHeaderA5,
    PhaseBufferA2a3, PhaseBufferA5,
};
use crate::{A2a3, A5, Arch, Pinned};

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

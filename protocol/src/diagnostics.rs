//! The blocks in which device and host exchange what diagnostics record.
//!
//! Knows the records of swimlane, tensor dump and performance counters, and the two queues all three
//! use. Refuses to know when something is recorded.
//!
//! | question | file |
//! | --- | --- |
//! | which records does a family have, and how many? | `records` |
//! | what is recorded of calls and phases? | `swimlane` |
//! | of tensors? | `dump` |
//! | of performance counters, and which events are there? | `pmu`, `pmu_events` |
//! | how do buffers travel? | `queues` |

mod dump;
mod pmu;
mod pmu_events;
mod queues;
mod records;
mod swimlane;

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
pub use queues::{FREE_QUEUE_SLOTS, FreeQueue, ReadyQueueEntry};
pub use records::DiagnosticRecords;
pub use swimlane::{
    AICPU_PHASE_MAGIC, AicpuOrchSummary, AicpuPhaseHeaderA2a3, AicpuPhaseHeaderA5, AicpuPhaseId,
    AicpuPhaseRecord, L2PerfAicoreRing, L2PerfBufferA2a3, L2PerfBufferA5, L2PerfBufferStateA2a3,
    L2PerfBufferStateA5, L2PerfDataHeaderA2a3, L2PerfDataHeaderA5, L2PerfRecord, PhaseBufferA2a3,
    PhaseBufferA5,
};

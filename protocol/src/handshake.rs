//! How a core and the AICPU find each other at the start of a run.
//!
//! Knows the record of one worker on each chip family. Refuses to know who waits for whom: the order
//! is in the table, the waiting is not here.
//!
//! | # | who | writes |
//! | ---: | --- | --- |
//! | 1 | host | everything zero, `core_type` as planned |
//! | 2 | AICPU | `task`, then `aicpu_ready = 1` |
//! | 3 | AICore | `physical_core_id`, then `aicore_regs_ready = 1` |
//! | 4 | AICPU | the core's registers, then `aicpu_regs_ready = 1` |
//! | 5 | AICore | the idle status, `core_type`, then `aicore_done = worker index + 1` |

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use crate::{A2a3, A5, Arch};

/// Bit of a profiling mask: dump tensors.
pub const PROFILING_DUMP_TENSOR: u32 = 1;
/// Bit of a profiling mask: record the swimlane.
pub const PROFILING_SWIMLANE: u32 = 2;
/// Bit of a profiling mask: read the performance counters.
pub const PROFILING_PMU: u32 = 4;

/// The handshake of one worker on [`A2a3`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct HandshakeA2a3 {
    /// 0, then 1: AICPU to AICore.
    pub aicpu_ready: u32,
    /// 0, then worker index + 1: AICore to AICPU.
    pub aicore_done: u32,
    /// Address of the core's payload pair; 0 for a graph built on the host.
    pub task: u64,
    /// A [`CoreType`](crate::CoreType), unchecked: first the host's plan, then what the core is.
    pub core_type: i32,
    /// The core's physical id: AICore to AICPU.
    pub physical_core_id: u32,
    /// 0, then 1: AICPU to AICore, once the registers are set up.
    pub aicpu_regs_ready: u32,
    /// 0, then 1: AICore to AICPU.
    pub aicore_regs_ready: u32,
    /// Zero.
    pub reserved: [u8; 32],
}

crate::pin_layout!(HandshakeA2a3, 64 bytes, align 64, {
    0 => aicpu_ready: u32,
    4 => aicore_done: u32,
    8 => task: u64,
    16 => core_type: i32,
    20 => physical_core_id: u32,
    24 => aicpu_regs_ready: u32,
    28 => aicore_regs_ready: u32,
    32 => reserved: [u8; 32],
});

/// The handshake of one worker on [`A5`], which also carries what diagnostics need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct HandshakeA5 {
    /// 0, then 1: AICPU to AICore.
    pub aicpu_ready: u32,
    /// 0, then worker index + 1: AICore to AICPU.
    pub aicore_done: u32,
    /// Address of the core's payload pair; 0 for a graph built on the host.
    pub task: u64,
    /// A [`CoreType`](crate::CoreType), unchecked: first the host's plan, then what the core is.
    pub core_type: i32,
    /// Zero.
    pub reserved: u32,
    /// Address of the current swimlane buffer, 0 for none.
    pub l2_perf_records_addr: u64,
    /// The core's physical id: AICore to AICPU.
    pub physical_core_id: u32,
    /// 0, then 1: AICPU to AICore, once the registers are set up.
    pub aicpu_regs_ready: u32,
    /// 0, then 1: AICore to AICPU.
    pub aicore_regs_ready: u32,
    /// Which diagnostics are on.
    pub enable_profiling_flag: u32,
    /// Address of the current counter buffer.
    pub pmu_buffer_addr: u64,
    /// Address of the core's counter registers.
    pub pmu_reg_base: u64,
}

crate::pin_layout!(HandshakeA5, 64 bytes, align 64, {
    0 => aicpu_ready: u32,
    4 => aicore_done: u32,
    8 => task: u64,
    16 => core_type: i32,
    20 => reserved: u32,
    24 => l2_perf_records_addr: u64,
    32 => physical_core_id: u32,
    36 => aicpu_regs_ready: u32,
    40 => aicore_regs_ready: u32,
    44 => enable_profiling_flag: u32,
    48 => pmu_buffer_addr: u64,
    56 => pmu_reg_base: u64,
});

/// Where in a worker's record the words lie that core and AICPU exchange while both run.
///
/// The words change under whoever looks at them, so they are reached by offset and never through
/// the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeOffsets {
    /// `aicpu_ready`, 32 bits.
    pub aicpu_ready: usize,
    /// `aicore_done`, 32 bits.
    pub aicore_done: usize,
    /// `task`, 64 bits.
    pub task: usize,
    /// `core_type`, 32 bits.
    pub core_type: usize,
    /// `physical_core_id`, 32 bits.
    pub physical_core_id: usize,
    /// `aicpu_regs_ready`, 32 bits.
    pub aicpu_regs_ready: usize,
    /// `aicore_regs_ready`, 32 bits.
    pub aicore_regs_ready: usize,
    /// `enable_profiling_flag`, 32 bits, where the record has it.
    pub enable_profiling_flag: Option<usize>,
}

/// A chip family whose handshake is known.
pub trait Handshake: Arch {
    /// The record of one worker.
    type Record: Pod + crate::Pinned + Send + Sync;
    /// Where its words lie.
    const OFFSETS: HandshakeOffsets;
}

macro_rules! offsets {
    ($record:ty, $profiling:expr) => {
        HandshakeOffsets {
            aicpu_ready: offset_of!($record, aicpu_ready),
            aicore_done: offset_of!($record, aicore_done),
            task: offset_of!($record, task),
            core_type: offset_of!($record, core_type),
            physical_core_id: offset_of!($record, physical_core_id),
            aicpu_regs_ready: offset_of!($record, aicpu_regs_ready),
            aicore_regs_ready: offset_of!($record, aicore_regs_ready),
            enable_profiling_flag: $profiling,
        }
    };
}

impl Handshake for A2a3 {
    type Record = HandshakeA2a3;
    const OFFSETS: HandshakeOffsets = offsets!(HandshakeA2a3, None);
}

impl Handshake for A5 {
    type Record = HandshakeA5;
    const OFFSETS: HandshakeOffsets = offsets!(
        HandshakeA5,
        Some(offset_of!(HandshakeA5, enable_profiling_flag))
    );
}

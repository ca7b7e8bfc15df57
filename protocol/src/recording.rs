//! The region of device memory in which a run is written down.
//!
//! Knows where records lie and what each says. Refuses to know who writes and reads them: `aicore_abi::recorder`
//! and the host do. Private: our images write what our host reads, so nothing here follows anybody's tables (those are
//! in [`diagnostics`](crate::diagnostics)).
//!
//! ```text
//! │ head │ one cursor per section │ one line pair per writer │ calls │ edges │ phases │ tensors │ contents │
//! ```
//!
//! A *section* is an array of records of one kind. A *writer* (a scheduler's role, the orchestrator) claims
//! [`CHUNK`] bytes of a section by moving its cursor and then fills them alone, so writers meet once per chunk. A
//! section that is full takes no more: its writer counts what it drops. Memory that nobody claims is never touched. The
//! host clears head, cursors and writers; records start as zeros, and one of zeros says nothing.

use bytemuck::{Pod, Zeroable};

use crate::limits::TENSOR_MAX_DIMS;

/// Marks a head as written: `record1` in bytes.
pub const RECORDING_MAGIC: u64 = u64::from_le_bytes(*b"record1\0");
/// Bytes a writer claims at once.
pub const CHUNK: u64 = 4096;
/// Writers there can be: the schedulers' roles of the largest family, the orchestrator.
pub const WRITERS: usize = 16;
/// The writer that submits tasks.
pub const ORCHESTRATOR: usize = WRITERS - 1;

/// Wanted: when every kernel call ran, and who waited for whom.
pub const WANT_SWIMLANE: u64 = 1;
/// Wanted: how long every kernel call took.
pub const WANT_COUNTERS: u64 = 2;
/// Wanted: the tensors of every task before and after it.
pub const WANT_TENSORS: u64 = 4;

/// Sections of the region, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Section {
    /// [`CallRecord`]s.
    Calls = 0,
    /// [`EdgeRecord`]s.
    Edges = 1,
    /// [`PhaseRecord`]s.
    Phases = 2,
    /// [`TensorRecord`]s.
    Tensors = 3,
    /// Contents of tensors, bytes.
    Contents = 4,
}

impl Section {
    /// All of them.
    pub const ALL: [Self; SECTIONS] = [
        Self::Calls,
        Self::Edges,
        Self::Phases,
        Self::Tensors,
        Self::Contents,
    ];
}

/// How many sections there are.
pub const SECTIONS: usize = 5;

/// Where a section lies, in bytes from the region's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SectionPlace {
    /// Its first byte.
    pub at: u64,
    /// The byte behind its last.
    pub end: u64,
}

crate::pin_layout!(SectionPlace, 16 bytes, align 8, {
    0 => at: u64,
    8 => end: u64,
});

/// What the host says before the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct RecordingHead {
    /// [`RECORDING_MAGIC`].
    pub magic: u64,
    /// What is wanted, one bit each.
    pub wanted: u64,
    /// The sections.
    pub sections: [SectionPlace; SECTIONS],
    /// Zero.
    pub reserved: [u64; 4],
}

crate::pin_layout!(RecordingHead, 128 bytes, align 64, {
    0 => magic: u64,
    8 => wanted: u64,
    16 => sections: [SectionPlace; SECTIONS],
    96 => reserved: [u64; 4],
});

/// How much of a section is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct SectionCursor {
    /// Bytes claimed, from the section's start.
    pub claimed: u64,
    /// Zero.
    pub pad: [u64; 7],
}

crate::pin_layout!(SectionCursor, 64 bytes, align 64, {
    0 => claimed: u64,
    8 => pad: [u64; 7],
});

/// A writer's own state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct WriterState {
    /// Per section of records: where the next one goes and where its chunk ends, from the region's start.
    pub open: [[u64; 2]; SECTIONS - 1],
    /// Per section: records it had no room for.
    pub dropped: [u64; SECTIONS],
    /// Zero.
    pub pad: [u64; 3],
}

crate::pin_layout!(WriterState, 128 bytes, align 64, {
    0 => open: [[u64; 2]; SECTIONS - 1],
    64 => dropped: [u64; SECTIONS],
    104 => pad: [u64; 3],
});

/// Where the cursors lie.
pub const CURSORS_AT: u64 = size_of::<RecordingHead>() as u64;
/// Where the writers' states lie.
pub const WRITERS_AT: u64 = CURSORS_AT + (SECTIONS * size_of::<SectionCursor>()) as u64;
/// Where the first section begins.
pub const SECTIONS_AT: u64 =
    (WRITERS_AT + (WRITERS * size_of::<WriterState>()) as u64).next_multiple_of(CHUNK);

/// One kernel call. Stamps are ticks of the chip's counter; one of zero was not taken.
///
/// The first line is the scheduler's, the second its core's: on a chip neither sees the other's cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct CallRecord {
    /// The task.
    pub task_id: u64,
    /// When the scheduler wrote the token.
    pub dispatch: u64,
    /// When the scheduler saw the end.
    pub finish: u64,
    /// The kernel.
    pub func_id: i32,
    /// Which block of the task.
    pub block: u32,
    /// The core.
    pub core: u16,
    /// A [`CoreType`](crate::CoreType).
    pub core_type: u8,
    /// Which of the task's kernels: AIC, AIV0, AIV1.
    pub lane: u8,
    /// The scheduler.
    pub writer: u8,
    /// 1.
    pub valid: u8,
    /// Zero.
    pub pad: [u8; 26],
    /// When the kernel started; written by its core.
    pub start: u64,
    /// When the kernel returned; written by its core.
    pub end: u64,
    /// Zero.
    pub tail: [u64; 6],
}

crate::pin_layout!(CallRecord, 128 bytes, align 64, {
    0 => task_id: u64,
    8 => dispatch: u64,
    16 => finish: u64,
    24 => func_id: i32,
    28 => block: u32,
    32 => core: u16,
    34 => core_type: u8,
    35 => lane: u8,
    36 => writer: u8,
    37 => valid: u8,
    38 => pad: [u8; 26],
    64 => start: u64,
    72 => end: u64,
    80 => tail: [u64; 6],
});

/// Words of a [`CallRecord`] that are its scheduler's.
pub const SCHEDULERS_WORDS: usize = core::mem::offset_of!(CallRecord, start) / 8;

/// One task waits for another. No task waits for itself, so one of zeros says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct EdgeRecord {
    /// The task that is waited for.
    pub from: u64,
    /// The task that waits.
    pub to: u64,
}

crate::pin_layout!(EdgeRecord, 16 bytes, align 8, {
    0 => from: u64,
    8 => to: u64,
});

/// What a control CPU did for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct PhaseRecord {
    /// When it began.
    pub start: u64,
    /// When it ended; zero in a record that says nothing.
    pub end: u64,
    /// Which round of the scheduler, or which submission.
    pub index: u32,
    /// An [`AicpuPhaseId`](crate::diagnostics::AicpuPhaseId).
    pub phase: u16,
    /// Who.
    pub writer: u16,
    /// How many tasks a scheduler handled, or which task was submitted.
    pub subject: u64,
}

crate::pin_layout!(PhaseRecord, 32 bytes, align 8, {
    0 => start: u64,
    8 => end: u64,
    16 => index: u32,
    20 => phase: u16,
    22 => writer: u16,
    24 => subject: u64,
});

/// One tensor of one task at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct TensorRecord {
    /// The task.
    pub task_id: u64,
    /// Where its content lies, in bytes from the region's start; 0 if there was no room.
    pub content: u64,
    /// Bytes of content that were kept.
    pub kept: u64,
    /// Bytes it has.
    pub bytes: u64,
    /// The first kernel of the task.
    pub func_id: i32,
    /// Which argument.
    pub argument: u32,
    /// A [`TensorDumpRole`](crate::diagnostics::TensorDumpRole).
    pub role: u8,
    /// A [`TensorDumpStage`](crate::diagnostics::TensorDumpStage).
    pub stage: u8,
    /// Dimensions in use.
    pub rank: u8,
    /// A [`DataType`](crate::DataType).
    pub dtype: u8,
    /// The first lane of the task.
    pub lane: u8,
    /// Not zero: the elements lie one behind the other.
    pub contiguous: u8,
    /// 1.
    pub valid: u8,
    /// Zero.
    pub pad: [u8; 17],
    /// Extents of the region.
    pub shape: [u32; TENSOR_MAX_DIMS],
    /// Where in the buffer it starts.
    pub offsets: [u32; TENSOR_MAX_DIMS],
    /// Extents of the buffer.
    pub raw: [u32; TENSOR_MAX_DIMS],
    /// Zero.
    pub tail: u32,
}

crate::pin_layout!(TensorRecord, 128 bytes, align 64, {
    0 => task_id: u64,
    8 => content: u64,
    16 => kept: u64,
    24 => bytes: u64,
    32 => func_id: i32,
    36 => argument: u32,
    40 => role: u8,
    41 => stage: u8,
    42 => rank: u8,
    43 => dtype: u8,
    44 => lane: u8,
    45 => contiguous: u8,
    46 => valid: u8,
    47 => pad: [u8; 17],
    64 => shape: [u32; TENSOR_MAX_DIMS],
    84 => offsets: [u32; TENSOR_MAX_DIMS],
    104 => raw: [u32; TENSOR_MAX_DIMS],
    124 => tail: u32,
});

//! What our host runtimes tell and take beyond the interface that they share with others.
//!
//! Knows the records of four functions that a program may look for and need not find. Refuses to know anything
//! that a run needs: whatever is not said here is as the shared interface has it.
//!
//! | function | record |
//! | --- | --- |
//! | `size_t simpler_last_error(char *text, size_t capacity)` | the words of the calling thread's last call, none if it went well |
//! | `int simpler_run_settings(void *ctx, const RunSettings *)` | of the context's coming runs; null: as the environment says |
//! | `int simpler_last_run(void *ctx, RunRecord *)` | the context's last run that went well |
//! | `int simpler_holdings(void *ctx, Holdings *)` | what the context holds |

use bytemuck::{Pod, Zeroable};

/// Deadlines, sizes and permissions of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RunSettings {
    /// Nanoseconds from start to end.
    pub run: u64,
    /// Nanoseconds from one finished step to the next.
    pub no_progress: u64,
    /// Nanoseconds from the order to stop until code that does not stop is left behind.
    pub grace: u64,
    /// Task slots per ring, 0 for the default.
    pub task_window: u64,
    /// Output heap bytes per ring, 0 for the default.
    pub heap_bytes: u64,
    /// Dependency entries per ring, 0 for the default.
    pub dep_pool: u64,
    /// Not 0: the thread that built the graph schedules afterwards.
    pub orchestrator_schedules: u32,
    /// Not 0: device memory that the context does not know is there; the caller promises it.
    pub foreign_memory: u32,
    /// Not 0: kernels may wait for what other chips do.
    pub talking: u32,
    /// 0.
    pub reserved: u32,
}

crate::pin_layout!(RunSettings, 64 bytes, align 8, {
    0 => run: u64,
    8 => no_progress: u64,
    16 => grace: u64,
    24 => task_window: u64,
    32 => heap_bytes: u64,
    40 => dep_pool: u64,
    48 => orchestrator_schedules: u32,
    52 => foreign_memory: u32,
    56 => talking: u32,
    60 => reserved: u32,
});

/// What a run did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RunRecord {
    /// Tasks submitted.
    pub submitted: u64,
    /// Tasks completed.
    pub completed: u64,
    /// Kernel calls.
    pub kernels: u64,
    /// Bytes copied to the device before the run.
    pub copied_in: u64,
    /// Bytes copied back after it.
    pub copied_out: u64,
    /// Nanoseconds from the launch to the end of the graph, copies excluded.
    pub execution: u64,
}

crate::pin_layout!(RunRecord, 48 bytes, align 8, {
    0 => submitted: u64,
    8 => completed: u64,
    16 => kernels: u64,
    24 => copied_in: u64,
    32 => copied_out: u64,
    40 => execution: u64,
});

/// What a context holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Holdings {
    /// Allocations the caller made and has not freed.
    pub allocations: u64,
    /// Their bytes.
    pub allocated: u64,
    /// Buffers kept for tensors of coming runs.
    pub pooled_buffers: u64,
    /// Their bytes.
    pub pooled: u64,
    /// Buffers that hold tensors of a run.
    pub bound_buffers: u64,
    /// Their bytes.
    pub bound: u64,
    /// Different kernels that are loaded.
    pub kernels: u64,
}

crate::pin_layout!(Holdings, 56 bytes, align 8, {
    0 => allocations: u64,
    8 => allocated: u64,
    16 => pooled_buffers: u64,
    24 => pooled: u64,
    32 => bound_buffers: u64,
    40 => bound: u64,
    48 => kernels: u64,
});

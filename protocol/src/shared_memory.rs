//! The block through which orchestrator, schedulers and host of a device-built graph talk.
//!
//! Knows its records and where each ring's arrays lie in it. Refuses to know who may change a word
//! when: words that change while others look are reached by offset.
//!
//! ```text
//! header │ ring 0: descriptors, payloads, slot states │ ring 1: … │ ring 3: …
//! ```
//!
//! Every area starts on a 64-byte multiple relative to the block. The payload of a task holds tensor
//! descriptors and is therefore a record of the crate above; its size is pinned here.

use bytemuck::{Pod, Zeroable};

use crate::TaskId;
use crate::limits::trb::{COMPLETION_INGRESS, MAX_RING_DEPTH, STRUCTURE_ALIGN, SUBTASK_SLOTS};
use crate::wire_enum::wire_enum;

/// Head of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct SharedMemoryHeader {
    /// One record per ring.
    pub rings: [RingHeader; MAX_RING_DEPTH],
    /// 1 when no further task will come.
    pub orchestrator_done: i32,
    /// Zero.
    pub pad0: u32,
    /// Bytes of the block.
    pub total_size: u64,
    /// Address of a single output buffer, 0 for none.
    pub graph_output_ptr: u64,
    /// Bytes of it.
    pub graph_output_size: u64,
    /// First error of the orchestrator.
    pub orch_error_code: i32,
    /// One bit per scheduler thread that failed.
    pub sched_error_bitmap: i32,
    /// First error of a scheduler.
    pub sched_error_code: i32,
    /// The thread that had it, −1 for none.
    pub sched_error_thread: i32,
    /// Zero.
    pub tail: [u8; 16],
}

crate::pin_layout!(SharedMemoryHeader, 832 bytes, align 64, {
    0 => rings: [RingHeader; MAX_RING_DEPTH],
    768 => orchestrator_done: i32,
    772 => pad0: u32,
    776 => total_size: u64,
    784 => graph_output_ptr: u64,
    792 => graph_output_size: u64,
    800 => orch_error_code: i32,
    804 => sched_error_bitmap: i32,
    808 => sched_error_code: i32,
    812 => sched_error_thread: i32,
    816 => tail: [u8; 16],
});

/// Control of one ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct RingHeader {
    /// The two ends.
    pub fc: RingFlowControl,
    /// Slots, a power of two.
    pub task_window_size: u64,
    /// Slots − 1.
    pub task_window_mask: i32,
    /// Zero.
    pub pad0: u32,
    /// Bytes of the ring's heap.
    pub heap_size: u64,
    /// Where in the block the descriptors start.
    pub task_descriptors_offset: u64,
    /// Address of the descriptors.
    pub task_descriptors: u64,
    /// Address of the payloads.
    pub task_payloads: u64,
    /// Address of the slot states.
    pub slot_states: u64,
    /// Zero.
    pub tail: u64,
}

crate::pin_layout!(RingHeader, 192 bytes, align 64, {
    0 => fc: RingFlowControl,
    128 => task_window_size: u64,
    136 => task_window_mask: i32,
    140 => pad0: u32,
    144 => heap_size: u64,
    152 => task_descriptors_offset: u64,
    160 => task_descriptors: u64,
    168 => task_payloads: u64,
    176 => slot_states: u64,
    184 => tail: u64,
});

/// The two ends of a ring, a cache line each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct RingFlowControl {
    /// Next task to allocate: orchestrator to schedulers.
    pub current_task_index: i32,
    /// Zero.
    pub pad0: [u8; 60],
    /// Oldest task that is not recycled: schedulers to orchestrator.
    pub last_task_alive: i32,
    /// Zero.
    pub pad1: [u8; 60],
}

crate::pin_layout!(RingFlowControl, 128 bytes, align 64, {
    0 => current_task_index: i32,
    4 => pad0: [u8; 60],
    64 => last_task_alive: i32,
    68 => pad1: [u8; 60],
});

/// What a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TaskDescriptor {
    /// Its name.
    pub task_id: TaskId,
    /// Kernels of AIC, AIV0, AIV1; −1 for none.
    pub kernel_id: [i32; SUBTASK_SLOTS],
    /// Zero.
    pub pad0: u32,
    /// Address of the task's outputs.
    pub packed_buffer_base: u64,
    /// Address behind them.
    pub packed_buffer_end: u64,
}

crate::pin_layout!(TaskDescriptor, 40 bytes, align 8, {
    0 => task_id: TaskId,
    8 => kernel_id: [i32; SUBTASK_SLOTS],
    20 => pad0: u32,
    24 => packed_buffer_base: u64,
    32 => packed_buffer_end: u64,
});

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct TaskSlotState {
    /// Private.
    pub fanout_lock: i32,
    /// References: the scope and the consumers.
    pub fanout_count: i32,
    /// Private.
    pub fanout_head: u64,
    /// A [`TaskState`], unchecked.
    pub task_state: i32,
    /// Producers that are complete.
    pub fanin_refcount: i32,
    /// Producers.
    pub fanin_count: i32,
    /// References that were released.
    pub fanout_refcount: i32,
    /// Address of the slot's payload.
    pub payload: u64,
    /// Address of the slot's descriptor.
    pub task: u64,
    /// Active lanes.
    pub active_mask: u8,
    /// The ring.
    pub ring_id: u8,
    /// Zero.
    pub pad0: [u8; 2],
    /// Private.
    pub dep_pool_mark: i32,
    /// Kernel calls that returned.
    pub completed_subtasks: i16,
    /// Kernel calls in all: blocks × lanes.
    pub total_required_subtasks: i16,
    /// Blocks.
    pub logical_block_num: i16,
    /// Next block to dispatch.
    pub next_block_idx: i16,
}

crate::pin_layout!(TaskSlotState, 64 bytes, align 64, {
    0 => fanout_lock: i32,
    4 => fanout_count: i32,
    8 => fanout_head: u64,
    16 => task_state: i32,
    20 => fanin_refcount: i32,
    24 => fanin_count: i32,
    28 => fanout_refcount: i32,
    32 => payload: u64,
    40 => task: u64,
    48 => active_mask: u8,
    49 => ring_id: u8,
    50 => pad0: [u8; 2],
    52 => dep_pool_mark: i32,
    56 => completed_subtasks: i16,
    58 => total_required_subtasks: i16,
    60 => logical_block_num: i16,
    62 => next_block_idx: i16,
});

wire_enum! {
    /// How far a task is; the order of the numbers is the order of life.
    pub enum TaskState: u32 as "task_state" {
        /// Submitted.
        Pending = 0 => "PENDING",
        /// All producers are complete.
        Ready = 1 => "READY",
        /// On its cores.
        Running = 2 => "RUNNING",
        /// Its effects are visible.
        Completed = 3 => "COMPLETED",
        /// Nobody will read its outputs any more.
        Consumed = 4 => "CONSUMED",
    }
}

/// A ring of completions that arrive from outside.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct CompletionIngressQueue {
    /// The producers' position.
    pub head: u64,
    /// Zero.
    pub pad0: [u8; 56],
    /// The consumer's position.
    pub tail: u64,
    /// Zero.
    pub pad1: [u8; 56],
    /// The ring.
    pub entries: [CompletionIngressEntry; COMPLETION_INGRESS],
}

crate::pin_layout!(CompletionIngressQueue, 262272 bytes, align 64, {
    0 => head: u64,
    8 => pad0: [u8; 56],
    64 => tail: u64,
    72 => pad1: [u8; 56],
    128 => entries: [CompletionIngressEntry; COMPLETION_INGRESS],
});

/// One completion from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct CompletionIngressEntry {
    /// Position + 1 when published, 0 when free.
    pub seq: u64,
    /// The task.
    pub task_token: TaskId,
    /// Address of the counter.
    pub addr: u64,
    /// Its threshold.
    pub expected_value: u32,
    /// The engine.
    pub engine: u32,
    /// Ignored.
    pub completion_type: i32,
    /// Zero.
    pub pad: [u8; 28],
}

crate::pin_layout!(CompletionIngressEntry, 64 bytes, align 8, {
    0 => seq: u64,
    8 => task_token: TaskId,
    16 => addr: u64,
    24 => expected_value: u32,
    28 => engine: u32,
    32 => completion_type: i32,
    36 => pad: [u8; 28],
});

/// Bytes of a task's payload.
pub const TASK_PAYLOAD_BYTES: usize = 2880;

/// Where the three arrays of one ring lie, in bytes from the block's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingAreas {
    /// Descriptors.
    pub descriptors: u64,
    /// Payloads.
    pub payloads: u64,
    /// Slot states.
    pub slot_states: u64,
    /// First byte behind them.
    pub end: u64,
}

/// Where the arrays of all rings lie when each ring has `window` slots; `None` when the block would
/// not fit 64 bits.
#[must_use]
pub fn ring_areas(window: u64) -> Option<[RingAreas; MAX_RING_DEPTH]> {
    let mut end = size_of::<SharedMemoryHeader>() as u64;
    let mut area = |bytes: usize| {
        let start = end;
        end = window
            .checked_mul(bytes as u64)?
            .checked_next_multiple_of(STRUCTURE_ALIGN as u64)?
            .checked_add(start)?;
        Some((start, end))
    };
    let mut areas = [RingAreas {
        descriptors: 0,
        payloads: 0,
        slot_states: 0,
        end: 0,
    }; MAX_RING_DEPTH];
    for ring in &mut areas {
        (ring.descriptors, _) = area(size_of::<TaskDescriptor>())?;
        (ring.payloads, _) = area(TASK_PAYLOAD_BYTES)?;
        (ring.slot_states, ring.end) = area(size_of::<TaskSlotState>())?;
    }
    Some(areas)
}

/// Bytes of a block whose rings have `window` slots each.
#[must_use]
pub fn shared_memory_bytes(window: u64) -> Option<u64> {
    ring_areas(window).map(|areas| areas[MAX_RING_DEPTH - 1].end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::trb::DEFAULT_TASK_WINDOW;

    #[test]
    fn the_default_block_has_the_size_everyone_allocates() {
        assert_eq!(
            shared_memory_bytes(DEFAULT_TASK_WINDOW as u64),
            Some(195_560_256)
        );
    }

    #[test]
    fn areas_start_on_cache_lines() {
        for area in ring_areas(4).expect("small") {
            for start in [area.descriptors, area.payloads, area.slot_states, area.end] {
                assert!(start.is_multiple_of(64), "{area:?}");
            }
        }
    }

    #[test]
    fn a_window_beyond_64_bits_has_no_size() {
        assert_eq!(shared_memory_bytes(1 << 60), None);
    }
}

//! The two queues that buffers travel in.
//!
//! Knows their bytes. Refuses to know what a buffer holds.
//!
//! Buffers travel in a circle: the host fills a *free queue* of addresses per producer, the device
//! writes records and returns full buffers through a *ready queue* per AICPU thread. A ready queue is
//! empty when head is tail and full when the next tail would be head; positions of a free queue run on
//! and count modulo its slots.

use bytemuck::{Pod, Zeroable};

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

/// The ready queues of one family's threads, `ENTRIES` each.
pub(super) type ReadyQueues<const THREADS: usize, const ENTRIES: usize> =
    [[ReadyQueueEntry; ENTRIES]; THREADS];

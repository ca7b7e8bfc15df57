//! The shared segment of one session.
//!
//! Knows its first bytes as ranks use them, and whose process died. Refuses to wait.

use core::mem::offset_of;
use core::ptr::NonNull;
use std::os::fd::OwnedFd;

use protocol::comm::SimSegmentHeader;
use protocol::limits::COMM_MAX_RANKS;
use sync::{Flag, SharedDoorbell, Word32, Word64};

/// The first bytes of a segment, as ranks use them.
#[repr(C)]
pub(super) struct Head {
    pub(super) nranks: Word32,
    pub(super) alloc_done: Word32,
    pub(super) ready_count: Word32,
    pub(super) barrier_count: Word32,
    pub(super) barrier_phase: Word32,
    pub(super) destroy_count: Word32,
    pub(super) per_rank_win_size: Word64,
    pub(super) bell: SharedDoorbell,
    /// Somebody found the session dead: nobody needs to wait any longer.
    pub(super) dead: Flag,
    reserved: u32,
    pub(super) claims: [Claim; COMM_MAX_RANKS],
}

/// The process of a rank; zero while it has none.
#[repr(C)]
pub(super) struct Claim {
    pub(super) pid: Word32,
    pub(super) left: Word32,
    pub(super) started: Word64,
}

const _: () = {
    assert!(size_of::<Head>() <= size_of::<SimSegmentHeader>());
    assert!(offset_of!(Head, nranks) == offset_of!(SimSegmentHeader, nranks));
    assert!(offset_of!(Head, alloc_done) == offset_of!(SimSegmentHeader, alloc_done));
    assert!(offset_of!(Head, ready_count) == offset_of!(SimSegmentHeader, ready_count));
    assert!(offset_of!(Head, barrier_count) == offset_of!(SimSegmentHeader, barrier_count));
    assert!(offset_of!(Head, barrier_phase) == offset_of!(SimSegmentHeader, barrier_phase));
    assert!(offset_of!(Head, destroy_count) == offset_of!(SimSegmentHeader, destroy_count));
    assert!(offset_of!(Head, per_rank_win_size) == offset_of!(SimSegmentHeader, per_rank_win_size));
    assert!(offset_of!(Head, bell) == offset_of!(SimSegmentHeader, reserved));
};

/// A segment, mapped.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) file: OwnedFd,
    pub(super) base: NonNull<u8>,
    pub(super) bytes: usize,
}

// SAFETY: the mapping is the segment's own, and all of it that is accessed here are atomics.
unsafe impl Send for Segment {}
// SAFETY: as above.
unsafe impl Sync for Segment {}

impl Segment {
    pub(super) fn head(&self) -> &Head {
        // SAFETY: a segment has at least its head, zero or written by a rank, and every field is made
        // of atomics; a mapping is aligned to pages.
        unsafe { self.base.cast().as_ref() }
    }

    pub(super) fn address(&self) -> u64 {
        self.base.expose_provenance().get() as u64
    }

    /// Whether its session has come to its end or broken down.
    pub(super) fn is_over(&self) -> bool {
        let head = self.head();
        head.dead.is_set()
            || head.destroy_count.observe() != 0
            || head.ready_count.observe() >= head.nranks.observe()
    }

    /// A rank whose process died before it left.
    pub(super) fn dead_rank(&self, ranks: u32) -> Option<(u32, u32)> {
        (0..ranks)
            .zip(&self.head().claims)
            .find_map(|(rank, claim)| {
                let pid = claim.pid.observe();
                let started = claim.started.observe();
                if pid == 0 || started == 0 || claim.left.observe() != 0 {
                    return None;
                }
                (start_of(pid) != Some(started)).then_some((rank, pid))
            })
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: we mapped these bytes, and the references that `head` gave out are gone.
        let unmapped = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.bytes) };
        debug_assert!(unmapped.is_ok(), "a whole mapping can be unmapped");
    }
}

/// When the process `pid` started; `None` if it does not live. With the number it names a process for
/// as long as the machine is up.
pub(super) fn start_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the process, in parentheses, may contain anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    let started = fields.nth(18)?.parse().ok()?;
    (state != "Z" && state != "X").then_some(started)
}

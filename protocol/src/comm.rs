//! How ranks of one communicator see each other's memory.
//!
//! Knows the context a kernel gets, and the name and head of the segment that simulated ranks share.
//! Refuses to know how ranks meet and wait.

use bytemuck::{Pod, Zeroable};

use crate::limits::COMM_MAX_RANKS;

/// What a kernel knows of its communicator; passed by address as a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct CommContext {
    /// Memory of the backend, 0 in simulation.
    pub work_space: u64,
    /// Bytes of it.
    pub work_space_size: u64,
    /// Own rank.
    pub rank_id: u32,
    /// Ranks.
    pub rank_num: u32,
    /// Bytes per window.
    pub win_size: u64,
    /// Address of each rank's window.
    pub windows_in: [u64; COMM_MAX_RANKS],
    /// Address of each rank's window for writing.
    pub windows_out: [u64; COMM_MAX_RANKS],
}

crate::pin_layout!(CommContext, 1056 bytes, align 8, {
    0 => work_space: u64,
    8 => work_space_size: u64,
    16 => rank_id: u32,
    20 => rank_num: u32,
    24 => win_size: u64,
    32 => windows_in: [u64; COMM_MAX_RANKS],
    544 => windows_out: [u64; COMM_MAX_RANKS],
});

impl CommContext {
    /// The context of rank `rank_id` of `rank_num`, whose windows one process maps at ascending
    /// addresses from `first_window` on.
    ///
    /// `None` when the ranks do not fit or an address would not fit 64 bits.
    #[must_use]
    pub fn of_segment(
        rank_id: u32,
        rank_num: u32,
        win_size: u64,
        first_window: u64,
    ) -> Option<Self> {
        if rank_id >= rank_num {
            return None;
        }
        let mut windows = [0; COMM_MAX_RANKS];
        let used = windows.get_mut(..rank_num as usize)?;
        for (window, rank) in used.iter_mut().zip(0..) {
            *window = win_size.checked_mul(rank)?.checked_add(first_window)?;
        }
        Some(Self {
            work_space: 0,
            work_space_size: 0,
            rank_id,
            rank_num,
            win_size,
            windows_in: windows,
            windows_out: windows,
        })
    }
}

/// Head of the segment that simulated ranks share; the windows follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SimSegmentHeader {
    /// Ranks, written by the one that creates the segment.
    pub nranks: i32,
    /// Not zero: the segment is initialised.
    pub alloc_done: i32,
    /// Ranks that have arrived.
    pub ready_count: i32,
    /// Ranks at the barrier.
    pub barrier_count: i32,
    /// Barriers passed.
    pub barrier_phase: i32,
    /// Ranks that have left.
    pub destroy_count: i32,
    /// Bytes per window.
    pub per_rank_win_size: u64,
    /// Zero.
    pub reserved: [u8; 4064],
}

crate::pin_layout!(SimSegmentHeader, 4096 bytes, align 8, {
    0 => nranks: i32,
    4 => alloc_done: i32,
    8 => ready_count: i32,
    12 => barrier_count: i32,
    16 => barrier_phase: i32,
    20 => destroy_count: i32,
    24 => per_rank_win_size: u64,
    32 => reserved: [u8; 4064],
});

/// Where in the segment the window of `rank` starts, `None` beyond 64 bits.
///
/// The window behind the last rank's starts where the segment ends.
#[must_use]
pub const fn sim_window_offset(rank: u32, win_size: u64) -> Option<u64> {
    match win_size.checked_mul(rank as u64) {
        Some(windows) => windows.checked_add(size_of::<SimSegmentHeader>() as u64),
        None => None,
    }
}

/// Bytes of a segment's name.
pub const SIM_SEGMENT_NAME_BYTES: usize = 26;

/// Name of the segment of the communicator that meets at `rootinfo_path`, for children of
/// `parent_pid`.
///
/// `/simpler_` and two numbers of eight hexadecimal digits: the process id, and the path's
/// [`string_hash`] folded to 32 bits.
#[must_use]
pub fn sim_segment_name(parent_pid: u32, rootinfo_path: &[u8]) -> [u8; SIM_SEGMENT_NAME_BYTES] {
    const PREFIX: &[u8] = b"/simpler_";
    let mut name = [b'_'; SIM_SEGMENT_NAME_BYTES];
    name[..PREFIX.len()].copy_from_slice(PREFIX);
    name[9..17].copy_from_slice(&hex(parent_pid));
    name[18..].copy_from_slice(&hex(fold(string_hash(rootinfo_path))));
    name
}

/// The upper half of a number mixed into the lower.
const fn fold(hash: u64) -> u32 {
    let bytes = hash.to_le_bytes();
    let low = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let high = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    low ^ high
}

fn hex(number: u32) -> [u8; 8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 8];
    for (digit, shift) in text.iter_mut().zip((0..32).step_by(4).rev()) {
        *digit = DIGITS[(number >> shift & 0xf) as usize];
    }
    text
}

/// The hash by which the GNU C++ library hashes strings: 64-bit Murmur with a fixed seed.
///
/// Ranks built against either library must agree on it, because it names their segment.
#[must_use]
pub fn string_hash(text: &[u8]) -> u64 {
    const SEED: u64 = 0xc70f_6907;
    const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
    const fn mixed(word: u64) -> u64 {
        word ^ word >> 47
    }
    let mut hash = SEED ^ (text.len() as u64).wrapping_mul(MULTIPLIER);
    let (words, rest) = text.as_chunks();
    for word in words {
        let word = mixed(u64::from_le_bytes(*word).wrapping_mul(MULTIPLIER));
        hash = (hash ^ word.wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(MULTIPLIER);
    }
    mixed(mixed(hash).wrapping_mul(MULTIPLIER))
}

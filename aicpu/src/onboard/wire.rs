//! The block of device memory through which host and image talk, beside the run descriptor.
//!
//! Knows its records and where they lie. Refuses to know what either side does with them.
//!
//! ```text
//! 0      832       1024      2048                                  page
//! │ header │ request │ result │ payload pairs │ condition pairs │ … │ runtime memory
//! │ codes  │ host    │ image  │ one per worker slot              │   │ records, outputs
//! ```
//!
//! The block starts as the reference's shared memory block does, so that whoever reads the codes of
//! a run there finds them. Each record has one writer and lines of its own.
//!
//! Both runtimes take the run descriptor of the device-built one, in which a flag says that the graph was
//! built on the host: the other descriptor has 92 MB, because all tasks are in it. Here they lie where the
//! request says, packed, and the block has no runtime memory.

use core::mem::size_of;

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::PayloadPair;
use protocol::shared_memory::SharedMemoryHeader;

pub use super::stamp::{DIGEST, DIGEST_MARK, digest_in};

/// Bytes of text in a result.
pub const TEXT: usize = 896;

/// What the host wants of a run, beyond the run descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Request {
    /// Another number for every run; never 0.
    pub run: u64,
    /// [`DIGEST`] of the host's build.
    pub digest: u64,
    /// Another number for each time the callable id was registered.
    pub registration: u64,
    /// Bytes of runtime memory behind the records.
    pub memory: u64,
    /// Bytes of output memory per ring.
    pub heap_bytes: u64,
    /// Task slots per ring.
    pub task_window: u32,
    /// Entries of the tensor map.
    pub map_entries: u32,
    /// Threads launched.
    pub launched: u32,
    /// Threads that stay.
    pub threads: u32,
    /// Milliseconds that nothing may move.
    pub no_progress_ms: u32,
    /// Milliseconds that an access to a tensor's element may wait.
    pub tensor_wait_ms: u32,
    /// Milliseconds that cores may take to come.
    pub cores_ms: u32,
    /// The device's number, which tells apart devices that share a file system.
    pub device: u32,
    /// Which register table entries are cores that work, one bit each; the others must not be met.
    pub cores: [u64; 2],
    /// Another number whenever the runtime memory is fresh and zero.
    pub epoch: u64,
    /// Where a graph that was built on the host lies.
    pub graph: u64,
    /// Its bytes.
    pub graph_bytes: u64,
    /// Milliseconds that cores may take to end what they run, and to go.
    pub leave_ms: u32,
    /// Milliseconds that the run may take as a whole.
    pub run_ms: u32,
    /// Address of the region that the run is written down in, 0 for none.
    pub recording: u64,
    /// Zero.
    pub reserved: [u64; 8],
}

protocol::pin_layout!(Request, 192 bytes, align 64, {
    0 => run: u64,
    8 => digest: u64,
    16 => registration: u64,
    24 => memory: u64,
    32 => heap_bytes: u64,
    40 => task_window: u32,
    44 => map_entries: u32,
    48 => launched: u32,
    52 => threads: u32,
    56 => no_progress_ms: u32,
    60 => tensor_wait_ms: u32,
    64 => cores_ms: u32,
    68 => device: u32,
    72 => cores: [u64; 2],
    88 => epoch: u64,
    96 => graph: u64,
    104 => graph_bytes: u64,
    112 => leave_ms: u32,
    116 => run_ms: u32,
    120 => recording: u64,
    128 => reserved: [u64; 8],
});

/// What the image says when it is opened, at the start of the memory that run descriptors are written to later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Introduction {
    /// [`DIGEST`] of the image's build: the vendor's loader may have kept another image than it was given. One of another
    /// build with the same layouts is not told from it.
    pub digest: u64,
    /// Which control CPUs kernels may use, one bit each, as the chip sees it; 0 if only the host can know.
    pub processors: u64,
    /// Zero.
    pub reserved: [u64; 6],
}

protocol::pin_layout!(Introduction, 64 bytes, align 64, {
    0 => digest: u64,
    8 => processors: u64,
    16 => reserved: [u64; 6],
});

/// What came of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Outcome {
    /// The run's number, once everything else here is written.
    pub run: u64,
    /// [`DIGEST`] of the image's build.
    pub digest: u64,
    /// A [`Verdict`].
    pub verdict: u32,
    /// First error code of the graph's builder.
    pub orchestrator_code: i32,
    /// First error code of a scheduler.
    pub scheduler_code: i32,
    /// Not zero: the orchestration was loaded during this run.
    pub loaded: u32,
    /// Tasks submitted.
    pub submitted: u64,
    /// Tasks completed.
    pub completed: u64,
    /// Kernel calls.
    pub kernels: u64,
    /// Nanoseconds from the first look at the request to the end of the graph.
    pub nanoseconds: u64,
    /// Cores that did not come or did not go.
    pub lost_cores: u32,
    /// Bytes of text.
    pub text_bytes: u32,
    /// Zero.
    pub reserved: [u64; 7],
    /// Why the run failed.
    pub text: [u8; TEXT],
}

protocol::pin_layout!(Outcome, 1024 bytes, align 64, {
    0 => run: u64,
    8 => digest: u64,
    16 => verdict: u32,
    20 => orchestrator_code: i32,
    24 => scheduler_code: i32,
    28 => loaded: u32,
    32 => submitted: u64,
    40 => completed: u64,
    48 => kernels: u64,
    56 => nanoseconds: u64,
    64 => lost_cores: u32,
    68 => text_bytes: u32,
    72 => reserved: [u64; 7],
    128 => text: [u8; TEXT],
});

// SAFETY: integers only, and the pinned layouts have no padding.
unsafe impl bytemuck::Zeroable for Introduction {}
// SAFETY: as above, and every bit pattern is a value.
unsafe impl bytemuck::Pod for Introduction {}
// SAFETY: as above.
unsafe impl bytemuck::Zeroable for Request {}
// SAFETY: as above, and every bit pattern is a value.
unsafe impl bytemuck::Pod for Request {}
// SAFETY: as above.
unsafe impl bytemuck::Zeroable for Outcome {}
// SAFETY: as above.
unsafe impl bytemuck::Pod for Outcome {}

/// How a run ended, as the image sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Verdict {
    /// Everything was done.
    Good = 1,
    /// The run ended with an error code.
    Code = 2,
    /// The orchestration could not be loaded, threw or panicked.
    Orchestration = 3,
    /// The run could not begin.
    Refused = 4,
    /// Cores did not come, or did not go.
    Cores = 5,
    /// The orchestration has not returned, and the control CPU in it may never.
    Stays = 6,
}

impl Verdict {
    /// The verdict with this number.
    #[must_use]
    pub const fn from_wire(wire: u32) -> Option<Self> {
        Some(match wire {
            1 => Self::Good,
            2 => Self::Code,
            3 => Self::Orchestration,
            4 => Self::Refused,
            5 => Self::Cores,
            6 => Self::Stays,
            _ => return None,
        })
    }
}

impl Outcome {
    /// The text, as far as it is one.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = usize::try_from(self.text_bytes).unwrap_or(TEXT).min(TEXT);
        String::from_utf8_lossy(&self.text[..bytes]).into_owned()
    }

    /// Takes as much of `text` as there is room for.
    #[expect(clippy::cast_possible_truncation, reason = "at most TEXT")]
    pub fn set_text(&mut self, text: &str) {
        let end = text.floor_char_boundary(TEXT);
        self.text[..end].copy_from_slice(&text.as_bytes()[..end]);
        self.text_bytes = end as u32;
    }
}

/// Where in the block the request lies.
pub const REQUEST_AT: u64 = size_of::<SharedMemoryHeader>() as u64;
/// Where in the block the outcome lies.
pub const OUTCOME_AT: u64 = 1024;
/// Where in the block the payload pairs lie.
pub const PAYLOADS_AT: u64 = 2048;
/// Pages of device memory.
pub const PAGE: u64 = 4096;

const _: () = assert!(REQUEST_AT + size_of::<Request>() as u64 == OUTCOME_AT);
const _: () = assert!(OUTCOME_AT + size_of::<Outcome>() as u64 == PAYLOADS_AT);

/// Where in the block the pairs of condition buffers lie, for this many worker slots.
#[must_use]
pub const fn conditions_at(slots: usize) -> u64 {
    PAYLOADS_AT + (slots * size_of::<PayloadPair>()) as u64
}

/// Where in the block the runtime's memory starts, for this many worker slots.
#[must_use]
pub const fn memory_at(slots: usize) -> u64 {
    let end = conditions_at(slots) + (slots * size_of::<[DeferredIngressBuffer; 2]>()) as u64;
    end.next_multiple_of(PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytemuck::Zeroable;

    #[test]
    fn text_is_cut_between_characters() {
        let mut outcome = Outcome::zeroed();
        outcome.set_text(&"ä".repeat(TEXT));
        assert_eq!(outcome.text(), "ä".repeat(TEXT / 2));
        outcome.set_text("short");
        assert_eq!(outcome.text(), "short");
        outcome.text_bytes = u32::MAX;
        assert!(outcome.text().starts_with("short"));
    }

    #[test]
    fn records_do_not_overlap() {
        for slots in [72, 108] {
            assert!(conditions_at(slots) >= PAYLOADS_AT + slots as u64 * 1024);
            assert!(memory_at(slots) >= conditions_at(slots) + slots as u64 * 3200);
            assert_eq!(memory_at(slots) % PAGE, 0);
        }
    }
}

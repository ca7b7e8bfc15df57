//! One question to a child, and its answer in the same place.
//!
//! Knows the bytes. Refuses to know who fills or reads them when: that is the exchange's.
//!
//! A tensor in host memory is named by the segment it lies in and its offset there, never by an
//! address; the child puts its own address in. A frame holds the largest legal argument record, and
//! the compiler checks that.

use bytemuck::Zeroable;
use protocol::limits::{CHIP_MAX_SCALAR_ARGS, CHIP_MAX_TENSOR_ARGS, TASK_ARGS_BLOB_HEADER_SIZE};
use protocol::{CallConfig, ContinuousTensor};

/// Bytes of the largest argument blob.
pub(crate) const ARGS_BYTES: usize = TASK_ARGS_BLOB_HEADER_SIZE
    + CHIP_MAX_TENSOR_ARGS * size_of::<ContinuousTensor>()
    + CHIP_MAX_SCALAR_ARGS * size_of::<u64>();
/// Results of a request that is no task.
pub(crate) type Words = [u64; 2];
/// Bytes of a fault.
pub(crate) const FAULT_BYTES: usize = 4096;
/// Questions that can be under way to one child.
pub(crate) const FRAMES: usize = 8;

const _: () = assert!(
    ARGS_BYTES >= size_of::<protocol::ChipStorageTaskArgs>(),
    "whatever a chip takes, a frame carries"
);

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident = $number:literal => $verb:literal),+ $(,)?) => {
        /// What a child is asked to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub(crate) enum Request {
            $($(#[$doc])* $name = $number),+
        }

        impl Request {
            pub(crate) const fn from_wire(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// The request as a sentence goes on.
            pub(crate) const fn verb(self) -> &'static str {
                match self {
                    $(Self::$name => $verb),+
                }
            }
        }
    };
}

requests! {
    /// Run a callable with the frame's arguments.
    Task = 1 => "run a task",
    /// Get a callable ready: {serial, segment of its description or 0, its bytes}.
    Prepare = 2 => "prepare a callable",
    /// Forget a callable: {serial}.
    Forget = 3 => "forget a callable",
    /// Allocate: {bytes}; the result is the address.
    Malloc = 4 => "allocate device memory",
    /// Free: {address}.
    Free = 5 => "free device memory",
    /// Copy to the device: {address, segment, offset, bytes}.
    CopyTo = 6 => "copy to the device",
    /// Copy from the device: {address, segment, offset, bytes}.
    CopyFrom = 7 => "copy from the device",
    /// Unmap a segment: {segment}.
    Unmap = 8 => "unmap a segment",
    /// Map the windows of a communicator: {segment, rank, ranks, bytes per window}; the result is
    /// the address of the context.
    Attach = 9 => "join a communicator",
    /// Leave a communicator: {segment}.
    Detach = 10 => "leave a communicator",
    /// Say how much device memory is in use; the result is the bytes.
    MemoryUsed = 11 => "count device memory",
    /// Answer.
    Ping = 12 => "answer",
}

/// Every request there is.
#[cfg(test)]
pub(crate) fn all_requests() -> impl Iterator<Item = Request> {
    (0..64).filter_map(Request::from_wire)
}

/// Whether the answer is a fault.
pub(crate) const ANSWER_OK: u32 = 0;
/// The fault lies in the frame.
pub(crate) const ANSWER_FAULT: u32 = 1;

/// The head of a frame: all there is of most questions.
#[derive(Clone, Copy, Debug, Zeroable)]
#[repr(C)]
pub(crate) struct Head {
    /// A [`Request`], unchecked.
    pub(crate) request: u32,
    /// [`ANSWER_OK`] or [`ANSWER_FAULT`].
    pub(crate) answer: u32,
    /// Serial of the callable, for a task.
    pub(crate) callable: u64,
    /// Arguments of everything that is no task.
    pub(crate) words: [u64; 4],
    /// Result of everything that is no task; a second one.
    pub(crate) result: Words,
}

/// One question and its answer.
#[derive(Clone, Copy, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Frame {
    pub(crate) head: Head,
    /// Segment of each tensor that lies in host memory.
    pub(crate) segments: [u64; CHIP_MAX_TENSOR_ARGS],
    /// Argument blob.
    pub(crate) args: [u8; ARGS_BYTES],
    pub(crate) config: CallConfig,
    /// What went wrong, closed by NUL.
    pub(crate) fault: [u8; FAULT_BYTES],
}

const _: () = assert!(
    size_of::<Head>() == 64,
    "one line is enough for most questions"
);

impl core::fmt::Debug for Frame {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Frame")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

impl Frame {
    /// Writes a question that is no task.
    pub(crate) fn ask(&mut self, request: Request, words: [u64; 4]) {
        self.head = Head {
            request: request as u32,
            answer: ANSWER_OK,
            callable: 0,
            words,
            result: [0; 2],
        };
    }

    /// Writes the configuration without the tail of its directory, which nobody reads.
    pub(crate) fn set_config(&mut self, config: &CallConfig) {
        let from = bytemuck::bytes_of(config);
        let prefix = core::mem::offset_of!(CallConfig, output_prefix);
        let used = config.output_prefix.iter().position(|&byte| byte == 0);
        let end = prefix + used.map_or(config.output_prefix.len(), |len| len + 1);
        bytemuck::bytes_of_mut(&mut self.config)[..end].copy_from_slice(&from[..end]);
    }
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;

    use super::{CallConfig, Frame, Request, all_requests};

    #[test]
    fn every_request_reads_back() {
        assert_eq!(all_requests().count(), 12);
        for request in all_requests() {
            assert_eq!(Request::from_wire(request as u32), Some(request));
        }
    }

    #[test]
    fn a_configuration_arrives_whole() {
        let mut frame = Box::new(Frame::zeroed());
        for prefix in [&b"a/long/one"[..], b"", b"x"] {
            let mut config = CallConfig::default();
            config.set_output_prefix(prefix).expect("it is short");
            frame.set_config(&config);
            assert_eq!(frame.config.output_prefix(), Ok(prefix));
            assert_eq!({ frame.config.block_dim }, 24);
        }
    }
}

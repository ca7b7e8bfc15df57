//! What an image was built with, to be read without running it.
//!
//! Knows the mark that a stamp is found by. Refuses to know what is done about a stamp that does not fit.

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::DispatchPayload;
use protocol::{PROTOCOL_DIGEST, PROTOCOL_VERSION, Pinned};

use super::wire::{Introduction, Outcome, Request};

/// A runtime, as host and image name it to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// The graph is built on the device.
    Trb,
    /// The graph is built on the host.
    Hbg,
}

impl Runtime {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Trb, Self::Hbg];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trb => "trb",
            Self::Hbg => "hbg",
        }
    }
}

/// Digest of everything that host and image must agree on, whatever the runtime.
pub const DIGEST: u64 = {
    let records = protocol::layout::digest_of(&[
        <Introduction as Pinned>::LAYOUT,
        <Request as Pinned>::LAYOUT,
        <Outcome as Pinned>::LAYOUT,
        <DispatchPayload as Pinned>::LAYOUT,
        <DeferredIngressBuffer as Pinned>::LAYOUT,
    ]);
    (PROTOCOL_DIGEST ^ records.rotate_left(17)).wrapping_add(PROTOCOL_VERSION as u64)
};

/// Digest of what the two halves of the host-built runtime must agree on.
#[cfg(feature = "hbg")]
const GRAPH_DIGEST: u64 = runtime_hbg::packed::DIGEST;
#[cfg(not(feature = "hbg"))]
const GRAPH_DIGEST: u64 = ABSENT;

/// Digest of what the host says to the device-built runtime beyond [`DIGEST`]: nothing.
const BUILDER_DIGEST: u64 = if cfg!(feature = "trb") {
    DIGEST
} else {
    ABSENT
};

/// In the place of a runtime's digest: the runtime is not there.
const ABSENT: u64 = 0;

/// What stands in an image before its digest.
pub const DIGEST_MARK: [u8; 16] = *b"simpler-digest:\0";

/// The digests as an image carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Stamp {
    /// [`DIGEST_MARK`].
    pub mark: [u8; 16],
    /// [`DIGEST`].
    pub digest: u64,
    /// For each [`Runtime`] the digest of what is its own, 0 if it is not in the image.
    pub runtimes: [u64; Runtime::ALL.len()],
}

impl Stamp {
    /// What this build stamps its images with, and expects of those that it uses.
    pub const OURS: Self = Self {
        mark: DIGEST_MARK,
        digest: DIGEST,
        runtimes: [BUILDER_DIGEST, GRAPH_DIGEST],
    };

    /// The stamp that `image` carries, if it carries one.
    #[must_use]
    pub fn of(image: &[u8]) -> Option<Self> {
        let at = image
            .windows(DIGEST_MARK.len())
            .position(|window| window == DIGEST_MARK)?
            + DIGEST_MARK.len();
        let mut words = image.get(at..)?.chunks_exact(8).map(|word| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(word);
            u64::from_le_bytes(bytes)
        });
        let mut next = || words.next();
        Some(Self {
            mark: DIGEST_MARK,
            digest: next()?,
            runtimes: [next()?, next()?],
        })
    }

    /// Whether what carries this has `runtime`.
    #[must_use]
    pub const fn has(&self, runtime: Runtime) -> bool {
        self.runtimes[runtime as usize] != ABSENT
    }

    /// Whether what carries this agrees with this build about `runtime`, which both have.
    #[must_use]
    pub const fn agrees(&self, runtime: Runtime) -> bool {
        let index = runtime as usize;
        self.has(runtime) && self.runtimes[index] == Self::OURS.runtimes[index]
    }

    /// The stamp's bytes, as they stand in an image.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let words = [self.digest].into_iter().chain(self.runtimes);
        let words = words.flat_map(u64::to_le_bytes);
        self.mark.into_iter().chain(words).collect()
    }
}

/// The digest that `image` carries, if it carries one.
#[must_use]
pub fn digest_in(image: &[u8]) -> Option<u64> {
    Stamp::of(image).map(|stamp| stamp.digest)
}

#[cfg(test)]
mod tests {
    use super::{Runtime, Stamp};

    #[test]
    fn a_stamp_is_found_wherever_it_stands() {
        let mut image = vec![7; 1000];
        image.extend(Stamp::OURS.bytes());
        assert_eq!(Stamp::of(&image), Some(Stamp::OURS));
        assert_eq!(Stamp::of(&image[..1010]), None);
        assert_eq!(Stamp::of(&image[..image.len() - 1]), None);
    }

    #[test]
    fn a_runtime_that_is_not_there_agrees_with_nobody() {
        let mut stamp = Stamp::OURS;
        stamp.runtimes[Runtime::Hbg as usize] = 0;
        assert!(!stamp.has(Runtime::Hbg) && !stamp.agrees(Runtime::Hbg));
        stamp.runtimes[Runtime::Trb as usize] ^= 1;
        assert!(stamp.has(Runtime::Trb) && !stamp.agrees(Runtime::Trb));
    }
}

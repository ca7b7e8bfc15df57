//! The two programs of a chip, as bytes.
//!
//! Knows what an image says of itself. Refuses one whose layouts are not this build's, and to know how programs get to
//! a chip: that is `loaded`.

use std::sync::Arc;

use aicpu::onboard::stamp::{DIGEST, Runtime, Stamp, digest_in};
use protocol::content_id;

/// The AICPU image and the core program.
#[derive(Clone)]
pub struct Images {
    pub(super) aicpu: Arc<[u8]>,
    pub(super) aicore: Arc<[u8]>,
}

impl core::fmt::Debug for Images {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Images")
            .field("aicpu", &self.aicpu.len())
            .field("aicore", &self.aicore.len())
            .finish()
    }
}

/// Why images cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// There are none.
    #[error("no images were given: build them with `cargo xtask image` and name their folder")]
    None,
    /// It is not an image of this project.
    #[error(
        "the AICPU image of {bytes} bytes carries no layout digest: build it with `cargo xtask image`"
    )]
    Foreign {
        /// Its size.
        bytes: usize,
    },
    /// It was built from another source.
    #[error(
        "the AICPU image has layout digest {image:#018x}, this program {host:#018x}: build both from one source"
    )]
    Digest {
        /// The image's.
        image: u64,
        /// This program's.
        host: u64,
    },
    /// It was built for other runtimes.
    #[error(
        "the AICPU image has no runtime {wanted} that fits this program: build it with `cargo xtask image --runtime {wanted}`"
    )]
    Runtime {
        /// The runtime that a program needs.
        wanted: &'static str,
    },
    /// The core program is empty.
    #[error("the core program is empty: build it with `cargo xtask image`")]
    NoCoreProgram,
    /// Another image is loaded already.
    #[error(
        "this process has loaded other programs onto device {device}, which the vendor's loader keeps until the device is reset: finalize the device first, or use another process"
    )]
    Second {
        /// The device.
        device: i32,
    },
}

impl Images {
    /// Checks that the images belong to this program.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(
        aicpu: impl Into<Arc<[u8]>>,
        aicore: impl Into<Arc<[u8]>>,
    ) -> Result<Self, ImageError> {
        let (aicpu, aicore) = (aicpu.into(), aicore.into());
        match digest_in(&aicpu) {
            None => return Err(ImageError::Foreign { bytes: aicpu.len() }),
            Some(DIGEST) => {}
            Some(image) => {
                return Err(ImageError::Digest {
                    image,
                    host: DIGEST,
                });
            }
        }
        if aicore.is_empty() {
            return Err(ImageError::NoCoreProgram);
        }
        Ok(Self { aicpu, aicore })
    }

    /// Refuses programs of a runtime that the image has not.
    pub(crate) fn check(&self, runtime: Runtime) -> Result<(), ImageError> {
        if Stamp::of(&self.aicpu).is_some_and(|stamp| stamp.agrees(runtime)) {
            return Ok(());
        }
        let wanted = runtime.name();
        Err(ImageError::Runtime { wanted })
    }

    /// Whether both programs are the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same = |a: &Arc<[u8]>, b: &Arc<[u8]>| Arc::ptr_eq(a, b) || a == b;
        same(&self.aicpu, &other.aicpu) && same(&self.aicore, &other.aicore)
    }

    /// By what the AICPU image is known.
    pub(crate) fn id(&self) -> u64 {
        content_id(&self.aicpu)
    }
}

#[cfg(test)]
mod tests {
    use super::{ImageError, Images};
    use aicpu::onboard::stamp::{DIGEST, Runtime, Stamp};

    fn image(digest: u64) -> Vec<u8> {
        let stamp = Stamp {
            digest,
            ..Stamp::OURS
        };
        stamp.bytes()
    }

    #[test]
    fn an_image_without_the_runtime_is_refused() {
        let mut stamp = Stamp::OURS;
        stamp.runtimes[Runtime::Hbg as usize] = 0;
        let images = Images::new(stamp.bytes(), [1]).expect("an image of this build");
        assert_eq!(
            images.check(Runtime::Hbg),
            Err(ImageError::Runtime { wanted: "hbg" })
        );
        let trb = images.check(Runtime::Trb);
        assert_eq!(trb.is_ok(), cfg!(feature = "trb"));
    }

    #[test]
    fn an_image_of_another_build_is_refused() {
        assert!(Images::new(image(DIGEST), [1]).is_ok());
        let host = DIGEST;
        assert_eq!(
            Images::new(image(!host), [1]).err(),
            Some(ImageError::Digest { image: !host, host })
        );
        assert_eq!(
            Images::new([1, 2], [1]).err(),
            Some(ImageError::Foreign { bytes: 2 })
        );
        assert_eq!(
            Images::new(image(DIGEST), []).err(),
            Some(ImageError::NoCoreProgram)
        );
    }
}

//! The two programs of a chip, and how they get there.
//!
//! Knows that the vendor's loader takes one AICPU image per process and silently keeps it, and that
//! the core program is registered once. Refuses to run an image whose layouts are not this build's.

use core::time::Duration;
use std::sync::Arc;

use aicpu::onboard::stamp::{DIGEST, Runtime, Stamp, digest_in};
use aicpu::onboard::wire::Introduction;
use bytemuck::Zeroable;
use protocol::content_id;
use protocol::kernel_args::LAUNCH_INIT_NAME;

use crate::cann::{Binary, Bound, Buffer, Driver, Error, Stream};

use super::descriptor::LaunchBlock;

/// The AICPU image and the core program.
#[derive(Clone)]
pub struct Images {
    aicpu: Arc<[u8]>,
    aicore: Arc<[u8]>,
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

/// Images on a chip.
#[derive(Debug)]
pub(crate) struct Loaded {
    device_args: Buffer,
    binary: Binary,
    /// Read by the loader when it opens the image.
    _aicpu: Buffer,
}

impl Loaded {
    pub(crate) fn load(driver: &Arc<Driver>, images: &Images) -> Result<Self, Error> {
        let aicpu = Buffer::upload(driver, &images.aicpu)?;
        let device_args = Buffer::upload(driver, &device_args(&aicpu, driver.device()))?;
        let binary = Binary::register(driver, Arc::clone(&images.aicore))?;
        Ok(Self {
            device_args,
            binary,
            _aicpu: aicpu,
        })
    }

    pub(crate) const fn device_args(&self) -> u64 {
        self.device_args.address()
    }

    pub(crate) const fn binary(&self) -> u64 {
        self.binary.handle()
    }
}

/// Has the vendor's loader open the image, which it does when the first function is launched; what the image says of
/// itself and the chip. `kernel_args` name `descriptor` as the place for run descriptors.
pub(crate) fn open(
    bound: &Bound<'_>,
    stream: &Stream,
    kernel_args: &[u8],
    descriptor: &Buffer,
    limit: Duration,
) -> Result<Introduction, Error> {
    let mut said = Introduction::zeroed();
    descriptor.write(0, bytemuck::bytes_of(&said))?;
    let block = LaunchBlock::new(kernel_args, LAUNCH_INIT_NAME);
    bound.launch_aicpu(stream.handle(), &block.launch(1))?;
    bound.stream_synchronize(stream.handle(), limit)?;
    descriptor.read(0, bytemuck::bytes_of_mut(&mut said))?;
    if said.digest == DIGEST {
        return Ok(said);
    }
    // The loader keeps the first image that a process gave it, and says nothing of it.
    Err(Error::Answer {
        function: OPENED,
        device: bound.driver().device(),
        answer: format!("layout digest {:#018x}", said.digest),
        expected: "this program's: another image is on the chip until the device is reset",
    })
}

/// What answers when an image is opened, for whoever reads of it.
const OPENED: &str = "the image's init function";

/// What the vendor's loader reads, the device's number behind the pinned record included.
fn device_args(aicpu: &Buffer, device: i32) -> Vec<u8> {
    let record = protocol::kernel_args::DeviceArgs {
        unused: [0; 12],
        aicpu_so_bin: aicpu.address(),
        aicpu_so_len: aicpu.bytes(),
    };
    let mut bytes = bytemuck::bytes_of(&record).to_vec();
    bytes.extend(u64::try_from(device).unwrap_or(0).to_le_bytes());
    bytes
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

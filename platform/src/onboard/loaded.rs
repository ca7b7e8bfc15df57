//! How the two programs get to a chip.
//!
//! Knows that the vendor's loader takes one AICPU image per process and silently keeps it, and that
//! the core program is registered once. Refuses to know what is in either.

use core::time::Duration;
use std::sync::Arc;

use aicpu::onboard::stamp::DIGEST;
use aicpu::onboard::wire::Introduction;
use bytemuck::Zeroable;
use protocol::kernel_args::LAUNCH_INIT_NAME;

use super::descriptor::LaunchBlock;
use super::images::Images;
use crate::cann::{Binary, Bound, Buffer, Driver, Error, Stream};

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
    let (answer, expected) = match said.digest {
        0 => (
            "nothing".to_owned(),
            "a digest: another image is on the chip until the device is reset, or what it writes is not seen",
        ),
        other => (
            format!("layout digest {other:#018x}"),
            "this program's: another image is on the chip until the device is reset",
        ),
    };
    Err(Error::Answer {
        function: OPENED,
        device: bound.driver().device(),
        answer,
        expected,
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

//! The image of one kernel.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::{check_signature, direction};
use crate::limits::{CALLABLE_ALIGN, CORE_MAX_TENSOR_ARGS};
use crate::{ArgDirection, Malformed};

/// Where the payload starts in a kernel image.
pub const CORE_PAYLOAD_OFFSET: usize =
    size_of::<CoreCallableHeader>().next_multiple_of(CALLABLE_ALIGN);

/// The header of a kernel image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct CoreCallableHeader {
    /// An [`ArgDirection`] per argument, unchecked.
    pub signature: [i32; CORE_MAX_TENSOR_ARGS],
    /// Directions in use.
    pub sig_count: i32,
    /// Bytes of the payload.
    pub binary_size: u32,
    /// Zero until the host has uploaded the image: then where the kernel is.
    pub resolved_addr: u64,
}

crate::pin_layout!(CoreCallableHeader, 80 bytes, align 8, {
    0 => signature: [i32; CORE_MAX_TENSOR_ARGS],
    64 => sig_count: i32,
    68 => binary_size: u32,
    72 => resolved_addr: u64,
});

/// A checked kernel image in someone else's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreCallable<'a> {
    header: CoreCallableHeader,
    image: &'a [u8],
}

impl<'a> CoreCallable<'a> {
    /// Reads the image at the start of `bytes`; what follows it is ignored.
    ///
    /// # Errors
    /// When the buffer is shorter than the image it announces, or the signature is invalid.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let header = header_of(bytes)?;
        check_signature(
            ["kernel sig_count", "kernel signature"],
            header.sig_count,
            header.signature.into_iter(),
        )?;
        let size = image_size_of(&header);
        let image = usize::try_from(size)
            .ok()
            .and_then(|size| bytes.get(..size))
            .ok_or(truncated(size, bytes))?;
        Ok(Self { header, image })
    }

    /// Bytes of the image whose first 80 bytes are in `prefix`, for a caller who was given an
    /// image without its length.
    ///
    /// # Errors
    /// When `prefix` is shorter than the header; the error names the bytes needed.
    pub fn image_size(prefix: &[u8]) -> Result<u64, Malformed> {
        header_of(prefix).map(|header| image_size_of(&header))
    }

    /// The whole image.
    #[must_use]
    pub const fn image(&self) -> &'a [u8] {
        self.image
    }

    /// The kernel's code.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        &self.image[CORE_PAYLOAD_OFFSET..]
    }

    /// The direction of every argument.
    pub fn signature(&self) -> impl ExactSizeIterator<Item = ArgDirection> + '_ {
        let used = usize::try_from(self.header.sig_count).expect("the reader checked the count");
        self.header.signature[..used]
            .iter()
            .map(|&wire| direction(wire))
    }

    /// Where the host has put the kernel, zero before that.
    #[must_use]
    pub const fn resolved_addr(&self) -> u64 {
        self.header.resolved_addr
    }

    /// Writes where the kernel was put into a copy of its image.
    ///
    /// The caller's own image stays as it was given: an image that changes under its owner has
    /// another content id the next time.
    ///
    /// # Errors
    /// When `image` is shorter than a header.
    pub fn write_resolved_addr(image: &mut [u8], address: u64) -> Result<(), Malformed> {
        const AT: usize = offset_of!(CoreCallableHeader, resolved_addr);
        let error = truncated(size_of::<CoreCallableHeader>() as u64, image);
        image
            .get_mut(AT..AT + size_of::<u64>())
            .ok_or(error)?
            .copy_from_slice(&address.to_le_bytes());
        Ok(())
    }
}

fn header_of(bytes: &[u8]) -> Result<CoreCallableHeader, Malformed> {
    bytes
        .first_chunk::<{ size_of::<CoreCallableHeader>() }>()
        .map(|header| bytemuck::must_cast(*header))
        .ok_or(truncated(size_of::<CoreCallableHeader>() as u64, bytes))
}

fn image_size_of(header: &CoreCallableHeader) -> u64 {
    CORE_PAYLOAD_OFFSET as u64 + u64::from(header.binary_size)
}

fn truncated(needed: u64, bytes: &[u8]) -> Malformed {
    Malformed::Truncated {
        field: "kernel image",
        needed,
        available: bytes.len() as u64,
    }
}

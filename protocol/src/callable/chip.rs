//! The image of an orchestration with its kernels.

use core::ffi::CStr;
use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::{CoreCallable, CoreCallableHeader, check_signature, direction};
use crate::limits::{
    CALLABLE_NAME_BYTES, CHIP_MAX_TENSOR_ARGS, MAX_CALLABLE_CHILDREN, MAX_FUNC_ID,
};
use crate::{ArgDirection, Malformed, name};

/// The header of a chip image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ChipCallableHeader {
    /// An [`ArgDirection`] per orchestration argument, unchecked.
    pub signature: [i32; CHIP_MAX_TENSOR_ARGS],
    /// Directions in use.
    pub sig_count: i32,
    /// Bytes of the orchestration.
    pub binary_size: u32,
    /// Symbol of the orchestration's entry, closed by NUL.
    pub func_name: [u8; CALLABLE_NAME_BYTES],
    /// Its length without NUL.
    pub func_name_len: u32,
    /// Function id of every child.
    pub child_func_ids: [i32; MAX_CALLABLE_CHILDREN],
    /// Where in the storage every child starts.
    pub child_offsets: [u32; MAX_CALLABLE_CHILDREN],
    /// Children in use.
    pub child_count: i32,
    /// Symbol of the orchestration's configuration, closed by NUL.
    pub config_name: [u8; CALLABLE_NAME_BYTES],
    /// Its length without NUL.
    pub config_name_len: u32,
}

crate::pin_layout!(ChipCallableHeader, 8596 bytes, align 4, {
    0 => signature: [i32; CHIP_MAX_TENSOR_ARGS],
    256 => sig_count: i32,
    260 => binary_size: u32,
    264 => func_name: [u8; CALLABLE_NAME_BYTES],
    328 => func_name_len: u32,
    332 => child_func_ids: [i32; MAX_CALLABLE_CHILDREN],
    4428 => child_offsets: [u32; MAX_CALLABLE_CHILDREN],
    8524 => child_count: i32,
    8528 => config_name: [u8; CALLABLE_NAME_BYTES],
    8592 => config_name_len: u32,
});

const HEADER_SIZE: usize = size_of::<ChipCallableHeader>();

/// A checked chip image in someone else's memory.
///
/// What was checked: everything lies inside the image, children neither overlap one another nor the
/// orchestration, names are what their lengths say, function ids are in range, and no id stands
/// for two different kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChipCallable<'a> {
    header: Header<'a>,
    storage: &'a [u8],
    image: &'a [u8],
}

/// One kernel of a chip image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child<'a> {
    /// The number under which the orchestration submits it.
    pub func_id: i32,
    /// Where in the storage it starts.
    pub offset: u32,
    /// Its image.
    pub kernel: CoreCallable<'a>,
}

impl<'a> ChipCallable<'a> {
    /// Reads the image at the start of `bytes`; what follows it is ignored.
    ///
    /// # Errors
    /// On the first thing that the type's description promises and the bytes do not keep.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let header = Header::of(bytes)?;
        check_signature(
            ["sig_count", "signature"],
            header.sig_count(),
            header
                .signature()
                .iter()
                .map(|wire| i32::from_le_bytes(*wire)),
        )?;
        header.func_name()?;
        header.config_name()?;
        let children = header.child_count()?;

        let storage = &bytes[HEADER_SIZE..];
        let mut end = u64::from(header.binary_size());
        if end > storage.len() as u64 {
            return Err(truncated(HEADER_SIZE as u64 + end, bytes));
        }
        let mut owners = FuncIds::new();
        for index in 0..children {
            let child = header.child(storage, index, end)?;
            owners.claim(&header, storage, index, &child)?;
            end = u64::from(child.offset) + child.kernel.image().len() as u64;
        }
        // Every end was compared with the storage on the way, so both fit.
        let (storage, image) = usize::try_from(end)
            .ok()
            .and_then(|end| Some((storage.get(..end)?, bytes.get(..HEADER_SIZE + end)?)))
            .ok_or(truncated(HEADER_SIZE as u64 + end, bytes))?;
        Ok(Self {
            header,
            storage,
            image,
        })
    }

    /// Bytes of the image that starts with `prefix`, for a caller who was given an image without
    /// its length.
    ///
    /// # Errors
    /// [`Malformed::Truncated`] while `prefix` does not reach far enough to tell; it names the
    /// bytes needed next: first the header, then the header of the last child.
    pub fn image_size(prefix: &[u8]) -> Result<u64, Malformed> {
        let header = Header::of(prefix)?;
        let last = (0..header.child_count()?)
            .map(|index| header.child_offset(index))
            .max();
        let Some(last) = last else {
            return Ok(HEADER_SIZE as u64 + u64::from(header.binary_size()));
        };
        let start = HEADER_SIZE as u64 + u64::from(last);
        let child = usize::try_from(start)
            .ok()
            .and_then(|start| prefix.get(start..))
            .and_then(|child| CoreCallable::image_size(child).ok())
            .ok_or(truncated(
                start + size_of::<CoreCallableHeader>() as u64,
                prefix,
            ))?;
        Ok(start + child)
    }

    /// The whole image.
    #[must_use]
    pub const fn image(&self) -> &'a [u8] {
        self.image
    }

    /// The orchestration's code.
    #[must_use]
    pub fn orchestration(&self) -> &'a [u8] {
        &self.storage[..self.header.binary_size() as usize]
    }

    /// The direction of every orchestration argument.
    pub fn signature(&self) -> impl ExactSizeIterator<Item = ArgDirection> + use<'a> {
        let used = usize::try_from(self.header.sig_count()).expect("the reader checked the count");
        self.header.signature()[..used]
            .iter()
            .map(|wire| direction(i32::from_le_bytes(*wire)))
    }

    /// Symbol of the orchestration's entry; empty stands for the runtime's default.
    #[must_use]
    pub fn func_name(&self) -> &'a CStr {
        self.header.func_name().expect("the reader checked it")
    }

    /// Symbol of the orchestration's configuration; empty stands for the runtime's default.
    #[must_use]
    pub fn config_name(&self) -> &'a CStr {
        self.header.config_name().expect("the reader checked it")
    }

    /// The kernels, in order.
    pub fn children(&self) -> impl ExactSizeIterator<Item = Child<'a>> + use<'a> {
        let Self {
            header, storage, ..
        } = *self;
        let count = header.child_count().expect("the reader checked the count");
        (0..count).map(move |index| {
            header
                .child(storage, index, 0)
                .expect("the reader checked every child")
        })
    }
}

/// The header's fields, read where they lie: they may have any alignment.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Header<'a>(&'a [u8; HEADER_SIZE]);

impl core::fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Header")
            .field("sig_count", &self.sig_count())
            .field("binary_size", &self.binary_size())
            .field("func_name", &self.func_name())
            .field("child_count", &self.child_count())
            .field("config_name", &self.config_name())
            .finish()
    }
}

impl<'a> Header<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, Malformed> {
        bytes
            .first_chunk()
            .map(Self)
            .ok_or(truncated(HEADER_SIZE as u64, bytes))
    }

    fn bytes<const N: usize>(&self, offset: usize) -> &'a [u8; N] {
        self.0[offset..]
            .first_chunk()
            .expect("field offsets lie inside the header")
    }

    fn u32_at(&self, offset: usize) -> u32 {
        u32::from_le_bytes(*self.bytes(offset))
    }

    fn i32_at(&self, offset: usize) -> i32 {
        i32::from_le_bytes(*self.bytes(offset))
    }

    fn signature(&self) -> &'a [[u8; 4]] {
        self.bytes::<{ 4 * CHIP_MAX_TENSOR_ARGS }>(offset_of!(ChipCallableHeader, signature))
            .as_chunks()
            .0
    }

    fn sig_count(&self) -> i32 {
        self.i32_at(offset_of!(ChipCallableHeader, sig_count))
    }

    fn binary_size(&self) -> u32 {
        self.u32_at(offset_of!(ChipCallableHeader, binary_size))
    }

    fn func_name(&self) -> Result<&'a CStr, Malformed> {
        name::from_field::<CALLABLE_NAME_BYTES>(
            "func_name",
            self.bytes(offset_of!(ChipCallableHeader, func_name)),
            self.u32_at(offset_of!(ChipCallableHeader, func_name_len)),
        )
    }

    fn config_name(&self) -> Result<&'a CStr, Malformed> {
        name::from_field::<CALLABLE_NAME_BYTES>(
            "config_name",
            self.bytes(offset_of!(ChipCallableHeader, config_name)),
            self.u32_at(offset_of!(ChipCallableHeader, config_name_len)),
        )
    }

    fn child_count(&self) -> Result<usize, Malformed> {
        let count = self.i32_at(offset_of!(ChipCallableHeader, child_count));
        Malformed::count("child_count", count, MAX_CALLABLE_CHILDREN)
    }

    fn child_func_id(&self, index: usize) -> i32 {
        self.i32_at(offset_of!(ChipCallableHeader, child_func_ids) + 4 * index)
    }

    fn child_offset(&self, index: usize) -> u32 {
        self.u32_at(offset_of!(ChipCallableHeader, child_offsets) + 4 * index)
    }

    /// Child `index`, which may not start before `free_from`.
    fn child(
        &self,
        storage: &'a [u8],
        index: usize,
        free_from: u64,
    ) -> Result<Child<'a>, Malformed> {
        let func_id = self.child_func_id(index);
        if !usize::try_from(func_id).is_ok_and(|id| id < MAX_FUNC_ID) {
            return Err(Malformed::ElementOutOfRange {
                field: "child_func_ids",
                index: number(index),
                value: i64::from(func_id),
                min: 0,
                max: MAX_FUNC_ID as i64 - 1,
            });
        }
        let offset = self.child_offset(index);
        let bytes = usize::try_from(offset)
            .ok()
            .filter(|_| u64::from(offset) >= free_from)
            .and_then(|offset| storage.get(offset..))
            .ok_or(Malformed::ElementOutOfRange {
                field: "child_offsets",
                index: number(index),
                value: i64::from(offset),
                min: free_from.cast_signed(),
                max: storage.len() as i64,
            })?;
        let kernel = CoreCallable::read(bytes).map_err(|cause| in_child(number(index), cause))?;
        Ok(Child {
            func_id,
            offset,
            kernel,
        })
    }
}

/// Which child has claimed a function id.
struct FuncIds([u16; MAX_FUNC_ID]);

impl FuncIds {
    const FREE: u16 = u16::MAX;

    fn new() -> Self {
        Self([Self::FREE; MAX_FUNC_ID])
    }

    /// Claims the id of `child`. A second claim is fine for the same kernel only: of two different
    /// ones, one could never run.
    fn claim(
        &mut self,
        header: &Header<'_>,
        storage: &[u8],
        index: usize,
        child: &Child<'_>,
    ) -> Result<(), Malformed> {
        let slot = usize::try_from(child.func_id)
            .ok()
            .and_then(|id| self.0.get_mut(id))
            .expect("the id was checked");
        if *slot == Self::FREE {
            *slot = u16::try_from(index).expect("at most 1024 children");
            return Ok(());
        }
        let first = usize::from(*slot);
        if header.child(storage, first, 0)?.kernel.image() == child.kernel.image() {
            Ok(())
        } else {
            Err(Malformed::DuplicateFuncId {
                func_id: child.func_id,
                first: number(first),
                second: number(index),
            })
        }
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("at most 1024 children")
}

fn truncated(needed: u64, bytes: &[u8]) -> Malformed {
    Malformed::Truncated {
        field: "chip image",
        needed,
        available: bytes.len() as u64,
    }
}

/// The same refusal, naming the child it happened in.
fn in_child(index: u32, cause: Malformed) -> Malformed {
    match cause {
        Malformed::Truncated {
            needed, available, ..
        } => Malformed::TruncatedChild {
            index,
            needed,
            available,
        },
        Malformed::OutOfRange {
            field,
            value,
            min,
            max,
        }
        | Malformed::ElementOutOfRange {
            field,
            value,
            min,
            max,
            ..
        } => Malformed::ElementOutOfRange {
            field,
            index,
            value,
            min,
            max,
        },
        other => other,
    }
}

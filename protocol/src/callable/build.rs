//! Making images.

use alloc::vec::Vec;

use bytemuck::Zeroable;

use super::{CORE_PAYLOAD_OFFSET, ChipCallableHeader, CoreCallable, CoreCallableHeader};
use crate::limits::{CALLABLE_ALIGN, MAX_CALLABLE_CHILDREN, MAX_FUNC_ID};
use crate::{ArgDirection, Malformed, name};

/// The image of a kernel.
///
/// # Errors
/// When the signature is too long or the payload exceeds 32 bits.
pub fn core_callable_image(
    signature: &[ArgDirection],
    payload: &[u8],
) -> Result<Vec<u8>, Malformed> {
    let mut header = CoreCallableHeader::zeroed();
    header.sig_count = fill_signature("kernel signature", &mut header.signature, signature)?;
    header.binary_size = narrow("kernel payload bytes", payload.len())?;
    let mut image = Vec::with_capacity(CORE_PAYLOAD_OFFSET + payload.len());
    image.extend_from_slice(bytemuck::bytes_of(&header));
    image.resize(CORE_PAYLOAD_OFFSET, 0);
    image.extend_from_slice(payload);
    Ok(image)
}

/// Collects the parts of a chip image.
///
/// Everything is checked by [`build`](Self::build), which either gives a complete image or names
/// the part that cannot be in one.
#[derive(Clone, Debug, Default)]
pub struct ChipCallableBuilder<'a> {
    signature: &'a [ArgDirection],
    func_name: &'a [u8],
    config_name: &'a [u8],
    orchestration: &'a [u8],
    children: Vec<(i32, CoreCallable<'a>)>,
}

impl<'a> ChipCallableBuilder<'a> {
    /// An image around this orchestration binary.
    #[must_use]
    pub fn new(orchestration: &'a [u8]) -> Self {
        Self {
            orchestration,
            ..Self::default()
        }
    }

    /// States the directions of the orchestration's arguments.
    #[must_use]
    pub fn signature(mut self, signature: &'a [ArgDirection]) -> Self {
        self.signature = signature;
        self
    }

    /// Names the orchestration's entry.
    #[must_use]
    pub fn func_name(mut self, name: &'a [u8]) -> Self {
        self.func_name = name;
        self
    }

    /// Names the orchestration's configuration.
    #[must_use]
    pub fn config_name(mut self, name: &'a [u8]) -> Self {
        self.config_name = name;
        self
    }

    /// Adds a kernel under the number with which the orchestration submits it.
    #[must_use]
    pub fn child(mut self, func_id: i32, kernel: CoreCallable<'a>) -> Self {
        self.children.push((func_id, kernel));
        self
    }

    /// The image.
    ///
    /// # Errors
    /// When there are too many directions or children, a name does not fit or contains NUL, a
    /// function id is out of range or taken, or an offset exceeds 32 bits.
    pub fn build(&self) -> Result<Vec<u8>, Malformed> {
        let mut header = ChipCallableHeader::zeroed();
        header.sig_count = fill_signature("signature", &mut header.signature, self.signature)?;
        header.binary_size = narrow("orchestration bytes", self.orchestration.len())?;
        header.func_name = name::to_field("func_name", self.func_name)?;
        header.func_name_len = narrow("func_name", self.func_name.len())?;
        header.config_name = name::to_field("config_name", self.config_name)?;
        header.config_name_len = narrow("config_name", self.config_name.len())?;
        header.child_count = i32::try_from(self.children.len())
            .ok()
            .filter(|_| self.children.len() <= MAX_CALLABLE_CHILDREN)
            .ok_or(Malformed::TooMany {
                field: "children",
                value: self.children.len() as u64,
                limit: MAX_CALLABLE_CHILDREN as u64,
            })?;
        self.check_func_ids()?;

        let mut end = self.orchestration.len();
        for (slot, &(func_id, kernel)) in self.children.iter().enumerate() {
            let offset = end.next_multiple_of(CALLABLE_ALIGN);
            header.child_func_ids[slot] = func_id;
            header.child_offsets[slot] = narrow("child_offsets", offset)?;
            end = offset + kernel.image().len();
        }

        let storage = size_of::<ChipCallableHeader>();
        let mut image = Vec::with_capacity(storage + end);
        image.extend_from_slice(bytemuck::bytes_of(&header));
        image.extend_from_slice(self.orchestration);
        for (_, kernel) in &self.children {
            let offset = (image.len() - storage).next_multiple_of(CALLABLE_ALIGN);
            image.resize(storage + offset, 0);
            image.extend_from_slice(kernel.image());
        }
        Ok(image)
    }

    fn check_func_ids(&self) -> Result<(), Malformed> {
        let mut owners = [None; MAX_FUNC_ID];
        for (index, &(func_id, _)) in (0..).zip(&self.children) {
            let owner = usize::try_from(func_id)
                .ok()
                .and_then(|id| owners.get_mut(id))
                .ok_or(Malformed::ElementOutOfRange {
                    field: "child_func_ids",
                    index,
                    value: i64::from(func_id),
                    min: 0,
                    max: MAX_FUNC_ID as i64 - 1,
                })?;
            if let Some(first) = owner.replace(index) {
                return Err(Malformed::DuplicateFuncId {
                    func_id,
                    first,
                    second: index,
                });
            }
        }
        Ok(())
    }
}

fn fill_signature(
    field: &'static str,
    slots: &mut [i32],
    signature: &[ArgDirection],
) -> Result<i32, Malformed> {
    let limit = slots.len() as u64;
    let too_many = Malformed::TooMany {
        field,
        value: signature.len() as u64,
        limit,
    };
    let used = slots.get_mut(..signature.len()).ok_or(too_many)?;
    for (slot, direction) in used.iter_mut().zip(signature) {
        *slot = direction.to_wire();
    }
    i32::try_from(signature.len()).map_err(|_| too_many)
}

fn narrow(field: &'static str, value: usize) -> Result<u32, Malformed> {
    u32::try_from(value).map_err(|_| Malformed::TooMany {
        field,
        value: value as u64,
        limit: u64::from(u32::MAX),
    })
}

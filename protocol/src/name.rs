//! Strings in fixed fields: the text, a NUL, zeros.

use core::ffi::CStr;

use crate::Malformed;

/// The field that holds `text`.
///
/// A text that does not fit is refused, never cut: half a symbol name finds nothing, half a path
/// finds the wrong thing.
pub(crate) fn to_field<const N: usize>(
    field: &'static str,
    text: &[u8],
) -> Result<[u8; N], Malformed> {
    // One byte stays for the closing NUL.
    if text.len() >= N {
        return Err(Malformed::TooMany {
            field,
            value: text.len() as u64,
            limit: N as u64 - 1,
        });
    }
    if text.contains(&0) {
        return Err(Malformed::BadName {
            field,
            length: text.len() as u64,
        });
    }
    let mut bytes = [0; N];
    bytes[..text.len()].copy_from_slice(text);
    Ok(bytes)
}

/// The text of a field whose length is stated beside it.
pub(crate) fn from_field<'a, const N: usize>(
    field: &'static str,
    bytes: &'a [u8; N],
    length: u32,
) -> Result<&'a CStr, Malformed> {
    usize::try_from(length)
        .ok()
        .and_then(|length| bytes.get(..=length))
        .and_then(|bytes| CStr::from_bytes_with_nul(bytes).ok())
        .ok_or(Malformed::BadName {
            field,
            length: u64::from(length),
        })
}

//! The 64-bit name of a binary's content.
//!
//! Knows how the name follows from the bytes. Refuses to know what shares it: equal ids do not
//! prove equal bytes (two links with one build id), so whoever shares by id compares the bytes too.

use crate::layout::fnv1a64;

const ELF_MAGIC: [u8; 4] = *b"\x7fELF";
const ELF_CLASS_64: u8 = 2;
const ELF_HEADER_SIZE: usize = 64;
const PROGRAM_HEADER_SIZE: usize = 56;
const NOTE_SEGMENT: u32 = 4;
const NOTE_HEADER_SIZE: usize = 12;
const BUILD_ID_NOTE: u32 = 3;
const BUILD_ID_OWNER: &[u8] = b"GNU\0";

/// The id of a binary: the first eight bytes of its GNU build id if it is a 64-bit ELF file that
/// has one, else the hash of all bytes.
///
/// Any bytes have an id. An ELF file whose headers point outside it counts as bytes.
#[must_use]
pub fn content_id(bytes: &[u8]) -> u64 {
    build_id(bytes).unwrap_or_else(|| fnv1a64(bytes))
}

fn build_id(file: &[u8]) -> Option<u64> {
    let header: &[u8; ELF_HEADER_SIZE] = file.first_chunk()?;
    if header[..4] != ELF_MAGIC || header[4] != ELF_CLASS_64 {
        return None;
    }
    let table = usize::try_from(u64_at(header, 32)?).ok()?;
    let entry_size = usize::from(u16_at(header, 54)?);
    let entries = usize::from(u16_at(header, 56)?);
    if table == 0 || entry_size < PROGRAM_HEADER_SIZE {
        return None;
    }
    // Both factors have 16 bits.
    let table = bytes_at(file, table, entry_size * entries)?;
    table
        .chunks_exact(entry_size)
        .filter(|entry| u32_at(entry, 0) == Some(NOTE_SEGMENT))
        .filter_map(|entry| {
            let offset = usize::try_from(u64_at(entry, 8)?).ok()?;
            let size = usize::try_from(u64_at(entry, 32)?).ok()?;
            bytes_at(file, offset, size)
        })
        .find_map(build_id_in_notes)
}

fn build_id_in_notes(mut notes: &[u8]) -> Option<u64> {
    while let Some((header, rest)) = notes.split_first_chunk::<NOTE_HEADER_SIZE>() {
        let name_size = usize::try_from(u32_at(header, 0)?).ok()?;
        let descriptor_size = usize::try_from(u32_at(header, 4)?).ok()?;
        let name = rest.get(..name_size)?;
        let rest = rest.get(padded(name_size)?..)?;
        let descriptor = rest.get(..descriptor_size)?;
        if u32_at(header, 8)? == BUILD_ID_NOTE
            && name == BUILD_ID_OWNER
            && let Some(id) = u64_at(descriptor, 0)
        {
            return Some(id);
        }
        // The last descriptor of a segment may lack its padding.
        notes = rest.get(padded(descriptor_size)?..).unwrap_or_default();
    }
    None
}

fn padded(size: usize) -> Option<usize> {
    size.checked_next_multiple_of(4)
}

fn bytes_at(bytes: &[u8], offset: usize, size: usize) -> Option<&[u8]> {
    bytes.get(offset..)?.get(..size)
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}

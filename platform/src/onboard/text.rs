//! The code of a kernel, out of its object file.
//!
//! Knows which part of the file a core gets to see, and what must not be elsewhere in it: the core jumps
//! to the first byte of `.text` and sees nothing but that section, so a kernel with constants, data or
//! calls out of it would break without a word.

use object::elf::{FileHeader64, Machine, SHF_ALLOC, SHT_NOBITS, SHT_REL, SHT_RELA};
use object::read::elf::{FileHeader, SectionHeader};
use object::{Endianness, pod};

/// The machine number of AICore code.
const MACHINE: Machine = Machine(0x1029);

/// Why an object file is no kernel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// There are no bytes.
    #[error("the kernel is empty")]
    Empty,
    /// The file cannot be read.
    #[error("the object file is damaged: {0}")]
    Damaged(String),
    /// The file is for another machine.
    #[error(
        "the object file is for ELF machine {0:#x}, not for an AICore (0x1029): build it with ccec"
    )]
    Machine(u16),
    /// There is no code in it.
    #[error("the object file has no .text section")]
    NoText,
    /// The code refers to something that would have to be linked.
    #[error(
        "the code has {0} relocations: a kernel is one section, so call nothing and use no constants in memory"
    )]
    Relocations(usize),
    /// There is something beside the code that would have to be loaded.
    #[error(
        "section {name} has {bytes} bytes that would not reach the core: use no constants, data or functions outside of .text"
    )]
    Section {
        /// Its name.
        name: String,
        /// Its size.
        bytes: u64,
    },
}

/// The code in `bytes`: the `.text` section of an object file, or all of it if it is none.
///
/// # Errors
/// Why the code could not run.
pub fn kernel_text(bytes: &[u8]) -> Result<Vec<u8>, TextError> {
    if bytes.is_empty() {
        return Err(TextError::Empty);
    }
    if !bytes.starts_with(b"\x7fELF") {
        return Ok(bytes.to_vec());
    }
    let damaged = |error: object::Error| TextError::Damaged(error.to_string());
    let mut words = vec![0_u64; bytes.len().div_ceil(8)];
    pod::bytes_of_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
    let data = &pod::bytes_of_slice(&words)[..bytes.len()];
    let header = FileHeader64::<Endianness>::parse(data).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    let machine = header.e_machine(endian);
    if machine != MACHINE {
        return Err(TextError::Machine(machine.0));
    }
    let sections = header.sections(endian, data).map_err(damaged)?;
    let mut text = None;
    for (index, section) in sections.enumerate() {
        let name =
            String::from_utf8_lossy(sections.section_name(endian, section).map_err(damaged)?)
                .into_owned();
        let bytes = section.sh_size(endian);
        let flags = section.sh_flags(endian);
        if name == ".text" && text.is_none() && section.sh_type(endian) != SHT_NOBITS {
            text = Some((index, section.data(endian, data).map_err(damaged)?.to_vec()));
        } else if flags.0 & SHF_ALLOC.0 != 0 && bytes != 0 && !name.starts_with(".eh_frame") {
            return Err(TextError::Section { name, bytes });
        }
    }
    let (index, text) = text
        .filter(|(_, text)| !text.is_empty())
        .ok_or(TextError::NoText)?;
    for section in sections.iter() {
        let kind = section.sh_type(endian);
        if (kind == SHT_REL || kind == SHT_RELA) && section.sh_info(endian) as usize == index.0 {
            let entry = section.sh_entsize(endian).max(1);
            let count = section.sh_size(endian) / entry;
            return Err(TextError::Relocations(
                usize::try_from(count).unwrap_or(usize::MAX),
            ));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{TextError, kernel_text};

    const PROGBITS: u32 = 1;
    const RELA: u32 = 4;
    const ALLOCATED: u64 = 2;

    struct Section {
        name: &'static str,
        kind: u32,
        flags: u64,
        /// The section that relocations are for.
        info: u32,
        bytes: &'static [u8],
    }

    const TEXT: Section = Section {
        name: ".text",
        kind: PROGBITS,
        flags: ALLOCATED,
        info: 0,
        bytes: &[1, 2, 3, 4],
    };

    /// An object file with these sections, numbered from 1.
    fn object(machine: u16, sections: &[Section]) -> Vec<u8> {
        let mut names = vec![0];
        let mut contents = Vec::new();
        let mut headers = vec![0; 64];
        let strings = Section {
            name: ".shstrtab",
            kind: 3,
            flags: 0,
            info: 0,
            bytes: &[],
        };
        for section in sections.iter().chain([&strings]) {
            let name = u32::try_from(names.len()).expect("short");
            names.extend(section.name.as_bytes());
            names.push(0);
            let bytes = match section.kind {
                3 => names.clone(),
                _ => section.bytes.to_vec(),
            };
            let entry = if section.kind == RELA { 24_u64 } else { 0 };
            headers.extend(name.to_le_bytes());
            headers.extend(section.kind.to_le_bytes());
            for word in [
                section.flags,
                0,
                64 + contents.len() as u64,
                bytes.len() as u64,
            ] {
                headers.extend(word.to_le_bytes());
            }
            headers.extend([0, 0, 0, 0]);
            headers.extend(section.info.to_le_bytes());
            headers.extend(1_u64.to_le_bytes());
            headers.extend(entry.to_le_bytes());
            contents.extend(bytes);
        }
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(16, 0);
        file.extend(1_u16.to_le_bytes());
        file.extend(machine.to_le_bytes());
        file.extend(1_u32.to_le_bytes());
        for word in [0, 0, 64 + contents.len() as u64] {
            file.extend(word.to_le_bytes());
        }
        file.extend([0; 4]);
        let count = u16::try_from(sections.len() + 2).expect("few");
        for half in [64, 0, 0, 64, count, count - 1] {
            file.extend(half.to_le_bytes());
        }
        [file, contents, headers].concat()
    }

    #[test]
    fn code_is_found_in_an_object_file_and_raw_code_is_taken_as_it_is() {
        assert_eq!(kernel_text(&object(0x1029, &[TEXT])), Ok(vec![1, 2, 3, 4]));
        assert_eq!(kernel_text(&[9, 8]), Ok(vec![9, 8]));
        assert_eq!(kernel_text(&[]), Err(TextError::Empty));
    }

    #[test]
    fn what_would_not_reach_the_core_is_refused() {
        let constants = Section {
            name: ".rodata",
            ..TEXT
        };
        let unloaded = Section {
            name: ".comment",
            flags: 0,
            ..TEXT
        };
        let relocations = Section {
            name: ".rela.text",
            kind: RELA,
            flags: 0,
            info: 1,
            bytes: &[0; 48],
        };
        assert_eq!(
            kernel_text(&object(0x1029, &[TEXT, constants])),
            Err(TextError::Section {
                name: ".rodata".to_owned(),
                bytes: 4
            })
        );
        assert_eq!(
            kernel_text(&object(0x1029, &[TEXT, relocations])),
            Err(TextError::Relocations(2))
        );
        assert!(kernel_text(&object(0x1029, &[TEXT, unloaded])).is_ok());
        assert_eq!(
            kernel_text(&object(62, &[TEXT])),
            Err(TextError::Machine(62))
        );
        assert_eq!(kernel_text(&object(0x1029, &[])), Err(TextError::NoText));
        let cut = &object(0x1029, &[TEXT])[..100];
        assert!(matches!(kernel_text(cut), Err(TextError::Damaged(_))));
    }
}

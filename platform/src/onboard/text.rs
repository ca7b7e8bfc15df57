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

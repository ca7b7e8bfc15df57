//! The code of a kernel, out of its object file.
//!
//! Knows which part of the file a core gets to see, and what must not be elsewhere in it: the core jumps
//! to the first byte of `.text` and sees nothing but that section, so a kernel with constants, data or
//! calls out of it would break without a word.

use aicore_abi::kernel::KERNEL_ENTRY;
use object::elf::{
    FileHeader64, Machine, Rela64, SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS, SHT_REL,
    SHT_RELA, SHT_SYMTAB, STT_FUNC, STT_SECTION, Sym64,
};
use object::read::elf::{FileHeader, SectionHeader, SectionTable, Sym, SymbolTable};
use object::{Endianness, SectionIndex, SymbolIndex, pod};

/// The machine number of AICore code.
const MACHINE: Machine = Machine(0x1029);
/// Beginnings of the names of sections that others read and no core: how to unwind, and what the vendor's own launcher
/// wants to know of a kernel.
const FOR_OTHERS: [&[u8]; 2] = [b".eh_frame", b".ascend.meta"];

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
        "the code refers to {name} and nothing links it (relocations: {count}): a core gets .text alone, so make what it calls inline and keep constants out of memory"
    )]
    Relocations {
        /// What the first one refers to.
        name: String,
        /// How many there are.
        count: usize,
    },
    /// There is something beside the code that would have to be loaded.
    #[error(
        "section {name} has {bytes} bytes{} that would not reach the core: {}",
        holding(.holds.as_deref()),
        .beside.remedy()
    )]
    Section {
        /// Its name.
        name: String,
        /// Its size.
        bytes: u64,
        /// The first thing in it that has a name.
        holds: Option<String>,
        /// What it is for.
        beside: Beside,
    },
    /// The core would begin with another function.
    #[error(
        "kernel_entry begins {at} bytes into .text, behind {first}, and a core jumps to the first byte: make the functions inline that it calls"
    )]
    Entry {
        /// Where it is.
        at: u64,
        /// What is first.
        first: String,
    },
}

/// What may stand beside the code of an object file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Beside {
    /// More code.
    Code,
    /// Constants.
    Constants,
    /// Memory that is written to.
    Variables,
}

impl Beside {
    const fn remedy(self) -> &'static str {
        match self {
            Self::Code => "make this function static or always inline",
            Self::Constants => "use no tables, strings or other constants in memory",
            Self::Variables => "keep state in tensors or on the stack, in no static variable",
        }
    }
}

fn holding(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" ({name})"))
}

type Header = FileHeader64<Endianness>;

/// The parts of an object file that are asked about.
struct File<'data> {
    bytes: &'data [u8],
    endian: Endianness,
    sections: SectionTable<'data, Header>,
    symbols: SymbolTable<'data, Header>,
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
    let mut words = vec![0_u64; bytes.len().div_ceil(8)];
    pod::bytes_of_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
    let file = File::open(&pod::bytes_of_slice(&words)[..bytes.len()])?;
    let (index, text) = file.text()?;
    file.refuse_relocations(index)?;
    file.refuse_other_entry(index)?;
    Ok(text)
}

fn damaged(error: object::Error) -> TextError {
    TextError::Damaged(error.to_string())
}

fn text_of(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

impl<'data> File<'data> {
    fn open(bytes: &'data [u8]) -> Result<Self, TextError> {
        let header = Header::parse(bytes).map_err(damaged)?;
        let endian = header.endian().map_err(damaged)?;
        let machine = header.e_machine(endian);
        if machine != MACHINE {
            return Err(TextError::Machine(machine.0));
        }
        let sections = header.sections(endian, bytes).map_err(damaged)?;
        let symbols = sections.symbols(endian, bytes, SHT_SYMTAB);
        let symbols = symbols.map_err(damaged)?;
        Ok(Self {
            bytes,
            endian,
            sections,
            symbols,
        })
    }

    /// The code and the number of its section, if nothing else in the file would have to be loaded.
    fn text(&self) -> Result<(SectionIndex, Vec<u8>), TextError> {
        let mut text = None;
        for (index, section) in self.sections.enumerate() {
            let name = self.sections.section_name(self.endian, section);
            let name = name.map_err(damaged)?;
            let bytes = section.sh_size(self.endian);
            let flags = section.sh_flags(self.endian);
            if name == b".text" && text.is_none() && section.sh_type(self.endian) != SHT_NOBITS {
                let code = section.data(self.endian, self.bytes).map_err(damaged)?;
                text = Some((index, code.to_vec()));
            } else if flags.0 & SHF_ALLOC.0 != 0
                && bytes != 0
                && !FOR_OTHERS.iter().any(|begin| name.starts_with(begin))
            {
                let beside = match (flags.0 & SHF_EXECINSTR.0, flags.0 & SHF_WRITE.0) {
                    (0, 0) => Beside::Constants,
                    (0, _) => Beside::Variables,
                    _ => Beside::Code,
                };
                return Err(TextError::Section {
                    name: text_of(name),
                    bytes,
                    holds: self.first_name(index, |_| true)?,
                    beside,
                });
            }
        }
        text.filter(|(_, text)| !text.is_empty())
            .ok_or(TextError::NoText)
    }

    /// The name of the first thing in a section of which `wanted` is true.
    fn first_name(
        &self,
        section: SectionIndex,
        wanted: impl Fn(&Sym64<Endianness>) -> bool,
    ) -> Result<Option<String>, TextError> {
        for (index, symbol) in self.symbols.enumerate() {
            let place = self.symbols.symbol_section(self.endian, symbol, index);
            if place.map_err(damaged)? == Some(section) && wanted(symbol) {
                let name = self.symbols.symbol_name(self.endian, symbol);
                let name = name.map_err(damaged)?;
                if !name.is_empty() {
                    return Ok(Some(text_of(name)));
                }
            }
        }
        Ok(None)
    }

    fn refuse_relocations(&self, text: SectionIndex) -> Result<(), TextError> {
        for section in self.sections.iter() {
            let kind = section.sh_type(self.endian);
            if (kind != SHT_REL && kind != SHT_RELA)
                || section.sh_info(self.endian) as usize != text.0
            {
                continue;
            }
            let entry = section.sh_entsize(self.endian).max(1);
            let count = usize::try_from(section.sh_size(self.endian) / entry).unwrap_or(usize::MAX);
            if count == 0 {
                continue;
            }
            let entries = section.rela(self.endian, self.bytes).map_err(damaged)?;
            let first = entries.and_then(|(entries, _)| entries.first());
            let name = match first {
                Some(first) => self.referred(first)?,
                None => "something else".to_owned(),
            };
            return Err(TextError::Relocations { name, count });
        }
        Ok(())
    }

    /// What a relocation refers to.
    fn referred(&self, relocation: &Rela64<Endianness>) -> Result<String, TextError> {
        let index = SymbolIndex(relocation.r_sym(self.endian, false) as usize);
        let Ok(symbol) = self.symbols.symbol(index) else {
            return Ok("something without a name".to_owned());
        };
        if symbol.st_type() == STT_SECTION
            && let Ok(Some(place)) = self.symbols.symbol_section(self.endian, symbol, index)
        {
            let section = self.sections.section(place).map_err(damaged)?;
            let name = self.sections.section_name(self.endian, section);
            return Ok(text_of(name.map_err(damaged)?));
        }
        let name = self.symbols.symbol_name(self.endian, symbol);
        Ok(text_of(name.map_err(damaged)?))
    }

    /// In simulation the entry has its name by need, on chips by custom: a file without that name is believed.
    fn refuse_other_entry(&self, text: SectionIndex) -> Result<(), TextError> {
        for (index, symbol) in self.symbols.enumerate() {
            let place = self.symbols.symbol_section(self.endian, symbol, index);
            let name = self.symbols.symbol_name(self.endian, symbol);
            let at = symbol.st_value(self.endian);
            if place.map_err(damaged)? == Some(text)
                && name.map_err(damaged)? == KERNEL_ENTRY.to_bytes()
                && at != 0
            {
                let is_first = |other: &Sym64<Endianness>| {
                    other.st_type() == STT_FUNC && other.st_value(self.endian) == 0
                };
                let first = self.first_name(text, is_first)?;
                let first = first.unwrap_or_else(|| "other code".to_owned());
                return Err(TextError::Entry { at, first });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

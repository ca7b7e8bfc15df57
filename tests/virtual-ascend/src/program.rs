//! The program of the cores, as it is registered.
//!
//! Knows what the vendor's loader asks of it: an ELF file for cores with an entry for each kind of core in a cluster.
//! Refuses to know what the entries do.

use object::elf::{FileHeader64, Machine, PT_LOAD, STB_GLOBAL, STT_FUNC, STV_DEFAULT};
use object::read::elf::{FileHeader, ProgramHeader, Sym};
use object::{Endianness, elf, pod};

/// ELF machine of a core.
const MACHINE: Machine = Machine(0x1029);
/// What the vendor's loader knows a program of cube and vector cores by.
const ENTRIES: [&str; 2] = ["aicore_kernel_0_mix_aic", "aicore_kernel_0_mix_aiv"];
/// What stands at an entry in whose place the players have a program of their own.
const OWN: &[u8; 8] = b"VASCEND\0";

/// A program that cores may be started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CoreProgram {
    /// What is loaded.
    pub(crate) image: Vec<u8>,
    /// Where in it cube and vector cores begin; nowhere if the players have the program.
    pub(crate) entries: Option<[u64; 2]>,
}

impl CoreProgram {
    /// Reads a file as the vendor's loader does, or says what that would not take.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut words = vec![0_u64; bytes.len().div_ceil(8)];
        pod::bytes_of_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        let data = &pod::bytes_of_slice(&words)[..bytes.len()];
        let damaged = |error: object::Error| error.to_string();
        let header = FileHeader64::<Endianness>::parse(data).map_err(damaged)?;
        let endian = header.endian().map_err(damaged)?;
        let machine = header.e_machine(endian);
        if machine != MACHINE {
            return Err(format!("it is for ELF machine {:#x}, no core", machine.0));
        }
        let mut segments = Vec::new();
        for segment in header.program_headers(endian, data).map_err(damaged)? {
            if segment.p_type(endian) == PT_LOAD {
                let inside = segment.data(endian, data);
                let inside = inside.map_err(|()| "a segment is outside of the file".to_owned())?;
                segments.push((segment.p_vaddr(endian), inside));
            }
        }
        let start = segments.iter().map(|(at, _)| *at).min();
        let start = start.ok_or("there is nothing to load in it")?;
        let mut image = Vec::new();
        for (at, inside) in segments {
            let at = usize::try_from(at - start).map_err(|error| error.to_string())?;
            image.resize(image.len().max(at + inside.len()), 0);
            image[at..at + inside.len()].copy_from_slice(inside);
        }
        let sections = header.sections(endian, data).map_err(damaged)?;
        let symbols = sections.symbols(endian, data, elf::SHT_SYMTAB);
        let symbols = symbols.map_err(damaged)?;
        let mut entries = [0; 2];
        for (name, entry) in ENTRIES.iter().zip(&mut entries) {
            let found = symbols.iter().find(|symbol| {
                symbols.symbol_name(endian, symbol) == Ok(name.as_bytes())
                    && symbol.st_bind() == STB_GLOBAL
                    && symbol.st_type() == STT_FUNC
                    && symbol.st_visibility() == STV_DEFAULT
                    && !symbol.is_undefined(endian)
            });
            let found = found.ok_or_else(|| format!("it has no global function {name}"))?;
            let at = found.st_value(endian).checked_sub(start);
            *entry = at
                .filter(|at| *at < image.len() as u64)
                .ok_or_else(|| format!("{name} is outside of what is loaded"))?;
        }
        let is_own = entries.iter().all(|entry| {
            let at = usize::try_from(*entry).unwrap_or(usize::MAX);
            image.get(at..).is_some_and(|rest| rest.starts_with(OWN))
        });
        Ok(Self {
            image,
            entries: (!is_own).then_some(entries),
        })
    }
}

/// A program of cores in whose place played cores take their own: this project's, built for this machine.
#[must_use]
pub fn core_program_for_virtual_cores() -> Vec<u8> {
    let text = [*OWN, *OWN].concat();
    let names = [
        &b"\0"[..],
        ENTRIES[0].as_bytes(),
        b"\0",
        ENTRIES[1].as_bytes(),
        b"\0",
    ]
    .concat();
    let mut symbols = vec![0; 24];
    for (at, name) in [(0_u64, 1), (8, 2 + ENTRIES[0].len())] {
        symbols.extend(u32::try_from(name).expect("short").to_le_bytes());
        // A global function in section 1.
        symbols.extend([0x12, 0, 1, 0]);
        symbols.extend(at.to_le_bytes());
        symbols.extend(8_u64.to_le_bytes());
    }
    let head = 64 + 56;
    let (mut contents, mut headers) = (Vec::new(), vec![0; 64]);
    let mut section = |kind: u32, flags: u64, [link, info]: [u32; 2], entry: u64, inside: &[u8]| {
        headers.extend([0; 4]);
        headers.extend(kind.to_le_bytes());
        let at = (head + contents.len()) as u64;
        for word in [flags, 0, at, inside.len() as u64] {
            headers.extend(word.to_le_bytes());
        }
        for half in [link, info] {
            headers.extend(half.to_le_bytes());
        }
        for word in [8, entry] {
            headers.extend(word.to_le_bytes());
        }
        contents.extend(inside);
        contents.resize(contents.len().next_multiple_of(8), 0);
    };
    section(1, 6, [0, 0], 0, &text);
    section(3, 0, [0, 0], 0, &names);
    // Of names in section 2, the first global one being number 1.
    section(2, 0, [2, 1], 24, &symbols);
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    for half in [2, MACHINE.0, 1, 0] {
        file.extend(half.to_le_bytes());
    }
    for word in [0, 64, (head + contents.len()) as u64] {
        file.extend(word.to_le_bytes());
    }
    file.extend([0; 4]);
    for half in [64_u16, 56, 1, 64, 4, 2] {
        file.extend(half.to_le_bytes());
    }
    // One segment, which may be read and executed.
    for half in [1_u32, 5] {
        file.extend(half.to_le_bytes());
    }
    let size = text.len() as u64;
    for word in [head as u64, 0, 0, size, size, 8] {
        file.extend(word.to_le_bytes());
    }
    [file, contents, headers].concat()
}

#[cfg(test)]
mod tests {
    use super::{CoreProgram, core_program_for_virtual_cores};

    #[test]
    fn a_program_of_cores_has_their_machine_and_both_entries() {
        let good = core_program_for_virtual_cores();
        let read = CoreProgram::read(&good).expect("both entries are in it");
        assert_eq!(read.entries, None, "the players have it");
        let with = |was: &[u8], is: &[u8]| {
            let mut file = good.clone();
            let at = file.windows(was.len()).position(|part| part == was);
            let at = at.expect("it is in the file");
            file[at..at + is.len()].copy_from_slice(is);
            CoreProgram::read(&file)
        };
        let code = with(b"VASCEND", b"another").expect("code of their own");
        assert_eq!(code.entries, Some([0, 8]));
        for (was, is, says) in [
            (&[0x29, 0x10][..], &[62, 0][..], "ELF machine 0x3e"),
            (
                b"mix_aic",
                b"mix_aim",
                "no global function aicore_kernel_0_mix_aic",
            ),
            (
                b"mix_aiv",
                b"mix_aim",
                "no global function aicore_kernel_0_mix_aiv",
            ),
            // A function of this file only.
            (
                &[0x12, 0, 1, 0],
                &[0x02, 0, 1, 0],
                "no global function aicore_kernel_0_mix_aic",
            ),
        ] {
            let error = with(was, is).expect_err("the loader would not take it");
            assert!(error.contains(says), "{error}");
        }
        assert!(CoreProgram::read(b"\x7fELF").is_err());
    }
}

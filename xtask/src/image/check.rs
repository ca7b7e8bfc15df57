//! What must be true of a program for a chip.
//!
//! Knows how to read it out of the file, without running it.

use std::collections::BTreeSet;

use aicpu::onboard::stamp::{DIGEST, Runtime as Has, Stamp};
use anyhow::{Context, Result, bail, ensure};
use object::elf;
use object::read::elf::{Dyn, ElfFile64, FileHeader};
use object::{Endianness, Object, ObjectSymbol, SymbolKind};

use super::{Runtime, Target};

/// What the vendor's loader looks up.
const ENTRIES: [&str; 3] = [
    "DynTileFwkBackendKernelServer",
    "DynTileFwkBackendKernelServerInit",
    "StaticTileFwkBackendKernelServer",
];
/// Libraries that are in the vendor's process in any case.
const NEEDED: [&str; 7] = [
    "ld-linux-aarch64.so.1",
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
];
/// The oldest C library a chip could have.
const GLIBC: (u32, u32) = (2, 17);
/// ELF machine of control CPUs.
const AARCH64: u16 = 183;
/// ELF machine of compute cores.
const AICORE: u16 = 0x1029;

/// What an image turned out to be.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) machine: u16,
    pub(super) exports: Vec<String>,
    pub(super) needed: Vec<String>,
    pub(super) glibc: String,
    pub(super) digest: u64,
}

/// Checks an AICPU image.
pub(super) fn image(bytes: &[u8], runtime: Runtime, target: Target) -> Result<Findings> {
    let file = ElfFile64::<Endianness>::parse(bytes).context("it is no 64-bit ELF file")?;
    let endian = file.endian();
    let machine = file.elf_header().e_machine(endian).0;
    if target == Target::Aarch64 {
        ensure!(
            machine == AARCH64,
            "it is for ELF machine {machine}, not aarch64 ({AARCH64})"
        );
    }
    let exports: BTreeSet<String> = file
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition() && symbol.is_global())
        .filter_map(|symbol| symbol.name().ok().map(str::to_owned))
        .collect();
    for entry in ENTRIES {
        ensure!(exports.contains(entry), "it does not export {entry}");
    }
    for export in &exports {
        ensure!(
            ENTRIES.contains(&export.as_str()),
            "it exports {export}, which nothing asks for"
        );
    }
    let needed = needed(&file)?;
    let (floor, glibc) = newest_glibc(&file)?;
    if target == Target::Aarch64 {
        for library in &needed {
            ensure!(
                NEEDED.contains(&library.as_str()),
                "it needs {library}, which a chip need not have"
            );
        }
        ensure!(
            floor <= GLIBC,
            "it needs {glibc}, a chip may have 2.17 only"
        );
    }
    let stamp = Stamp::of(bytes).context("it carries no layout digest")?;
    let digest = stamp.digest;
    ensure!(
        digest == DIGEST,
        "its layout digest is {digest:#018x}, this program's {DIGEST:#018x}: build both from one source"
    );
    for other in Has::ALL {
        if other.name() == runtime.name() {
            ensure!(
                stamp.agrees(other),
                "its runtime {} is not this program's: build both from one source",
                other.name()
            );
        } else {
            ensure!(!stamp.has(other), "it has runtime {} as well", other.name());
        }
    }
    Ok(Findings {
        machine,
        exports: exports.into_iter().collect(),
        needed,
        glibc,
        digest,
    })
}

fn needed(file: &ElfFile64<'_, Endianness>) -> Result<Vec<String>> {
    let endian = file.endian();
    let sections = file.elf_section_table();
    let Some((dynamic, link)) = sections.dynamic(endian, file.data())? else {
        bail!("it has no dynamic section");
    };
    let strings = sections.strings(endian, file.data(), link)?;
    let mut needed = Vec::new();
    for entry in dynamic
        .iter()
        .filter(|entry| entry.tag(endian) == elf::DT_NEEDED)
    {
        let name = entry.string(endian, strings)?;
        needed.push(String::from_utf8_lossy(name).into_owned());
    }
    needed.sort();
    Ok(needed)
}

/// The newest version of the C library that is referred to.
fn newest_glibc(file: &ElfFile64<'_, Endianness>) -> Result<((u32, u32), String)> {
    let endian = file.endian();
    let sections = file.elf_section_table();
    let mut newest = ((0, 0), "none".to_owned());
    let Some((mut verneeds, link)) = sections.gnu_verneed(endian, file.data())? else {
        return Ok(newest);
    };
    let strings = sections.strings(endian, file.data(), link)?;
    while let Some((_, mut versions)) = verneeds.next()? {
        while let Some(version) = versions.next()? {
            let name = version.name(endian, strings)?;
            let name = String::from_utf8_lossy(name).into_owned();
            let number = name.strip_prefix("GLIBC_").and_then(|number| {
                let mut parts = number.split('.').map(str::parse::<u32>);
                Some((parts.next()?.ok()?, parts.next()?.ok()?))
            });
            if let Some(number) = number.filter(|&number| number > newest.0) {
                newest = (number, name);
            }
        }
    }
    Ok(newest)
}

/// Checks a core program.
pub(super) fn core_program(bytes: &[u8]) -> Result<()> {
    let file = ElfFile64::<Endianness>::parse(bytes).context("it is no 64-bit ELF file")?;
    let machine = file.elf_header().e_machine(file.endian()).0;
    ensure!(
        machine == AICORE,
        "it is for ELF machine {machine:#x}, not an AICore ({AICORE:#x})"
    );
    for entry in ["aicore_kernel_0_mix_aic", "aicore_kernel_0_mix_aiv"] {
        let found = file.symbols().any(|symbol| {
            symbol.name() == Ok(entry)
                && symbol.is_definition()
                && symbol.is_global()
                && symbol.kind() == SymbolKind::Text
                && symbol.elf_symbol().st_visibility() == elf::STV_DEFAULT
        });
        ensure!(found, "it has no global function {entry} that can be seen");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Runtime, Target, core_program, image};

    /// A program of this machine: good ELF, and nothing that a chip could use.
    fn this_program() -> Vec<u8> {
        let path = std::env::current_exe().expect("a test is a program");
        std::fs::read(path).expect("it is running")
    }

    #[test]
    fn a_program_that_is_no_image_is_refused() {
        let program = this_program();
        let why = |target| {
            let checked = image(&program, Runtime::Trb, target);
            format!("{:#}", checked.expect_err("no image"))
        };
        assert!(why(Target::Native).contains("DynTileFwkBackendKernelServer"));
        if cfg!(not(target_arch = "aarch64")) {
            assert!(why(Target::Aarch64).contains("not aarch64"));
        }
        assert!(image(b"no ELF", Runtime::Hbg, Target::Native).is_err());
    }

    #[test]
    fn a_program_for_another_machine_is_no_core_program() {
        let mut program = this_program();
        let error = core_program(&program).expect_err("for this machine");
        assert!(error.to_string().contains("not an AICore"), "{error}");
        // The machine, in the file's head.
        program[18..20].copy_from_slice(&super::AICORE.to_le_bytes());
        let error = core_program(&program).expect_err("it is none of theirs");
        assert!(error.to_string().contains("mix_aic"), "{error}");
    }
}

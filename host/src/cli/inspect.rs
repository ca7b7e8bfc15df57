//! `simpler inspect`.
//!
//! Knows how shared objects and callable images look from outside. Refuses to load or run them.

use core::fmt::Write as _;
use std::fs;
use std::path::Path;

use object::elf::{DT_NEEDED, DT_SONAME};
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ObjectSymbol};
use protocol::{ChipCallable, CoreCallable, PROTOCOL_DIGEST, content_id};

use crate::scene::error::SceneError;

/// Symbol under which our images keep the digest of the layouts they were built with.
pub const DIGEST_SYMBOL: &str = "simpler_protocol_digest";
/// Exports that are listed by name.
const MAX_LISTED: usize = 64;

type Elf<'b> = ElfFile64<'b, object::Endianness>;

/// Explains the file at `path`.
pub fn file(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path)
        .map_err(SceneError::reading(path))
        .map_err(|error| error.to_string())?;
    explain(&bytes).map(|text| format!("{}\n{text}", path.display()))
}

/// Explains the bytes of a file.
pub fn explain(bytes: &[u8]) -> Result<String, String> {
    let mut text = String::new();
    line(&mut text, "size", format!("{} bytes", bytes.len()));
    line(
        &mut text,
        "content id",
        format!("{:016x}", content_id(bytes)),
    );
    if bytes.starts_with(b"\x7fELF") {
        let elf = Elf::parse(bytes)
            .map_err(|error| format!("an ELF file that cannot be read: {error}"))?;
        explain_elf(&elf, &mut text);
        return Ok(text);
    }
    // A chip image also reads as a kernel image with a strange signature, not the other way round.
    let chip = match ChipCallable::read(bytes) {
        Ok(chip) => {
            explain_chip(&chip, &mut text);
            return Ok(text);
        }
        Err(problem) => problem,
    };
    match CoreCallable::read(bytes) {
        Ok(kernel) => {
            line(&mut text, "kind", "kernel image");
            explain_kernel(&kernel, "", &mut text);
            Ok(text)
        }
        Err(kernel) => Err(format!(
            "neither an ELF file, nor a callable image ({chip}), nor a kernel image ({kernel})"
        )),
    }
}

fn line(text: &mut String, what: &str, answer: impl core::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {what:<12} {answer}");
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn explain_elf(elf: &Elf<'_>, text: &mut String) {
    line(
        text,
        "kind",
        format!("ELF {:?} for {:?}", elf.kind(), elf.architecture()),
    );
    if let Ok(Some(id)) = elf.build_id() {
        let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        line(text, "build id", hex);
    }
    if let Ok(table) = elf.elf_dynamic_table() {
        for entry in table.iter() {
            let what = match entry.tag {
                DT_SONAME => "soname",
                DT_NEEDED => "needs",
                _ => continue,
            };
            match table.string(entry) {
                Ok(name) => line(text, what, lossy(name)),
                Err(problem) => line(text, what, problem),
            }
        }
    }
    let exports: Vec<_> = elf
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition() && symbol.is_global())
        .collect();
    line(text, "exports", exports.len());
    for symbol in exports.iter().take(MAX_LISTED) {
        let name = symbol.name_bytes().map_or_else(|e| e.to_string(), lossy);
        let _ = writeln!(text, "    {name} ({} bytes)", symbol.size());
        if name == DIGEST_SYMBOL {
            line(text, "layouts", digest(elf, symbol.address()));
        }
    }
    if exports.len() > MAX_LISTED {
        let _ = writeln!(text, "    … and {} more", exports.len() - MAX_LISTED);
    }
}

/// What an image says about the layouts it was built with.
fn digest(elf: &Elf<'_>, address: u64) -> String {
    let value = elf.sections().find_map(|section| {
        let bytes = section.data_range(address, 8).ok()??;
        bytes.try_into().ok().map(u64::from_le_bytes)
    });
    match value {
        None => "the digest has no value in the file".to_owned(),
        Some(PROTOCOL_DIGEST) => format!("{PROTOCOL_DIGEST:016x}, the same as this program's"),
        Some(other) => format!(
            "{other:016x}, but this program's are {PROTOCOL_DIGEST:016x}: build both from one source"
        ),
    }
}

fn explain_chip(chip: &ChipCallable<'_>, text: &mut String) {
    line(text, "kind", "callable image");
    line(text, "entry", chip.func_name().to_string_lossy());
    line(text, "config", chip.config_name().to_string_lossy());
    let signature: Vec<String> = chip.signature().map(|d| format!("{d:?}")).collect();
    line(text, "signature", signature.join(", "));
    let orchestration = chip.orchestration();
    line(
        text,
        "orchestration",
        format!(
            "{} bytes, content id {:016x}",
            orchestration.len(),
            content_id(orchestration)
        ),
    );
    if let Ok(elf) = Elf::parse(orchestration) {
        explain_elf(&elf, text);
    }
    line(text, "kernels", chip.children().len());
    for child in chip.children() {
        let name = format!("kernel {}: ", child.func_id);
        explain_kernel(&child.kernel, &name, text);
    }
}

fn explain_kernel(kernel: &CoreCallable<'_>, name: &str, text: &mut String) {
    let signature: Vec<String> = kernel.signature().map(|d| format!("{d:?}")).collect();
    let payload = kernel.payload();
    let kind = if payload.starts_with(b"\x7fELF") {
        "shared object"
    } else {
        "machine code"
    };
    line(
        text,
        "payload",
        format!(
            "{name}{} bytes of {kind}, content id {:016x}, signature [{}]",
            payload.len(),
            content_id(payload),
            signature.join(", ")
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::explain;
    use proptest::prelude::{any, prop, proptest};
    use protocol::{ChipCallableBuilder, CoreCallable, core_callable_image};

    #[test]
    fn this_program_is_explained() {
        let own = std::env::current_exe().expect("this program is a file");
        let text = super::file(&own).expect("an ELF file");
        assert!(text.contains("needs        libc.so"), "{text}");
        assert!(text.contains("content id   "), "{text}");
    }

    #[test]
    fn callable_images_are_explained() {
        let kernel = core_callable_image(&[], b"code").expect("a small image");
        let kernel = CoreCallable::read(&kernel).expect("our own image");
        let image = ChipCallableBuilder::new(b"orchestration")
            .func_name(b"build_graph")
            .child(5, kernel)
            .build()
            .expect("a small image");
        let text = explain(&image).expect("our own image");
        for part in [
            "callable image",
            "build_graph",
            "kernel 5: 4 bytes of machine code",
            "13 bytes, content id",
        ] {
            assert!(text.contains(part), "no {part} in {text}");
        }
        let text = explain(kernel.image()).expect("our own image");
        assert!(text.contains("4 bytes of machine code"), "{text}");
    }

    #[test]
    fn strange_files_are_refused_with_reasons() {
        let problem = explain(b"hello").expect_err("not ours");
        assert!(problem.starts_with("neither an ELF file"), "{problem}");
        let problem = explain(b"\x7fELF\x02\x01\x01").expect_err("cut");
        assert!(problem.contains("cannot be read"), "{problem}");
    }

    proptest! {
        #[test]
        fn damaged_files_never_panic(at in 0usize..4096, byte in any::<u8>(), cut in 64usize..65536) {
            let own = std::env::current_exe().expect("this program is a file");
            let mut head = vec![0; cut];
            let mut file = std::fs::File::open(own).expect("readable");
            let len = std::io::Read::read(&mut file, &mut head).expect("readable");
            head.truncate(len);
            head[at % len] = byte;
            match explain(&head) {
                Ok(text) => assert!(text.contains("content id")),
                Err(problem) => assert!(!problem.is_empty()),
            }
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            assert!(explain(&bytes).is_err());
        }
    }
}

use super::{Beside, TextError, kernel_text};

const PROGBITS: u32 = 1;
const SYMTAB: u32 = 2;
const STRTAB: u32 = 3;
const RELA: u32 = 4;
const NOBITS: u32 = 8;
const WRITTEN: u64 = 1;
const ALLOCATED: u64 = 2;
const EXECUTED: u64 = 4;
/// Kinds of symbols.
const FUNCTION: u8 = 0x12;
const SECTION: u8 = 0x03;

#[derive(Clone)]
struct Section {
    name: &'static str,
    kind: u32,
    flags: u64,
    /// The section that relocations are for.
    info: u32,
    bytes: Vec<u8>,
}

/// A symbol: kind, section, value and name.
type Symbol = (u8, u16, u64, &'static str);

fn text() -> Section {
    Section {
        name: ".text",
        kind: PROGBITS,
        flags: ALLOCATED | EXECUTED,
        info: 0,
        bytes: vec![1, 2, 3, 4],
    }
}

/// So many relocations of section 1 that refer to a symbol.
fn relocations(count: usize, symbol: u64) -> Section {
    let entry = [0, symbol << 32, 0].map(u64::to_le_bytes).concat();
    Section {
        name: ".rela.text",
        kind: RELA,
        flags: 0,
        info: 1,
        bytes: entry.repeat(count),
    }
}

/// An object file with these sections, numbered from 1, and these symbols, numbered from 1.
fn object(machine: u16, sections: &[Section], symbols: &[Symbol]) -> Vec<u8> {
    let plain = |name, kind, bytes| Section {
        name,
        kind,
        flags: 0,
        info: 0,
        bytes,
    };
    let (mut strings, mut table) = (vec![0], vec![0; 24]);
    for (kind, section, value, name) in symbols {
        let at = u32::try_from(strings.len()).expect("short");
        strings.extend(name.as_bytes());
        strings.push(0);
        table.extend(at.to_le_bytes());
        table.extend([*kind, 0]);
        table.extend(section.to_le_bytes());
        table.extend(value.to_le_bytes());
        table.extend([0; 8]);
    }
    let mut sections = sections.to_vec();
    sections.push(plain(".strtab", STRTAB, strings));
    let strings_at = u32::try_from(sections.len()).expect("few");
    sections.push(plain(".symtab", SYMTAB, table));
    let symbols_at = strings_at + 1;
    let mut names = vec![0];
    let starts: Vec<u32> = sections
        .iter()
        .map(|section| {
            let at = u32::try_from(names.len()).expect("short");
            names.extend(section.name.as_bytes());
            names.push(0);
            at
        })
        .collect();
    // Without a name of its own.
    sections.push(plain("", STRTAB, names));
    let (mut contents, mut headers) = (Vec::new(), vec![0; 64]);
    for (index, section) in sections.iter().enumerate() {
        headers.extend(starts.get(index).copied().unwrap_or(0).to_le_bytes());
        headers.extend(section.kind.to_le_bytes());
        let at = 64 + contents.len() as u64;
        for word in [section.flags, 0, at, section.bytes.len() as u64] {
            headers.extend(word.to_le_bytes());
        }
        let (link, entry) = match section.kind {
            SYMTAB => (strings_at, 24_u64),
            RELA => (symbols_at, 24),
            _ => (0, 0),
        };
        headers.extend(link.to_le_bytes());
        headers.extend(section.info.to_le_bytes());
        headers.extend(1_u64.to_le_bytes());
        headers.extend(entry.to_le_bytes());
        contents.extend(&section.bytes);
        contents.resize(contents.len().next_multiple_of(8), 0);
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
    let count = u16::try_from(sections.len() + 1).expect("few");
    for half in [64, 0, 0, 64, count, count - 1] {
        file.extend(half.to_le_bytes());
    }
    [file, contents, headers].concat()
}

fn refusal(sections: &[Section], symbols: &[Symbol]) -> TextError {
    kernel_text(&object(0x1029, sections, symbols)).expect_err("it would not run")
}

#[test]
fn code_is_found_in_an_object_file_and_raw_code_is_taken_as_it_is() {
    let code = vec![1, 2, 3, 4];
    assert_eq!(kernel_text(&object(0x1029, &[text()], &[])), Ok(code));
    assert_eq!(kernel_text(&[9, 8]), Ok(vec![9, 8]));
    assert_eq!(kernel_text(&[]), Err(TextError::Empty));
}

#[test]
fn what_is_no_code_for_a_core_is_refused() {
    let foreign = object(62, &[text()], &[]);
    assert_eq!(kernel_text(&foreign), Err(TextError::Machine(62)));
    assert_eq!(refusal(&[], &[]), TextError::NoText);
    let cut = &object(0x1029, &[text()], &[])[..100];
    assert!(matches!(kernel_text(cut), Err(TextError::Damaged(_))));
}

#[test]
fn what_stands_beside_the_code_is_named_with_what_is_in_it() {
    let cases = [
        (".rodata", ALLOCATED, PROGBITS, Beside::Constants),
        (".bss", ALLOCATED | WRITTEN, NOBITS, Beside::Variables),
        (
            ".text._Z5twicel",
            ALLOCATED | EXECUTED,
            PROGBITS,
            Beside::Code,
        ),
    ];
    for (name, flags, kind, beside) in cases {
        let section = Section {
            name,
            kind,
            flags,
            ..text()
        };
        let refused = |symbols: &[Symbol]| refusal(&[text(), section.clone()], symbols);
        let expected = |holds: Option<&str>| TextError::Section {
            name: name.to_owned(),
            bytes: 4,
            holds: holds.map(str::to_owned),
            beside,
        };
        assert_eq!(refused(&[]), expected(None));
        let symbols = [(SECTION, 2, 0, ""), (0x01, 2, 0, "found")];
        assert_eq!(refused(&symbols), expected(Some("found")));
        let text = refused(&symbols).to_string();
        assert!(
            text.contains(&format!("{name} has 4 bytes (found)")),
            "{text}"
        );
    }
}

#[test]
fn what_no_core_reads_may_stand_beside_the_code() {
    for (name, flags) in [
        (".comment", 0),
        (".eh_frame", ALLOCATED),
        (".ascend.meta.kernel_entry", ALLOCATED),
    ] {
        let section = Section {
            name,
            flags,
            ..text()
        };
        let file = object(0x1029, &[text(), section], &[]);
        assert_eq!(kernel_text(&file), Ok(text().bytes), "{name}");
    }
}

#[test]
fn what_the_code_refers_to_is_named() {
    let refers =
        |symbol, symbols: &[Symbol]| match refusal(&[text(), relocations(2, symbol)], symbols) {
            TextError::Relocations { name, count: 2 } => name,
            other => panic!("{other}"),
        };
    let symbols = [(FUNCTION, 0, 0, "memcpy"), (SECTION, 1, 0, "")];
    assert_eq!(refers(1, &symbols), "memcpy");
    assert_eq!(refers(2, &symbols), ".text");
    assert_eq!(refers(7, &symbols), "something without a name");
}

#[test]
fn a_core_begins_with_the_entry_or_the_kernel_is_refused() {
    let entry = |at| (FUNCTION, 1, at, "kernel_entry");
    let other = |at| (FUNCTION, 1, at, "helper");
    for symbols in [&[entry(0), other(2)][..], &[other(0)], &[other(2)]] {
        assert!(kernel_text(&object(0x1029, &[text()], symbols)).is_ok());
    }
    for (symbols, first) in [
        (&[other(0), entry(2)][..], "helper"),
        (&[entry(2)], "other code"),
    ] {
        let expected = TextError::Entry {
            at: 2,
            first: first.to_owned(),
        };
        assert_eq!(refusal(&[text()], symbols), expected);
    }
}

//! Runs generated C++ programs that do with our headers what a vector says was done.
//!
//! Knows how such a program is built and how its answers are read. Refuses to know what it does.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::process::Command;

use crate::compiler::{Compiler, root, scratch};
use crate::headers::{Family, Kind};
use crate::vectors::hex;

/// A program under construction: the statements of its `main`.
#[derive(Debug)]
pub struct Program {
    text: String,
}

impl Program {
    /// A program that includes `header` and can use `declarations`.
    #[must_use]
    pub fn new(header: &str, declarations: &str) -> Self {
        Self::after(&format!("#include \"{header}\"\n"), declarations)
    }

    fn after(includes: &str, declarations: &str) -> Self {
        let replay = root().join("tests/compat/replay.h");
        let replay = replay.display();
        let text = format!("{includes}#include \"{replay}\"\n{declarations}\nint main() {{\n");
        Self { text }
    }

    /// A program that sees the private members of everything in `headers`.
    #[must_use]
    pub fn with_private_members(headers: &[&str]) -> Self {
        // What our headers include is included first, so that only our own members become public.
        let standard = [
            "algorithm",
            "array",
            "atomic",
            "cstring",
            "initializer_list",
            "sstream",
            "stdexcept",
            "string",
            "vector",
        ];
        let mut includes = String::new();
        for header in standard {
            writeln!(includes, "#include <{header}>").expect("text grows");
        }
        includes.push_str("#define private public\n");
        for header in headers {
            writeln!(includes, "#include \"{header}\"").expect("text grows");
        }
        includes.push_str("#undef private\n");
        includes.push_str("#pragma GCC diagnostic ignored \"-Winvalid-offsetof\"\n");
        Self::after(&includes, "")
    }

    /// Adds a statement.
    pub fn push(&mut self, statement: impl core::fmt::Display) {
        writeln!(self.text, "    {statement}").expect("text grows");
    }

    /// Compiles and runs it.
    ///
    /// # Panics
    /// When either fails: then the headers do not do what a vector needs.
    #[must_use]
    pub fn run(mut self, kind: Kind, family: Family, tmp: &str, test: &str) -> Answers {
        self.text.push_str("}\n");
        let dir = scratch(tmp, test);
        let (source, binary) = (dir.join("replay.cpp"), dir.join("replay"));
        std::fs::write(&source, &self.text).expect("the build folder is writable");
        Compiler::system()
            .program(kind, family, &source, &binary)
            .unwrap_or_else(|messages| panic!("{messages}"));
        let output = Command::new(&binary).output().expect("it was just built");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", binary.display());
        let lines = String::from_utf8(output.stdout).expect("labels and hex");
        let answers = lines
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(label, value)| (label.to_owned(), value.to_owned()))
            .collect();
        Answers(answers)
    }
}

/// What a program printed, by label.
#[derive(Debug)]
pub struct Answers(BTreeMap<String, String>);

impl Answers {
    /// The text under `label`.
    ///
    /// # Panics
    /// When nothing was printed under it.
    #[must_use]
    pub fn text(&self, label: &str) -> &str {
        self.0
            .get(label)
            .unwrap_or_else(|| panic!("no answer `{label}`"))
    }

    /// Whether anything was printed under `label`.
    #[must_use]
    pub fn has(&self, label: &str) -> bool {
        self.0.contains_key(label)
    }

    /// The bytes under `label`.
    #[must_use]
    pub fn bytes(&self, label: &str) -> Vec<u8> {
        hex(self.text(label))
    }

    /// The number under `label`.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn number(&self, label: &str) -> u64 {
        self.text(label).parse().expect("a decimal number")
    }
}

/// Extents as a temporary array.
#[must_use]
pub fn extents(values: &[serde_json::Value]) -> String {
    let list: Vec<String> = values.iter().map(ToString::to_string).collect();
    format!("U32s{{{}}}.data()", list.join(", "))
}

/// A C++ expression of the scalar `value` of a vector's `type`.
///
/// # Panics
/// When the type is unknown.
#[must_use]
pub fn scalar(ty: &str, value: &str) -> String {
    match ty {
        "f32" => format!("static_cast<float>({value})"),
        "f64" => format!("static_cast<double>({value})"),
        "bool" => value.to_owned(),
        "enum8" => format!("static_cast<Enum8>({value})"),
        "i8" | "i16" | "i32" | "i64" => format!("static_cast<int{}_t>({value})", &ty[1..]),
        "u8" | "u16" | "u32" | "u64" => format!("static_cast<uint{}_t>({value}u)", &ty[1..]),
        other => panic!("no scalar type {other}"),
    }
}

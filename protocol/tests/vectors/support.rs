//! Golden vectors: reading them, and proof that none was skipped.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// One vector file.
pub(crate) struct Vectors {
    file: Value,
    checked: usize,
}

/// Keys that describe a file and hold no vectors.
const ABOUT: [&str; 6] = [
    "file",
    "format",
    "reference",
    "byte_order",
    "machine",
    "payload_rule",
];

impl Vectors {
    pub(crate) fn parse(text: &str) -> Self {
        Self {
            file: serde_json::from_str(text).expect("vector files are JSON"),
            checked: 0,
        }
    }

    /// Runs `check` on every entry of a list and counts the entries.
    #[track_caller]
    pub(crate) fn each(&mut self, list: &str, mut check: impl FnMut(&Value)) {
        let entries = self.file[list].as_array().expect("a list of vectors");
        assert!(!entries.is_empty(), "{list} is empty");
        for entry in entries {
            check(entry);
        }
        self.checked += entries.len();
    }

    /// Runs `check` on every member of an object and counts the members.
    #[track_caller]
    pub(crate) fn members(&mut self, object: &str, mut check: impl FnMut(&str, &Value)) {
        let members = self.file[object].as_object().expect("an object of vectors");
        assert!(!members.is_empty(), "{object} is empty");
        for (name, member) in members {
            check(name, member);
        }
        self.checked += members.len();
    }

    /// Every vector of the file was checked, whatever lists it has.
    pub(crate) fn finish(self) {
        let all: usize = self
            .file
            .as_object()
            .expect("a vector file is an object")
            .iter()
            .filter(|(key, _)| !ABOUT.contains(&key.as_str()))
            .map(|(_, section)| match section {
                Value::Array(entries) => entries.len(),
                Value::Object(members) => members.len(),
                other => panic!("{other} is neither a list nor an object of vectors"),
            })
            .sum();
        assert_eq!(self.checked, all, "vectors checked and vectors in the file");
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

pub(crate) fn name(value: &Value) -> &str {
    text(&value["name"])
}

/// A plain number or a `"0x…"` string.
pub(crate) fn int(value: &Value) -> i128 {
    match value {
        Value::String(hex) => {
            let digits = hex.strip_prefix("0x").expect("hex numbers start with 0x");
            i128::from_str_radix(digits, 16).expect("hex digits")
        }
        number => i128::from(number.as_i64().expect("an integer")),
    }
}

pub(crate) fn number<T: TryFrom<i128>>(value: &Value) -> T
where
    T::Error: core::fmt::Debug,
{
    T::try_from(int(value)).expect("the field's type holds it")
}

/// Compares a number of ours with one of a vector.
#[track_caller]
pub(crate) fn same<T: TryFrom<i128> + PartialEq + core::fmt::Debug>(ours: T, expected: &Value)
where
    T::Error: core::fmt::Debug,
{
    assert_eq!(ours, number(expected), "{expected}");
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

pub(crate) fn hex(value: &Value) -> Vec<u8> {
    let digits = text(value).as_bytes();
    assert!(digits.len().is_multiple_of(2));
    digits
        .chunks(2)
        .map(|pair| {
            let pair = core::str::from_utf8(pair).expect("hex is ASCII");
            u8::from_str_radix(pair, 16).expect("hex digits")
        })
        .collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Compares an image with the hash of a vector and with whichever bytes it gives.
#[track_caller]
pub(crate) fn same_image(image: &[u8], vector: &Value) {
    let name = name(vector);
    if !vector["bytes"].is_null() {
        assert!(image == hex(&vector["bytes"]), "{name}: bytes");
    }
    if !vector["first_256_bytes"].is_null() {
        assert!(
            image[..256] == hex(&vector["first_256_bytes"]),
            "{name}: start"
        );
    }
    assert_eq!(sha256(image), text(&vector["sha256"]), "{name}: hash");
}

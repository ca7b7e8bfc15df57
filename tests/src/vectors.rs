//! Reads the golden vectors.
//!
//! Knows the notation of `tests/vectors/README.md`: hex, masks, numbers in strings. Refuses to know
//! what a vector is about.

use serde_json::Value;

use crate::compiler::root;

/// The file `name` in `tests/vectors`.
///
/// # Panics
/// When it is missing or not JSON.
#[must_use]
pub fn load(name: &str) -> Value {
    let path = root().join("tests/vectors").join(name);
    let text = std::fs::read_to_string(&path).expect("a vector file of this repository");
    serde_json::from_str(&text).expect("vector files are JSON")
}

/// The list under `key`.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key]
        .as_array()
        .unwrap_or_else(|| panic!("no list `{key}` in {value}"))
}

/// The text under `key`.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no text `{key}` in {value}"))
}

/// A number, plain or in a `"0x…"` string.
///
/// # Panics
/// When it is neither.
#[must_use]
pub fn number(value: &Value) -> u64 {
    let hex = || u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok();
    value
        .as_u64()
        .or_else(hex)
        .unwrap_or_else(|| panic!("no number: {value}"))
}

/// Bytes of a hex string.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn hex(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            let pair = core::str::from_utf8(pair).expect("ASCII digits");
            u8::from_str_radix(pair, 16).expect("hex digits")
        })
        .collect()
}

/// Where `found` differs from the vector's `bytes`, as far as `mask` lets a byte count.
#[must_use]
pub fn difference(vector: &Value, found: &[u8]) -> Option<String> {
    let bytes = hex(text(vector, "bytes"));
    let mask = match vector["mask"].as_str() {
        Some(digits) => hex(digits),
        None => vec![0xff; bytes.len()],
    };
    if found.len() != bytes.len() {
        return Some(format!("{} bytes, not {}", found.len(), bytes.len()));
    }
    let at = (0..bytes.len()).find(|&at| (bytes[at] ^ found[at]) & mask[at] != 0)?;
    Some(format!(
        "byte {at} is {:#04x}, not {:#04x}",
        found[at], bytes[at]
    ))
}

//! Reading golden vectors.

use protocol::DataType;
use protocol::layout::{Layout, Pinned};
use serde_json::Value;

pub(crate) fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("vector files are JSON")
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

pub(crate) fn flag(value: &Value) -> bool {
    value.as_bool().expect("a truth value")
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
    assert_eq!(ours, number::<T>(expected), "{expected}");
}

pub(crate) fn numbers<T: TryFrom<i128>>(value: &Value) -> Vec<T>
where
    T::Error: core::fmt::Debug,
{
    list(value).iter().map(number).collect()
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

/// Compares bytes with `bytes` of a vector under its `mask`.
#[track_caller]
pub(crate) fn same_bytes(ours: &[u8], vector: &Value, name: &str) {
    same_masked(ours, &vector["bytes"], &vector["mask"], name);
}

#[track_caller]
pub(crate) fn same_masked(ours: &[u8], bytes: &Value, mask: &Value, name: &str) {
    let bytes = hex(bytes);
    assert_eq!(ours.len(), bytes.len(), "{name}: length");
    let mask = if mask.is_null() {
        vec![0xff; bytes.len()]
    } else {
        hex(mask)
    };
    for (at, ((ours, theirs), mask)) in ours.iter().zip(&bytes).zip(&mask).enumerate() {
        assert_eq!(ours & mask, *theirs, "{name}: byte {at}");
    }
}

pub(crate) fn data_type(name: &Value) -> DataType {
    DataType::ALL
        .iter()
        .copied()
        .find(|dtype| dtype.name() == text(name))
        .expect("a known element type")
}

/// Compares a layout with a `layout` object of a vector file: member name to offset, and `size` and
/// `align` of the whole. `names` leads from the reference's member names to ours where they differ.
#[track_caller]
pub(crate) fn same_layout<T: Pinned>(vector: &Value, names: &[(&str, &str)]) {
    let Layout {
        name,
        size,
        align,
        fields,
    } = T::LAYOUT;
    for (member, offset) in vector.as_object().expect("a layout") {
        let offset = number::<usize>(offset);
        match member.as_str() {
            "size" => assert_eq!(size, offset, "{name}: size"),
            "align" => assert_eq!(align, offset, "{name}: alignment"),
            member => {
                let ours = names
                    .iter()
                    .find(|(theirs, _)| *theirs == member)
                    .map_or(member, |(_, ours)| ours);
                let field = fields
                    .iter()
                    .find(|field| field.name == ours)
                    .unwrap_or_else(|| panic!("{name} has no field {ours}"));
                assert_eq!(field.offset, offset, "{name}::{ours}");
            }
        }
    }
}

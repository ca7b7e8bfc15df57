//! Registers and communicators against the reference's golden vectors.
//!
//! Every test counts what it checked. What needs a running core or several processes (start and stop
//! sequences, barriers, refusals of calls) is checked where that runs.

mod comm;
mod registers;

use serde_json::Value;

/// A plain number or a `"0x…"` string.
fn int(value: &Value) -> i128 {
    match value {
        Value::String(hex) => {
            let digits = hex.strip_prefix("0x").expect("hex numbers start with 0x");
            i128::from_str_radix(digits, 16).expect("hex digits")
        }
        number => i128::from(number.as_i64().expect("an integer")),
    }
}

fn number<T: TryFrom<i128>>(value: &Value) -> T
where
    T::Error: core::fmt::Debug,
{
    T::try_from(int(value)).expect("the field's type holds it")
}

/// Compares a number of ours with one of a vector.
#[track_caller]
fn same<T: TryFrom<i128> + PartialEq + core::fmt::Debug>(ours: T, expected: &Value)
where
    T::Error: core::fmt::Debug,
{
    assert_eq!(ours, number::<T>(expected), "{expected}");
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn hex(value: &Value) -> Vec<u8> {
    text(value)
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            let pair = core::str::from_utf8(pair).expect("hex is ASCII");
            u8::from_str_radix(pair, 16).expect("two hex digits")
        })
        .collect()
}

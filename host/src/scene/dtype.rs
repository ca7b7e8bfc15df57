//! Element types by the names users write, and their values as bytes.
//!
//! Knows spellings, ranges and rounding of the element types. Refuses to know shapes.

use protocol::DataType;

use super::array::{Array, Numbers};
use super::half::{bf16_to_f64, f16_to_f64, f64_to_bf16, f64_to_f16};
use super::nearest;

/// Short names, in the order of [`DataType::ALL`].
const SHORT: [&str; 11] = [
    "f32", "f16", "i32", "i16", "i8", "u8", "bf16", "i64", "u64", "u16", "u32",
];

/// The short name of a type.
#[must_use]
pub fn short_name(dtype: DataType) -> &'static str {
    SHORT[usize::from(dtype.to_wire())]
}

/// The type a user names as `f32`, `float32` or `FLOAT32`.
pub fn parse(name: &str) -> Result<DataType, String> {
    DataType::ALL
        .iter()
        .copied()
        .find(|&dtype| short_name(dtype) == name || dtype.name().eq_ignore_ascii_case(name))
        .ok_or_else(|| {
            format!(
                "unknown dtype `{name}`; {}",
                nearest::hint(name, SHORT.iter().copied())
            )
        })
}

/// True for the types with a fraction.
#[must_use]
pub fn is_real(dtype: DataType) -> bool {
    matches!(
        dtype,
        DataType::Float32 | DataType::Float16 | DataType::Bfloat16
    )
}

/// Smallest and largest value of a whole type.
fn range(dtype: DataType) -> (i128, i128) {
    let bits = dtype.element_size() * 8;
    match dtype {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        }
        _ => (0, (1 << bits) - 1),
    }
}

/// Elements in memory as numbers.
///
/// # Panics
///
/// If `bytes` is not a whole number of elements.
#[must_use]
pub fn load(dtype: DataType, bytes: &[u8]) -> Numbers {
    fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
        let (elements, rest) = bytes.as_chunks();
        assert!(rest.is_empty(), "{} bytes are half an element", rest.len());
        elements.iter().map(|&element| read(element)).collect()
    }
    match dtype {
        DataType::Float32 => Numbers::Real(each(bytes, |b| f32::from_le_bytes(b).into())),
        DataType::Float16 => Numbers::Real(each(bytes, |b| f16_to_f64(u16::from_le_bytes(b)))),
        DataType::Bfloat16 => Numbers::Real(each(bytes, |b| bf16_to_f64(u16::from_le_bytes(b)))),
        DataType::Int8 => Numbers::Whole(each(bytes, |b| i8::from_le_bytes(b).into())),
        DataType::Uint8 => Numbers::Whole(each(bytes, |b| u8::from_le_bytes(b).into())),
        DataType::Int16 => Numbers::Whole(each(bytes, |b| i16::from_le_bytes(b).into())),
        DataType::Uint16 => Numbers::Whole(each(bytes, |b| u16::from_le_bytes(b).into())),
        DataType::Int32 => Numbers::Whole(each(bytes, |b| i32::from_le_bytes(b).into())),
        DataType::Uint32 => Numbers::Whole(each(bytes, |b| u32::from_le_bytes(b).into())),
        DataType::Int64 | DataType::Uint64 => Numbers::Whole(each(bytes, i64::from_le_bytes)),
    }
}

/// What happens to a whole number that its type cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// It is a mistake of the user.
    Refuse,
    /// It wraps, as in a kernel.
    Wrap,
}

/// Numbers as elements in memory.
pub fn store(dtype: DataType, numbers: &Numbers, overflow: Overflow) -> Result<Vec<u8>, String> {
    if is_real(dtype) {
        let reals = Array::new(
            vec![match numbers {
                Numbers::Whole(all) => all.len(),
                Numbers::Real(all) => all.len(),
            }],
            numbers.clone(),
        )
        .to_reals();
        return Ok(store_reals(dtype, &reals));
    }
    let wholes = match numbers {
        Numbers::Whole(all) => all.clone(),
        Numbers::Real(all) => all
            .iter()
            .map(|&value| real_to_whole(dtype, value, overflow))
            .collect::<Result<_, _>>()?,
    };
    if overflow == Overflow::Refuse {
        let (low, high) = range(dtype);
        // A real number above `i64::MAX` was already checked and lies wrapped in its 64 bits.
        let checked = !(dtype == DataType::Uint64 && matches!(numbers, Numbers::Real(_)));
        for &value in wholes.iter().filter(|_| checked) {
            if !(low..=high).contains(&i128::from(value)) {
                return Err(format!(
                    "{value} does not fit into {}, which holds {low} to {high}",
                    short_name(dtype)
                ));
            }
        }
    }
    let size = dtype.element_size() as usize;
    Ok(wholes
        .iter()
        .flat_map(|value| value.to_le_bytes().into_iter().take(size))
        .collect())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "narrowing is this function's job; the nearest value is what a kernel would store"
)]
fn store_reals(dtype: DataType, reals: &[f64]) -> Vec<u8> {
    match dtype {
        DataType::Float32 => reals
            .iter()
            .flat_map(|&value| (value as f32).to_le_bytes())
            .collect(),
        DataType::Float16 => reals
            .iter()
            .flat_map(|&value| f64_to_f16(value).to_le_bytes())
            .collect(),
        _ => reals
            .iter()
            .flat_map(|&value| f64_to_bf16(value).to_le_bytes())
            .collect(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the value was checked against the range, or is meant to saturate there as in C"
)]
fn real_to_whole(dtype: DataType, value: f64, overflow: Overflow) -> Result<i64, String> {
    let whole = value as i128;
    let (low, high) = range(dtype);
    let exact = value.fract() == 0.0 && value.is_finite() && (low..=high).contains(&whole);
    if overflow == Overflow::Refuse && !exact {
        return Err(format!(
            "{value} does not fit into {}, which holds whole numbers from {low} to {high}",
            short_name(dtype)
        ));
    }
    Ok(whole as i64)
}

/// Values of `array` after a stay in memory as `dtype`.
pub fn rounded(dtype: DataType, array: &Array) -> Result<Array, String> {
    let bytes = store(dtype, array.numbers(), Overflow::Wrap)?;
    Ok(Array::new(array.shape().to_vec(), load(dtype, &bytes)))
}

#[cfg(test)]
mod tests {
    use super::{Overflow, load, parse, short_name, store};
    use crate::scene::array::Numbers;
    use proptest::prelude::{any, proptest};
    use protocol::DataType;

    #[test]
    fn every_type_has_three_spellings() {
        for &dtype in DataType::ALL.iter() {
            for name in [
                short_name(dtype).to_owned(),
                dtype.name().to_owned(),
                dtype.name().to_lowercase(),
            ] {
                assert_eq!(parse(&name), Ok(dtype), "{name}");
            }
        }
        assert_eq!(
            parse("f23").expect_err("no such type"),
            "unknown dtype `f23`; did you mean `f32`?"
        );
    }

    #[test]
    fn values_that_do_not_fit_are_refused_with_the_limit() {
        let refused =
            |dtype, numbers| store(dtype, &numbers, Overflow::Refuse).expect_err("too big");
        assert_eq!(
            refused(DataType::Uint8, Numbers::Whole(vec![256])),
            "256 does not fit into u8, which holds 0 to 255"
        );
        assert!(refused(DataType::Int8, Numbers::Real(vec![0.5])).contains("whole numbers"));
        assert!(refused(DataType::Uint64, Numbers::Whole(vec![-1])).contains("-1 does not fit"));
        assert_eq!(
            store(
                DataType::Uint8,
                &Numbers::Whole(vec![257, -1]),
                Overflow::Wrap
            ),
            Ok(vec![1, 255])
        );
        assert_eq!(
            store(
                DataType::Uint64,
                &Numbers::Real(vec![2f64.powi(63)]),
                Overflow::Refuse
            ),
            Ok((1u64 << 63).to_le_bytes().to_vec())
        );
    }

    proptest! {
        #[test]
        fn whatever_is_loaded_is_stored_again(bytes in any::<[u8; 32]>()) {
            for &dtype in DataType::ALL.iter() {
                let numbers = load(dtype, &bytes);
                let again = store(dtype, &numbers, Overflow::Wrap).expect("wrapping fits always");
                let nan = matches!(&numbers, Numbers::Real(all) if all.iter().any(|v| v.is_nan()));
                assert!(nan || again == bytes, "{dtype}");
            }
        }
    }
}

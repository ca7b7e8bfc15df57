//! Sixteen-bit floats, for files and comparisons.
//!
//! Knows how IEEE half and bfloat16 round. Refuses to know arithmetic on them.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "every narrowing here keeps bits that were masked or shifted into range first"
)]

/// Value of an IEEE half.
#[must_use]
pub fn f16_to_f64(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

/// Nearest IEEE half, ties to even, overflow to infinity.
#[must_use]
pub fn f64_to_f16(value: f64) -> u16 {
    round_to(value, 10, 15)
}

/// Value of a bfloat16.
#[must_use]
pub fn bf16_to_f64(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

/// Nearest bfloat16, ties to even, overflow to infinity.
#[must_use]
pub fn f64_to_bf16(value: f64) -> u16 {
    round_to(value, 7, 127)
}

/// Rounds once, straight from 64 bits: a stop at 32 bits would round twice.
fn round_to(value: f64, fraction_bits: i32, bias: i32) -> u16 {
    let sign = ((value.to_bits() >> 63) as u16) << 15;
    let infinity = ((2 * bias + 1) as u16) << fraction_bits;
    if value.is_nan() {
        return sign | infinity | 1 << (fraction_bits - 1);
    }
    let size = value.abs();
    if size.is_infinite() {
        return sign | infinity;
    }
    // Distance between neighbours near `size`; below the smallest normal it stays the same.
    let exponent = (((size.to_bits() >> 52) & 0x7ff) as i32 - 1023).max(1 - bias);
    let steps = (size / 2f64.powi(exponent - fraction_bits)).round_ties_even();
    if exponent > bias {
        return sign | infinity;
    }
    // Counting steps from zero is counting bit patterns: a carry out of the fraction lands in the
    // exponent, and one out of the largest exponent makes infinity.
    let base = (exponent + bias - 1) << fraction_bits;
    sign | ((base + steps as i32) as u16).min(infinity)
}

#[cfg(test)]
mod tests {
    use super::{bf16_to_f64, f16_to_f64, f64_to_bf16, f64_to_f16};
    use proptest::prelude::{any, proptest};

    #[test]
    fn every_pattern_survives_the_round_trip() {
        for bits in 0..=u16::MAX {
            let half = f16_to_f64(bits);
            if !half.is_nan() {
                assert_eq!(f64_to_f16(half), bits, "f16 {bits:#06x}");
            }
            let brain = bf16_to_f64(bits);
            if !brain.is_nan() {
                assert_eq!(f64_to_bf16(brain), bits, "bf16 {bits:#06x}");
            }
        }
        assert!(f16_to_f64(f64_to_f16(f64::NAN)).is_nan());
        assert!(bf16_to_f64(f64_to_bf16(f64::NAN)).is_nan());
    }

    #[test]
    fn known_values() {
        for (value, bits) in [
            (1.0, 0x3c00),
            (-2.0, 0xc000),
            (65504.0, 0x7bff),
            (65519.9, 0x7bff),
            (65520.0, 0x7c00),
            (1e300, 0x7c00),
            (2f64.powi(-24), 0x0001),
            (2f64.powi(-25), 0x0000),
            (1.5 * 2f64.powi(-25), 0x0001),
            (1.0 + 2f64.powi(-11), 0x3c00),
            (1.0 + 3.0 * 2f64.powi(-11), 0x3c02),
            (-0.0, 0x8000),
            (f64::NEG_INFINITY, 0xfc00),
        ] {
            assert_eq!(f64_to_f16(value), bits, "{value}");
        }
        assert_eq!(f64_to_bf16(1.0), 0x3f80);
        assert_eq!(f64_to_bf16(f64::from(f32::MAX)), 0x7f80);
        // Rounding through f32 would first land on the tie and then go down to even.
        assert_eq!(f64_to_bf16(1.0 + 2f64.powi(-8) + 2f64.powi(-40)), 0x3f81);
    }

    proptest! {
        #[test]
        fn rounding_picks_the_nearest_neighbour(value in any::<f32>()) {
            let value = f64::from(value);
            if value.is_nan() {
                return Ok(());
            }
            for (bits, widen) in [
                (f64_to_f16(value), f16_to_f64 as fn(u16) -> f64),
                (f64_to_bf16(value), bf16_to_f64),
            ] {
                let rounded = widen(bits);
                if rounded.is_infinite() {
                    continue;
                }
                let error = (rounded - value).abs();
                for neighbour in [bits.wrapping_add(1), bits.wrapping_sub(1)] {
                    let other = widen(neighbour);
                    assert!(other.is_nan() || error <= (other - value).abs());
                }
            }
        }
    }
}

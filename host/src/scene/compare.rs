//! Judging a tensor against what it should hold.
//!
//! Knows tolerances, not-a-numbers and how to describe what is off. Refuses to know where either
//! side came from.
//!
//! A real element is right when `|got − want| ≤ atol + rtol × |want|`, or when both are the same
//! infinity, or when both are not a number: an expectation can ask for one. Whole elements must be
//! equal; tolerances do not apply to them.

use core::fmt;

use super::array::Numbers;

/// One element that is off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Off {
    /// A whole one.
    Whole {
        /// Position in C order.
        at: usize,
        /// What the run left.
        got: i64,
        /// What should be there.
        want: i64,
    },
    /// A real one.
    Real {
        /// Position in C order.
        at: usize,
        /// What the run left.
        got: f64,
        /// What should be there.
        want: f64,
    },
}

impl Off {
    fn at(&self) -> usize {
        match *self {
            Self::Whole { at, .. } | Self::Real { at, .. } => at,
        }
    }
}

/// Everything that is off in one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// Name of the tensor.
    pub name: String,
    /// Its extents.
    pub shape: Vec<usize>,
    /// Number of elements that are off.
    pub count: usize,
    /// The first of them.
    pub first: Vec<Off>,
    /// Largest absolute difference of two finite numbers.
    pub largest: f64,
    /// Elements that are not a number and should be one.
    pub not_numbers: usize,
    /// Tolerances in force.
    pub tolerance: (f64, f64),
}

/// Number of mismatches that are kept with their values.
pub const SHOWN: usize = 8;

/// Compares `got` with `want`; `None` if all elements are right.
///
/// # Panics
///
/// If the two sides differ in length or kind of number.
#[must_use]
pub fn compare(
    name: &str,
    shape: &[usize],
    got: &Numbers,
    want: &Numbers,
    (relative, absolute): (f64, f64),
) -> Option<Mismatch> {
    let mut mismatch = Mismatch {
        name: name.to_owned(),
        shape: shape.to_vec(),
        count: 0,
        first: Vec::new(),
        largest: 0.0,
        not_numbers: 0,
        tolerance: (relative, absolute),
    };
    match (got, want) {
        (Numbers::Whole(got), Numbers::Whole(want)) => {
            assert_eq!(got.len(), want.len(), "`{name}` changed size");
            for (at, (&got, &want)) in got.iter().zip(want).enumerate() {
                if got != want {
                    #[expect(clippy::cast_precision_loss, reason = "only reported, as a hint")]
                    let difference = got.abs_diff(want) as f64;
                    mismatch.add(Off::Whole { at, got, want }, difference);
                }
            }
        }
        (Numbers::Real(got), Numbers::Real(want)) => {
            assert_eq!(got.len(), want.len(), "`{name}` changed size");
            for (at, (&got, &want)) in got.iter().zip(want).enumerate() {
                if !is_right(got, want, relative, absolute) {
                    mismatch.not_numbers += usize::from(got.is_nan());
                    mismatch.add(Off::Real { at, got, want }, (got - want).abs());
                }
            }
        }
        _ => panic!("`{name}` changed its kind of number"),
    }
    (mismatch.count > 0).then_some(mismatch)
}

fn is_right(got: f64, want: f64, relative: f64, absolute: f64) -> bool {
    if got.is_nan() || want.is_nan() {
        return got.is_nan() && want.is_nan();
    }
    if got.is_infinite() || want.is_infinite() {
        return got == want;
    }
    (got - want).abs() <= absolute + relative * want.abs()
}

impl Mismatch {
    fn add(&mut self, off: Off, difference: f64) {
        self.count += 1;
        if difference.is_finite() {
            self.largest = self.largest.max(difference);
        }
        if self.first.len() < SHOWN {
            self.first.push(off);
        }
    }

    /// `[row, column]` of an element.
    fn index(&self, at: usize) -> String {
        let mut rest = at;
        let mut index: Vec<usize> = self
            .shape
            .iter()
            .rev()
            .map(|&extent| {
                let here = rest % extent.max(1);
                rest /= extent.max(1);
                here
            })
            .collect();
        index.reverse();
        super::array::show(&index)
    }
}

impl fmt::Display for Mismatch {
    #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: usize = self.shape.iter().product();
        let share = 100.0 * self.count as f64 / total.max(1) as f64;
        let count = self.count;
        write!(
            out,
            "`{}`: {count} of {total} elements are off ({share:.3}%)",
            self.name
        )?;
        if matches!(self.first.first(), Some(Off::Real { .. })) {
            let (relative, absolute) = self.tolerance;
            write!(
                out,
                "; largest difference {:e}, rtol {relative:e}, atol {absolute:e}",
                self.largest
            )?;
        } else {
            write!(out, "; largest difference {}", self.largest)?;
        }
        if self.not_numbers > 0 {
            write!(out, "; {} are not a number", self.not_numbers)?;
        }
        for off in &self.first {
            write!(out, "\n  {}{}: ", self.name, self.index(off.at()))?;
            match off {
                Off::Whole { got, want, .. } => write!(out, "got {got}, want {want}")?,
                Off::Real { got, want, .. } => write!(out, "got {got}, want {want}")?,
            }
        }
        if self.count > self.first.len() {
            write!(out, "\n  … and {} more", self.count - self.first.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{SHOWN, compare};
    use crate::scene::array::Numbers;
    use proptest::prelude::{any, prop, proptest};

    fn reals(got: &[f64], want: &[f64]) -> Option<super::Mismatch> {
        let shape = [got.len()];
        let (got, want) = (Numbers::Real(got.to_vec()), Numbers::Real(want.to_vec()));
        compare("x", &shape, &got, &want, (0.1, 0.01))
    }

    #[test]
    fn tolerance_has_a_relative_and_an_absolute_part() {
        assert_eq!(reals(&[1.1, 0.01, -110.0], &[1.0, 0.0, -100.0]), None);
        assert_eq!(reals(&[1.12], &[1.0]).map(|m| m.count), Some(1));
        assert_eq!(reals(&[0.011], &[0.0]).map(|m| m.count), Some(1));
    }

    #[test]
    fn strange_values_match_only_themselves() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert_eq!(reals(&[nan, inf, -inf], &[nan, inf, -inf]), None);
        let off = reals(&[nan, 1.0, inf, 1.0, inf], &[1.0, nan, 1.0, inf, -inf]).expect("all off");
        assert_eq!((off.count, off.not_numbers), (5, 1));
        assert!(off.to_string().contains("1 are not a number"));
    }

    #[test]
    fn whole_numbers_must_be_equal() {
        let (got, want) = (Numbers::Whole(vec![1, 2]), Numbers::Whole(vec![1, 3]));
        let off = compare("x", &[2], &got, &want, (1.0, 1.0)).expect("2 is not 3");
        assert_eq!(
            off.to_string(),
            "`x`: 1 of 2 elements are off (50.000%); largest difference 1\n  x[1]: got 2, want 3"
        );
    }

    #[test]
    fn the_report_shows_the_first_ones_by_index() {
        let got = Numbers::Real(vec![0.0; 30]);
        let want = Numbers::Real((0..30).map(f64::from).collect());
        let text = compare("c", &[5, 6], &got, &want, (0.0, 0.0))
            .expect("29 are off")
            .to_string();
        assert!(text.starts_with("`c`: 29 of 30 elements are off"), "{text}");
        assert!(text.contains("largest difference 2.9e1"), "{text}");
        assert!(text.contains("c[0, 1]: got 0, want 1"), "{text}");
        assert!(text.contains("c[1, 2]: got 0, want 8"), "{text}");
        assert!(
            text.ends_with(&format!("… and {} more", 29 - SHOWN)),
            "{text}"
        );
    }

    proptest! {
        #[test]
        fn equals_the_plain_rule(
            pairs in prop::collection::vec((any::<f32>(), any::<f32>()), 0..20),
        ) {
            let got: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.0)).collect();
            let want: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.1)).collect();
            let off = got.iter().zip(&want).filter(|(got, want)| {
                let close = (*got - *want).abs() <= 0.01 + 0.1 * want.abs();
                let same = got == want || (got.is_nan() && want.is_nan());
                let infinite = got.is_infinite() || want.is_infinite();
                !(same || (close && !infinite))
            });
            assert_eq!(reals(&got, &want).map_or(0, |m| m.count), off.count());
        }
    }
}

//! Arrays of whole or real numbers, the values expressions compute with.
//!
//! Knows shapes, broadcasting and the two kinds of number. Refuses to know names, files and the
//! element types of tensors.
//!
//! Whole numbers are 64-bit and wrap, as those of a kernel do; a `u64` tensor's values above
//! `i64::MAX` therefore read as negative here and come back unchanged when stored.

/// Elements of an array.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// Whole numbers.
    Whole(Vec<i64>),
    /// Real numbers.
    Real(Vec<f64>),
}

/// An array in C order; a scalar has no dimensions and one element.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    numbers: Numbers,
}

/// Largest number of elements an expression may produce.
pub const MAX_ELEMENTS: usize = 1 << 28;

/// Number of elements of a shape, or the complaint that they are too many.
pub fn count(shape: &[usize]) -> Result<usize, String> {
    shape
        .iter()
        .try_fold(1usize, |product, &extent| product.checked_mul(extent))
        .filter(|&product| product <= MAX_ELEMENTS)
        .ok_or_else(|| {
            format!(
                "an array of shape {} has more than {MAX_ELEMENTS} elements",
                show(shape)
            )
        })
}

/// A shape as users write it.
#[must_use]
pub fn show(shape: &[usize]) -> String {
    let extents: Vec<String> = shape.iter().map(ToString::to_string).collect();
    format!("[{}]", extents.join(", "))
}

impl Array {
    /// An array of `numbers` with `shape`.
    ///
    /// # Panics
    ///
    /// If the shape does not count the numbers.
    #[must_use]
    pub fn new(shape: Vec<usize>, numbers: Numbers) -> Self {
        let array = Self { shape, numbers };
        assert_eq!(
            array.shape.iter().product::<usize>(),
            array.len(),
            "shape {:?} counts other than the numbers given",
            array.shape
        );
        array
    }

    /// A whole scalar.
    #[must_use]
    pub fn whole(value: i64) -> Self {
        Self::new(vec![], Numbers::Whole(vec![value]))
    }

    /// A real scalar.
    #[must_use]
    pub fn real(value: f64) -> Self {
        Self::new(vec![], Numbers::Real(vec![value]))
    }

    /// Extents, outermost first.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Elements in C order.
    #[must_use]
    pub fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.numbers {
            Numbers::Whole(all) => all.len(),
            Numbers::Real(all) => all.len(),
        }
    }

    /// True without elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Elements as real numbers.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "whole numbers meet real ones as they do in C: rounded to the nearest"
    )]
    pub fn to_reals(&self) -> Vec<f64> {
        match &self.numbers {
            Numbers::Whole(all) => all.iter().map(|&value| value as f64).collect(),
            Numbers::Real(all) => all.clone(),
        }
    }

    /// The one whole number in this array; `what` names it in the complaint.
    pub fn as_whole(&self, what: &str) -> Result<i64, String> {
        match (&self.numbers, self.len()) {
            (Numbers::Whole(all), 1) => Ok(all[0]),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the value is a whole number below 2^53"
            )]
            (Numbers::Real(all), 1) if all[0].fract() == 0.0 && all[0].abs() < 9e15 => {
                Ok(all[0] as i64)
            }
            (Numbers::Real(all), 1) => {
                Err(format!("{what} must be a whole number, not {}", all[0]))
            }
            (_, len) => Err(format!("{what} must be one number, not {len}")),
        }
    }

    /// The one number in this array; `what` names it in the complaint.
    pub fn as_real(&self, what: &str) -> Result<f64, String> {
        match self.to_reals().as_slice() {
            [one] => Ok(*one),
            all => Err(format!("{what} must be one number, not {}", all.len())),
        }
    }

    /// The one extent or axis in this array; `what` names it in the complaint.
    pub fn as_extent(&self, what: &str) -> Result<usize, String> {
        let value = self.as_whole(what)?;
        usize::try_from(value).map_err(|_| format!("{what} must be 0 or more, not {value}"))
    }

    /// The same elements under another shape.
    pub fn reshaped(self, shape: Vec<usize>) -> Result<Self, String> {
        if count(&shape)? == self.len() {
            Ok(Self { shape, ..self })
        } else {
            Err(format!(
                "cannot reshape {} elements of {} to {}",
                self.len(),
                show(&self.shape),
                show(&shape)
            ))
        }
    }

    /// Elements picked by their index, under `shape`.
    #[must_use]
    pub fn picked(&self, shape: Vec<usize>, indices: impl Iterator<Item = usize>) -> Self {
        let numbers = match &self.numbers {
            Numbers::Whole(all) => Numbers::Whole(indices.map(|index| all[index]).collect()),
            Numbers::Real(all) => Numbers::Real(indices.map(|index| all[index]).collect()),
        };
        Self::new(shape, numbers)
    }

    /// The elements repeated to fill `shape`, by the usual broadcasting rules.
    pub fn broadcast(&self, shape: &[usize]) -> Result<Self, String> {
        if self.shape == shape {
            return Ok(self.clone());
        }
        if common_shape(&self.shape, shape).as_deref() != Some(shape) {
            return Err(format!(
                "shape {} does not stretch to {}",
                show(&self.shape),
                show(shape)
            ));
        }
        count(shape)?;
        let walk = Walk::new(shape, vec![strides_within(&self.shape, shape)]);
        Ok(self.picked(shape.to_vec(), walk.map(|at| at[0])))
    }
}

/// The shape two shapes stretch to together.
#[must_use]
pub fn common_shape(left: &[usize], right: &[usize]) -> Option<Vec<usize>> {
    let rank = left.len().max(right.len());
    let extent = |shape: &[usize], axis: usize| {
        (axis + shape.len())
            .checked_sub(rank)
            .map_or(1, |axis| shape[axis])
    };
    (0..rank)
        .map(|axis| match (extent(left, axis), extent(right, axis)) {
            (one, other) if one == other => Some(one),
            (1, other) => Some(other),
            (one, 1) => Some(one),
            _ => None,
        })
        .collect()
}

/// Steps between elements along each axis of an array in C order.
#[must_use]
pub fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// Steps within an array of `shape` while walking over `outer`; stretched axes do not step.
#[must_use]
pub fn strides_within(shape: &[usize], outer: &[usize]) -> Vec<usize> {
    let own = strides(shape);
    let missing = outer.len() - shape.len();
    (0..outer.len())
        .map(|axis| match axis.checked_sub(missing) {
            Some(axis) if shape[axis] != 1 => own[axis],
            _ => 0,
        })
        .collect()
}

/// Walks a shape in C order and keeps the offset into several arrays at once.
#[derive(Debug)]
pub struct Walk {
    shape: Vec<usize>,
    strides: Vec<Vec<usize>>,
    index: Vec<usize>,
    at: Vec<usize>,
    left: usize,
}

impl Walk {
    /// A walk over `shape` with one list of steps per array.
    #[must_use]
    pub fn new(shape: &[usize], strides: Vec<Vec<usize>>) -> Self {
        Self {
            index: vec![0; shape.len()],
            at: vec![0; strides.len()],
            left: shape.iter().product(),
            shape: shape.to_vec(),
            strides,
        }
    }
}

impl Iterator for Walk {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let here = self.at.clone();
        for axis in (0..self.shape.len()).rev() {
            self.index[axis] += 1;
            for (at, strides) in self.at.iter_mut().zip(&self.strides) {
                *at += strides[axis];
            }
            if self.index[axis] < self.shape[axis] {
                break;
            }
            self.index[axis] = 0;
            for (at, strides) in self.at.iter_mut().zip(&self.strides) {
                *at -= strides[axis] * self.shape[axis];
            }
        }
        Some(here)
    }
}

#[cfg(test)]
mod tests {
    use super::{Array, Numbers, common_shape, count};

    #[test]
    fn shapes_stretch_as_in_numpy() {
        assert_eq!(common_shape(&[2, 1], &[3]), Some(vec![2, 3]));
        assert_eq!(common_shape(&[], &[4]), Some(vec![4]));
        assert_eq!(common_shape(&[2], &[3]), None);
        let column = Array::new(vec![2, 1], Numbers::Whole(vec![10, 20]));
        assert_eq!(
            column.broadcast(&[2, 3]).expect("stretches").numbers(),
            &Numbers::Whole(vec![10, 10, 10, 20, 20, 20])
        );
        let row = Array::new(vec![2], Numbers::Whole(vec![1, 2]));
        assert_eq!(
            row.broadcast(&[2, 2]).expect("stretches").numbers(),
            &Numbers::Whole(vec![1, 2, 1, 2])
        );
        assert!(row.broadcast(&[3]).is_err());
        assert!(column.broadcast(&[2]).is_err());
    }

    #[test]
    fn absurd_shapes_are_refused() {
        assert!(count(&[usize::MAX, 2]).is_err());
        assert!(count(&[1 << 20, 1 << 20]).is_err());
        assert_eq!(count(&[0, 5]), Ok(0));
    }
}

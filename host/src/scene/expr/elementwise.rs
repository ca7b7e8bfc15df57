//! One thing done to every element.
//!
//! Knows the two kinds of number and how two arrays stretch to a common shape. Refuses to know what is done.

use crate::scene::array::{Array, Numbers, Walk, common_shape, count, show, strides_within};

/// One function per kind of number over every element.
pub(super) fn map(array: &Array, whole: fn(i64) -> i64, real: fn(f64) -> f64) -> Array {
    let numbers = match array.numbers() {
        Numbers::Whole(all) => Numbers::Whole(all.iter().copied().map(whole).collect()),
        Numbers::Real(all) => Numbers::Real(all.iter().copied().map(real).collect()),
    };
    Array::new(array.shape().to_vec(), numbers)
}

/// A question about every element, answered by 1 and 0.
pub(super) fn truth(array: &Array, ask: impl Fn(f64) -> bool) -> Array {
    let answers = array.to_reals().into_iter().map(|x| i64::from(ask(x)));
    Array::new(array.shape().to_vec(), Numbers::Whole(answers.collect()))
}

/// One function per kind of number over two arrays that stretch to a common shape.
pub(super) fn zip(
    left: &Array,
    right: &Array,
    whole: impl Fn(i64, i64) -> Result<i64, String>,
    real: impl Fn(f64, f64) -> f64,
) -> Result<Array, String> {
    let shape = together(left, right)?;
    let numbers = match (left.numbers(), right.numbers()) {
        (Numbers::Whole(l), Numbers::Whole(r)) => Numbers::Whole(
            paired(left, l, right, r, &shape)
                .map(|(l, r)| whole(l, r))
                .collect::<Result<_, _>>()?,
        ),
        _ => {
            let (l, r) = (left.to_reals(), right.to_reals());
            Numbers::Real(
                paired(left, &l, right, &r, &shape)
                    .map(|(l, r)| real(l, r))
                    .collect(),
            )
        }
    };
    Ok(Array::new(shape, numbers))
}

fn together(left: &Array, right: &Array) -> Result<Vec<usize>, String> {
    let shape = common_shape(left.shape(), right.shape()).ok_or_else(|| {
        format!(
            "shapes {} and {} do not go together",
            show(left.shape()),
            show(right.shape())
        )
    })?;
    count(&shape)?;
    Ok(shape)
}

fn paired<'a, T: Copy>(
    left: &Array,
    l: &'a [T],
    right: &Array,
    r: &'a [T],
    shape: &[usize],
) -> Box<dyn Iterator<Item = (T, T)> + 'a> {
    if left.shape() == right.shape() {
        Box::new(l.iter().copied().zip(r.iter().copied()))
    } else if let ([one], true) = (l, left.shape().is_empty()) {
        Box::new(r.iter().map(|&other| (*one, other)))
    } else if let ([one], true) = (r, right.shape().is_empty()) {
        Box::new(l.iter().map(|&other| (other, *one)))
    } else {
        let steps = vec![
            strides_within(left.shape(), shape),
            strides_within(right.shape(), shape),
        ];
        Box::new(Walk::new(shape, steps).map(|at| (l[at[0]], r[at[1]])))
    }
}

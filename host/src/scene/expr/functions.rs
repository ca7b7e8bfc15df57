//! Functions of expressions.
//!
//! Knows each function's name, argument count and meaning, in one table. Refuses to know syntax.

use super::elementwise::{map, truth, zip};
use crate::scene::array::{Array, Numbers, count, show, strides};
use crate::scene::{dtype, nearest};

type Body = fn(&[Array]) -> Result<Array, String>;

/// A function: name, fewest and most arguments, how users call it, what it computes.
type Row = (&'static str, usize, usize, &'static str, Body);

const ANY: usize = usize::MAX;

/// Every function there is.
const TABLE: &[Row] = &[
    ("abs", 1, 1, "abs(x)", |a| {
        Ok(map(&a[0], i64::wrapping_abs, f64::abs))
    }),
    ("exp", 1, 1, "exp(x)", |a| Ok(real(&a[0], f64::exp))),
    ("log", 1, 1, "log(x)", |a| Ok(real(&a[0], f64::ln))),
    ("sqrt", 1, 1, "sqrt(x)", |a| Ok(real(&a[0], f64::sqrt))),
    ("sin", 1, 1, "sin(x)", |a| Ok(real(&a[0], f64::sin))),
    ("cos", 1, 1, "cos(x)", |a| Ok(real(&a[0], f64::cos))),
    ("tanh", 1, 1, "tanh(x)", |a| Ok(real(&a[0], f64::tanh))),
    ("floor", 1, 1, "floor(x)", |a| {
        Ok(map(&a[0], |x| x, f64::floor))
    }),
    ("ceil", 1, 1, "ceil(x)", |a| {
        Ok(map(&a[0], |x| x, f64::ceil))
    }),
    ("round", 1, 1, "round(x), ties to even", |a| {
        Ok(map(&a[0], |x| x, f64::round_ties_even))
    }),
    ("isnan", 1, 1, "isnan(x)", |a| Ok(truth(&a[0], f64::is_nan))),
    ("min", 2, ANY, "min(x, y, …), elementwise", |a| {
        fold(a, i64::min, f64::min)
    }),
    ("max", 2, ANY, "max(x, y, …), elementwise", |a| {
        fold(a, i64::max, f64::max)
    }),
    ("where", 3, 3, "where(condition, x, y)", choose),
    ("sum", 1, 2, "sum(x[, axis])", |a| {
        reduce(a, i64::wrapping_add, |l, r| l + r)
    }),
    ("amin", 1, 2, "amin(x[, axis])", |a| {
        reduce(a, i64::min, f64::min)
    }),
    ("amax", 1, 2, "amax(x[, axis])", |a| {
        reduce(a, i64::max, f64::max)
    }),
    ("mean", 1, 2, "mean(x[, axis])", mean),
    ("cumsum", 1, 1, "cumsum(x) over a vector", cumsum),
    (
        "matmul",
        2,
        2,
        "matmul(x, y), batched over leading axes",
        matmul,
    ),
    (
        "transpose",
        1,
        1,
        "transpose(x), swaps the last two axes",
        transpose,
    ),
    ("reshape", 2, ANY, "reshape(x, extent, …)", |a| {
        a[0].clone().reshaped(extents(&a[1..])?)
    }),
    ("flat", 1, 1, "flat(x), one axis", |a| {
        let len = a[0].len();
        a[0].clone().reshaped(vec![len])
    }),
    (
        "stretch",
        2,
        ANY,
        "stretch(x, extent, …), repeats to a shape",
        |a| a[0].broadcast(&extents(&a[1..])?),
    ),
    ("take", 2, 2, "take(x, indices) along axis 0", take),
    ("concat", 2, ANY, "concat(x, y, …) along axis 0", concat),
    ("arange", 1, 1, "arange(n), 0 to n-1", |a| {
        index(&extents(a)?, 0)
    }),
    (
        "index",
        2,
        ANY,
        "index(axis, extent, …), each element's index along an axis",
        |a| index(&extents(&a[1..])?, a[0].as_extent("the axis")?),
    ),
    ("zeros", 1, ANY, "zeros(extent, …)", |a| {
        Array::whole(0).broadcast(&extents(a)?)
    }),
    ("size", 1, 1, "size(x), number of elements", |a| {
        whole(a[0].len())
    }),
    ("extent", 2, 2, "extent(x, axis)", |a| {
        let axis = axis_of(&a[0], &a[1])?;
        whole(a[0].shape()[axis])
    }),
];

/// Calls the function `name`.
pub(super) fn call(name: &str, arguments: &[Array]) -> Result<Array, String> {
    if let (Ok(dtype), [one]) = (dtype::parse(name), arguments) {
        return dtype::rounded(dtype, one);
    }
    let Some((_, least, most, usage, body)) = TABLE.iter().find(|row| row.0 == name) else {
        let known = TABLE.iter().map(|row| row.0);
        return Err(format!(
            "there is no function `{name}`; {}",
            nearest::hint(name, known)
        ));
    };
    if (*least..=*most).contains(&arguments.len()) {
        body(arguments)
    } else {
        Err(format!("{} arguments; call it as {usage}", arguments.len()))
    }
}

/// How to call every function, one line each.
pub fn usages() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|row| row.3)
}

/// Value of a name that is always there.
pub(super) fn constant(name: &str) -> Option<Array> {
    Some(Array::real(match name {
        "pi" => core::f64::consts::PI,
        "inf" => f64::INFINITY,
        "nan" => f64::NAN,
        _ => return None,
    }))
}

fn real(array: &Array, body: fn(f64) -> f64) -> Array {
    let numbers = array.to_reals().into_iter().map(body).collect();
    Array::new(array.shape().to_vec(), Numbers::Real(numbers))
}

fn whole(value: usize) -> Result<Array, String> {
    i64::try_from(value)
        .map(Array::whole)
        .map_err(|_| format!("{value} is above {}", i64::MAX))
}

fn extents(arguments: &[Array]) -> Result<Vec<usize>, String> {
    let shape: Vec<usize> = arguments
        .iter()
        .map(|extent| extent.as_extent("an extent"))
        .collect::<Result<_, _>>()?;
    count(&shape)?;
    Ok(shape)
}

fn axis_of(array: &Array, axis: &Array) -> Result<usize, String> {
    let rank = array.shape().len();
    let axis = axis.as_whole("the axis")?;
    let from_front = if axis < 0 {
        usize::try_from(axis.unsigned_abs())
            .ok()
            .and_then(|back| rank.checked_sub(back))
    } else {
        usize::try_from(axis).ok()
    };
    from_front
        .filter(|&axis| axis < rank)
        .ok_or_else(|| format!("axis {axis} of an array of shape {}", show(array.shape())))
}

fn fold(
    arrays: &[Array],
    whole: fn(i64, i64) -> i64,
    real: fn(f64, f64) -> f64,
) -> Result<Array, String> {
    let mut result = arrays[0].clone();
    for other in &arrays[1..] {
        result = zip(&result, other, |l, r| Ok(whole(l, r)), real)?;
    }
    Ok(result)
}

fn choose(a: &[Array]) -> Result<Array, String> {
    let shape = zip(
        &zip(&a[0], &a[1], |l, _| Ok(l), |l, _| l)?,
        &a[2],
        |l, _| Ok(l),
        |l, _| l,
    )?;
    let condition = truth(&a[0], |x| x != 0.0).broadcast(shape.shape())?;
    let yes = a[1].broadcast(shape.shape())?;
    let no = a[2].broadcast(shape.shape())?;
    let Numbers::Whole(condition) = condition.numbers() else {
        return Err("a condition is a whole number".to_owned());
    };
    fn pick<T: Copy>(condition: &[i64], yes: &[T], no: &[T]) -> Vec<T> {
        condition
            .iter()
            .zip(yes.iter().zip(no))
            .map(|(&condition, (&yes, &no))| if condition != 0 { yes } else { no })
            .collect()
    }
    let numbers = match (yes.numbers(), no.numbers()) {
        (Numbers::Whole(yes), Numbers::Whole(no)) => Numbers::Whole(pick(condition, yes, no)),
        _ => Numbers::Real(pick(condition, &yes.to_reals(), &no.to_reals())),
    };
    Ok(Array::new(shape.shape().to_vec(), numbers))
}

/// Reduces one axis to extent 1, so that the result still stretches against `x`; all axes to a scalar.
fn reduce(
    a: &[Array],
    whole: fn(i64, i64) -> i64,
    real: fn(f64, f64) -> f64,
) -> Result<Array, String> {
    fn along<T: Copy>(
        all: &[T],
        outer: usize,
        len: usize,
        inner: usize,
        body: fn(T, T) -> T,
    ) -> Vec<T> {
        (0..outer * inner)
            .map(|at| {
                let start = at / inner * len * inner + at % inner;
                (1..len).fold(all[start], |so_far, step| {
                    body(so_far, all[start + step * inner])
                })
            })
            .collect()
    }
    let x = &a[0];
    if x.is_empty() {
        return Err(format!("nothing to reduce in shape {}", show(x.shape())));
    }
    let (outer, len, inner, shape) = match a.get(1) {
        None => (1, x.len(), 1, vec![]),
        Some(axis) => {
            let axis = axis_of(x, axis)?;
            let mut shape = x.shape().to_vec();
            let len = core::mem::replace(&mut shape[axis], 1);
            (
                shape[..axis].iter().product(),
                len,
                strides(x.shape())[axis],
                shape,
            )
        }
    };
    let numbers = match x.numbers() {
        Numbers::Whole(all) => Numbers::Whole(along(all, outer, len, inner, whole)),
        Numbers::Real(all) => Numbers::Real(along(all, outer, len, inner, real)),
    };
    Ok(Array::new(shape, numbers))
}

#[expect(clippy::cast_precision_loss, reason = "no array has 2^53 elements")]
fn mean(a: &[Array]) -> Result<Array, String> {
    let sum = reduce(a, i64::wrapping_add, |l, r| l + r)?;
    let each = (a[0].len() / sum.len().max(1)) as f64;
    let numbers = sum
        .to_reals()
        .into_iter()
        .map(|total| total / each)
        .collect();
    Ok(Array::new(sum.shape().to_vec(), Numbers::Real(numbers)))
}

fn cumsum(a: &[Array]) -> Result<Array, String> {
    if a[0].shape().len() != 1 {
        return Err(format!(
            "a vector is needed, not shape {}",
            show(a[0].shape())
        ));
    }
    let numbers = match a[0].numbers() {
        Numbers::Whole(all) => Numbers::Whole(
            all.iter()
                .scan(0i64, |total, &x| {
                    *total = total.wrapping_add(x);
                    Some(*total)
                })
                .collect(),
        ),
        Numbers::Real(all) => Numbers::Real(
            all.iter()
                .scan(0.0, |total, &x| {
                    *total += x;
                    Some(*total)
                })
                .collect(),
        ),
    };
    Ok(Array::new(a[0].shape().to_vec(), numbers))
}

fn matmul(a: &[Array]) -> Result<Array, String> {
    let complain = || {
        format!(
            "matmul of shapes {} and {}; they must be [.., m, k] and [.., k, n]",
            show(a[0].shape()),
            show(a[1].shape())
        )
    };
    let ([left_batch @ .., rows, depth], [right_batch @ .., right_depth, columns]) =
        (a[0].shape(), a[1].shape())
    else {
        return Err(complain());
    };
    let (rows, depth, columns) = (*rows, *depth, *columns);
    let batch = crate::scene::array::common_shape(left_batch, right_batch)
        .filter(|_| depth == *right_depth)
        .ok_or_else(complain)?;
    let shape = |last: [usize; 2]| [batch.as_slice(), &last].concat();
    let left = a[0].broadcast(&shape([rows, depth]))?;
    let right = a[1].broadcast(&shape([depth, columns]))?;
    let out = shape([rows, columns]);
    let batches = count(&batch)?;
    count(&out)?;
    let numbers = match (left.numbers(), right.numbers()) {
        (Numbers::Whole(l), Numbers::Whole(r)) => Numbers::Whole(products(
            (l, r),
            (batches, rows, depth, columns),
            0,
            |sum, l, r| sum.wrapping_add(l.wrapping_mul(r)),
        )),
        _ => Numbers::Real(products(
            (&left.to_reals(), &right.to_reals()),
            (batches, rows, depth, columns),
            0.0,
            |sum, l, r| sum + l * r,
        )),
    };
    Ok(Array::new(out, numbers))
}

fn products<T: Copy>(
    (left, right): (&[T], &[T]),
    (batches, rows, depth, columns): (usize, usize, usize, usize),
    zero: T,
    add: fn(T, T, T) -> T,
) -> Vec<T> {
    let mut out = vec![zero; batches * rows * columns];
    for batch in 0..batches {
        for row in 0..rows {
            let sums = &mut out[(batch * rows + row) * columns..][..columns];
            for step in 0..depth {
                let factor = left[(batch * rows + row) * depth + step];
                let line = &right[(batch * depth + step) * columns..][..columns];
                for (sum, &value) in sums.iter_mut().zip(line) {
                    *sum = add(*sum, factor, value);
                }
            }
        }
    }
    out
}

fn transpose(a: &[Array]) -> Result<Array, String> {
    let [batch @ .., rows, columns] = a[0].shape() else {
        return Err(format!(
            "two axes are needed, not shape {}",
            show(a[0].shape())
        ));
    };
    let (rows, columns) = (*rows, *columns);
    let shape = [batch, &[columns, rows]].concat();
    let size = rows * columns;
    let indices = (0..a[0].len()).map(|at| {
        let (block, inside) = (at / size, at % size);
        block * size + inside % rows * columns + inside / rows
    });
    Ok(a[0].picked(shape, indices))
}

fn take(a: &[Array]) -> Result<Array, String> {
    let [len, inner @ ..] = a[0].shape() else {
        return Err("a scalar has nothing to take from".to_owned());
    };
    let Numbers::Whole(wanted) = a[1].numbers() else {
        return Err("indices must be whole numbers".to_owned());
    };
    let each: usize = inner.iter().product();
    let wanted: Vec<usize> = wanted
        .iter()
        .map(|&index| {
            usize::try_from(index)
                .ok()
                .filter(|index| index < len)
                .ok_or_else(|| format!("index {index} is outside 0..{len}"))
        })
        .collect::<Result<_, _>>()?;
    let shape = [a[1].shape(), inner].concat();
    count(&shape)?;
    let indices = wanted
        .iter()
        .flat_map(|&index| index * each..(index + 1) * each);
    Ok(a[0].picked(shape, indices))
}

fn concat(a: &[Array]) -> Result<Array, String> {
    let mut length = 0;
    for array in a {
        match (array.shape(), a[0].shape()) {
            ([len, inner @ ..], [_, first @ ..]) if inner == first => length += len,
            (shape, first) => {
                return Err(format!(
                    "shapes {} and {} do not line up",
                    show(first),
                    show(shape)
                ));
            }
        }
    }
    let mut shape = a[0].shape().to_vec();
    shape[0] = length;
    count(&shape)?;
    let mut wholes = Vec::new();
    for array in a {
        match array.numbers() {
            Numbers::Whole(all) => wholes.extend_from_slice(all),
            Numbers::Real(_) => {
                let reals = a.iter().flat_map(Array::to_reals).collect();
                return Ok(Array::new(shape, Numbers::Real(reals)));
            }
        }
    }
    Ok(Array::new(shape, Numbers::Whole(wholes)))
}

/// Index of every element of `shape` along `axis`.
pub fn index(shape: &[usize], axis: usize) -> Result<Array, String> {
    let len = count(shape)?;
    if axis >= shape.len() {
        return Err(format!("axis {axis} of shape {}", show(shape)));
    }
    let step = strides(shape)[axis].max(1);
    let numbers = (0..len)
        .map(|at| {
            i64::try_from(at / step % shape[axis]).map_err(|_| "too many elements".to_owned())
        })
        .collect::<Result<_, _>>()?;
    Ok(Array::new(shape.to_vec(), Numbers::Whole(numbers)))
}

//! How a tensor or a scalar gets its first value.
//!
//! Knows what each `init` amounts to in a shape and an element type. Refuses to know the argument it is for.

use protocol::DataType;

use super::names::{AtTensor, Known, Scoped, bad, compute};
use crate::scene::array::{self, Array, Numbers};
use crate::scene::dtype::{self, Overflow};
use crate::scene::error::Result;
use crate::scene::expr::functions::index;
use crate::scene::expr::{Expr, Names};
use crate::scene::model::{Init, Written};
use crate::scene::npy;
use crate::scene::place::Place;
use crate::scene::random::SplitMix64;

/// The bytes of a tensor before a run.
pub(super) fn initial(
    init: &Init,
    dtype: DataType,
    shape: &[usize],
    known: &Known,
    place: &Place,
) -> Result<Vec<u8>> {
    let names = AtTensor { known, shape };
    let store = |values: &Array, at: &Place| {
        values
            .broadcast(shape)
            .and_then(|values| dtype::store(dtype, values.numbers(), Overflow::Refuse))
            .map_err(|message| bad(at, message))
    };
    match init {
        Init::Value(written) => store(&compute(written, &names)?, &written.at),
        Init::List(all) => listed(all, dtype, shape, known, place),
        Init::Arange { start, step } => store(&counting(start, step, shape, &names)?, &start.at),
        Init::Random { seed, min, max } => {
            store(&random(seed, min, max, dtype, shape, &names)?, &min.at)
        }
        Init::Npy(path) => store(&npy::read(path)?, place),
    }
}

/// One value for each element.
fn listed(
    all: &[Written],
    dtype: DataType,
    shape: &[usize],
    known: &Known,
    place: &Place,
) -> Result<Vec<u8>> {
    let count: usize = shape.iter().product();
    if all.len() != count {
        return Err(bad(
            place,
            format!(
                "`init` lists {} values; shape {} takes {count}",
                all.len(),
                array::show(shape)
            ),
        ));
    }
    let size = dtype.element_size() as usize;
    let mut bytes = Vec::with_capacity(count * size);
    for written in all {
        let word = scalar_word(dtype, written, known)?.to_le_bytes();
        bytes.extend_from_slice(&word[..size]);
    }
    Ok(bytes)
}

/// `start`, and `step` more for each element after the first.
fn counting(start: &Written, step: &Written, shape: &[usize], names: &dyn Names) -> Result<Array> {
    let complain = |message| bad(&start.at, message);
    let flat = index(&[shape.iter().product()], 0)
        .and_then(|flat| flat.reshaped(shape.to_vec()))
        .map_err(complain)?;
    let expr = Expr::parse("start + i * step").map_err(complain)?;
    let parts = vec![
        ("start".to_owned(), compute(start, names)?),
        ("step".to_owned(), compute(step, names)?),
        ("i".to_owned(), flat),
    ];
    expr.value(&Scoped(&parts)).map_err(complain)
}

/// Numbers between `min` and `max` that depend on `seed` alone.
fn random(
    seed: &Written,
    min: &Written,
    max: &Written,
    dtype: DataType,
    shape: &[usize],
    names: &dyn Names,
) -> Result<Array> {
    let real = |written: &Written| {
        compute(written, names)?
            .as_real(&written.key)
            .map_err(|message| bad(&written.at, message))
    };
    let whole = |written: &Written| {
        compute(written, names)?
            .as_whole(&written.key)
            .map_err(|message| bad(&written.at, message))
    };
    let count: usize = shape.iter().product();
    let mut generator = SplitMix64::new(whole(seed)?.cast_unsigned());
    let numbers = if dtype::is_real(dtype) {
        let (low, high) = (real(min)?, real(max)?);
        if !(low.is_finite() && high.is_finite() && low <= high) {
            return Err(bad(&min.at, format!("the range {low} to {high} is empty")));
        }
        Numbers::Real((0..count).map(|_| generator.real(low, high)).collect())
    } else {
        let (low, high) = (whole(min)?, whole(max)?);
        if low > high {
            return Err(bad(&min.at, format!("the range {low} to {high} is empty")));
        }
        Numbers::Whole((0..count).map(|_| generator.whole(low, high)).collect())
    };
    Ok(Array::new(shape.to_vec(), numbers))
}

/// The one number of a formula, as it travels.
pub(super) fn scalar_word(dtype: DataType, written: &Written, names: &Known) -> Result<u64> {
    let value = compute(written, &Scoped(names))?;
    let complain = |message| bad(&written.at, message);
    if value.len() != 1 {
        return Err(complain(format!(
            "a scalar is one number, not {} of shape {}",
            value.len(),
            array::show(value.shape())
        )));
    }
    let bytes = dtype::store(dtype, value.numbers(), Overflow::Refuse).map_err(complain)?;
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(&bytes);
    Ok(u64::from_le_bytes(word))
}

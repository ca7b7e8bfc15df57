//! How a case's run must end.
//!
//! Knows the case's expectation laid over the scene's, and which tolerance goes before which. Refuses to judge.

use super::names::{AtTensor, Known, Scoped, bad, compute};
use super::overrides::Overrides;
use crate::scene::array::Numbers;
use crate::scene::error::{Result, SceneError};
use crate::scene::model::{
    Case, Expect, ExpectedError, ExpectedTensor, ExpectedValues, Scene, Tolerance,
};
use crate::scene::tensor::ArgValue;
use crate::scene::{dtype, nearest, npy};

/// What one tensor must hold after a run.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedTensor {
    /// Position among the arguments.
    pub position: usize,
    /// Values, already rounded to the tensor's type.
    pub values: Numbers,
    /// Share of the wanted value by which a real number may be off.
    pub relative: f64,
    /// Absolute amount by which a real number may be off.
    pub absolute: f64,
}

/// How a run must end.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// Well, with these tensors.
    Tensors(Vec<WantedTensor>),
    /// In this failure.
    Error(ExpectedError),
}

/// How a run of `case` must end.
pub(super) fn wanted(
    scene: &Scene,
    case: &Case,
    overrides: &Overrides,
    args: &[ArgValue],
    names: &Known,
) -> Result<Wanted> {
    let expect = expect(scene, case);
    if let Some(error) = expect.error {
        return Ok(Wanted::Error(error));
    }
    let from_set = Tolerance {
        relative: tolerance(overrides, "rtol", names)?,
        absolute: tolerance(overrides, "atol", names)?,
    };
    expect
        .tensors
        .iter()
        .map(|tensor| {
            let tolerance = from_set.or(tensor.tolerance).or(expect.tolerance);
            wanted_tensor(scene, tensor, tolerance, args, names)
        })
        .collect::<Result<_>>()
        .map(Wanted::Tensors)
}

/// The case's expectation laid over the scene's.
fn expect(scene: &Scene, case: &Case) -> Expect {
    let Some(own) = &case.expect else {
        return scene.expect.clone();
    };
    let mut all = scene.expect.clone();
    all.tolerance = own.tolerance.or(all.tolerance);
    if own.error.is_some() {
        all.error.clone_from(&own.error);
        all.tensors.clear();
    }
    for tensor in &own.tensors {
        all.error = None;
        all.tensors
            .retain(|other| other.name.value != tensor.name.value);
        all.tensors.push(tensor.clone());
    }
    all
}

fn tolerance(overrides: &Overrides, key: &str, names: &Known) -> Result<Option<f64>> {
    let Some(written) = overrides.get(key)? else {
        return Ok(None);
    };
    let value = compute(&written, &Scoped(names))?
        .as_real(key)
        .map_err(|message| bad(&written.at, message))?;
    if value.is_finite() && value >= 0.0 {
        Ok(Some(value))
    } else {
        Err(bad(
            &written.at,
            format!("`{key}` = {value} must be 0 or more"),
        ))
    }
}

fn wanted_tensor(
    scene: &Scene,
    expected: &ExpectedTensor,
    tolerance: Tolerance,
    args: &[ArgValue],
    names: &Known,
) -> Result<WantedTensor> {
    let name = &expected.name.value;
    let place = scene.place(expected.name.spot);
    let found = args.iter().position(|arg| arg.name() == name);
    let Some(position) = found else {
        return Err(SceneError::UnknownKey {
            place,
            key: name.clone(),
            table: "[expect]".to_owned(),
            hint: nearest::hint(
                name,
                args.iter()
                    .map(ArgValue::name)
                    .chain(["error", "rtol", "atol"]),
            ),
        });
    };
    let ArgValue::Tensor(tensor) = &args[position] else {
        return Err(bad(
            &place,
            format!("`{name}` is a scalar and never changes"),
        ));
    };
    if !tensor.direction.comes_back() {
        return Err(bad(
            &place,
            format!("`{name}` has direction `in` and never comes back; make it `inout`"),
        ));
    }
    let shape: Vec<usize> = tensor.shape.iter().map(|&extent| extent as usize).collect();
    let (values, place) = match &expected.values {
        ExpectedValues::Formula(written) => {
            let names = AtTensor {
                known: names,
                shape: &shape,
            };
            (compute(written, &names)?, written.at.clone())
        }
        ExpectedValues::Npy(path) => (npy::read(path)?, place),
    };
    let values = values
        .broadcast(&shape)
        .and_then(|values| dtype::rounded(tensor.dtype, &values))
        .map_err(|message| bad(&place, format!("`{name}`: {message}")))?;
    Ok(WantedTensor {
        position,
        values: values.numbers().clone(),
        relative: tolerance.relative.unwrap_or(Tolerance::DEFAULT),
        absolute: tolerance.absolute.unwrap_or(Tolerance::DEFAULT),
    })
}

//! A case's arguments as they are before a run.
//!
//! Knows what a case changes of an argument of its scene. Refuses to know how a tensor gets its values: that is
//! `initial`.

use protocol::DataType;

use super::initial::{initial, scalar_word};
use super::names::{Known, Scoped, bad, compute};
use crate::scene::array;
use crate::scene::error::{Result, SceneError};
use crate::scene::model::{Arg, ArgChange, ArgKind, Case, Scene, Written};
use crate::scene::nearest;
use crate::scene::tensor::{ArgValue, Bytes, Scalar, Tensor};

/// Largest tensor a scene may have, in bytes.
const MAX_BYTES: usize = 1 << 32;

/// The arguments of `case`, in call order.
pub(super) fn args(scene: &Scene, case: &Case, names: &Known) -> Result<Vec<ArgValue>> {
    for change in &case.args {
        let known = || scene.args.iter().map(|arg| &*arg.name);
        if !known().any(|known| known == change.name.value) {
            return Err(SceneError::UnknownKey {
                place: scene.place(change.name.spot),
                key: change.name.value.clone(),
                table: "[case.args]".to_owned(),
                hint: nearest::hint(&change.name.value, known()),
            });
        }
    }
    scene
        .args
        .iter()
        .map(|arg| {
            let mut changes = case.args.iter();
            let change = changes.find(|change| change.name.value == *arg.name);
            ready(scene, arg, change, names)
        })
        .collect()
}

fn ready(scene: &Scene, arg: &Arg, change: Option<&ArgChange>, names: &Known) -> Result<ArgValue> {
    let place = scene.place(arg.spot);
    let dtype = change.and_then(|change| change.dtype).unwrap_or(arg.dtype);
    let misplaced = |key| {
        let spot = change.map_or(arg.spot, |change| change.name.spot);
        Err(bad(
            &scene.place(spot),
            format!("`{key}` does not belong to `{}`", arg.name),
        ))
    };
    match &arg.kind {
        ArgKind::Scalar { value } => {
            if change.is_some_and(|change| change.shape.is_some() || change.init.is_some()) {
                return misplaced("shape` or `init");
            }
            let value = change.and_then(|c| c.value.as_ref()).unwrap_or(value);
            let word = scalar_word(dtype, value, names)?;
            Ok(ArgValue::Scalar(Scalar {
                name: arg.name.clone(),
                dtype,
                word,
            }))
        }
        ArgKind::Tensor {
            shape,
            direction,
            init,
        } => {
            if change.is_some_and(|change| change.value.is_some()) {
                return misplaced("value");
            }
            let shape = change.and_then(|c| c.shape.as_ref()).unwrap_or(shape);
            let shape = extents(shape, names)?;
            let sizes: Vec<usize> = shape.iter().map(|&extent| extent as usize).collect();
            let bytes = byte_count(&sizes, dtype)
                .map_err(|message| bad(&place, format!("tensor `{}`: {message}", arg.name)))?;
            let init = change.and_then(|c| c.init.as_ref()).or(init.as_deref());
            let data = match init {
                None => Bytes::new(&vec![0; bytes]),
                Some(init) => Bytes::new(&initial(init, dtype, &sizes, names, &place)?),
            };
            Ok(ArgValue::Tensor(Tensor {
                name: arg.name.clone(),
                dtype,
                shape,
                direction: *direction,
                bytes: data,
            }))
        }
    }
}

fn extents(shape: &[Written], names: &Known) -> Result<Vec<u32>> {
    shape
        .iter()
        .map(|written| {
            let value = compute(written, &Scoped(names))?
                .as_whole("an extent")
                .map_err(|message| bad(&written.at, message))?;
            u32::try_from(value)
                .ok()
                .filter(|&extent| extent > 0)
                .ok_or_else(|| {
                    let limit = u32::MAX;
                    bad(
                        &written.at,
                        format!("extent {value} is outside 1..={limit}"),
                    )
                })
        })
        .collect()
}

fn byte_count(shape: &[usize], dtype: DataType) -> Result<usize, String> {
    array::count(shape)?
        .checked_mul(dtype.element_size() as usize)
        .filter(|&bytes| bytes <= MAX_BYTES)
        .ok_or_else(|| {
            format!(
                "shape {} is larger than {MAX_BYTES} bytes",
                array::show(shape)
            )
        })
}

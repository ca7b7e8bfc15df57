//! From a scene and one of its cases to arguments and expected results.
//!
//! Knows the order in which names get values: command line before case before scene, parameters
//! before shapes before tensors. Refuses to know how programs run.
//!
//! | question | file |
//! | --- | --- |
//! | what does the command line change? | `overrides` |
//! | what may a formula name? | `names` |
//! | with which settings does it run? | `settings` |
//! | what are its arguments? | `args` |
//! | what do they hold at first? | `initial` |
//! | how must it end? | `wanted` |
//!
//! `args` → `initial` → `names`, and `wanted`, `settings` → `overrides`, `names`, never back.

mod args;
mod initial;
mod names;
mod overrides;
mod settings;
mod wanted;

use self::names::{Known, Scoped, compute};
pub use self::overrides::Overrides;
pub use self::wanted::{Wanted, WantedTensor};
use super::error::{Result, SceneError};
use super::model::{Case, Scene};
use super::nearest;
use super::session::RunConfig;
use super::tensor::ArgValue;

/// A case with all values in place.
#[derive(Clone, Debug)]
pub struct ReadyCase {
    /// Its name.
    pub name: String,
    /// Settings of its runs.
    pub config: RunConfig,
    /// Arguments before a run.
    pub args: Vec<ArgValue>,
    /// How a run must end.
    pub wanted: Wanted,
}

/// Puts all values of `case` in place.
pub fn resolve(scene: &Scene, case: &Case, overrides: &Overrides) -> Result<ReadyCase> {
    overrides.check(scene)?;
    let mut names = params(scene, case, overrides)?;
    let args = args::args(scene, case, &names)?;
    let config = settings::config(scene, case, overrides, &names)?;
    names.extend(
        args.iter()
            .map(|arg| (arg.name().to_owned(), arg.to_array())),
    );
    Ok(ReadyCase {
        name: case.name.clone(),
        config,
        wanted: wanted::wanted(scene, case, overrides, &args, &names)?,
        args,
    })
}

/// The value of each parameter, which those below it may name.
fn params(scene: &Scene, case: &Case, overrides: &Overrides) -> Result<Known> {
    for (name, _) in &case.params {
        let known = || scene.params.iter().map(|(name, _)| name.as_str());
        if !known().any(|known| known == name.value) {
            return Err(SceneError::UnknownKey {
                place: scene.place(name.spot),
                key: name.value.clone(),
                table: "[case.params]".to_owned(),
                hint: nearest::hint(&name.value, known()),
            });
        }
    }
    let mut known = Known::new();
    for (name, default) in &scene.params {
        let of_case = case.params.iter().find(|(own, _)| own.value == *name);
        let set = overrides.get(name)?;
        let written = match (&set, of_case) {
            (Some(set), _) => set,
            (None, Some((_, own))) => own,
            (None, None) => default,
        };
        let value = compute(written, &Scoped(&known))?;
        known.push((name.clone(), value));
    }
    Ok(known)
}

#[cfg(test)]
mod tests;

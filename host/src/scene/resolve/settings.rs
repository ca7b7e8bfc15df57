//! The settings of a case's runs.
//!
//! Knows who goes before whom: command line, case, scene, then what is usual. Refuses to know arguments.

use core::time::Duration;

use super::names::{Known, Scoped, bad, compute};
use super::overrides::Overrides;
use crate::diagnostics::Diagnostics;
use crate::scene::error::Result;
use crate::scene::model::{Case, Scene, Settings};
use crate::scene::session::RunConfig;

/// AICPU threads of a case that does not say.
const DEFAULT_THREADS: u32 = 4;

/// Clusters of a case that does not say.
const DEFAULT_BLOCK_DIM: u32 = 3;

/// The settings of `case`.
pub(super) fn config(
    scene: &Scene,
    case: &Case,
    overrides: &Overrides,
    names: &Known,
) -> Result<RunConfig> {
    let Settings { env, .. } = &scene.settings;
    let mut env = env.clone();
    env.extend(case.settings.env.clone());
    let set = overrides.env();
    env.extend(set.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let threads = setting(
        overrides,
        "aicpu_threads",
        names,
        Settings::MAX_AICPU_THREADS,
    )?;
    let block_dim = setting(overrides, "block_dim", names, Settings::MAX_BLOCK_DIM)?;
    let timeout = setting(overrides, "timeout_s", names, Settings::MAX_TIMEOUT_S)?.map(u64::from);
    let (own, scene) = (&case.settings, &scene.settings);
    Ok(RunConfig {
        diagnostics: Diagnostics::default(),
        aicpu_threads: threads
            .or(own.aicpu_threads)
            .or(scene.aicpu_threads)
            .unwrap_or(DEFAULT_THREADS),
        block_dim: block_dim
            .or(own.block_dim)
            .or(scene.block_dim)
            .unwrap_or(DEFAULT_BLOCK_DIM),
        env,
        deadline: timeout
            .or(own.timeout_s)
            .or(scene.timeout_s)
            .map(Duration::from_secs),
    })
}

fn setting(overrides: &Overrides, key: &str, names: &Known, limit: u32) -> Result<Option<u32>> {
    let Some(written) = overrides.get(key)? else {
        return Ok(None);
    };
    let value = compute(&written, &Scoped(names))?
        .as_whole(key)
        .map_err(|message| bad(&written.at, message))?;
    match u32::try_from(value) {
        Ok(number) if (1..=limit).contains(&number) => Ok(Some(number)),
        _ => Err(bad(
            &written.at,
            format!("`{key}` = {value} is outside 1..={limit}"),
        )),
    }
}

//! What the command line says: `--set key=value`.
//!
//! Knows which keys may be set, and that the last of a key counts. Refuses to know what its value amounts to.

use std::path::PathBuf;

use crate::scene::error::{Result, SceneError};
use crate::scene::expr::Expr;
use crate::scene::model::{Formula, Scene, Written};
use crate::scene::nearest;
use crate::scene::place::{Place, Spot};

/// Settings that `--set` knows besides parameters.
const SETTINGS: [&str; 5] = ["aicpu_threads", "block_dim", "timeout_s", "rtol", "atol"];

/// Values from `--set key=value`.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    entries: Vec<(String, String)>,
}

impl Overrides {
    /// Takes `key=value` texts apart.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let entries = texts
            .into_iter()
            .map(|text| {
                text.split_once('=')
                    .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
                    .filter(|(key, _)| !key.is_empty())
                    .ok_or_else(|| format!("`--set {text}` is not of the form key=value"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// The last value of `key`.
    pub(super) fn get(&self, key: &str) -> Result<Option<Written>> {
        let mut entries = self.entries.iter().rev();
        entries
            .find(|(known, _)| known == key)
            .map(|(_, text)| command_line_value(key, text))
            .transpose()
    }

    /// Variables of the environment, as `env.NAME`.
    pub(super) fn env(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.entries.iter();
        entries.filter_map(|(key, value)| Some((key.strip_prefix("env.")?, value.as_str())))
    }

    /// Refuses keys that mean nothing in `scene`.
    pub(super) fn check(&self, scene: &Scene) -> Result<()> {
        for (key, _) in &self.entries {
            let params = || scene.params.iter().map(|(name, _)| name.as_str());
            let known = key.starts_with("env.")
                || SETTINGS.contains(&key.as_str())
                || params().any(|name| name == key);
            if !known {
                return Err(SceneError::NotFound {
                    what: "parameter",
                    name: key.clone(),
                    scene: scene.name.clone(),
                    hint: nearest::hint(key, params().chain(SETTINGS).chain(["env.NAME"])),
                });
            }
        }
        Ok(())
    }
}

/// A value given on the command line: a number, `true`/`false`, or an expression.
fn command_line_value(key: &str, text: &str) -> Result<Written> {
    let at = Place {
        file: PathBuf::from(format!("--set {key}={text}")),
        spot: Spot::default(),
    };
    let expr = match text {
        "true" => "1",
        "false" => "0",
        other => other,
    };
    let formula = Expr::parse(expr).map_err(|problem| SceneError::Expression {
        place: at.clone(),
        key: key.to_owned(),
        problem,
    })?;
    Ok(Written {
        key: key.to_owned(),
        at,
        formula: Formula::Expr(formula),
    })
}

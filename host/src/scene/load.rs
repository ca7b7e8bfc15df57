//! From `scene.toml` to a [`Scene`].
//!
//! Knows every key of the file. Refuses to know what the values amount to: that takes a case.
//!
//! | keys | file |
//! | --- | --- |
//! | those at the top | here |
//! | `[[case]]`, and the settings of runs | `cases` |
//! | `[orchestration]`, `[[kernel]]` | `programs` |
//! | `[params]` | `params` |
//! | `[[arg]]`, and what a case changes of one | `args` |
//! | `init` | `init` |
//! | `[expect]` | `expect` |
//! | none: what each of these reads with | `reader` |
//!
//! `cases` → `args`, `expect`, `params` → `init` → `reader`, never back.

mod args;
mod cases;
mod expect;
mod init;
mod params;
mod programs;
mod reader;

use std::fs;
use std::path::Path;

use toml::de::DeTable;

use self::reader::Reader;
use super::error::{Result, SceneError};
use super::fields::{Fields, Text};
use super::model::{Expect, Platform, RuntimeKind, Scene};

/// Reads the scene in `path`, a `scene.toml` or the folder that holds one.
pub fn load(path: &Path) -> Result<Scene> {
    let file = if path.is_dir() {
        path.join("scene.toml")
    } else {
        path.to_owned()
    };
    let text = fs::read_to_string(&file).map_err(SceneError::reading(&file))?;
    parse(&file, &text)
}

/// Reads the scene in `text`; paths in it are relative to the folder of `file`.
pub fn parse(file: &Path, text: &str) -> Result<Scene> {
    let text = Text {
        file: file.to_owned(),
        text,
    };
    let table = DeTable::parse(text.text).map_err(|error| SceneError::Syntax {
        place: text.place(text.spot(error.span().map_or(0, |span| span.start))),
        message: error.message().replace('\n', "; "),
    })?;
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    Reader {
        text: &text,
        folder,
    }
    .scene(&Fields::top(&text, table.get_ref()))
}

impl<'t> Reader<'t> {
    fn scene(&self, top: &Fields<'t>) -> Result<Scene> {
        let name = self.nonempty(&top.need("name", "a short name, as `name = \"vector\"`")?)?;
        let platforms = top.need(
            "platforms",
            "a list, as `platforms = [\"a2a3sim\", \"a5sim\"]`",
        )?;
        let platforms = self.choices::<Platform>(&platforms)?;
        let runtimes = top.need("runtimes", "a list, as `runtimes = [\"trb\"]`")?;
        let runtimes = self.choices::<RuntimeKind>(&runtimes)?;
        let orchestration = top.need("orchestration", "a table with `source` and `entry`")?;
        let orchestrations = self.orchestrations(&orchestration, &runtimes)?;
        let kernels = self.kernels(top, &runtimes)?;
        let params = self.params(top)?;
        let args = self.args(top)?;
        for (name, written) in &params {
            if args.iter().any(|arg| *arg.name == **name) {
                return Err(SceneError::BadValue {
                    place: written.at.clone(),
                    message: format!("`{name}` is a parameter and an argument; rename one"),
                });
            }
        }
        let mut expect = match top.get("expect") {
            Some(field) => self.expect(&field)?,
            None => Expect::default(),
        };
        expect.tolerance = expect.tolerance.or(self.tolerance(top)?);
        let settings = self.settings(top)?;
        let cases = self.cases(top)?;
        top.check()?;
        Ok(Scene {
            file: self.text.file.clone(),
            name,
            platforms,
            runtimes,
            orchestrations,
            kernels,
            params,
            args,
            expect,
            settings,
            cases,
        })
    }
}

#[cfg(test)]
mod tests;

//! `[[case]]`: what one case changes, and the settings of runs, which a scene has as well.
//!
//! Knows which keys of a scene a case may say again. Refuses to lay one over the other.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::reader::Reader;
use crate::scene::error::Result;
use crate::scene::fields::{Field, Fields};
use crate::scene::model::{Case, Settings, Tolerance};
use crate::scene::place::Located;

impl<'t> Reader<'t> {
    pub(super) fn settings(&self, table: &Fields<'t>) -> Result<Settings> {
        let get = |key, high: u32| -> Result<Option<i64>> {
            table
                .get(key)
                .map(|field| field.integer_in(1, i64::from(high)))
                .transpose()
        };
        let mut env = BTreeMap::new();
        if let Some(field) = table.get("env") {
            for entry in field.table("`env`")?.rest() {
                let value = match entry.value() {
                    DeValue::Integer(_) => entry.integer()?.to_string(),
                    _ => entry.string()?.to_owned(),
                };
                env.insert(entry.key().to_owned(), value);
            }
        }
        let narrow = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok());
        Ok(Settings {
            aicpu_threads: narrow(get("aicpu_threads", Settings::MAX_AICPU_THREADS)?),
            block_dim: narrow(get("block_dim", Settings::MAX_BLOCK_DIM)?),
            timeout_s: get("timeout_s", Settings::MAX_TIMEOUT_S)?
                .and_then(|value| u64::try_from(value).ok()),
            env,
        })
    }

    pub(super) fn cases(&self, top: &Fields<'t>) -> Result<Vec<Case>> {
        let mut cases: Vec<Case> = Vec::new();
        for item in self.items(top, "case")? {
            let case = self.case(&item)?;
            if cases.iter().any(|other| other.name == case.name) {
                return Err(item.bad(format!("case `{}` appears twice; rename one", case.name)));
            }
            cases.push(case);
        }
        if cases.is_empty() {
            cases.push(Case {
                name: "default".to_owned(),
                spot: top.spot(),
                platforms: None,
                runtimes: None,
                manual: false,
                settings: Settings::default(),
                params: Vec::new(),
                args: Vec::new(),
                expect: None,
            });
        }
        Ok(cases)
    }

    fn case(&self, item: &Field<'t>) -> Result<Case> {
        let table = item.table("[[case]]")?;
        let name = self.nonempty(&table.need("name", "a name for `--case`")?)?;
        let platforms = table.get("platforms").map(|field| self.choices(&field));
        let runtimes = table.get("runtimes").map(|field| self.choices(&field));
        let manual = table.get("manual").map(|field| field.boolean());
        let mut params = Vec::new();
        if let Some(field) = table.get("params") {
            for entry in field.table("[case.params]")?.rest() {
                let name = Located {
                    spot: entry.spot(),
                    value: entry.key().to_owned(),
                };
                params.push((name, self.param(&entry)?));
            }
        }
        let mut args = Vec::new();
        if let Some(field) = table.get("args") {
            for entry in field.table("[case.args]")?.rest() {
                args.push(self.arg_change(&entry)?);
            }
        }
        let mut expect = table
            .get("expect")
            .map(|field| self.expect(&field))
            .transpose()?;
        let tolerance = self.tolerance(&table)?;
        if tolerance != Tolerance::default() {
            let expect = expect.get_or_insert_default();
            expect.tolerance = expect.tolerance.or(tolerance);
        }
        let case = Case {
            name,
            spot: item.spot(),
            platforms: platforms.transpose()?,
            runtimes: runtimes.transpose()?,
            manual: manual.transpose()?.unwrap_or(false),
            settings: self.settings(&table)?,
            params,
            args,
            expect,
        };
        table.check()?;
        Ok(case)
    }
}

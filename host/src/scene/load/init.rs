//! `init`: what a tensor holds before a run.
//!
//! Knows every way to say it. Refuses to know the tensor's shape and element type.

use protocol::limits::TENSOR_MAX_DIMS;
use toml::de::DeValue;

use super::reader::Reader;
use crate::scene::array::Array;
use crate::scene::error::Result;
use crate::scene::fields::{Field, Fields};
use crate::scene::model::{Formula, Init, Written};

impl<'t> Reader<'t> {
    pub(super) fn init(&self, field: &Field<'t>) -> Result<Init> {
        let constant = |value: Array| Written {
            key: field.key().to_owned(),
            at: self.text.place(field.spot()),
            formula: Formula::Given(value),
        };
        match field.value() {
            DeValue::String(word) if word == "arange" => Ok(Init::Arange {
                start: constant(Array::whole(0)),
                step: constant(Array::whole(1)),
            }),
            DeValue::String(word) if word == "random" => Ok(Init::Random {
                seed: constant(Array::whole(0)),
                min: constant(Array::whole(0)),
                max: constant(Array::whole(1)),
            }),
            DeValue::Array(_) => {
                let mut list = Vec::new();
                self.flatten(field, 0, &mut list)?;
                Ok(Init::List(list))
            }
            DeValue::Table(_) => {
                let table = field.table("`init`")?;
                let init = self.init_table(&table, &constant)?;
                table.check()?;
                Ok(init)
            }
            _ => Ok(Init::Value(self.written(field)?)),
        }
    }

    fn flatten(&self, field: &Field<'t>, depth: usize, into: &mut Vec<Written>) -> Result<()> {
        for item in field.list()? {
            if item.value().is_array() && depth + 1 < TENSOR_MAX_DIMS {
                self.flatten(&item, depth + 1, into)?;
            } else {
                into.push(self.written(&item)?);
            }
        }
        Ok(())
    }

    fn init_table(&self, table: &Fields<'t>, constant: &dyn Fn(Array) -> Written) -> Result<Init> {
        let arange = table.get("arange");
        let random = table.get("random");
        let npy = table.get("npy");
        let part = |inner: &Fields<'t>, key, default| match inner.get(key) {
            Some(field) => self.written(&field),
            None => Ok(constant(Array::whole(default))),
        };
        match (arange, random, npy) {
            (Some(field), None, None) => {
                let inner = field.table("`arange`")?;
                let init = Init::Arange {
                    start: part(&inner, "start", 0)?,
                    step: part(&inner, "step", 1)?,
                };
                inner.check()?;
                Ok(init)
            }
            (None, Some(field), None) => {
                let inner = field.table("`random`")?;
                let init = Init::Random {
                    seed: part(&inner, "seed", 0)?,
                    min: part(&inner, "min", 0)?,
                    max: part(&inner, "max", 1)?,
                };
                inner.check()?;
                Ok(init)
            }
            (None, None, Some(file)) => Ok(Init::Npy(self.path(&file)?)),
            _ => Err(table.bad("`init` takes one of `arange`, `random`, `npy`")),
        }
    }
}

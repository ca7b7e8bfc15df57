//! `[expect]`: what should come out, and how closely.
//!
//! Knows that a run is expected to yield tensors or to fail, never both. Refuses to know what tensors there are.

use super::reader::Reader;
use crate::scene::error::Result;
use crate::scene::fields::{Field, Fields};
use crate::scene::model::{Expect, ExpectedError, ExpectedTensor, ExpectedValues, Tolerance};
use crate::scene::place::Located;

impl<'t> Reader<'t> {
    pub(super) fn tolerance(&self, table: &Fields<'t>) -> Result<Tolerance> {
        let get = |key| table.get(key).map(|field| field.tolerance()).transpose();
        Ok(Tolerance {
            relative: get("rtol")?,
            absolute: get("atol")?,
        })
    }

    pub(super) fn expect(&self, field: &Field<'t>) -> Result<Expect> {
        let table = field.table("[expect]")?;
        let tolerance = self.tolerance(&table)?;
        let error = match table.get("error") {
            None => None,
            Some(field) => Some(self.expected_error(&field)?),
        };
        let mut tensors = Vec::new();
        for entry in table.rest() {
            if error.is_some() {
                return Err(entry.bad(format!(
                    "`{}` cannot be expected beside an error; keep one",
                    entry.key()
                )));
            }
            tensors.push(self.expected_tensor(&entry)?);
        }
        Ok(Expect {
            tensors,
            error,
            tolerance,
        })
    }

    fn expected_error(&self, field: &Field<'t>) -> Result<ExpectedError> {
        let table = field.table("`error`")?;
        let code = match table.get("code") {
            None => None,
            Some(code) => {
                let number = code.integer_in(i64::from(i32::MIN), i64::from(i32::MAX))?;
                i32::try_from(number).ok()
            }
        };
        let text = match table.get("text") {
            None => None,
            Some(text) => Some(text.string()?.to_owned()),
        };
        if code.is_none() && text.is_none() {
            return Err(table.missing("code", "`code`, or `text` with a part of the message"));
        }
        table.check()?;
        Ok(ExpectedError { code, text })
    }

    fn expected_tensor(&self, entry: &Field<'t>) -> Result<ExpectedTensor> {
        let name = Located {
            spot: entry.spot(),
            value: entry.key().to_owned(),
        };
        if !entry.value().is_table() {
            return Ok(ExpectedTensor {
                name,
                values: ExpectedValues::Formula(self.written(entry)?),
                tolerance: Tolerance::default(),
            });
        }
        let table = entry.table(format!("`{}`", entry.key()))?;
        let values = match (table.get("value"), table.get("npy")) {
            (Some(formula), None) => ExpectedValues::Formula(self.written(&formula)?),
            (None, Some(file)) => ExpectedValues::Npy(self.path(&file)?),
            _ => return Err(table.bad("write either `value` (an expression) or `npy` (a file)")),
        };
        let tolerance = self.tolerance(&table)?;
        table.check()?;
        Ok(ExpectedTensor {
            name,
            values,
            tolerance,
        })
    }
}

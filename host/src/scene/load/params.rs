//! `[params]`: names with values that every formula below may use.
//!
//! Knows what a name may be made of, and that a value may be a list. Refuses to know who uses it.

use super::reader::{Reader, is_name};
use crate::scene::array::{Array, Numbers};
use crate::scene::error::Result;
use crate::scene::fields::{Field, Fields};
use crate::scene::model::{Formula, Written};

impl<'t> Reader<'t> {
    pub(super) fn params(&self, top: &Fields<'t>) -> Result<Vec<(String, Written)>> {
        let Some(field) = top.get("params") else {
            return Ok(Vec::new());
        };
        let mut params = Vec::new();
        for entry in field.table("[params]")?.rest() {
            self.check_name(&entry)?;
            params.push((entry.key().to_owned(), self.param(&entry)?));
        }
        Ok(params)
    }

    /// A parameter may also be a list of numbers.
    pub(super) fn param(&self, field: &Field<'t>) -> Result<Written> {
        if !field.value().is_array() {
            return self.written(field);
        }
        let items = field.list()?;
        let whole = items.iter().all(|item| item.value().is_integer());
        let numbers = if whole {
            let all = items.iter().map(Field::integer).collect::<Result<_>>()?;
            Numbers::Whole(all)
        } else {
            let all = items.iter().map(Field::number).collect::<Result<_>>()?;
            Numbers::Real(all)
        };
        Ok(Written {
            key: field.key().to_owned(),
            at: self.text.place(field.spot()),
            formula: Formula::Given(Array::new(vec![items.len()], numbers)),
        })
    }

    fn check_name(&self, field: &Field<'t>) -> Result<()> {
        if is_name(field.key()) {
            Ok(())
        } else {
            Err(field.bad(format!(
                "`{}` must be made of letters, digits and `_` to be used in expressions",
                field.key()
            )))
        }
    }
}

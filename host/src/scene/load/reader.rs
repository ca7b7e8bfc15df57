//! What every part of a scene file is read with: words, choices, paths, formulas.
//!
//! Knows the file at hand and its folder. Refuses to know any key.

use std::path::PathBuf;

use toml::de::DeValue;

use crate::scene::array::Array;
use crate::scene::error::Result;
use crate::scene::expr::Expr;
use crate::scene::fields::{Field, Fields, Text};
use crate::scene::model::{Formula, Written};

/// True for names that expressions can say.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) struct Reader<'t> {
    pub(super) text: &'t Text<'t>,
    pub(super) folder: PathBuf,
}

impl<'t> Reader<'t> {
    pub(super) fn nonempty(&self, field: &Field<'t>) -> Result<String> {
        let name = field.string()?;
        if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(field.bad(format!("\"{name}\" must be one word")));
        }
        Ok(name.to_owned())
    }

    pub(super) fn choice<T: core::str::FromStr<Err = String>>(
        &self,
        field: &Field<'t>,
    ) -> Result<T> {
        field
            .string()?
            .parse()
            .map_err(|message| field.bad(message))
    }

    pub(super) fn choices<T: core::str::FromStr<Err = String> + PartialEq>(
        &self,
        field: &Field<'t>,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        for item in field.list()? {
            let choice = self.choice(&item)?;
            if !all.contains(&choice) {
                all.push(choice);
            }
        }
        if all.is_empty() {
            return Err(field.bad(format!("`{}` is empty; name at least one", field.key())));
        }
        Ok(all)
    }

    pub(super) fn path(&self, field: &Field<'t>) -> Result<PathBuf> {
        Ok(self.folder.join(field.string()?))
    }

    pub(super) fn items(&self, table: &Fields<'t>, key: &'static str) -> Result<Vec<Field<'t>>> {
        table.get(key).map_or(Ok(Vec::new()), |field| field.list())
    }

    pub(super) fn written(&self, field: &Field<'t>) -> Result<Written> {
        let formula = match field.value() {
            DeValue::Integer(_) => Formula::Given(Array::whole(field.integer()?)),
            DeValue::Float(_) => Formula::Given(Array::real(field.number()?)),
            DeValue::Boolean(truth) => Formula::Given(Array::whole(i64::from(*truth))),
            DeValue::String(text) => {
                Formula::Expr(Expr::parse(text).map_err(|problem| field.bad_expression(problem))?)
            }
            _ => return Err(field.wrong_type("a number or an expression in quotes")),
        };
        Ok(Written {
            key: field.key().to_owned(),
            at: self.text.place(field.spot()),
            formula,
        })
    }
}

//! Reading a TOML table key by key, and complaining about every key nobody asked for.
//!
//! Knows tables, spans and types. Refuses to know what a scene is: the known keys of a table are
//! the ones that were asked for, so no list of them can go stale.

use core::cell::RefCell;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Result, SceneError};
use super::nearest;
use super::place::{Place, Spot};

/// The text of a scene file, for turning spans into lines.
#[derive(Debug)]
pub struct Text<'t> {
    /// Where it was read from.
    pub file: PathBuf,
    /// What was read.
    pub text: &'t str,
}

impl Text<'_> {
    /// Line and column of a byte offset.
    #[must_use]
    pub fn spot(&self, offset: usize) -> Spot {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Spot {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    /// The place of a spot in this file.
    #[must_use]
    pub fn place(&self, spot: Spot) -> Place {
        Place {
            file: self.file.clone(),
            spot,
        }
    }
}

/// One value with the key it was read under.
#[derive(Clone, Debug)]
pub struct Field<'t> {
    text: &'t Text<'t>,
    key: String,
    value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Field<'t> {
    /// Key it was read under.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Where the value stands.
    #[must_use]
    pub fn spot(&self) -> Spot {
        self.text.spot(self.value.span().start)
    }

    /// The value as TOML.
    #[must_use]
    pub fn value(&self) -> &'t DeValue<'t> {
        self.value.get_ref()
    }

    /// A complaint about what the value says.
    #[must_use]
    pub fn bad(&self, message: impl Into<String>) -> SceneError {
        SceneError::BadValue {
            place: self.text.place(self.spot()),
            message: message.into(),
        }
    }

    /// A complaint about an expression in the value.
    #[must_use]
    pub fn bad_expression(&self, problem: String) -> SceneError {
        SceneError::Expression {
            place: self.text.place(self.spot()),
            key: self.key.clone(),
            problem,
        }
    }

    /// A complaint about the value's type.
    #[must_use]
    pub fn wrong_type(&self, want: &'static str) -> SceneError {
        SceneError::WrongType {
            place: self.text.place(self.spot()),
            key: self.key.clone(),
            want,
            got: match self.value() {
                DeValue::String(text) => format!("the string \"{text}\""),
                DeValue::Integer(number) => format!("the integer {}", number.as_str()),
                DeValue::Float(number) => format!("the float {}", number.as_str()),
                other => format!("a value of type {}", other.type_str()),
            },
        }
    }

    /// The value as a string.
    pub fn string(&self) -> Result<&'t str> {
        self.value()
            .as_str()
            .ok_or_else(|| self.wrong_type("a string"))
    }

    /// The value as a list.
    pub fn list(&self) -> Result<Vec<Self>> {
        let items = self
            .value()
            .as_array()
            .ok_or_else(|| self.wrong_type("a list"))?;
        let key = &self.key;
        Ok((0..items.len())
            .map(|index| Self {
                text: self.text,
                key: format!("{key}[{index}]"),
                value: &items[index],
            })
            .collect())
    }

    /// The value as a list of strings.
    pub fn strings(&self) -> Result<Vec<&'t str>> {
        self.list()?.iter().map(Self::string).collect()
    }

    /// The value as an integer.
    pub fn integer(&self) -> Result<i64> {
        let number = self
            .value()
            .as_integer()
            .ok_or_else(|| self.wrong_type("an integer"))?;
        i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| {
            self.bad(format!(
                "`{}` = {} does not fit into 64 bits",
                self.key,
                number.as_str()
            ))
        })
    }

    /// The value as an integer of at least `low` and at most `high`.
    pub fn integer_in(&self, low: i64, high: i64) -> Result<i64> {
        let number = self.integer()?;
        if (low..=high).contains(&number) {
            Ok(number)
        } else {
            Err(self.bad(format!(
                "`{}` = {number} is outside {low}..={high}",
                self.key
            )))
        }
    }

    /// The value as a number.
    pub fn number(&self) -> Result<f64> {
        match self.value() {
            DeValue::Float(number) => number
                .as_str()
                .parse()
                .map_err(|_| self.bad(format!("`{}` is not a number", self.key))),
            #[expect(
                clippy::cast_precision_loss,
                reason = "whole numbers beyond 2^53 are rounded as any float literal is"
            )]
            DeValue::Integer(_) => Ok(self.integer()? as f64),
            _ => Err(self.wrong_type("a number")),
        }
    }

    /// The value as a number that is finite and not negative.
    pub fn tolerance(&self) -> Result<f64> {
        let number = self.number()?;
        if number.is_finite() && number >= 0.0 {
            Ok(number)
        } else {
            Err(self.bad(format!("`{}` = {number} must be 0 or more", self.key)))
        }
    }

    /// The value as true or false.
    pub fn boolean(&self) -> Result<bool> {
        self.value()
            .as_bool()
            .ok_or_else(|| self.wrong_type("true or false"))
    }

    /// The value as a table; `what` names it in complaints.
    pub fn table(&self, what: impl Into<String>) -> Result<Fields<'t>> {
        let table = self
            .value()
            .as_table()
            .ok_or_else(|| self.wrong_type("a table"))?;
        Ok(Fields {
            text: self.text,
            what: what.into(),
            spot: self.spot(),
            table,
            asked: RefCell::default(),
        })
    }
}

/// A table that is read by asking for keys.
#[derive(Debug)]
pub struct Fields<'t> {
    text: &'t Text<'t>,
    what: String,
    spot: Spot,
    table: &'t DeTable<'t>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'t> Fields<'t> {
    /// The outermost table of a file.
    #[must_use]
    pub fn top(text: &'t Text<'t>, table: &'t DeTable<'t>) -> Self {
        Self {
            text,
            what: "the scene".to_owned(),
            spot: Spot { line: 1, column: 1 },
            table,
            asked: RefCell::default(),
        }
    }

    /// Where the table begins.
    #[must_use]
    pub fn spot(&self) -> Spot {
        self.spot
    }

    /// What the table is called in complaints.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The value under `key`, if there is one; `key` is known from now on.
    #[must_use]
    pub fn get(&self, key: &'static str) -> Option<Field<'t>> {
        self.asked.borrow_mut().push(key);
        self.table.get(key).map(|value| Field {
            text: self.text,
            key: key.to_owned(),
            value,
        })
    }

    /// The value under `key`, which must be there; `what` says what to write.
    pub fn need(&self, key: &'static str, what: &'static str) -> Result<Field<'t>> {
        self.get(key).ok_or_else(|| self.missing(key, what))
    }

    /// A complaint about a key that is not there.
    #[must_use]
    pub fn missing(&self, key: &'static str, what: &'static str) -> SceneError {
        SceneError::MissingKey {
            place: self.text.place(self.spot),
            table: self.what.clone(),
            key,
            what,
        }
    }

    /// A complaint about the table as a whole.
    #[must_use]
    pub fn bad(&self, message: impl Into<String>) -> SceneError {
        SceneError::BadValue {
            place: self.text.place(self.spot),
            message: message.into(),
        }
    }

    /// Every entry nobody asked for by name, in file order, for tables whose keys are the user's.
    #[must_use]
    pub fn rest(&self) -> Vec<Field<'t>> {
        let asked = self.asked.borrow();
        let mut entries: Vec<_> = self
            .table
            .iter()
            .filter(|(key, _)| !asked.contains(&key.get_ref().as_ref()))
            .collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
            .into_iter()
            .map(|(key, value)| Field {
                text: self.text,
                key: key.get_ref().to_string(),
                value,
            })
            .collect()
    }

    /// Complains about the first entry nobody asked for.
    pub fn check(&self) -> Result<()> {
        let asked = self.asked.borrow();
        let stranger = self
            .table
            .keys()
            .filter(|key| !asked.contains(&key.get_ref().as_ref()))
            .min_by_key(|key| key.span().start);
        match stranger {
            None => Ok(()),
            Some(key) => Err(SceneError::UnknownKey {
                place: self.text.place(self.text.spot(key.span().start)),
                key: key.get_ref().to_string(),
                table: self.what.clone(),
                hint: nearest::hint(key.get_ref(), asked.iter().copied()),
            }),
        }
    }
}

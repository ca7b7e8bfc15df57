//! Expressions in scene files: `(a + b + 1) * (a + b + 2)`.
//!
//! Knows the grammar, the functions and what they compute. Refuses to know tensors and files: names
//! stand for [`Array`]s that the caller provides.
//!
//! Grammar, loosest first (`x ? y : z` is `where(x, y, z)`):
//!
//! | form | meaning |
//! | --- | --- |
//! | `name = expr; …; expr` | names for parts; the last expression is the value |
//! | `\|\|`, `&&`, `== != < <= > >=` | truth as 1 and 0 |
//! | `+ -`, `* / %`, unary `- !`, `^` | arithmetic; `/` and `%` of whole numbers as in C; `^` is power |
//! | `x[2, 1:3, :]` | parts of an array along its axes; negative indices count from the end |
//! | `f(x, …)` | a function of [`functions`] |
//!
//! Shapes stretch as in NumPy. Whole numbers stay whole (64 bits, wrapping) until they meet a real
//! one.

mod elementwise;
pub mod eval;
pub mod functions;
mod lex;
mod parse;

pub use eval::Names;

use super::array::Array;

/// A parsed expression with its text, for pointing at mistakes.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    text: String,
    node: parse::Node,
}

/// A complaint about a part of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// Byte offset of the part.
    at: usize,
    /// What is wrong.
    message: String,
}

impl Complaint {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
        }
    }

    /// The complaint, the line of `text` it is about, and a caret below the spot.
    fn show(&self, text: &str) -> String {
        let before = &text[..self.at.min(text.len())];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[line_start..].lines().next().unwrap_or("");
        let column = before[line_start..].chars().count();
        format!("{}\n  {line}\n  {:column$}^", self.message, "")
    }
}

impl Expr {
    /// Parses `text`; the error shows the spot.
    pub fn parse(text: &str) -> Result<Self, String> {
        let node = lex::tokens(text)
            .and_then(|tokens| parse::program(&tokens, text.len()))
            .map_err(|complaint| complaint.show(text))?;
        Ok(Self {
            text: text.to_owned(),
            node,
        })
    }

    /// The text it was parsed from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its value; the error shows the spot.
    pub fn value(&self, names: &dyn Names) -> Result<Array, String> {
        eval::value(&self.node, names).map_err(|complaint| complaint.show(&self.text))
    }
}

//! Sentences of an expression.
//!
//! Knows precedence. Refuses to know which names and functions exist.

use super::Complaint;
use super::lex::{Token, Word};

/// A part of an expression and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Whole(i64),
    Real(f64),
    Name(String),
    Unary(&'static str, Box<Node>),
    Binary(&'static str, Box<Node>, Box<Node>),
    Call(String, Vec<Node>),
    Part(Box<Node>, Vec<Pick>),
    Let(Vec<(String, Node)>, Box<Node>),
}

/// What is taken along one axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pick {
    One(Node),
    Range(Option<Node>, Option<Node>),
}

/// Binary signs from the loosest level to the tightest.
const LEVELS: [&[&str]; 5] = [
    &["||"],
    &["&&"],
    &["==", "!=", "<=", ">=", "<", ">"],
    &["+", "-"],
    &["*", "/", "%"],
];

/// Parts nested deeper than this are refused before they exhaust the stack.
const MAX_DEPTH: usize = 64;

/// Parses a whole expression that ends at byte `end`.
pub(super) fn program(tokens: &[Token], end: usize) -> Result<Node, Complaint> {
    let mut parser = Parser {
        tokens,
        next: 0,
        end,
        depth: 0,
    };
    let at = parser.here();
    let mut names = Vec::new();
    while let [
        Token {
            word: Word::Name(name),
            ..
        },
        Token {
            word: Word::Sign("="),
            ..
        },
        ..,
    ] = &tokens[parser.next..]
    {
        parser.next += 2;
        names.push((name.clone(), parser.expression()?));
        parser.want(";")?;
    }
    let value = parser.expression()?;
    if parser.next < tokens.len() {
        return Err(parser.complain("an operator or the end"));
    }
    Ok(if names.is_empty() {
        value
    } else {
        Node {
            at,
            kind: Kind::Let(names, Box::new(value)),
        }
    })
}

struct Parser<'t> {
    tokens: &'t [Token],
    next: usize,
    end: usize,
    depth: usize,
}

impl Parser<'_> {
    fn here(&self) -> usize {
        self.tokens
            .get(self.next)
            .map_or(self.end, |token| token.at)
    }

    fn complain(&self, want: &str) -> Complaint {
        let got = match self.tokens.get(self.next).map(|token| &token.word) {
            None => "the expression ends".to_owned(),
            Some(Word::Sign(sign)) => format!("there is `{sign}`"),
            Some(Word::Name(name)) => format!("there is `{name}`"),
            Some(Word::Whole(value)) => format!("there is {value}"),
            Some(Word::Real(value)) => format!("there is {value}"),
        };
        Complaint::new(self.here(), format!("expected {want}, but {got}"))
    }

    fn take(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        match self.tokens.get(self.next)?.word {
            Word::Sign(sign) if signs.contains(&sign) => {
                self.next += 1;
                Some(sign)
            }
            _ => None,
        }
    }

    fn want(&mut self, sign: &'static str) -> Result<(), Complaint> {
        match self.take(&[sign]) {
            Some(_) => Ok(()),
            None => Err(self.complain(&format!("`{sign}`"))),
        }
    }

    fn expression(&mut self) -> Result<Node, Complaint> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Complaint::new(
                self.here(),
                format!("parts are nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        let condition = self.level(0)?;
        let node = if self.take(&["?"]).is_some() {
            let at = condition.at;
            let yes = self.expression()?;
            self.want(":")?;
            let no = self.expression()?;
            Node {
                at,
                kind: Kind::Call("where".to_owned(), vec![condition, yes, no]),
            }
        } else {
            condition
        };
        self.depth -= 1;
        Ok(node)
    }

    fn level(&mut self, level: usize) -> Result<Node, Complaint> {
        let Some(signs) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.level(level + 1)?;
        loop {
            let at = self.here();
            let Some(sign) = self.take(signs) else {
                return Ok(left);
            };
            let right = self.level(level + 1)?;
            left = Node {
                at,
                kind: Kind::Binary(sign, Box::new(left), Box::new(right)),
            };
        }
    }

    fn unary(&mut self) -> Result<Node, Complaint> {
        let at = self.here();
        let mut signs = Vec::new();
        while let Some(sign) = self.take(&["-", "!", "+"]) {
            signs.push(sign);
            if signs.len() > MAX_DEPTH {
                return Err(Complaint::new(at, "too many signs in a row"));
            }
        }
        let mut node = self.power()?;
        for sign in signs.into_iter().rev().filter(|&sign| sign != "+") {
            node = Node {
                at,
                kind: Kind::Unary(sign, Box::new(node)),
            };
        }
        Ok(node)
    }

    /// `-2 ^ 2` is -4 and `2 ^ -1` is a half, as in mathematics.
    fn power(&mut self) -> Result<Node, Complaint> {
        let base = self.postfix()?;
        let at = self.here();
        if self.take(&["^"]).is_none() {
            return Ok(base);
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Complaint::new(at, "too many powers in a row"));
        }
        let exponent = self.unary()?;
        self.depth -= 1;
        Ok(Node {
            at,
            kind: Kind::Binary("^", Box::new(base), Box::new(exponent)),
        })
    }

    fn postfix(&mut self) -> Result<Node, Complaint> {
        let mut node = self.atom()?;
        loop {
            let at = self.here();
            if self.take(&["["]).is_none() {
                return Ok(node);
            }
            let mut picks = Vec::new();
            loop {
                picks.push(self.pick()?);
                if self.take(&[","]).is_none() {
                    break;
                }
            }
            self.want("]")?;
            node = Node {
                at,
                kind: Kind::Part(Box::new(node), picks),
            };
        }
    }

    fn pick(&mut self) -> Result<Pick, Complaint> {
        let ends = |parser: &Self| {
            matches!(
                parser.tokens.get(parser.next).map(|token| &token.word),
                Some(Word::Sign(":" | "]" | ","))
            )
        };
        let from = if ends(self) {
            None
        } else {
            Some(self.expression()?)
        };
        if self.take(&[":"]).is_none() {
            return from
                .map(Pick::One)
                .ok_or_else(|| self.complain("an index or `:`"));
        }
        let until = if ends(self) {
            None
        } else {
            Some(self.expression()?)
        };
        Ok(Pick::Range(from, until))
    }

    fn atom(&mut self) -> Result<Node, Complaint> {
        let at = self.here();
        let Some(token) = self.tokens.get(self.next) else {
            return Err(self.complain("a number, a name or `(`"));
        };
        let kind = match &token.word {
            Word::Whole(value) => Kind::Whole(*value),
            Word::Real(value) => Kind::Real(*value),
            Word::Name(name) => {
                self.next += 1;
                return self.after_name(at, name);
            }
            Word::Sign("(") => {
                self.next += 1;
                let inner = self.expression()?;
                self.want(")")?;
                return Ok(inner);
            }
            Word::Sign(_) => return Err(self.complain("a number, a name or `(`")),
        };
        self.next += 1;
        Ok(Node { at, kind })
    }

    fn after_name(&mut self, at: usize, name: &str) -> Result<Node, Complaint> {
        if self.take(&["("]).is_none() {
            return Ok(Node {
                at,
                kind: Kind::Name(name.to_owned()),
            });
        }
        let mut arguments = Vec::new();
        if self.take(&[")"]).is_none() {
            loop {
                arguments.push(self.expression()?);
                if self.take(&[","]).is_none() {
                    break;
                }
            }
            self.want(")")?;
        }
        Ok(Node {
            at,
            kind: Kind::Call(name.to_owned(), arguments),
        })
    }
}

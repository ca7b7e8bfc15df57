//! Values of expressions.
//!
//! Knows how signs, parts and names get their values. Refuses to know the functions one by one.

use super::Complaint;
use super::elementwise::{map, truth, zip};
use super::functions;
use super::parse::{Kind, Node, Pick};
use crate::scene::array::{Array, Numbers, Walk, show, strides};
use crate::scene::nearest;

/// Where the names in an expression get their values.
pub trait Names {
    /// The value of `name`.
    fn value(&self, name: &str) -> Option<Array>;

    /// Every name there is, for complaints.
    fn all(&self) -> Vec<String>;
}

impl Names for &[(String, Array)] {
    fn value(&self, name: &str) -> Option<Array> {
        // A later entry hides an earlier one.
        let mut entries = self.iter().rev();
        entries
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }

    fn all(&self) -> Vec<String> {
        self.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// Names of the caller and those an expression defines for itself.
struct Local<'n> {
    own: Vec<(String, Array)>,
    outer: &'n dyn Names,
}

impl Names for Local<'_> {
    fn value(&self, name: &str) -> Option<Array> {
        Names::value(&self.own.as_slice(), name).or_else(|| self.outer.value(name))
    }

    fn all(&self) -> Vec<String> {
        let mut all = Names::all(&self.own.as_slice());
        all.extend(self.outer.all());
        all
    }
}

/// The value of a part.
pub(super) fn value(node: &Node, names: &dyn Names) -> Result<Array, Complaint> {
    let complain = |message: String| Complaint::new(node.at, message);
    match &node.kind {
        Kind::Whole(value) => Ok(Array::whole(*value)),
        Kind::Real(value) => Ok(Array::real(*value)),
        Kind::Name(name) => names
            .value(name)
            .or_else(|| functions::constant(name))
            .ok_or_else(|| {
                let all = names.all();
                let hint = nearest::hint(name, all.iter().map(String::as_str));
                complain(format!("nothing is named `{name}`; {hint}"))
            }),
        Kind::Unary(sign, inner) => {
            let inner = value(inner, names)?;
            Ok(match *sign {
                "-" => map(&inner, i64::wrapping_neg, |x| -x),
                _ => truth(&inner, |x| x == 0.0),
            })
        }
        Kind::Binary(sign, left, right) => {
            let left = value(left, names)?;
            let right = value(right, names)?;
            binary(sign, &left, &right).map_err(complain)
        }
        Kind::Call(name, arguments) => {
            let arguments: Vec<Array> = arguments
                .iter()
                .map(|argument| value(argument, names))
                .collect::<Result<_, _>>()?;
            functions::call(name, &arguments).map_err(complain)
        }
        Kind::Part(whole, picks) => part(&value(whole, names)?, node.at, picks, names),
        Kind::Let(parts, last) => {
            let mut local = Local {
                own: Vec::new(),
                outer: names,
            };
            for (name, part) in parts {
                let part = value(part, &local)?;
                local.own.push((name.clone(), part));
            }
            value(last, &local)
        }
    }
}

fn compare(
    left: &Array,
    right: &Array,
    whole: fn(&i64, &i64) -> bool,
    real: fn(&f64, &f64) -> bool,
) -> Result<Array, String> {
    let answers = zip(
        left,
        right,
        |l, r| Ok(i64::from(whole(&l, &r))),
        |l, r| f64::from(u8::from(real(&l, &r))),
    )?;
    Ok(truth(&answers, |x| x != 0.0))
}

fn divided(whole: fn(i64, i64) -> i64) -> impl Fn(i64, i64) -> Result<i64, String> {
    move |l, r| match r {
        0 => Err("a whole number is divided by zero".to_owned()),
        _ => Ok(whole(l, r)),
    }
}

fn binary(sign: &str, left: &Array, right: &Array) -> Result<Array, String> {
    match sign {
        "+" => zip(left, right, |l, r| Ok(l.wrapping_add(r)), |l, r| l + r),
        "-" => zip(left, right, |l, r| Ok(l.wrapping_sub(r)), |l, r| l - r),
        "*" => zip(left, right, |l, r| Ok(l.wrapping_mul(r)), |l, r| l * r),
        "/" => zip(left, right, divided(i64::wrapping_div), |l, r| l / r),
        "%" => zip(left, right, divided(i64::wrapping_rem), |l, r| l % r),
        "^" => power(left, right),
        "==" => compare(left, right, i64::eq, f64::eq),
        "!=" => compare(left, right, i64::ne, f64::ne),
        "<" => compare(left, right, i64::lt, f64::lt),
        "<=" => compare(left, right, i64::le, f64::le),
        ">" => compare(left, right, i64::gt, f64::gt),
        ">=" => compare(left, right, i64::ge, f64::ge),
        "&&" | "||" => {
            let both = sign == "&&";
            let left = truth(left, |x| x != 0.0);
            let right = truth(right, |x| x != 0.0);
            zip(
                &left,
                &right,
                |l, r| Ok(if both { l & r } else { l | r }),
                |l, r| l * r,
            )
        }
        other => Err(format!("`{other}` is not an operator")),
    }
}

/// Whole powers with exponents of 0 or more stay whole.
fn power(left: &Array, right: &Array) -> Result<Array, String> {
    let stays_whole = match (left.numbers(), right.numbers()) {
        (Numbers::Whole(_), Numbers::Whole(exponents)) => exponents.iter().all(|&e| e >= 0),
        _ => false,
    };
    if !stays_whole {
        let left = Array::new(left.shape().to_vec(), Numbers::Real(left.to_reals()));
        return zip(&left, right, |l, _| Ok(l), f64::powf);
    }
    zip(
        left,
        right,
        |base, exponent| {
            u32::try_from(exponent)
                .map(|exponent| base.wrapping_pow(exponent))
                .map_err(|_| format!("exponent {exponent} is above {}", u32::MAX))
        },
        f64::powf,
    )
}

/// Start, extent and step of what is taken along an axis; a single index leaves no axis behind.
fn part(whole: &Array, at: usize, picks: &[Pick], names: &dyn Names) -> Result<Array, Complaint> {
    let rank = whole.shape().len();
    if picks.len() > rank {
        return Err(Complaint::new(
            at,
            format!(
                "{} indices for an array of shape {}",
                picks.len(),
                show(whole.shape())
            ),
        ));
    }
    let own = strides(whole.shape());
    let mut offset = 0;
    let mut shape = Vec::new();
    let mut steps = Vec::new();
    for (axis, (&extent, &step)) in whole.shape().iter().zip(&own).enumerate() {
        let edge = |node: &Option<Node>, default: usize| match node {
            None => Ok(default),
            Some(node) => position(node, extent, names).and_then(|found| {
                found.filter(|&edge| edge <= extent).ok_or_else(|| {
                    Complaint::new(node.at, format!("the edge is outside 0..={extent}"))
                })
            }),
        };
        match picks.get(axis) {
            Some(Pick::One(node)) => {
                let index = position(node, extent, names)?
                    .filter(|&index| index < extent)
                    .ok_or_else(|| {
                        Complaint::new(
                            node.at,
                            format!(
                                "the index is outside axis {axis}, which has {extent} elements"
                            ),
                        )
                    })?;
                offset += index * step;
            }
            Some(Pick::Range(from, until)) => {
                let from = edge(from, 0)?;
                let until = edge(until, extent)?.max(from);
                offset += from * step;
                shape.push(until - from);
                steps.push(step);
            }
            None => {
                shape.push(extent);
                steps.push(step);
            }
        }
    }
    let walk = Walk::new(&shape, vec![steps]);
    Ok(whole.picked(shape, walk.map(|at| offset + at[0])))
}

/// An index counted from the front; `None` if it lies before it.
fn position(node: &Node, extent: usize, names: &dyn Names) -> Result<Option<usize>, Complaint> {
    let index = value(node, names)?
        .as_whole("an index")
        .map_err(|message| Complaint::new(node.at, message))?;
    Ok(match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => usize::try_from(index.unsigned_abs())
            .ok()
            .and_then(|back| extent.checked_sub(back)),
    })
}

#[cfg(test)]
mod tests;

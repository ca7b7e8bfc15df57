//! What formulas may name once a case is chosen.
//!
//! Knows parameters, arguments and the index of each element. Refuses to know where their values came from.

use crate::scene::array::Array;
use crate::scene::error::{Result, SceneError};
use crate::scene::expr::Names;
use crate::scene::expr::functions::index;
use crate::scene::model::{Formula, Written};
use crate::scene::place::Place;

/// Values of parameters and arguments by name.
pub(super) type Known = Vec<(String, Array)>;

/// Known names alone.
pub(super) struct Scoped<'n>(pub(super) &'n Known);

impl Names for Scoped<'_> {
    fn value(&self, name: &str) -> Option<Array> {
        Names::value(&self.0.as_slice(), name)
    }

    fn all(&self) -> Vec<String> {
        Names::all(&self.0.as_slice())
    }
}

/// Known names plus the index of every element of the tensor at hand: `i` counts all of them in C
/// order, `i0`, `i1`, … count along one axis. Names of the scene hide these.
pub(super) struct AtTensor<'n> {
    pub(super) known: &'n Known,
    pub(super) shape: &'n [usize],
}

impl Names for AtTensor<'_> {
    fn value(&self, name: &str) -> Option<Array> {
        Names::value(&self.known.as_slice(), name).or_else(|| {
            let axis = name.strip_prefix('i')?;
            if axis.is_empty() {
                let flat = index(&[self.shape.iter().product()], 0).ok()?;
                flat.reshaped(self.shape.to_vec()).ok()
            } else {
                let axis = axis.parse().ok().filter(|&axis| axis < self.shape.len())?;
                index(self.shape, axis).ok()
            }
        })
    }

    fn all(&self) -> Vec<String> {
        let mut all = Names::all(&self.known.as_slice());
        all.push("i".to_owned());
        all.extend((0..self.shape.len()).map(|axis| format!("i{axis}")));
        all
    }
}

/// The value of a formula of the scene.
pub(super) fn compute(written: &Written, names: &dyn Names) -> Result<Array> {
    match &written.formula {
        Formula::Given(value) => Ok(value.clone()),
        Formula::Expr(expr) => expr.value(names).map_err(|problem| SceneError::Expression {
            place: written.at.clone(),
            key: written.key.clone(),
            problem,
        }),
    }
}

pub(super) fn bad(place: &Place, message: String) -> SceneError {
    SceneError::BadValue {
        place: place.clone(),
        message,
    }
}

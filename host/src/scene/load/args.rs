//! `[[arg]]`: what a call is given, and what a case changes about it.
//!
//! Knows their order, number and kinds. Refuses to know what a tensor holds before a run: that is `init`.

use std::collections::HashSet;

use protocol::limits::{CHIP_MAX_SCALAR_ARGS, CHIP_MAX_TENSOR_ARGS, TENSOR_MAX_DIMS};

use super::reader::{Reader, is_name};
use crate::scene::dtype;
use crate::scene::error::Result;
use crate::scene::fields::{Field, Fields};
use crate::scene::model::{self, Arg, ArgChange, ArgKind, Written};
use crate::scene::place::Located;
use crate::scene::tensor::Direction;

impl<'t> Reader<'t> {
    pub(super) fn args(&self, top: &Fields<'t>) -> Result<Vec<Arg>> {
        let mut args: Vec<Arg> = Vec::new();
        let mut names = HashSet::new();
        let (mut tensors, mut scalars) = (0, 0);
        for item in self.items(top, "arg")? {
            let table = item.table("[[arg]]")?;
            let name = table.need("name", "the name expressions use")?;
            let text = name.string()?;
            if !is_name(text) {
                return Err(name.bad(format!(
                    "\"{text}\" must be made of letters, digits and `_`"
                )));
            }
            if !names.insert(text) {
                return Err(name.bad(format!("argument `{text}` appears twice; rename one")));
            }
            let arg = self.arg(&item, &table, text)?;
            match arg.kind {
                ArgKind::Tensor { .. } if scalars > 0 => {
                    return Err(item.bad(format!(
                        "tensor `{text}` stands after a scalar; list tensors first"
                    )));
                }
                ArgKind::Tensor { .. } => tensors += 1,
                ArgKind::Scalar { .. } => scalars += 1,
            }
            for (count, limit, what) in [
                (tensors, CHIP_MAX_TENSOR_ARGS, "tensors"),
                (scalars, CHIP_MAX_SCALAR_ARGS, "scalars"),
            ] {
                if count > limit {
                    return Err(item.bad(format!("{count} {what}; a call takes {limit}")));
                }
            }
            table.check()?;
            args.push(arg);
        }
        Ok(args)
    }

    fn arg(&self, item: &Field<'t>, table: &Fields<'t>, name: &str) -> Result<Arg> {
        let dtype = table.need("dtype", "an element type, as `dtype = \"f32\"`")?;
        let dtype = dtype::parse(dtype.string()?).map_err(|message| dtype.bad(message))?;
        let kind = match (table.get("shape"), table.get("value")) {
            (None, None) => {
                return Err(table.missing(
                    "shape",
                    "`shape` and `direction` for a tensor, or `value` for a scalar",
                ));
            }
            (Some(_), Some(value)) => {
                return Err(value.bad(format!("`{name}` has `shape` and `value`; keep one")));
            }
            (None, Some(value)) => ArgKind::Scalar {
                value: self.written(&value)?,
            },
            (Some(shape), None) => {
                let direction = table.need(
                    "direction",
                    "`direction = \"in\"`, `\"out\"` or `\"inout\"`",
                )?;
                let init = table
                    .get("init")
                    .map(|field| self.init(&field))
                    .transpose()?;
                let direction = self.direction(&direction)?;
                if init.is_none() && direction != Direction::Out {
                    return Err(table.missing("init", "its initial values, as `init = 1.0`"));
                }
                ArgKind::Tensor {
                    shape: self.shape(&shape)?,
                    direction,
                    init: init.map(Box::new),
                }
            }
        };
        Ok(Arg {
            name: name.into(),
            spot: item.spot(),
            dtype,
            kind,
        })
    }

    fn direction(&self, field: &Field<'t>) -> Result<Direction> {
        let all = [Direction::In, Direction::Out, Direction::InOut];
        let name_of = |direction| match direction {
            Direction::In => "in",
            Direction::Out => "out",
            Direction::InOut => "inout",
        };
        model::by_name("direction", field.string()?, &all, name_of)
            .map_err(|message| field.bad(message))
    }

    fn shape(&self, field: &Field<'t>) -> Result<Vec<Written>> {
        let extents = field.list()?;
        if extents.is_empty() || extents.len() > TENSOR_MAX_DIMS {
            return Err(field.bad(format!(
                "a shape has 1 to {TENSOR_MAX_DIMS} extents, not {}",
                extents.len()
            )));
        }
        extents.iter().map(|extent| self.written(extent)).collect()
    }

    /// `a = { init = 3 }` under `[case.args]`.
    pub(super) fn arg_change(&self, entry: &Field<'t>) -> Result<ArgChange> {
        let table = entry.table(format!("`{}`", entry.key()))?;
        let dtype = match table.get("dtype") {
            None => None,
            Some(field) => {
                Some(dtype::parse(field.string()?).map_err(|message| field.bad(message))?)
            }
        };
        let change = ArgChange {
            name: Located {
                spot: entry.spot(),
                value: entry.key().to_owned(),
            },
            dtype,
            shape: table
                .get("shape")
                .map(|field| self.shape(&field))
                .transpose()?,
            init: table
                .get("init")
                .map(|field| self.init(&field))
                .transpose()?,
            value: table
                .get("value")
                .map(|field| self.written(&field))
                .transpose()?,
        };
        table.check()?;
        Ok(change)
    }
}

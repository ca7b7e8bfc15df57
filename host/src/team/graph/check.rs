//! Everything that is wrong with a task, found before anything happens.
//!
//! Knows what handles, targets, counts and places must be like. Refuses to change any of them.

use protocol::TensorArgType;
use protocol::limits::{CHIP_MAX_SCALAR_ARGS, CHIP_MAX_TENSOR_ARGS};

use super::admit::Checked;
use super::submission::Submission;
use crate::error::{Error, Result};
use crate::team::engine::heap;
use crate::team::engine::task::Pool;
use crate::team::tensor::{Args, Place, Tensor};

impl Submission<'_, '_> {
    /// Everything that can be checked without the engine.
    pub(super) fn check(&mut self) -> Result<Checked> {
        let shared = self.graph.shared;
        self.callable.check(&shared.owner)?;
        if self.members.is_empty() {
            if self.is_group {
                return Err(Error::refused(
                    "a group of no members",
                    "give it at least one",
                ));
            }
            self.members.push(Args::new());
        }
        if let Some(config) = &self.config {
            config.validate()?;
        }
        if !self.pins.is_empty() && self.pins.len() != self.members.len() {
            return Err(Error::refused(
                format!(
                    "{} children for {} members",
                    self.pins.len(),
                    self.members.len()
                ),
                "name one child for each member, or none",
            ));
        }
        for task in &self.after {
            if task.owner != shared.owner {
                return Err(Error::refused(
                    "waiting for a task of another worker",
                    "order the runs instead",
                ));
            }
        }
        let mut heap_bytes = 0_u64;
        let mut pins = Vec::with_capacity(self.members.len());
        for (number, args) in self.members.iter().enumerate() {
            let mut pin = self.pins.get(number).copied();
            check_counts(args)?;
            for (argument, (tag, tensor)) in args.tensors.iter().enumerate() {
                match self.check_place(argument, *tag, tensor, pin)? {
                    Needs::Nothing => {}
                    Needs::Memory => {
                        heap_bytes = heap::rounded(tensor.bytes())
                            .and_then(|bytes| heap_bytes.checked_add(bytes))
                            .unwrap_or(u64::MAX);
                    }
                    Needs::Child(port) => pin = Some(port),
                }
            }
            pins.push(pin);
        }
        Ok(Checked { heap_bytes, pins })
    }

    /// What the place of one argument needs, for a task that goes to `pin` so far.
    fn check_place(
        &self,
        argument: usize,
        tag: TensorArgType,
        tensor: &Tensor,
        pin: Option<u32>,
    ) -> Result<Needs> {
        let ours = &self.graph.shared.owner;
        match &tensor.place {
            Place::Nowhere if tag == TensorArgType::Output => Ok(Needs::Memory),
            Place::Nowhere if tensor.bytes() != 0 => Err(Error::refused(
                format!("argument {argument} without memory"),
                format!(
                    "only an OUTPUT is allocated by the runtime, this is {tag:?}: give it a buffer"
                ),
            )),
            Place::Device { owner, .. } if owner != ours => Err(Error::refused(
                format!("argument {argument}"),
                "it lies in the device memory of another worker",
            )),
            Place::Device { port, .. } => {
                if self.pool != Pool::Next || pin.is_some_and(|pin| pin != *port) {
                    return Err(Error::refused(
                        format!("argument {argument} in the device memory of child {port}"),
                        "the task goes to another child: submit it `.on` that one",
                    ));
                }
                Ok(Needs::Child(*port))
            }
            Place::Ring { owner, .. } if owner != ours => Err(Error::refused(
                format!("argument {argument}"),
                "it is an intermediate of another worker: copy it to a buffer",
            )),
            _ => Ok(Needs::Nothing),
        }
    }
}

/// What an argument needs because of where it lies.
enum Needs {
    Nothing,
    /// Memory that the runtime allocates.
    Memory,
    /// This child.
    Child(u32),
}

fn check_counts(args: &Args) -> Result<()> {
    if args.tensor_after_scalar {
        return Err(protocol::Malformed::TensorAfterScalar {
            scalars: args.scalars.len() as u64,
        }
        .into());
    }
    let counts = [
        ("tensors", args.tensors.len(), CHIP_MAX_TENSOR_ARGS),
        ("scalars", args.scalars.len(), CHIP_MAX_SCALAR_ARGS),
    ];
    for (field, count, limit) in counts {
        if count > limit {
            return Err(protocol::Malformed::TooMany {
                field,
                value: count as u64,
                limit: limit as u64,
            }
            .into());
        }
    }
    Ok(())
}

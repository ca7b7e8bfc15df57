//! Everything that is wrong with a task, found before anything happens.
//!
//! Knows what handles, targets, counts and places must be like. Refuses to change any of them.

use protocol::TensorArgType;
use protocol::limits::{CHIP_MAX_SCALAR_ARGS, CHIP_MAX_TENSOR_ARGS};

use super::submission::Submission;
use crate::error::{Error, Result};
use crate::team::engine::Core;
use crate::team::engine::heap;
use crate::team::engine::task::Pool;
use crate::team::shared::Shared;
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

/// What a check found out.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) heap_bytes: u64,
    pub(super) pins: Vec<Option<u32>>,
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

/// Everything that the engine must be asked about.
pub(super) fn check_run(
    core: &Core,
    shared: &Shared,
    run: u64,
    members: &[Args],
    checked: &Checked,
    pool: Pool,
) -> Result<()> {
    let ports = core.pool(pool);
    let kind = match pool {
        Pool::Next => "chips or lower workers",
        Pool::Sub => "sub workers",
    };
    if shared.fail_fast
        && let Some(first) = core.run(run).and_then(|run| run.failures.first())
    {
        return Err(first.fault.clone().into());
    }
    if members.len() > ports.len() {
        return Err(Error::refused(
            format!("a task for {} {kind} at once", members.len()),
            format!("the worker has {}", ports.len()),
        ));
    }
    let mut seen = 0_u128;
    for pin in checked.pins.iter().flatten() {
        let Some(port) = ports.clone().nth(*pin as usize) else {
            return Err(Error::refused(
                format!("child {pin}"),
                format!("the worker has {} {kind}, numbered from 0", ports.len()),
            ));
        };
        if let Some(fault) = &core.ports[port].dead {
            return Err(fault.clone().into());
        }
        let bit = 1_u128 << (pin % 128);
        if members.len() > 1 && seen & bit != 0 {
            return Err(Error::refused(
                format!("child {pin} for two members of one group"),
                "members run at the same time: name different children",
            ));
        }
        seen |= bit;
    }
    if ports.clone().all(|port| core.ports[port].dead.is_some()) {
        let fault = ports.clone().find_map(|port| core.ports[port].dead.clone());
        return Err(fault.expect("all of them are dead and there is one").into());
    }
    for (_, tensor) in members.iter().flat_map(|args| &args.tensors) {
        match &tensor.place {
            Place::Ring { task, .. } if core.tasks.live(*task).is_none() => {
                return Err(Error::refused(
                    "an intermediate whose scope is closed",
                    "its memory may be another's by now: allocate it in an outer scope",
                ));
            }
            Place::Device {
                port, generation, ..
            } if core.ports[*port as usize].generation != *generation => {
                return Err(Error::refused(
                    format!("device memory of {}", core.ports[*port as usize].label),
                    "it was lost when the child was restarted: allocate and fill it again",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

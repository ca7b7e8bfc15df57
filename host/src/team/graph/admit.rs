//! What only the engine can say against a task.
//!
//! Knows children that died, runs that failed and memory that is another's by now. Refuses to change any of it.

use crate::error::{Error, Result};
use crate::team::engine::Core;
use crate::team::engine::task::Pool;
use crate::team::shared::Shared;
use crate::team::tensor::{Args, Place};

/// What was found out before the engine is asked.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) heap_bytes: u64,
    pub(super) pins: Vec<Option<u32>>,
}

/// Everything that the engine must be asked about.
pub(super) fn admit(
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

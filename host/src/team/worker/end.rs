//! Ending children, those of a start that failed and those of a worker.
//!
//! Knows whom to ask, how long to wait, and that nobody stays. Refuses to know how they were started.

use std::sync::Arc;
use std::time::Instant;

use sync::Deadline;

use crate::error::{Error, Result};
use crate::team::channel::{Bell, Leave};
use crate::team::engine::port::Port;
use crate::team::shared::Shared;

/// Asks children to leave, waits, ends those that stay. Says which did not leave by themselves.
pub(super) fn end_all(ports: &[Port], bell: &Bell, limit: core::time::Duration) -> Vec<String> {
    for port in ports {
        port.channel.tell_to_leave(Leave::WhenDone);
    }
    let gone = || ports.iter().all(|port| port.child.life().has_ended());
    let deadline = Deadline::after(limit);
    let _ = bell.get().wait_until(deadline.instant(), gone);
    let mut stayed = Vec::new();
    for port in ports.iter().filter(|port| !port.child.life().has_ended()) {
        port.child.kill();
        stayed.push(port.label.clone());
    }
    if !stayed.is_empty() {
        // A killed process is gone at once, unless the kernel itself is stuck.
        let deadline = Deadline::after(limit);
        let _ = bell.get().wait_until(deadline.instant(), gone);
    }
    stayed
}

/// Ends a started worker.
pub(super) fn end(shared: &Arc<Shared>) -> Result<()> {
    let limit = shared.limits.close;
    let deadline = Instant::now().checked_add(limit);
    // Open runs get the time there is; then their children are ended, which ends them.
    let drained = shared.wait_for(
        deadline,
        limit,
        |core| core.runs.is_empty().then_some(()),
        |_| None,
    );
    let (ports, mut left) = {
        let mut core = shared.lock();
        let left: Vec<String> = match drained {
            Ok(Some(())) => Vec::new(),
            _ => core.end_stuck(),
        };
        core.pump();
        (core::mem::take(&mut core.ports), left)
    };
    left.extend(end_all(&ports, shared.bell(), limit));
    {
        let mut core = shared.lock();
        core.ports = ports;
        core.pump();
        core.renew_watch();
    }
    shared.stop_driving();
    if left.is_empty() {
        return Ok(());
    }
    Err(Error::Timeout {
        child: left.join(", "),
        request: "leave".to_owned(),
        waited: limit,
    })
}

//! Waiting for room.
//!
//! Knows when waiting is hopeless. Refuses to know what the room is for.
//!
//! ```text
//! room? ─yes─▶ go on
//!   │ no
//! ended? ─yes─▶ give up
//!   │ no
//! everything submitted is complete, and still no room? ─yes─▶ certain deadlock, say so at once
//!   │ no
//! help (drive a role); else sleep until something completes or the deadline passes
//! ```

use core::time::Duration;
use std::time::Instant;

use sync::Progress;

use super::Orchestrator;
use crate::error::{Fatal, Wanted};

/// Longest sleep without a look around.
const NAP: Duration = Duration::from_millis(2);

/// Tasks that may be unfinished before an orchestration helps without being blocked.
const BACKLOG: u64 = 256;
/// How often it helps in a row.
const RELIEF: u32 = 16;

/// What a blocked orchestration can do instead of sleeping.
pub trait Help {
    /// Does a little work for the run, such as a step of a role; says whether there was any.
    fn help(&self) -> bool;
}

/// No help: other threads drive all roles.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHelp;

impl Help for NoHelp {
    fn help(&self) -> bool {
        false
    }
}

impl Orchestrator<'_> {
    /// Retires and waits until `attempt` succeeds.
    #[cold]
    pub(super) fn wait_for_room<T>(
        &mut self,
        what: Wanted,
        mut attempt: impl FnMut(&mut Self) -> Option<T>,
        deadlock: impl Fn(&mut Self) -> Fatal,
    ) -> Result<T, Fatal> {
        let shared = self.around.shared;
        let mut watch = Progress::new(self.around.no_progress);
        watch.restart(shared.progress());
        loop {
            // Looked at before retiring: what completed until then is retired now.
            let outstanding = shared.outstanding();
            self.graph.retire(&shared.records);
            if let Some(room) = attempt(self) {
                return Ok(room);
            }
            if let Some(fatal) = self.stopped() {
                return Err(fatal);
            }
            if outstanding == 0 {
                return Err(deadlock(self));
            }
            if self.around.help.help() {
                continue;
            }
            if let Err(stalled) = watch.check(shared.progress()) {
                return Err(Fatal::Stalled {
                    what,
                    waited_ms: u64::try_from(stalled.idle.as_millis()).unwrap_or(u64::MAX),
                    outstanding,
                });
            }
            self.nap(|| shared.outstanding() != outstanding);
        }
    }

    /// Helps while the roles are far behind and get anywhere: what waits long is cold when it runs.
    pub(super) fn relieve(&self) {
        for _ in 0..RELIEF {
            if self.around.shared.outstanding() < BACKLOG || !self.around.help.help() {
                return;
            }
        }
    }

    /// Sleeps until `ready`, an end of the run, or for a short while.
    pub(super) fn nap(&self, mut ready: impl FnMut() -> bool) {
        let shared = self.around.shared;
        let until = Instant::now().checked_add(NAP);
        // Passing the short limit is not a failure: the caller looks around and comes back.
        let _passed = shared
            .room_bell
            .wait_until(until, || ready() || shared.is_fatal());
    }
}

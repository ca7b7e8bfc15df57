//! The end of a run that was to end early.
//!
//! Knows when a role has nothing running any more, or has waited long enough. Refuses to dispatch anything.

use std::time::Instant;

use aicore_abi::seam::Cores;
use sync::Step;

use super::Role;
use crate::graph::KINDS;
use crate::shared::Env;

impl Role {
    /// Dispatches nothing, waits for what runs, for a while.
    #[cold]
    pub(super) fn wind_down<C: Cores>(&mut self, env: &Env<'_, C>) -> Step {
        let shared = env.shared;
        let mut progress = false;
        for kind in 0..KINDS {
            progress |= self.poll(env, kind);
        }
        self.publish_counts(env);
        if !self.quiet {
            let since = *self.ending.get_or_insert_with(Instant::now);
            let runs = self
                .sides
                .iter()
                .any(|side| !side.occupancy.running().is_empty());
            let too_long = since.elapsed() > env.wind_down;
            if runs && !too_long {
                return if progress { Step::Progress } else { Step::Idle };
            }
            if runs {
                shared.cores_lost.set();
                log::error!(
                    "role {}: cores still run {:?} after the run was to end; their kernels hang",
                    self.number,
                    since.elapsed()
                );
            }
            self.quiet = true;
            shared.quiet.insert(1 << self.number);
        }
        if shared.quiet.observe() == (1 << env.roles) - 1 {
            shared.done.set();
            shared.work_bell.ring_all();
            return Step::Done;
        }
        Step::Idle
    }
}

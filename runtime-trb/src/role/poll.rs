//! Looking at the cores.
//!
//! Knows what a status word says about the two places of a core. Refuses to know what follows for the graph.

use aicore_abi::registers::{Status, Transition};
use aicore_abi::seam::Cores;

use super::tracker::Lane;
use super::{Flight, Role};
use crate::run::Env;

impl Role {
    /// Looks once at every core that runs something; says whether a running kernel was seen to finish.
    #[inline]
    pub(super) fn poll<C: Cores>(&mut self, env: &Env<'_, C>) -> bool {
        let mut progress = false;
        for &lane in &Lane::ALL {
            let mut mask = self.tracker.running(lane);
            while mask != 0 {
                let cluster = mask.trailing_zeros() as usize;
                mask &= mask - 1;
                progress |= self.poll_core(env, lane, cluster);
            }
        }
        progress
    }

    #[inline]
    fn poll_core<C: Cores>(&mut self, env: &Env<'_, C>, lane: Lane, cluster: usize) -> bool {
        let core = self.core(lane, cluster);
        let status = Status::decode(env.cores.status(core.id));
        let token = |flight: Option<Flight>| flight.map(|flight| flight.token);
        let transition = Transition::of(status, token(core.running), token(core.pending));
        match transition {
            Transition::Nothing | Transition::RunningFinishedPendingLoaded => false,
            Transition::RunningStarted => {
                if core.pending.is_none() {
                    self.tracker.set_started(lane, cluster);
                }
                false
            }
            Transition::RunningFinished => {
                let finished = core.running.take();
                self.tracker.set_idle(lane, cluster);
                self.finish(env, lane, cluster, finished);
                true
            }
            Transition::PendingStarted => {
                let finished = core.running.take();
                core.running = core.pending.take();
                self.tracker.set_started(lane, cluster);
                self.finish(env, lane, cluster, finished);
                true
            }
            Transition::BothFinished => {
                let last = core.pending.take();
                let first = core.running.take();
                self.tracker.set_idle(lane, cluster);
                self.finish(env, lane, cluster, last);
                self.finish(env, lane, cluster, first);
                true
            }
        }
    }
}

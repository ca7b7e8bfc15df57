//! One step of a role.
//!
//! Knows the order of things and when there is nothing left to do. Refuses to know what they are.

use std::time::Instant;

use aicore_abi::recorder::Recorder;
use aicore_abi::seam::Cores;
use protocol::diagnostics::AicpuPhaseId;

use super::Role;
use crate::recording::worked;
use crate::run::{Env, Step};

/// Rounds of one step while there is progress, so that holding the baton pays.
const ROUNDS: u32 = 8;
/// Most lines of one kind about what is left when a run is to end.
const MOST_LINES: usize = 8;

impl Role {
    /// Polls, completes, dispatches and shares while that gets anywhere.
    #[inline]
    pub(crate) fn step<C: Cores>(&mut self, env: &Env<'_, C>) -> Step {
        if env.shared.is_fatal() {
            return self.wind_down(env);
        }
        let mut progress = false;
        for _ in 0..ROUNDS {
            if !self.round(env) {
                break;
            }
            progress = true;
        }
        self.share(env);
        self.publish_counts(env);
        if progress {
            Step::Progress
        } else if self.is_all_done(env) {
            env.shared.done.set();
            env.shared.wake_all();
            Step::Done
        } else {
            Step::Idle
        }
    }

    #[inline]
    fn round<C: Cores>(&mut self, env: &Env<'_, C>) -> bool {
        if let Some(recorder) = env.cores.recorder() {
            return self.recorded_round(env, recorder);
        }
        let mut progress = self.poll(env);
        progress |= self.poll_deferred(env);
        progress |= match env.shared.drain.pending() {
            None => self.dispatch(env),
            Some((task, leader)) => self.try_start_together(env, task, leader),
        };
        progress
    }

    /// The same, and writes down how long it took. Rounds that got nowhere are the gaps between those that did.
    #[cold]
    fn recorded_round<C: Cores>(&mut self, env: &Env<'_, C>, recorder: &Recorder) -> bool {
        let (completed, start) = (self.completed, recorder.now());
        let mut progress = self.poll(env);
        progress |= self.poll_deferred(env);
        let completed = self.completed - completed;
        let mut so_far = start;
        if progress {
            let phase = AicpuPhaseId::SchedComplete;
            so_far = worked(recorder, self.number, self.rounds, phase, start, completed);
        }
        let moves = self.moves;
        progress |= match env.shared.drain.pending() {
            None => self.dispatch(env),
            Some((task, leader)) => self.try_start_together(env, task, leader),
        };
        let calls = self.moves - moves;
        if calls != 0 {
            let phase = AicpuPhaseId::SchedDispatch;
            worked(recorder, self.number, self.rounds, phase, so_far, calls);
        }
        self.rounds = self.rounds.wrapping_add(1);
        progress
    }

    /// Tells everyone what this step did.
    #[inline]
    pub(crate) fn publish_counts<C: Cores>(&mut self, env: &Env<'_, C>) {
        if self.moves != 0 {
            env.shared.moves.add(self.number, self.moves);
            self.moves = 0;
        }
        if self.completed != 0 {
            env.shared.completed.add(self.number, self.completed);
            self.completed = 0;
            env.shared.room_bell.ring_all();
        }
    }

    /// Whether every task of a finished orchestration is complete; zero tasks are.
    fn is_all_done<C: Cores>(&self, env: &Env<'_, C>) -> bool {
        env.shared.orchestration_over.is_set() && env.shared.outstanding() == 0
    }

    /// After a fatal error: dispatches nothing, waits for what runs, for a while.
    #[cold]
    fn wind_down<C: Cores>(&mut self, env: &Env<'_, C>) -> Step {
        let shared = env.shared;
        let progress = self.poll(env);
        self.publish_counts(env);
        if !self.quiet {
            if self.ending.is_none() {
                self.say_what_is_left(env);
            }
            let since = *self.ending.get_or_insert_with(Instant::now);
            let too_long = since.elapsed() > env.wind_down;
            if !self.has_nothing_running() && !too_long {
                return if progress { Step::Progress } else { Step::Idle };
            }
            if too_long && !self.has_nothing_running() {
                shared.cores_lost.set();
                crate::logging::log(
                    env.log,
                    log::Level::Error,
                    format_args!(
                        "role {}: cores still run {:?} after the run was to end; their kernels hang",
                        self.number,
                        since.elapsed()
                    ),
                );
            }
            self.deferred.clear();
            self.quiet = true;
            shared.quiet.insert(1 << self.number);
            shared.drain.clear();
        }
        let all = (1 << env.roles.len()) - 1;
        if shared.orchestration_over.is_set() && shared.quiet.observe() == all {
            shared.done.set();
            shared.wake_all();
            return Step::Done;
        }
        Step::Idle
    }

    /// Who waited for what when the run was to end.
    fn say_what_is_left<C: Cores>(&self, env: &Env<'_, C>) {
        let say = |line: core::fmt::Arguments<'_>| {
            crate::logging::log(env.log, log::Level::Warn, line);
        };
        let role = self.number;
        let cores = self.clusters.iter().flatten();
        for (core, flight) in cores
            .filter_map(|core| Some((core, core.running?)))
            .take(MOST_LINES)
        {
            let descriptor = env.shared.records.descriptor(flight.task);
            say(format_args!(
                "role {role}: core {} runs task {} (kernels {:?}, {} blocks), token {}",
                core.id.0,
                descriptor.id,
                descriptor.kernels,
                descriptor.blocks,
                flight.token.get()
            ));
        }
        for (task, condition) in self.deferred.first_conditions().take(MOST_LINES) {
            let id = env.shared.records.descriptor(task).id;
            say(format_args!(
                "role {role}: task {id} waits for address {:#x} to reach {}",
                condition.addr, condition.expected_value
            ));
        }
        if let Some((task, leader)) = env.shared.drain.pending()
            && leader == role
        {
            let descriptor = env.shared.records.descriptor(task);
            say(format_args!(
                "role {role}: task {} waits for {} free cores at once",
                descriptor.id, descriptor.blocks
            ));
        }
    }
}

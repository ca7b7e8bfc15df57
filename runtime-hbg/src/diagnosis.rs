//! What a run waits for, in words.
//!
//! Knows what is on the cores and what is queued, at one look. Refuses to change anything: it does not even read a
//! status register, because a simulated core may take that for its turn to work.

use core::fmt;

use aicore_abi::seam::{CoreId, Cores};
use protocol::CoreType;
use sync::Baton;

use crate::graph::KINDS;
use crate::role::Role;
use crate::shared::Env;

/// Tasks that are named when none runs.
const SHOWN: usize = 10;

/// A call that is on a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Call {
    core: CoreId,
    kind: CoreType,
    runs: bool,
    token: u32,
    task: u32,
}

/// What a run waits for.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    tasks: usize,
    completed: u64,
    queued: [usize; KINDS],
    calls: Vec<Call>,
    idle: usize,
    /// Roles that were in use and could not be looked at.
    unseen: usize,
    details: Vec<String>,
}

impl Diagnosis {
    pub(crate) fn of<C: Cores>(env: &Env<'_, C>, roles: &[Baton<Role>]) -> Self {
        let mut diagnosis = Self {
            tasks: env.graph.task_count(),
            completed: env.shared.completed.sum(),
            queued: [0, 1].map(|kind| {
                let claimed = env.shared.claimed[kind].own() as usize;
                let unclaimed = env.graph.ready[kind].len().saturating_sub(claimed);
                env.shared.ready[kind].len() + unclaimed
            }),
            calls: Vec::new(),
            idle: 0,
            unseen: 0,
            details: Vec::new(),
        };
        for role in roles {
            match role.try_take() {
                Some(role) => diagnosis.look_at(&role),
                None => diagnosis.unseen += 1,
            }
        }
        diagnosis.explain(env);
        diagnosis
    }

    fn look_at(&mut self, role: &Role) {
        for (kind, side) in CoreType::ALL.iter().zip(&role.sides) {
            self.queued[*kind as usize] += side.ready.len();
            for core in &side.cores {
                self.idle += usize::from(core.calls.is_idle());
                for (call, runs) in core.calls.calls().into_iter().zip([true, false]) {
                    let Some((token, task)) = call else {
                        continue;
                    };
                    self.calls.push(Call {
                        core: core.id,
                        kind: *kind,
                        runs,
                        token: token.get(),
                        task,
                    });
                }
            }
        }
    }

    fn explain<C: Cores>(&mut self, env: &Env<'_, C>) {
        let graph = env.graph;
        for call in &self.calls {
            let record = &graph.records[call.task as usize];
            self.details.push(format!(
                "core {} ({}) {}: token {}, task {} (func_id={}, fanin={}, fanout={})",
                call.core.0,
                call.kind,
                if call.runs { "RUNNING" } else { "PENDING" },
                call.token,
                call.task,
                record.kernel,
                record.fan_in,
                record.successor_count
            ));
        }
        if !self.calls.is_empty() || self.unseen != 0 {
            return;
        }
        let waiting = graph.joins.iter().zip(env.joins);
        for (join, count) in waiting.filter(|(_, count)| count.left() != 0).take(SHOWN) {
            self.details.push(format!(
                "task {}: waits for {} of {} tasks",
                join.task,
                count.left(),
                join.fan_in
            ));
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tasks, completed) = (self.tasks as u64, self.completed);
        let percent = (completed * 100).checked_div(tasks).unwrap_or(100);
        let [aic, aiv] = self.queued;
        writeln!(f, "{completed}/{tasks} tasks complete ({percent} %)")?;
        writeln!(f, "ready: {aic} AIC, {aiv} AIV")?;
        writeln!(
            f,
            "{} calls on cores, {} cores idle",
            self.calls.len(),
            self.idle
        )?;
        if self.unseen != 0 {
            writeln!(f, "{} roles are in use and were not looked at", self.unseen)?;
        }
        for detail in &self.details {
            writeln!(f, "  {detail}")?;
        }
        let left = tasks - completed.min(tasks);
        if !self.calls.is_empty() || self.unseen != 0 {
            write!(
                f,
                "cores execute but nothing moves: look for a kernel that hangs"
            )
        } else if self.queued == [0; KINDS] && left != 0 {
            write!(
                f,
                "all cores are idle and nothing is ready, but {left} tasks are incomplete"
            )
        } else {
            write!(f, "nothing moves: is every role driven?")
        }
    }
}

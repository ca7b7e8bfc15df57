//! Tasks of one run that could start.
//!
//! Knows one queue per child, one per pool for tasks that any of its children may run, and one per
//! pool for groups. Refuses to know who is idle.

use std::collections::VecDeque;

use super::task::Pool;

/// The queues of one run.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    targets: Vec<VecDeque<u32>>,
    any: [VecDeque<u32>; 2],
    groups: [VecDeque<u32>; 2],
}

const fn slot(pool: Pool) -> usize {
    match pool {
        Pool::Next => 0,
        Pool::Sub => 1,
    }
}

impl Queues {
    pub(crate) fn resize(&mut self, ports: usize) {
        self.targets.resize_with(ports, VecDeque::new);
    }

    /// Tasks that only this child may run.
    pub(crate) fn target(&mut self, port: usize) -> &mut VecDeque<u32> {
        &mut self.targets[port]
    }

    /// Tasks that any child of the pool may run.
    pub(crate) fn any(&mut self, pool: Pool) -> &mut VecDeque<u32> {
        &mut self.any[slot(pool)]
    }

    /// Groups.
    pub(crate) fn groups(&mut self, pool: Pool) -> &mut VecDeque<u32> {
        &mut self.groups[slot(pool)]
    }

    pub(crate) fn is_empty(&self) -> bool {
        let all = self.targets.iter().chain(&self.any).chain(&self.groups);
        all.into_iter().all(VecDeque::is_empty)
    }
}

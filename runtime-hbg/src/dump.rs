//! What an orchestration says about its tensors, for the tensor dump.
//!
//! Knows descriptors per task and how they are packed. Refuses to know whether anything is dumped.

use core::ops::Range;
use std::collections::BTreeMap;

use aicore_abi::orchestration::hbg::{TensorAllocationInfo, TensorInfo};

/// Descriptors as they are given, task by task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Described {
    infos: Vec<TensorInfo>,
    /// What was given last for a task; what it replaces stays behind unused.
    of_task: BTreeMap<u32, Range<usize>>,
}

impl Described {
    pub(crate) fn describe(&mut self, task: u32, infos: &[TensorInfo]) {
        let first = self.infos.len();
        self.infos.extend_from_slice(infos);
        self.of_task.insert(task, first..self.infos.len());
    }

    /// The tables, in the order of tasks.
    pub(crate) fn pack(&self, allocations: Vec<TensorAllocationInfo>) -> DumpTables {
        let mut tables = DumpTables {
            infos: Vec::new(),
            of_task: Vec::with_capacity(self.of_task.len()),
            allocations,
        };
        for (&task, range) in &self.of_task {
            let first = tables.infos.len();
            tables.infos.extend_from_slice(&self.infos[range.clone()]);
            tables.of_task.push((task, first));
        }
        tables
    }
}

/// What the tensor dump needs to know, packed.
#[derive(Clone, Debug, Default)]
pub struct DumpTables {
    infos: Vec<TensorInfo>,
    /// The tasks that have descriptors, in order, each with its first.
    of_task: Vec<(u32, usize)>,
    allocations: Vec<TensorAllocationInfo>,
}

impl DumpTables {
    /// All descriptors, in the order of tasks.
    #[must_use]
    pub fn infos(&self) -> &[TensorInfo] {
        &self.infos
    }

    /// Where in [`infos`](Self::infos) the descriptors of a task are; nowhere in particular if it has none.
    #[must_use]
    pub fn range(&self, task: u32) -> Range<usize> {
        let first = |index: usize| {
            let entry = self.of_task.get(index);
            entry.map_or(self.infos.len(), |&(_, first)| first)
        };
        match self.of_task.binary_search_by_key(&task, |&(task, _)| task) {
            Ok(index) => first(index)..first(index + 1),
            Err(index) => first(index)..first(index),
        }
    }

    /// The blocks the orchestration allocated and has not freed, in order.
    #[must_use]
    pub fn allocations(&self) -> &[TensorAllocationInfo] {
        &self.allocations
    }
}

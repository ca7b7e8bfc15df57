//! What an orchestration says about its tensors, for the tensor dump.
//!
//! Knows descriptors per task, how they are packed, and which argument words they describe. Refuses to know whether
//! anything is dumped.
//!
//! A C orchestration does not say which words are tensors, so its are found by their values: those that lie in a block it
//! allocated. In Rust each descriptor comes with its argument, and no scalar is taken for an address.

use core::ops::Range;
use std::collections::BTreeMap;

use aicore_abi::orchestration::hbg::{TensorAllocationInfo, TensorInfo};

/// Descriptors as they are given, task by task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Described {
    infos: Vec<TensorInfo>,
    /// The argument each descriptor is of, where that was said.
    arguments: Vec<Option<u32>>,
    /// What was given last for a task; what it replaces stays behind unused.
    of_task: BTreeMap<u32, Range<usize>>,
}

impl Described {
    pub(crate) fn describe(
        &mut self,
        task: u32,
        infos: impl Iterator<Item = (Option<u32>, TensorInfo)>,
    ) {
        let first = self.infos.len();
        for (argument, info) in infos {
            self.arguments.push(argument);
            self.infos.push(info);
        }
        self.of_task.insert(task, first..self.infos.len());
    }

    /// The tables, in the order of tasks.
    pub(crate) fn pack(&self, allocations: Vec<TensorAllocationInfo>) -> DumpTables {
        let mut tables = DumpTables {
            infos: Vec::new(),
            arguments: Vec::new(),
            of_task: Vec::with_capacity(self.of_task.len()),
            allocations,
        };
        for (&task, range) in &self.of_task {
            let first = tables.infos.len();
            tables.infos.extend_from_slice(&self.infos[range.clone()]);
            tables
                .arguments
                .extend_from_slice(&self.arguments[range.clone()]);
            tables.of_task.push((task, first));
        }
        tables
    }
}

/// What the tensor dump needs to know, packed.
#[derive(Clone, Debug, Default)]
pub struct DumpTables {
    infos: Vec<TensorInfo>,
    arguments: Vec<Option<u32>>,
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

    /// Which of a task's words its descriptors describe, in their order; `None` if that cannot be told.
    ///
    /// Words that nobody named are found by their values: as many of them as there are descriptors must lie in a block of
    /// the orchestration's.
    #[must_use]
    pub fn arguments(&self, task: u32, words: &[u64]) -> Option<Vec<usize>> {
        let range = self.range(task);
        let count = range.len();
        let said: Option<Vec<usize>> = self.arguments[range]
            .iter()
            .map(|argument| argument.map(|argument| argument as usize))
            .collect();
        said.or_else(|| {
            let found = addresses(&self.allocations, words);
            (found.len() == count).then_some(found)
        })
    }

    /// The blocks the orchestration allocated and has not freed, in order.
    #[must_use]
    pub fn allocations(&self) -> &[TensorAllocationInfo] {
        &self.allocations
    }
}

/// The words whose values lie in one of some blocks.
#[must_use]
pub fn addresses(blocks: &[TensorAllocationInfo], words: &[u64]) -> Vec<usize> {
    let is_address = |&index: &usize| is_inside(blocks, words[index]);
    (0..words.len()).filter(is_address).collect()
}

/// Whether an address lies in one of some blocks.
#[must_use]
pub fn is_inside(blocks: &[TensorAllocationInfo], address: u64) -> bool {
    blocks
        .iter()
        .any(|block| address.wrapping_sub(block.base_addr) < block.size_bytes)
}

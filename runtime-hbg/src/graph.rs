//! A finished graph, packed.
//!
//! Knows its tasks as flat arrays, sized by the graph and by nothing else. Refuses to change while it runs: what a run
//! counts down is the run's own, so one graph runs any number of times, by several contexts at once.
//!
//! | array | per | bytes |
//! | --- | --- | --- |
//! | records | task | 32 |
//! | words | argument word | 8 |
//! | successors | edge | 4 |
//! | joins | task with several predecessors | 8 |
//! | ready | task without predecessors | 4 |
//! | kernels | kernel in use | 4 |
//!
//! A task with one predecessor needs no counting: who finishes the predecessor owns the task. So an edge says by its
//! top bit whether it leads to such a task, and otherwise names a *join*: the counter of a task with several
//! predecessors. Chains and fan-outs touch no counter at all.
//!
//! A task's words are exactly those it was added with. What a kernel may read beyond them (zeros, up to 16 words) exists
//! only in the payload of a core, to which the words are copied.

use bytemuck::{Pod, Zeroable};
use protocol::CoreType;

use crate::dump::DumpTables;

/// Kinds of cores.
pub(crate) const KINDS: usize = CoreType::ALL.len();

/// A task as the scheduler needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(32))]
pub struct TaskRecord {
    /// Index of its kernel.
    pub kernel: u16,
    /// How many of its words, from the first on, are addresses of tensor descriptors.
    pub tensors: u16,
    /// A [`CoreType`], checked when the graph was sealed.
    pub core_type: u32,
    /// Its first word.
    pub words: u32,
    /// How many words it has.
    pub word_count: u32,
    /// Its first successor.
    pub successors: u32,
    /// How many it has, an edge added twice counted twice.
    pub successor_count: u32,
    /// How many predecessors it has.
    pub fan_in: u32,
    /// Its join, [`NO_JOIN`] if it needs none.
    pub join: u32,
}

protocol::pin_layout!(TaskRecord, 32 bytes, align 32, {
    0 => kernel: u16,
    2 => tensors: u16,
    4 => core_type: u32,
    8 => words: u32,
    12 => word_count: u32,
    16 => successors: u32,
    20 => successor_count: u32,
    24 => fan_in: u32,
    28 => join: u32,
});

/// Says that a task has fewer than two predecessors.
pub const NO_JOIN: u32 = u32::MAX;

/// A task with several predecessors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Join {
    /// The task.
    pub task: u32,
    /// Its predecessors.
    pub fan_in: u32,
}

protocol::pin_layout!(Join, 8 bytes, align 4, {
    0 => task: u32,
    4 => fan_in: u32,
});

/// Where an edge leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Successor(u32);

/// Marks an edge to a task that waits for nothing else.
const SOLE: u32 = 1 << 31;

/// What an edge leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// This task, which waits for nothing else.
    Task(u32),
    /// The task of this join, which waits for others too.
    Join(u32),
}

impl Successor {
    /// An edge to a task that waits for nothing else.
    pub(crate) const fn sole(task: u32) -> Self {
        Self(task | SOLE)
    }

    /// An edge to a join.
    pub(crate) const fn join(join: u32) -> Self {
        Self(join)
    }

    /// Where it leads.
    #[inline]
    #[must_use]
    pub const fn target(self) -> Target {
        if self.0 & SOLE != 0 {
            Target::Task(self.0 & !SOLE)
        } else {
            Target::Join(self.0)
        }
    }
}

/// A finished graph.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub(crate) records: Vec<TaskRecord>,
    pub(crate) words: Vec<u64>,
    pub(crate) successors: Vec<Successor>,
    pub(crate) joins: Vec<Join>,
    /// Tasks without predecessors, by core type, in order.
    pub(crate) ready: [Vec<u32>; KINDS],
    /// The kernels used, each once.
    pub(crate) kernels: Vec<u32>,
}

/// A finished graph wherever its arrays lie: in a [`Graph`], or in the memory of a device to which they were sent.
#[derive(Clone, Copy, Debug)]
pub struct GraphView<'g> {
    pub(crate) records: &'g [TaskRecord],
    pub(crate) words: &'g [u64],
    pub(crate) successors: &'g [Successor],
    pub(crate) joins: &'g [Join],
    pub(crate) ready: [&'g [u32]; KINDS],
    pub(crate) kernels: &'g [u32],
    /// What its orchestration said of tensors, besides the descriptors that words are addresses of.
    pub(crate) dump: Option<&'g DumpTables>,
}

impl<'g> From<&'g Graph> for GraphView<'g> {
    fn from(graph: &'g Graph) -> Self {
        let [aic, aiv] = &graph.ready;
        Self {
            records: &graph.records,
            words: &graph.words,
            successors: &graph.successors,
            joins: &graph.joins,
            ready: [aic, aiv],
            kernels: &graph.kernels,
            dump: None,
        }
    }
}

impl<'g> GraphView<'g> {
    /// The same, with what its orchestration said of tensors.
    #[must_use]
    pub const fn with_dump(self, dump: &'g DumpTables) -> Self {
        Self {
            dump: Some(dump),
            ..self
        }
    }

    /// The arrays of the module's table, in its order, ready tasks by core type.
    pub(crate) fn sections(&self) -> [&'g [u8]; 5 + KINDS] {
        let [aic, aiv] = self.ready;
        [
            bytemuck::cast_slice(self.records),
            bytemuck::cast_slice(self.words),
            bytemuck::cast_slice(self.successors),
            bytemuck::cast_slice(self.joins),
            bytemuck::cast_slice(aic),
            bytemuck::cast_slice(aiv),
            bytemuck::cast_slice(self.kernels),
        ]
    }

    /// How many tasks there are.
    #[inline]
    #[must_use]
    pub const fn task_count(&self) -> usize {
        self.records.len()
    }

    /// The words of a task.
    #[inline]
    pub(crate) fn words_of(&self, task: u32) -> &'g [u64] {
        let record = &self.records[task as usize];
        let first = record.words as usize;
        &self.words[first..first + record.word_count as usize]
    }

    /// The edges that leave a task.
    #[inline]
    pub(crate) fn successors_of(&self, record: &TaskRecord) -> &'g [Successor] {
        let first = record.successors as usize;
        &self.successors[first..first + record.successor_count as usize]
    }
}

impl Graph {
    /// How many tasks there are.
    #[inline]
    #[must_use]
    pub const fn task_count(&self) -> usize {
        self.records.len()
    }

    /// How many edges there are.
    #[must_use]
    pub const fn edge_count(&self) -> usize {
        self.successors.len()
    }

    /// The tasks.
    #[must_use]
    pub fn records(&self) -> &[TaskRecord] {
        &self.records
    }

    /// The words of a task.
    ///
    /// # Panics
    ///
    /// If there is no such task.
    #[must_use]
    pub fn words_of(&self, task: u32) -> &[u64] {
        GraphView::from(self).words_of(task)
    }

    /// Replaces one word of a task, for a run with other arguments of the same shapes; says whether there is such a word.
    pub fn set_word(&mut self, task: u32, index: usize, word: u64) -> bool {
        let Some(record) = self.records.get(task as usize) else {
            return false;
        };
        if index >= record.word_count as usize {
            return false;
        }
        self.words[record.words as usize + index] = word;
        true
    }

    /// The edges that leave a task.
    #[must_use]
    pub fn successors_of(&self, record: &TaskRecord) -> &[Successor] {
        GraphView::from(self).successors_of(record)
    }

    /// The tasks that wait for a task, an edge added twice counted twice.
    ///
    /// # Panics
    ///
    /// If there is no such task.
    pub fn waiting_for(&self, task: u32) -> impl Iterator<Item = u32> {
        let record = &self.records[task as usize];
        self.successors_of(record)
            .iter()
            .map(|edge| match edge.target() {
                Target::Task(task) => task,
                Target::Join(join) => self.joins[join as usize].task,
            })
    }

    /// The tasks that wait for nothing and run on cores of this type, in order.
    #[must_use]
    pub fn initially_ready(&self, core: CoreType) -> &[u32] {
        &self.ready[core as usize]
    }

    /// The kernels the graph uses, each once.
    #[must_use]
    pub fn kernels(&self) -> &[u32] {
        &self.kernels
    }

    /// Bytes of all arrays together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let sections = GraphView::from(self).sections();
        sections.iter().map(|section| section.len()).sum()
    }
}

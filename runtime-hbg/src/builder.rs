//! Tasks and edges as they are added.
//!
//! Knows what was added, in order, and the first thing that was wrong with it. Refuses to know kernels and
//! device memory. Nothing is refused late: what a call cannot take is kept as the graph's error, whatever the
//! caller does with the answer, and [`seal`](GraphBuilder::seal) reports it.
//!
//! Everything lies in three flat arrays, so a task costs a few appends and no allocation of its own.

use crate::error::{Error, Result};

/// Most tasks of a graph: task numbers are C integers.
pub const MAX_TASKS: usize = i32::MAX as usize;

/// A task as it was added; nothing of it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Which kernel.
    pub func_id: i32,
    /// Which cores.
    pub core_type: i32,
    /// Its first word.
    pub words: u32,
    /// How many words it has.
    pub word_count: u32,
    /// How many of them, from the first on, are addresses of tensor descriptors.
    pub tensors: u16,
    /// Edges that lead to it.
    pub fan_in: u32,
    /// Edges that leave it.
    pub fan_out: u32,
}

/// An edge: the second task waits for the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The task that is to finish first.
    pub from: u32,
    /// The task that waits.
    pub to: u32,
}

/// A graph that is being built.
#[derive(Clone, Debug, Default)]
pub struct GraphBuilder {
    pub(crate) tasks: Vec<Draft>,
    pub(crate) words: Vec<u64>,
    pub(crate) edges: Vec<Edge>,
    /// Some edge leads to a task that is not newer: only then can there be a cycle.
    pub(crate) leads_back: bool,
    pub(crate) error: Option<Error>,
}

impl GraphBuilder {
    /// An empty graph.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a task that calls the kernel `func_id` on a core of type `core_type` with `words`: its number.
    ///
    /// Function id and core type are looked at when the graph is sealed, because kernels may be named before they are
    /// known.
    ///
    /// # Errors
    ///
    /// There are too many tasks or words; the graph keeps the error.
    #[inline]
    pub fn add_task(&mut self, func_id: i32, core_type: i32, words: &[u64]) -> Result<u32> {
        let task = self.begin_task(func_id, core_type, words.len())?;
        self.words.extend_from_slice(words);
        Ok(task)
    }

    /// Appends a task all of whose `count` words are zero: its number.
    ///
    /// # Errors
    ///
    /// As for [`add_task`](Self::add_task).
    pub fn add_task_of_zeros(&mut self, func_id: i32, core_type: i32, count: usize) -> Result<u32> {
        let task = self.begin_task(func_id, core_type, count)?;
        self.words.resize(self.words.len() + count, 0);
        Ok(task)
    }

    #[inline]
    fn begin_task(&mut self, func_id: i32, core_type: i32, count: usize) -> Result<u32> {
        let task = self.tasks.len();
        let words = self.words.len();
        let (Ok(number), Ok(first), Ok(word_count)) = (
            u32::try_from(task),
            u32::try_from(words),
            u32::try_from(count),
        ) else {
            return Err(self.too_many(task, words + count));
        };
        if task >= MAX_TASKS || first.checked_add(word_count).is_none() {
            return Err(self.too_many(task, words + count));
        }
        self.tasks.push(Draft {
            func_id,
            core_type,
            words: first,
            word_count,
            tensors: 0,
            fan_in: 0,
            fan_out: 0,
        });
        Ok(number)
    }

    #[cold]
    fn too_many(&mut self, tasks: usize, words: usize) -> Error {
        let error = if tasks >= MAX_TASKS {
            Error::TooMany {
                what: "tasks of a graph",
                wanted: tasks as u64 + 1,
                limit: MAX_TASKS as u64,
            }
        } else {
            Error::TooMany {
                what: "argument words of a graph",
                wanted: words as u64,
                limit: u64::from(u32::MAX),
            }
        };
        self.fail(error.clone());
        error
    }

    /// Lets `to` wait for `from`. An edge added twice counts twice, which comes to the same.
    ///
    /// # Errors
    ///
    /// One of them does not exist, or there are too many edges; the graph keeps the error.
    #[inline]
    pub fn add_edge(&mut self, from: u32, to: u32) -> Result<()> {
        let tasks = self.tasks.len();
        if from.max(to) as usize >= tasks || self.edges.len() >= u32::MAX as usize {
            return Err(self.bad_edge(i64::from(from), i64::from(to)));
        }
        self.tasks[from as usize].fan_out += 1;
        self.tasks[to as usize].fan_in += 1;
        self.leads_back |= from >= to;
        self.edges.push(Edge { from, to });
        Ok(())
    }

    #[cold]
    pub(crate) fn bad_edge(&mut self, from: i64, to: i64) -> Error {
        let tasks = self.tasks.len();
        let exists = |task: i64| usize::try_from(task).is_ok_and(|task| task < tasks);
        let error = if exists(from) && exists(to) {
            Error::TooMany {
                what: "edges of a graph",
                wanted: self.edges.len() as u64 + 1,
                limit: u64::from(u32::MAX),
            }
        } else {
            Error::UnknownTask { from, to, tasks }
        };
        self.fail(error.clone());
        error
    }

    #[cold]
    pub(crate) fn bad_count(&mut self, count: i64) -> Error {
        let error = Error::ArgumentCount {
            task: self.tasks.len(),
            count,
        };
        self.fail(error.clone());
        error
    }

    /// Keeps an error, if it is the first.
    pub(crate) fn fail(&mut self, error: Error) {
        log::error!("{error}");
        self.error.get_or_insert(error);
    }

    /// The first thing that was wrong.
    #[must_use]
    pub const fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Tasks so far.
    #[must_use]
    pub const fn task_count(&self) -> usize {
        self.tasks.len()
    }

    /// The tasks, in the order they were added.
    #[must_use]
    pub fn tasks(&self) -> &[Draft] {
        &self.tasks
    }

    /// The edges, in the order they were added.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Edges so far.
    #[must_use]
    pub const fn edge_count(&self) -> usize {
        self.edges.len()
    }

    /// The words of a task.
    #[must_use]
    pub fn words_of(&self, task: u32) -> Option<&[u64]> {
        let draft = self.tasks.get(task as usize)?;
        let first = draft.words as usize;
        Some(&self.words[first..first + draft.word_count as usize])
    }
}

//! One task of a run, as the engine keeps it.
//!
//! Knows states and references. Refuses to know queues and children.
//!
//! ```text
//!           producers live            last one done
//!  submit ───────────────▶ Pending ───────────────▶ Ready ──dispatched──▶ Running
//!     └── none ───────────────────────────────────────▲                     │ last member
//!     └── alloc ──▶ Completed ◀─────────────────────────────────────────────┘
//!                                        Failed ◀── a member failed, or a producer did (skipped)
//! ```
//!
//! A task that is Completed or Failed is *consumed*, and its place free, when nobody refers to it any
//! more: its own completion, each consumer and the scope it was submitted in hold one reference.

use std::sync::Arc;

use protocol::{CallConfig, ContinuousTensor};

use super::heap::Block;
use crate::team::fault::Fault;
use crate::team::task_id::TaskId;
use crate::team::tensor::Hold;

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Free,
    Pending,
    Ready,
    Running,
    Completed,
    Failed,
}

impl State {
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// Which children may run a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pool {
    /// Chips or lower workers.
    Next,
    /// Host functions.
    Sub,
}

/// Arguments for one child.
#[derive(Debug, Default)]
pub(crate) struct Member {
    /// The child it must run on.
    pub(crate) pin: Option<u32>,
    pub(crate) tensors: Vec<ContinuousTensor>,
    pub(crate) segments: Vec<u64>,
    pub(crate) scalars: Vec<u64>,
    /// What its tensors lie in.
    pub(crate) holds: Vec<Hold>,
}

impl Member {
    fn clear(&mut self) {
        self.pin = None;
        self.tensors.clear();
        self.segments.clear();
        self.scalars.clear();
        self.holds.clear();
    }
}

/// One task; its vectors keep their memory when the place is used again.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) serial: u64,
    pub(crate) run: u64,
    pub(crate) state: State,
    pub(crate) pool: Pool,
    pub(crate) callable: u64,
    pub(crate) config: Option<Arc<CallConfig>>,
    pub(crate) members: Vec<Member>,
    /// Members in use; the rest is kept for its memory.
    pub(crate) width: usize,
    pub(crate) members_left: usize,
    /// Producers that are not over yet.
    pub(crate) fanin: u32,
    pub(crate) producers: Vec<u32>,
    pub(crate) consumers: Vec<u32>,
    pub(crate) references: u32,
    pub(crate) block: Option<Block>,
    /// The first failure of a member, or of a producer.
    pub(crate) fault: Option<Arc<Fault>>,
    /// The failed task because of which this one is skipped.
    pub(crate) poisoned_by: Option<u64>,
}

impl Default for Task {
    fn default() -> Self {
        Self {
            serial: 0,
            run: 0,
            state: State::Free,
            pool: Pool::Sub,
            callable: 0,
            config: None,
            members: Vec::new(),
            width: 0,
            members_left: 0,
            fanin: 0,
            producers: Vec::new(),
            consumers: Vec::new(),
            references: 0,
            block: None,
            fault: None,
            poisoned_by: None,
        }
    }
}

impl Task {
    pub(crate) fn used(&self) -> &[Member] {
        &self.members[..self.width]
    }

    /// The next member to be filled in.
    pub(crate) fn add_member(&mut self) -> &mut Member {
        if self.width == self.members.len() {
            self.members.push(Member::default());
        }
        self.width += 1;
        &mut self.members[self.width - 1]
    }

    fn clear(&mut self) {
        for member in &mut self.members[..self.width] {
            member.clear();
        }
        self.width = 0;
        self.state = State::Free;
        self.config = None;
        self.producers.clear();
        self.consumers.clear();
        self.block = None;
        self.fault = None;
        self.poisoned_by = None;
    }
}

/// All tasks of a worker, by place.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    places: Vec<Task>,
    free: Vec<u32>,
    serial: u64,
}

impl Tasks {
    /// A free place with a new serial.
    pub(crate) fn take(&mut self) -> TaskId {
        self.serial += 1;
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Task::default());
            u32::try_from(self.places.len() - 1).expect("four billion tasks do not fit memory")
        });
        self.places[index as usize].serial = self.serial;
        TaskId {
            index,
            serial: self.serial,
        }
    }

    /// The serial that [`take`](Self::take) gives next.
    pub(crate) const fn next_serial(&self) -> u64 {
        self.serial + 1
    }

    /// Frees a place.
    pub(crate) fn give_back(&mut self, index: u32) {
        self.places[index as usize].clear();
        self.free.push(index);
    }

    /// The task called `id`, if it has not been consumed.
    pub(crate) fn live(&self, id: TaskId) -> Option<&Task> {
        let task = self.places.get(id.index as usize)?;
        (task.serial == id.serial && task.state != State::Free).then_some(task)
    }

    /// How many are in use.
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

impl core::ops::Index<u32> for Tasks {
    type Output = Task;

    fn index(&self, index: u32) -> &Task {
        &self.places[index as usize]
    }
}

impl core::ops::IndexMut<u32> for Tasks {
    fn index_mut(&mut self, index: u32) -> &mut Task {
        &mut self.places[index as usize]
    }
}

//! The graph of one run, while it is built.
//!
//! Knows scopes, intermediates and how to begin a task. Refuses to know when a task runs.

mod admit;
mod check;
mod submission;

use core::fmt::Debug;
use core::ops::{Deref, DerefMut};
use std::sync::Arc;

use aicore_abi::call::Element;
use protocol::{CallConfig, ContinuousTensor, TensorArgType};

use super::engine::flow::MAX_SCOPES;
use super::engine::heap::{self, Block};
use super::engine::keys::{Space, Span};
use super::engine::task::Pool;
use super::fault::TaskFailure;
use super::handle::{Callable, FunctionHandle, Handle, NextLevel, ProgramHandle};
use super::shared::{Locked, Shared};
use super::task_id::TaskId;
use super::tensor::{Args, Buffer, OwnerId, Place, Tensor};
use crate::error::{Error, Result};
pub use submission::Submission;

/// What a graph function may ask the worker that its tasks are for.
pub(crate) trait OfWorker: Debug {
    /// A new buffer.
    fn buffer(&self, bytes: usize) -> Result<Buffer>;

    /// What is registered under `name` as a `kind` of callable.
    fn named(&self, name: &str, kind: &'static str) -> Result<Callable>;
}

/// A task that was submitted.
#[derive(Clone, Debug)]
pub struct TaskRef {
    pub(crate) id: TaskId,
    owner: OwnerId,
    outputs: Vec<Tensor>,
}

impl TaskRef {
    /// Serial of the task, as failures name it.
    #[must_use]
    pub const fn serial(&self) -> u64 {
        self.id.serial
    }

    /// The tensors that the runtime allocated for the task's unplaced outputs, in order.
    #[must_use]
    pub fn outputs(&self) -> &[Tensor] {
        &self.outputs
    }
}

/// The graph of one run, while it is built: submits tasks, opens scopes, allocates intermediates.
#[derive(Debug)]
pub struct Graph<'run> {
    pub(crate) worker: &'run dyn OfWorker,
    pub(crate) shared: &'run Arc<Shared>,
    pub(crate) run: u64,
    spans: Vec<(TensorArgType, Span)>,
}

/// A scope: tasks submitted in it lose their hold on memory when it is dropped.
#[derive(Debug)]
pub struct Scope<'graph, 'run>(&'graph mut Graph<'run>);

impl<'run> Deref for Scope<'_, 'run> {
    type Target = Graph<'run>;

    fn deref(&self) -> &Graph<'run> {
        self.0
    }
}

impl<'run> DerefMut for Scope<'_, 'run> {
    fn deref_mut(&mut self) -> &mut Graph<'run> {
        self.0
    }
}

impl Drop for Scope<'_, '_> {
    fn drop(&mut self) {
        self.0.shared.lock().close_scope(self.0.run);
    }
}

impl<'run> Graph<'run> {
    pub(crate) const fn new(
        worker: &'run dyn OfWorker,
        shared: &'run Arc<Shared>,
        run: u64,
    ) -> Self {
        Self {
            worker,
            shared,
            run,
            spans: Vec::new(),
        }
    }

    /// A task for a chip (a program) or a lower worker (a graph function).
    pub fn next_level<'g>(&'g mut self, callable: &impl NextLevel) -> Submission<'g, 'run> {
        let callable = callable.callable().clone();
        Submission::new(self, callable, Pool::Next)
    }

    /// A task for a sub worker.
    pub fn sub<'g>(&'g mut self, function: &FunctionHandle) -> Submission<'g, 'run> {
        let callable = function.get().clone();
        Submission::new(self, callable, Pool::Sub)
    }

    /// Submits one task for any chip or lower worker.
    ///
    /// # Errors
    /// As [`Submission::submit`].
    pub fn submit_next_level(
        &mut self,
        callable: &impl NextLevel,
        args: Args,
        config: &CallConfig,
    ) -> Result<TaskRef> {
        self.next_level(callable).args(args).config(config).submit()
    }

    /// Submits one task for any sub worker.
    ///
    /// # Errors
    /// As [`Submission::submit`].
    pub fn submit_sub(&mut self, function: &FunctionHandle, args: Args) -> Result<TaskRef> {
        self.sub(function).args(args).submit()
    }

    /// Opens a scope inside the innermost one.
    ///
    /// # Errors
    /// There are too many already.
    pub fn scope(&mut self) -> Result<Scope<'_, 'run>> {
        if !self.shared.lock().open_scope(self.run) {
            return Err(Error::refused(
                "another scope",
                format!("{MAX_SCOPES} are open, which is the limit: close one"),
            ));
        }
        Ok(Scope(self))
    }

    /// A zero-cost intermediate: memory in the ring of the innermost scope, until that scope is
    /// closed and its consumers are done.
    ///
    /// # Errors
    /// The shape is no shape, or the ring has no room and gets none.
    pub fn alloc<T: Element>(&mut self, shape: &[u32]) -> Result<Tensor> {
        let mut record = ContinuousTensor::new(0, shape, T::DATA_TYPE)?;
        let bytes = record.byte_size()?;
        let (mut core, block) = self.reserve(bytes)?;
        let id = core.tasks.take();
        let task = &mut core.tasks[id.index];
        task.run = self.run;
        task.block = block;
        let hold = self.shared.rings[block.map_or(0, |block| block.ring)].clone();
        record.data = block.map_or(0, |block| block.offset);
        let span = block.map(|block| Span {
            space: Space::Segment(hold.segment().id().0),
            start: block.offset,
            end: block.offset + bytes,
        });
        core.link_memory(id, span);
        Ok(Tensor {
            place: Place::Ring {
                hold,
                owner: self.shared.owner.clone(),
                task: id,
            },
            record,
        })
    }

    /// A new buffer that outlives the run.
    ///
    /// # Errors
    /// The system has no memory left.
    pub fn buffer(&mut self, bytes: usize) -> Result<Buffer> {
        self.worker.buffer(bytes)
    }

    /// The failures of this run so far.
    #[must_use]
    pub fn failures(&self) -> Vec<TaskFailure> {
        let core = self.shared.lock();
        core.run(self.run)
            .map_or_else(Vec::new, |run| run.failures.clone())
    }

    /// The function registered under `name` with the worker of this graph.
    ///
    /// # Errors
    /// There is none.
    pub fn function(&self, name: &str) -> Result<FunctionHandle> {
        self.worker.named(name, "host function").map(FunctionHandle)
    }

    /// The chip program registered under `name` with the worker of this graph.
    ///
    /// # Errors
    /// There is none.
    pub fn program(&self, name: &str) -> Result<ProgramHandle> {
        self.worker.named(name, "chip program").map(ProgramHandle)
    }

    /// The lock, with room for `bytes` in the ring of the innermost scope taken; waits while tasks
    /// at work may still give some back.
    fn reserve(&self, bytes: u64) -> Result<(Locked<'run>, Option<Block>)> {
        let mut core = self.shared.lock();
        if bytes == 0 {
            return Ok((core, None));
        }
        let ring = heap::ring_of(core.depth(self.run));
        let size = core.rings[ring].size();
        let rounded = heap::rounded(bytes)
            .filter(|&rounded| rounded <= size)
            .ok_or_else(|| {
                Error::refused(
                    format!("{bytes} bytes of heap ring {ring}"),
                    format!("the ring has {size} bytes: raise `heap_ring_bytes`"),
                )
            })?;
        let owner = core.tasks.next_serial();
        if let Some(block) = core.rings[ring].allocate(ring, rounded, owner) {
            return Ok((core, Some(block)));
        }
        drop(core);
        let limit = self.shared.limits.heap;
        let mut taken = None;
        let waited = self.shared.wait_for(
            None,
            limit,
            |core| {
                let owner = core.tasks.next_serial();
                taken = core.rings[ring].allocate(ring, rounded, owner);
                taken.map(drop)
            },
            |core| {
                let report = core.rings[ring].report(ring);
                Some(Error::HeapFull {
                    wanted: rounded,
                    waited: limit,
                    report,
                })
            },
        );
        waited?;
        core = self.shared.lock();
        Ok((core, taken))
    }
}

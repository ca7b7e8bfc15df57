//! From a task's submission to its consumption.
//!
//! Knows tags, references and poison. Refuses to know children: what is ready goes to the queues.

use std::sync::Arc;

use protocol::TensorArgType;

use super::Core;
use super::keys::Span;
use super::task::State;
use crate::team::fault::{Fault, FaultKind, TaskFailure};
use crate::team::task_id::TaskId;

/// The most scopes that can be open at once.
pub(crate) const MAX_SCOPES: usize = 64;

impl Core {
    pub(crate) fn open_scope(&mut self, run: u64) -> bool {
        let Some(run) = self.run_mut(run) else {
            return false;
        };
        if run.scopes.len() >= MAX_SCOPES {
            return false;
        }
        run.scopes.push(Vec::new());
        true
    }

    /// Closes the innermost scope of a run: its tasks lose one reference, the oldest first.
    pub(crate) fn close_scope(&mut self, run: u64) {
        let Some(scope) = self.run_mut(run).and_then(|it| it.scopes.pop()) else {
            return;
        };
        for index in scope {
            self.drop_reference(index);
        }
        self.settle();
    }

    /// Depth of the innermost scope of a run, 0 for the outermost.
    pub(crate) fn depth(&self, run: u64) -> usize {
        self.run(run)
            .map_or(0, |it| it.scopes.len().saturating_sub(1))
    }

    /// Gives a task that was filled in its place in the graph: looks up and publishes its spans by
    /// their tags, waits for `after` too, and queues it if nothing is in its way. What `owners` own lasts
    /// until it is over, whoever wrote there last; that alone makes it wait for nobody.
    pub(crate) fn link(
        &mut self,
        id: TaskId,
        spans: &[(TensorArgType, Span)],
        after: &[TaskId],
        owners: &[TaskId],
    ) {
        let index = id.index;
        let mut producers = self.producers(id, spans, after);
        let references = 1 + self.enter_scope(index);
        let mut fanin = 0;
        let mut poison = None;
        for &producer in &producers {
            let producer = &mut self.tasks[producer];
            producer.references += 1;
            match producer.state {
                State::Completed => {}
                State::Failed => {
                    let root = producer.poisoned_by.unwrap_or(producer.serial);
                    poison = poison.or_else(|| Some((root, producer.fault.clone())));
                }
                _ => {
                    producer.consumers.push(index);
                    fanin += 1;
                }
            }
        }
        for owner in owners {
            if *owner != id && !producers.contains(&owner.index) {
                self.tasks[owner.index].references += 1;
                producers.push(owner.index);
            }
        }
        let task = &mut self.tasks[index];
        task.producers = producers;
        task.references = references;
        task.fanin = fanin;
        task.state = State::Pending;
        if let Some((root, fault)) = poison {
            task.poisoned_by = Some(root);
            task.fault = fault;
        }
        if fanin == 0 {
            self.unblock(index);
        }
        self.settle();
    }

    /// The tasks that a new one waits for: who wrote last where it looks, and those of `after`. What it writes is its
    /// own from then on.
    fn producers(
        &mut self,
        id: TaskId,
        spans: &[(TensorArgType, Span)],
        after: &[TaskId],
    ) -> Vec<u32> {
        let task = &mut self.tasks[id.index];
        let run_id = task.run;
        let mut producers = core::mem::take(&mut task.producers);
        debug_assert!(producers.is_empty(), "a new task has none");
        let run = self
            .runs
            .iter_mut()
            .find(|run| run.id == run_id)
            .expect("a run lasts until its tasks are consumed");
        let tasks = &self.tasks;
        let mut add = |writer: TaskId| {
            // A consumed writer is nobody's producer, and members of a group are one task.
            if writer != id && tasks.live(writer).is_some() && !producers.contains(&writer.index) {
                producers.push(writer.index);
            }
        };
        for (tag, span) in spans {
            let (looks, publishes) = match tag {
                TensorArgType::Input => (true, false),
                TensorArgType::Inout => (true, true),
                TensorArgType::Output | TensorArgType::OutputExisting => (false, true),
                TensorArgType::NoDep => (false, false),
            };
            if looks {
                run.keys.writers(*span, &mut add);
            }
            if publishes {
                run.keys.publish(*span, id);
            }
        }
        after.iter().copied().for_each(add);
        if run.keys.len() > 1024 + 4 * tasks.len() {
            run.keys.prune(|writer| tasks.live(writer).is_some());
        }
        producers
    }

    /// Counts a new task of its run; how many scopes hold it.
    fn enter_scope(&mut self, index: u32) -> u32 {
        let run_id = self.tasks[index].run;
        let run = self
            .run_mut(run_id)
            .expect("a run lasts until its tasks are consumed");
        run.outstanding += 1;
        run.scopes.last_mut().map_or(0, |scope| {
            scope.push(index);
            1
        })
    }

    /// A task that is born completed: memory, and nothing to do.
    pub(crate) fn link_memory(&mut self, id: TaskId, span: Option<Span>) {
        let run_id = self.tasks[id.index].run;
        let run = self.run_mut(run_id).expect("the graph is being built");
        if let Some(span) = span {
            run.keys.publish(span, id);
        }
        run.outstanding += 1;
        let scope = run
            .scopes
            .last_mut()
            .expect("the outermost is open while the graph is built");
        scope.push(id.index);
        let task = &mut self.tasks[id.index];
        task.state = State::Completed;
        task.references = 1;
    }

    /// Nothing is in the way of a task any more: it is ready, or skipped.
    fn unblock(&mut self, index: u32) {
        if self.tasks[index].poisoned_by.is_some() {
            self.finished.push(index);
        } else {
            self.tasks[index].state = State::Ready;
            self.enqueue(index);
        }
    }

    /// One member of a task is over.
    pub(crate) fn member_over(&mut self, index: u32, fault: Option<Fault>) {
        let task = &mut self.tasks[index];
        if let Some(fault) = fault {
            task.fault.get_or_insert_with(|| Arc::new(fault));
        }
        task.members_left -= 1;
        if task.members_left == 0 {
            self.finished.push(index);
        }
    }

    /// A task ends without having run.
    pub(crate) fn fail_unstarted(&mut self, index: u32, fault: Fault) {
        self.tasks[index]
            .fault
            .get_or_insert_with(|| Arc::new(fault));
        self.finished.push(index);
    }

    /// Tells consumers and producers of everything that is over, and feeds children, until nothing
    /// is left to tell.
    pub(crate) fn settle(&mut self) {
        loop {
            if let Some(index) = self.finished.pop() {
                self.finish(index);
            } else if let Some(port) = self.hungry.pop() {
                self.feed(port as usize);
            } else {
                return;
            }
        }
    }

    fn finish(&mut self, index: u32) {
        self.step += 1;
        let task = &mut self.tasks[index];
        task.state = match task.fault {
            Some(_) => State::Failed,
            None => State::Completed,
        };
        let consumers = core::mem::take(&mut task.consumers);
        let producers = core::mem::take(&mut task.producers);
        if let Some(fault) = task.fault.clone() {
            self.note_failure(index, &fault);
            let root = self.tasks[index]
                .poisoned_by
                .unwrap_or(self.tasks[index].serial);
            for &consumer in &consumers {
                let consumer = &mut self.tasks[consumer];
                if consumer.poisoned_by.is_none() {
                    consumer.poisoned_by = Some(root);
                    consumer.fault = Some(Arc::clone(&fault));
                }
            }
        }
        for &consumer in &consumers {
            self.tasks[consumer].fanin -= 1;
            if self.tasks[consumer].fanin == 0 {
                self.unblock(consumer);
            }
        }
        for &producer in &producers {
            self.drop_reference(producer);
        }
        let task = &mut self.tasks[index];
        task.consumers = consumers;
        task.consumers.clear();
        task.producers = producers;
        task.producers.clear();
        self.drop_reference(index);
    }

    fn note_failure(&mut self, index: u32, fault: &Fault) {
        let task = &self.tasks[index];
        let fault = match task.poisoned_by {
            None => fault.clone(),
            Some(root) => Fault::new(
                FaultKind::Skipped,
                format!("skipped because task {root} failed: {fault}"),
            ),
        };
        let (serial, run) = (task.serial, task.run);
        if let Some(run) = self.run_mut(run) {
            run.failures.push(TaskFailure {
                task: serial,
                fault,
            });
        }
    }

    fn drop_reference(&mut self, index: u32) {
        let task = &mut self.tasks[index];
        task.references -= 1;
        if task.references != 0 {
            return;
        }
        debug_assert!(task.state.is_over(), "the last reference is a task's own");
        let run = task.run;
        if let Some(block) = task.block {
            self.rings[block.ring].release(block);
            self.step += 1;
        }
        self.tasks.give_back(index);
        if let Some(run) = self.run_mut(run) {
            run.outstanding -= 1;
            if run.outstanding == 0 && !run.building {
                self.retire_runs();
            }
        }
    }
}

//! A task in the making, and its way into the graph.
//!
//! Knows how arguments become records, spans and holds. Refuses to know what is wrong with them: that was checked
//! before anything happens here.

use std::sync::Arc;

use protocol::{CallConfig, TensorArgType};

use super::admit::admit;
use super::{Graph, TaskRef};
use crate::error::Result;
use crate::team::engine::Core;
use crate::team::engine::heap::{self, Block};
use crate::team::engine::keys::{Space, Span};
use crate::team::engine::task::{Member, Pool};
use crate::team::handle::Callable;
use crate::team::segment::SegmentId;
use crate::team::shared::Shared;
use crate::team::task_id::TaskId;
use crate::team::tensor::{Args, Place, Tensor};

/// A task in the making.
#[derive(Debug)]
#[must_use = "nothing happens before `submit`"]
pub struct Submission<'g, 'run> {
    pub(super) graph: &'g mut Graph<'run>,
    pub(super) callable: Callable,
    pub(super) pool: Pool,
    pub(super) members: Vec<Args>,
    pub(super) is_group: bool,
    pub(super) pins: Vec<u32>,
    pub(super) config: Option<Arc<CallConfig>>,
    pub(super) after: Vec<TaskRef>,
}

impl<'g, 'run> Submission<'g, 'run> {
    pub(super) fn new(graph: &'g mut Graph<'run>, callable: Callable, pool: Pool) -> Self {
        Self {
            graph,
            callable,
            pool,
            members: Vec::new(),
            is_group: false,
            pins: Vec::new(),
            config: None,
            after: Vec::new(),
        }
    }

    /// The arguments; none if this is not called.
    pub fn args(mut self, args: Args) -> Self {
        self.members = vec![args];
        self
    }

    /// One task on several children at the same time, each with arguments of its own.
    pub fn group(mut self, members: impl IntoIterator<Item = Args>) -> Self {
        self.members = members.into_iter().collect();
        self.is_group = true;
        self
    }

    /// The child that runs it.
    pub fn on(self, child: usize) -> Self {
        self.on_each([child])
    }

    /// The children that run a group, one for each member.
    pub fn on_each(mut self, children: impl IntoIterator<Item = usize>) -> Self {
        let wire = |child| u32::try_from(child).unwrap_or(u32::MAX);
        self.pins = children.into_iter().map(wire).collect();
        self
    }

    /// How a chip runs it.
    pub fn config(mut self, config: &CallConfig) -> Self {
        self.config = Some(Arc::new(*config));
        self
    }

    /// It also waits for this task: for what tags do not say, such as a reader before a writer.
    pub fn after(mut self, task: &TaskRef) -> Self {
        self.after.push(task.clone());
        self
    }

    /// Submits the task.
    ///
    /// # Errors
    /// Anything that is wrong with it, before anything happens; that a task of this run has failed
    /// already; or that there is no memory for its outputs.
    pub fn submit(mut self) -> Result<TaskRef> {
        let checked = self.check()?;
        let Self {
            graph,
            callable,
            pool,
            members,
            config,
            after,
            ..
        } = self;
        let shared = graph.shared;
        let mut spans = core::mem::take(&mut graph.spans);
        spans.clear();
        let (mut core, block) = graph.reserve(checked.heap_bytes)?;
        // Children that died or became idle since are known before the task is placed.
        shared.nudge(&mut core);
        let refused = admit(&core, shared, graph.run, &members, &checked, pool);
        if let Err(error) = refused {
            if let Some(block) = block {
                core.rings[block.ring].release(block);
            }
            return Err(error);
        }
        let id = core.tasks.take();
        let base = pool_start(&core, pool);
        let mut filling = Filling {
            shared,
            id,
            block,
            next: block.map_or(0, |block| block.offset),
            spans: &mut spans,
            outputs: Vec::new(),
            owners: Vec::new(),
        };
        let task = &mut core.tasks[id.index];
        task.run = graph.run;
        task.pool = pool;
        task.callable = callable.serial();
        task.config = Some(config.unwrap_or_else(|| Arc::clone(&shared.default_config)));
        task.block = block;
        for (args, pin) in members.into_iter().zip(&checked.pins) {
            let member = task.add_member();
            member.pin = pin.map(|pin| pin + base);
            for (tag, tensor) in args.tensors {
                filling.add(member, tag, tensor);
            }
            member.scalars.extend(args.scalars);
        }
        let Filling {
            outputs, owners, ..
        } = filling;
        let after: Vec<TaskId> = after.iter().map(|task| task.id).collect();
        core.link(id, &spans, &after, &owners);
        drop(core);
        graph.spans = spans;
        Ok(TaskRef {
            id,
            owner: shared.owner.clone(),
            outputs,
        })
    }
}

/// Where the arguments of one task go while it is filled in.
struct Filling<'a> {
    shared: &'a Shared,
    id: TaskId,
    block: Option<Block>,
    /// Where in the block the next unplaced output goes.
    next: u64,
    spans: &'a mut Vec<(TensorArgType, Span)>,
    outputs: Vec<Tensor>,
    /// Tasks that own the memory of intermediates.
    owners: Vec<TaskId>,
}

impl Filling<'_> {
    fn add(&mut self, member: &mut Member, tag: TensorArgType, tensor: Tensor) {
        let bytes = tensor.bytes();
        let Tensor { place, record } = match tensor.place {
            Place::Nowhere if bytes != 0 => self.place(tensor, bytes),
            _ => tensor,
        };
        if let Place::Ring { task, .. } = &place {
            self.owners.push(*task);
        }
        let (space, segment) = match place {
            Place::Host(hold) | Place::Ring { hold, .. } => {
                let segment = hold.segment().id().0;
                member.holds.push(hold);
                (Space::Segment(segment), segment)
            }
            Place::Device { port, .. } => (Space::Device(port), SegmentId::NONE),
            Place::Nowhere => (Space::Segment(SegmentId::NONE), SegmentId::NONE),
        };
        if bytes != 0 {
            let span = Span {
                space,
                start: record.data,
                end: record.data + bytes,
            };
            self.spans.push((tag, span));
        }
        member.tensors.push(record);
        member.segments.push(segment);
    }

    /// An output that the runtime allocates: the next part of the task's block.
    fn place(&mut self, unplaced: Tensor, bytes: u64) -> Tensor {
        let mut record = unplaced.record;
        record.data = self.next;
        self.next += heap::rounded(bytes).expect("it fits the ring");
        let ring = self.block.map_or(0, |block| block.ring);
        let placed = Tensor {
            place: Place::Ring {
                hold: self.shared.rings[ring].clone(),
                owner: self.shared.owner.clone(),
                task: self.id,
            },
            record,
        };
        self.outputs.push(placed.clone());
        placed
    }
}

fn pool_start(core: &Core, pool: Pool) -> u32 {
    u32::try_from(core.pool(pool).start).expect("children are few")
}

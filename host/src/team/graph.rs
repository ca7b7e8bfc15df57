//! The graph of one run, while it is built.
//!
//! Knows what a submit checks before anything happens. Refuses to know when a task runs.

use core::ops::{Deref, DerefMut};
use std::sync::Arc;

use aicore_abi::call::Element;
use protocol::limits::{CHIP_MAX_SCALAR_ARGS, CHIP_MAX_TENSOR_ARGS};
use protocol::{CallConfig, ContinuousTensor, TensorArgType};

use super::engine::Core;
use super::engine::flow::MAX_SCOPES;
use super::engine::heap::{self, Block};
use super::engine::keys::{Space, Span};
use super::engine::task::{Pool, TaskId};
use super::handle::{Callable, FunctionHandle, Handle, NextLevel};
use super::segment::SegmentId;
use super::shared::{Locked, Shared};
use super::tensor::{Args, Buffer, OwnerId, Place, Tensor};
use super::worker::Services;
use crate::error::{Error, Result};

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
    pub(crate) services: &'run Services,
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
    pub(crate) const fn new(services: &'run Services, shared: &'run Arc<Shared>, run: u64) -> Self {
        Self {
            services,
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
        self.services.buffer(bytes)
    }

    /// The failures of this run so far.
    #[must_use]
    pub fn failures(&self) -> Vec<super::TaskFailure> {
        let core = self.shared.lock();
        core.run(self.run)
            .map_or_else(Vec::new, |run| run.failures.clone())
    }

    /// The function registered under `name` with the worker of this graph.
    ///
    /// # Errors
    /// There is none.
    pub fn function(&self, name: &str) -> Result<FunctionHandle> {
        self.services
            .named(name, "host function")
            .map(FunctionHandle)
    }

    /// The chip program registered under `name` with the worker of this graph.
    ///
    /// # Errors
    /// There is none.
    pub fn program(&self, name: &str) -> Result<super::ProgramHandle> {
        self.services
            .named(name, "chip program")
            .map(super::ProgramHandle)
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

/// A task in the making.
#[derive(Debug)]
#[must_use = "nothing happens before `submit`"]
pub struct Submission<'g, 'run> {
    graph: &'g mut Graph<'run>,
    callable: Callable,
    pool: Pool,
    members: Vec<Args>,
    is_group: bool,
    pins: Vec<u32>,
    config: Option<Arc<CallConfig>>,
    after: Vec<TaskRef>,
}

impl<'g, 'run> Submission<'g, 'run> {
    fn new(graph: &'g mut Graph<'run>, callable: Callable, pool: Pool) -> Self {
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
        let refused = check_run(&core, shared, graph.run, &members, &checked, pool);
        if let Err(error) = refused {
            if let Some(block) = block {
                core.rings[block.ring].release(block);
            }
            return Err(error);
        }
        let id = core.tasks.take();
        let mut outputs = Vec::new();
        let mut owners = Vec::new();
        let mut offset = block.map_or(0, |block| block.offset);
        let base = pool_start(&core, pool);
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
                let mut record = tensor.record;
                let bytes = tensor.bytes();
                let mut place = tensor.place;
                if matches!(place, Place::Nowhere) && bytes != 0 {
                    record.data = offset;
                    offset += heap::rounded(bytes).expect("it fits the ring");
                    let ring = block.map_or(0, |block| block.ring);
                    place = Place::Ring {
                        hold: shared.rings[ring].clone(),
                        owner: shared.owner.clone(),
                        task: id,
                    };
                    outputs.push(Tensor {
                        place: place.clone(),
                        record,
                    });
                }
                if let Place::Ring { task, .. } = &place {
                    owners.push(*task);
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
                    spans.push((tag, span));
                }
                member.tensors.push(record);
                member.segments.push(segment);
            }
            member.scalars.extend(args.scalars);
        }
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

    /// Everything that can be checked without the engine.
    fn check(&mut self) -> Result<Checked> {
        let shared = self.graph.shared;
        self.callable.check(&shared.owner)?;
        if self.members.is_empty() {
            if self.is_group {
                return Err(Error::refused(
                    "a group of no members",
                    "give it at least one",
                ));
            }
            self.members.push(Args::new());
        }
        if let Some(config) = &self.config {
            config.validate()?;
        }
        if !self.pins.is_empty() && self.pins.len() != self.members.len() {
            return Err(Error::refused(
                format!(
                    "{} children for {} members",
                    self.pins.len(),
                    self.members.len()
                ),
                "name one child for each member, or none",
            ));
        }
        for task in &self.after {
            if task.owner != shared.owner {
                return Err(Error::refused(
                    "waiting for a task of another worker",
                    "order the runs instead",
                ));
            }
        }
        let mut heap_bytes = 0_u64;
        let mut pins = Vec::with_capacity(self.members.len());
        for (number, args) in self.members.iter().enumerate() {
            let mut pin = self.pins.get(number).copied();
            check_counts(args)?;
            for (argument, (tag, tensor)) in args.tensors.iter().enumerate() {
                match &tensor.place {
                    Place::Nowhere if *tag == TensorArgType::Output => {
                        heap_bytes = heap::rounded(tensor.bytes())
                            .and_then(|bytes| heap_bytes.checked_add(bytes))
                            .unwrap_or(u64::MAX);
                    }
                    Place::Nowhere if tensor.bytes() != 0 => {
                        return Err(Error::refused(
                            format!("argument {argument} without memory"),
                            format!(
                                "only an OUTPUT is allocated by the runtime, this is {tag:?}: give it a buffer"
                            ),
                        ));
                    }
                    Place::Device { port, owner, .. } => {
                        if *owner != shared.owner {
                            return Err(Error::refused(
                                format!("argument {argument}"),
                                "it lies in the device memory of another worker",
                            ));
                        }
                        if self.pool != Pool::Next || pin.is_some_and(|pin| pin != *port) {
                            return Err(Error::refused(
                                format!("argument {argument} in the device memory of child {port}"),
                                "the task goes to another child: submit it `.on` that one",
                            ));
                        }
                        pin = Some(*port);
                    }
                    Place::Ring { owner, .. } if *owner != shared.owner => {
                        return Err(Error::refused(
                            format!("argument {argument}"),
                            "it is an intermediate of another worker: copy it to a buffer",
                        ));
                    }
                    _ => {}
                }
            }
            pins.push(pin);
        }
        Ok(Checked { heap_bytes, pins })
    }
}

/// What a check found out.
#[derive(Debug)]
struct Checked {
    heap_bytes: u64,
    pins: Vec<Option<u32>>,
}

fn check_counts(args: &Args) -> Result<()> {
    if args.tensor_after_scalar {
        return Err(protocol::Malformed::TensorAfterScalar {
            scalars: args.scalars.len() as u64,
        }
        .into());
    }
    let counts = [
        ("tensors", args.tensors.len(), CHIP_MAX_TENSOR_ARGS),
        ("scalars", args.scalars.len(), CHIP_MAX_SCALAR_ARGS),
    ];
    for (field, count, limit) in counts {
        if count > limit {
            return Err(protocol::Malformed::TooMany {
                field,
                value: count as u64,
                limit: limit as u64,
            }
            .into());
        }
    }
    Ok(())
}

fn pool_start(core: &Core, pool: Pool) -> u32 {
    u32::try_from(core.pool(pool).start).expect("children are few")
}

/// Everything that the engine must be asked about.
fn check_run(
    core: &Core,
    shared: &Shared,
    run: u64,
    members: &[Args],
    checked: &Checked,
    pool: Pool,
) -> Result<()> {
    let ports = core.pool(pool);
    let kind = match pool {
        Pool::Next => "chips or lower workers",
        Pool::Sub => "sub workers",
    };
    if shared.fail_fast
        && let Some(first) = core.run(run).and_then(|run| run.failures.first())
    {
        return Err(first.fault.clone().into());
    }
    if members.len() > ports.len() {
        return Err(Error::refused(
            format!("a task for {} {kind} at once", members.len()),
            format!("the worker has {}", ports.len()),
        ));
    }
    let mut seen = 0_u128;
    for pin in checked.pins.iter().flatten() {
        let Some(port) = ports.clone().nth(*pin as usize) else {
            return Err(Error::refused(
                format!("child {pin}"),
                format!("the worker has {} {kind}, numbered from 0", ports.len()),
            ));
        };
        if let Some(fault) = &core.ports[port].dead {
            return Err(fault.clone().into());
        }
        let bit = 1_u128 << (pin % 128);
        if members.len() > 1 && seen & bit != 0 {
            return Err(Error::refused(
                format!("child {pin} for two members of one group"),
                "members run at the same time: name different children",
            ));
        }
        seen |= bit;
    }
    if ports.clone().all(|port| core.ports[port].dead.is_some()) {
        let fault = ports.clone().find_map(|port| core.ports[port].dead.clone());
        return Err(fault.expect("all of them are dead and there is one").into());
    }
    for (_, tensor) in members.iter().flat_map(|args| &args.tensors) {
        match &tensor.place {
            Place::Ring { task, .. } if core.tasks.live(*task).is_none() => {
                return Err(Error::refused(
                    "an intermediate whose scope is closed",
                    "its memory may be another's by now: allocate it in an outer scope",
                ));
            }
            Place::Device {
                port, generation, ..
            } if core.ports[*port as usize].generation != *generation => {
                return Err(Error::refused(
                    format!("device memory of {}", core.ports[*port as usize].label),
                    "it was lost when the child was restarted: allocate and fill it again",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

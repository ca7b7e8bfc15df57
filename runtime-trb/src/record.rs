//! The record of one task, line by line.
//!
//! Knows what lies where and who writes which line. Refuses to know when a record is made, run or retired.
//!
//! A record is one span of memory, as long as its task needs; its first four cache lines have one kind of writer each:
//!
//! | line | written by | read by |
//! | --- | --- | --- |
//! | [`Ledger`] | the orchestrator, any time | the orchestrator |
//! | [`Descriptor`] | the orchestrator, before the task is published | roles |
//! | [`FanIn`] | completers of producers count down; whoever holds the task moves `next_block` | the same |
//! | [`FanOut`] | the orchestrator pushes consumers; completers close, count subtasks, give back | the same |
//! | tensors, scalars, edges | the orchestrator, before the task is published | roles, cores, user code |
//!
//! *Published* means: an edge of the task is in a producer's list, or the task is in a ready queue. Both are
//! release operations, so whoever finds the task there sees its lines. A record is read until `given_back` reaches
//! `taken`; the retirement scan observes that (acquire), and only then is the memory used again.
//!
//! An edge lies in the record of its consumer and is linked into the list of its producer: the producer's list is
//! walked before its consumer may run, hence before the consumer's record can go away.

use core::ptr::NonNull;

use aicore_abi::orchestration::trb::{ActiveMask, Shape};
use aicore_abi::tensor::Tensor;
use protocol::TaskId;
use protocol::limits::trb::SUBTASK_SLOTS;
use sync::{Arena, Chain, ClosableList, Countdown, Link, Links, Pushed, Slab, Word32, Zeroable};

use crate::error::Result;

/// Unit of record memory: one cache line.
pub(crate) const GRANULE: usize = 64;

/// Edges per granule.
const EDGES: usize = GRANULE / size_of::<Edge>();

/// Names the record of a task that has not retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct TaskRef(u32);

// SAFETY: any word, so also zero.
unsafe impl Zeroable for TaskRef {}

impl TaskRef {
    /// Names no record.
    pub(crate) const NONE: Self = Self(u32::MAX);

    /// The name as a number.
    pub(crate) const fn raw(self) -> u32 {
        self.0
    }

    /// The name with this number.
    pub(crate) const fn from_raw(raw: u32) -> Self {
        Self(raw)
    }

    /// The record at this granule of the record memory.
    pub(crate) fn at(granule: u64) -> Self {
        Self(u32::try_from(granule).expect("limits keep record memory below 2^32 granules"))
    }
}

/// What only the orchestrator looks at.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Ledger {
    /// References given out: one for the task's own completion and one per consumer.
    pub(crate) taken: u32,
    /// The submission that last looked at this task, so that it counts as producer once.
    pub(crate) mark: u32,
    /// Scope depth it was submitted at.
    pub(crate) depth: u8,
    /// Length of the record.
    pub(crate) granules: u32,
    /// Its outputs in the heap of its ring.
    pub(crate) heap_start: u64,
    /// Bytes of its outputs, rounded.
    pub(crate) heap_len: u64,
}

/// What a task is.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Descriptor {
    pub(crate) id: TaskId,
    /// Function ids by lane; only those of active lanes mean something.
    pub(crate) kernels: [i32; SUBTASK_SLOTS],
    pub(crate) blocks: u32,
    pub(crate) edge_count: u32,
    first_edge: u32,
    pub(crate) mask: ActiveMask,
    pub(crate) shape: Shape,
    pub(crate) tensors: u8,
    pub(crate) scalars: u8,
    /// What the task does with its tensors, if they are to be written down.
    pub(crate) roles: Word32,
}

impl Descriptor {
    /// Kernel calls it takes to complete the task.
    #[inline]
    pub(crate) const fn subtasks(&self) -> u32 {
        self.blocks * self.mask.lane_count()
    }
}

/// Who must finish before the task may run, and how far its dispatch is.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct FanIn {
    /// Unfinished producers, and one for the orchestrator while it adds them.
    pub(crate) waiting: Countdown,
    /// The first block that was not dispatched; belongs to whoever holds the task.
    pub(crate) next_block: Word32,
}

/// Who waits for the task, and how much of it is done.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct FanOut {
    /// Edges to consumers; closed when the task completes.
    pub(crate) consumers: ClosableList,
    /// References that were given back; the task may retire when that is all that were taken.
    pub(crate) given_back: Word32,
    /// Kernel calls that have not finished.
    pub(crate) subtasks: Countdown,
}

/// A consumer in its producer's list.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Edge {
    link: Link,
    consumer: TaskRef,
    producer: TaskRef,
    pad: u32,
}

const _: () = assert!(size_of::<Edge>() == 16);
const _: () = assert!(
    size_of::<Ledger>() == GRANULE
        && size_of::<Descriptor>() == GRANULE
        && size_of::<FanIn>() == GRANULE
        && size_of::<FanOut>() == GRANULE
);

/// One cache line of record memory.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Granule([u8; GRANULE]);

// SAFETY: bytes.
unsafe impl Zeroable for Granule {}

const DESCRIPTOR: usize = 1;
const FAN_IN: usize = 2;
const FAN_OUT: usize = 3;
const TENSORS: usize = 4;
const TENSOR: usize = size_of::<Tensor>() / GRANULE;

/// How long the record of a task is, in granules.
#[inline]
pub(crate) const fn granules(tensors: usize, scalars: usize, edges: usize) -> u64 {
    (TENSORS + tensors * TENSOR + scalar_granules(scalars) + edges.div_ceil(EDGES)) as u64
}

#[inline]
const fn scalar_granules(scalars: usize) -> usize {
    (scalars * size_of::<u64>()).div_ceil(GRANULE)
}

/// Proof of being the orchestrator; there is one per context.
#[derive(Debug)]
pub(crate) struct Key(());

/// The record memory of all rings.
pub(crate) struct Records {
    memory: Slab<Granule>,
}

impl Records {
    /// Memory for `granules` granules, and the key to its ledgers.
    pub(crate) fn reserve(arena: &Arena, granules: usize) -> Result<(Self, Key)> {
        let memory = arena.take(granules)?;
        Ok((Self { memory }, Key(())))
    }

    #[inline]
    fn line<T>(&self, task: TaskRef, line: usize) -> NonNull<T> {
        let granule = task.0 as usize + line;
        debug_assert!(
            granule < self.memory.len(),
            "a record lies in record memory"
        );
        // SAFETY: rings hand out records inside the memory, and lines lie inside their record.
        let place = unsafe { self.memory.as_ptr().add(granule) };
        // SAFETY: the memory's address is not null.
        unsafe { NonNull::new_unchecked(place.cast()) }
    }

    /// What the orchestrator remembers about the task.
    #[inline]
    pub(crate) fn ledger<'a>(&self, task: TaskRef, _key: &'a mut Key) -> &'a mut Ledger {
        // SAFETY: the line was written when the task was made, and only the one holder of the key looks at it.
        unsafe { self.line::<Ledger>(task, 0).as_mut() }
    }

    /// Writes the four lines of a new task. Its span belongs to the caller and is not published.
    #[inline]
    pub(crate) fn make(&self, task: TaskRef, ledger: Ledger, descriptor: Descriptor, waiting: u32) {
        let fan_in = FanIn {
            waiting: Countdown::new(waiting),
            next_block: Word32::new(0),
        };
        let fan_out = FanOut {
            consumers: ClosableList::new(),
            given_back: Word32::new(0),
            subtasks: Countdown::new(descriptor.subtasks()),
        };
        // SAFETY: the span is the caller's alone, for this line and the next three.
        unsafe { self.line(task, 0).write(ledger) };
        // SAFETY: as above.
        unsafe { self.line(task, DESCRIPTOR).write(descriptor) };
        // SAFETY: as above.
        unsafe { self.line(task, FAN_IN).write(fan_in) };
        // SAFETY: as above.
        unsafe { self.line(task, FAN_OUT).write(fan_out) };
    }

    /// Says what a task does with its tensors, before it is published.
    pub(crate) fn set_roles(&self, task: TaskRef, roles: u32) {
        self.descriptor(task).roles.set_own(roles);
    }

    /// What the task is.
    #[inline]
    pub(crate) fn descriptor(&self, task: TaskRef) -> &Descriptor {
        // SAFETY: written before the task was published, and not again while it lives.
        unsafe { self.line(task, DESCRIPTOR).as_ref() }
    }

    /// The task's own waiting.
    #[inline]
    pub(crate) fn fan_in(&self, task: TaskRef) -> &FanIn {
        // SAFETY: made of atomics, written before the task was published.
        unsafe { self.line(task, FAN_IN).as_ref() }
    }

    /// Who waits for the task.
    #[inline]
    pub(crate) fn fan_out(&self, task: TaskRef) -> &FanOut {
        // SAFETY: made of atomics, written before the task was published.
        unsafe { self.line(task, FAN_OUT).as_ref() }
    }

    /// Address of tensor `index` of the task.
    #[inline]
    pub(crate) fn tensor(&self, task: TaskRef, index: usize) -> NonNull<Tensor> {
        self.line(task, TENSORS + index * TENSOR)
    }

    /// Address of the first scalar of a task with `tensors` tensors.
    #[inline]
    pub(crate) fn scalars(&self, task: TaskRef, tensors: usize) -> NonNull<u64> {
        self.line(task, TENSORS + tensors * TENSOR)
    }

    /// The scalars of a published task.
    #[inline]
    pub(crate) fn scalars_of(&self, task: TaskRef, descriptor: &Descriptor) -> &[u64] {
        let first = self.scalars(task, usize::from(descriptor.tensors));
        // SAFETY: written before the task was published, and not again while it lives.
        unsafe { core::slice::from_raw_parts(first.as_ptr(), usize::from(descriptor.scalars)) }
    }

    /// The number of the first edge of a task with so many tensors and scalars.
    #[inline]
    fn first_edge(task: TaskRef, tensors: usize, scalars: usize) -> u32 {
        let granule = task.0 as usize + TENSORS + tensors * TENSOR + scalar_granules(scalars);
        u32::try_from(granule * EDGES).expect("limits keep record memory below 2^30 granules")
    }

    #[inline]
    fn edge(&self, number: u32) -> NonNull<Edge> {
        let number = number as usize;
        debug_assert!(
            number / EDGES < self.memory.len(),
            "an edge lies in record memory"
        );
        let edges = self.memory.as_ptr().cast::<Edge>();
        // SAFETY: edge numbers are made of records inside the memory.
        let place = unsafe { edges.add(number) };
        // SAFETY: the memory's address is not null.
        unsafe { NonNull::new_unchecked(place) }
    }

    /// Makes edge `index` of the new `consumer` and puts it into the list of `producer`.
    #[inline]
    pub(crate) fn connect(&self, consumer: TaskRef, index: u32, producer: TaskRef) -> Pushed {
        let number = self.descriptor(consumer).first_edge + index;
        let edge = Edge {
            link: Link::new(),
            consumer,
            producer,
            pad: 0,
        };
        // SAFETY: the edge lies in the consumer's record, and nobody knows it yet.
        unsafe { self.edge(number).write(edge) };
        self.fan_out(producer).consumers.push(0, number, self)
    }

    /// Closes the task's list: whoever would be added later finds it complete. `None` if that was done before.
    #[inline]
    pub(crate) fn complete(&self, task: TaskRef) -> Option<Chain<&Self>> {
        self.fan_out(task).consumers.close(0, self)
    }

    /// Whether the task has completed; if so, what its kernels wrote is visible.
    #[inline]
    pub(crate) fn is_complete(&self, task: TaskRef) -> bool {
        self.fan_out(task).consumers.is_closed(0)
    }

    /// The consumer at the end of an edge.
    #[inline]
    pub(crate) fn consumer(&self, edge: u32) -> TaskRef {
        // SAFETY: the edge was written before it was pushed, and its consumer lives until it has run.
        unsafe { self.edge(edge).as_ref() }.consumer
    }

    /// The producers of a task that has completed.
    #[inline]
    pub(crate) fn producers(
        &self,
        descriptor: &Descriptor,
    ) -> impl Iterator<Item = TaskRef> + use<'_> {
        let first = descriptor.first_edge;
        (first..first + descriptor.edge_count).map(|edge| {
            // SAFETY: the edge was written before the task was published, and lies in its record.
            unsafe { self.edge(edge).as_ref() }.producer
        })
    }
}

impl Links for Records {
    #[inline]
    fn link(&self, node: u32) -> &Link {
        // SAFETY: nodes are edges, written before they are pushed; a link is an atomic.
        unsafe { &(*self.edge(node).as_ptr()).link }
    }
}

impl core::fmt::Debug for Records {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Records")
            .field("granules", &self.memory.len())
            .finish()
    }
}

/// What a descriptor is made of.
pub(crate) struct Shaped {
    pub(crate) id: TaskId,
    pub(crate) kernels: [i32; SUBTASK_SLOTS],
    pub(crate) blocks: u32,
    pub(crate) mask: ActiveMask,
    pub(crate) shape: Shape,
    pub(crate) tensors: usize,
    pub(crate) scalars: usize,
    pub(crate) edges: usize,
}

impl Descriptor {
    /// The descriptor of a task whose record is `task`.
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "limits of a task are far below"
    )]
    pub(crate) fn new(task: TaskRef, of: &Shaped) -> Self {
        Self {
            id: of.id,
            kernels: of.kernels,
            blocks: of.blocks,
            edge_count: of.edges as u32,
            first_edge: Records::first_edge(task, of.tensors, of.scalars),
            mask: of.mask,
            shape: of.shape,
            tensors: of.tensors as u8,
            scalars: of.scalars as u8,
            roles: Word32::new(0),
        }
    }
}

//! Why the runtime refused something.
//!
//! Knows the value that did not fit and the limit it broke. Refuses to know codes of C callers beyond the
//! one number a run ends with ([`Fatal::code`]).

use protocol::TaskId;
use protocol::error_code::RunError;
use protocol::limits::MAX_FUNC_ID;
use protocol::limits::trb::{MAX_SCOPE_DEPTH, MAX_TENSOR_ARGS};

/// Result of everything this crate can fail at.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why a context or a run could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A capacity is out of range or not a power of two.
    #[error("{what} is {value}: use a power of two from {min} to {max}")]
    BadLimit {
        /// Which capacity.
        what: &'static str,
        /// What was asked for.
        value: u64,
        /// The least that works.
        min: u64,
        /// The most that works.
        max: u64,
    },
    /// A run asks for more than its context has.
    #[error(
        "a run wants {what} {wanted}, its context was made for {available}: make a larger context"
    )]
    BeyondContext {
        /// Which capacity.
        what: &'static str,
        /// What the run asks for.
        wanted: u64,
        /// What the context has.
        available: u64,
    },
    /// A run asks for a number of clusters the chip family does not have.
    #[error("a run wants {clusters} clusters: use 1 to {max}")]
    Clusters {
        /// What the run asks for.
        clusters: u16,
        /// What the family has.
        max: u32,
    },
    /// A run asks for a number of scheduling threads the chip family does not have.
    #[error("a run wants {threads} threads: use 1 to {max}")]
    Threads {
        /// What the run asks for.
        threads: u8,
        /// What the family has.
        max: u32,
    },
    /// The machine has fewer cores than the clusters of the run need.
    #[error("{clusters} clusters need {needed} cores, the machine offers {offered}")]
    Cores {
        /// Clusters of the run.
        clusters: u16,
        /// Cores they have.
        needed: u32,
        /// Cores there are.
        offered: u16,
    },
    /// The context still remembers cores that an earlier run could not get back.
    #[error("cores of an earlier run never finished: make a new context")]
    CoresLost,
    /// Memory could not be had.
    #[error(transparent)]
    Memory(#[from] sync::Error),
}

/// Why an orchestration cannot go on; the first one ends the run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fatal {
    /// The innermost scope holds as many tasks as its ring can ever hold.
    #[error(
        "scope deadlock in ring {ring}: {tasks} tasks in one scope, the window of {window} keeps one slot free; \
         end scopes earlier, or raise the task window to at least {suggested} (PTO2_RING_TASK_WINDOW)"
    )]
    ScopeDeadlock {
        /// The ring.
        ring: u8,
        /// Tasks directly in the scope.
        tasks: u32,
        /// Slots of the ring.
        window: u32,
        /// A window that would do.
        suggested: u64,
    },
    /// The output heap of a ring is full and nothing that could free it is running.
    #[error(
        "heap of ring {ring} exhausted: {requested} bytes wanted, {live} of {capacity} in use ({percent} %), \
         oldest task {oldest}, {diagnosis}; end scopes earlier, or raise the heap to {suggested} bytes \
         (PTO2_RING_HEAP)"
    )]
    HeapExhausted {
        /// The ring.
        ring: u8,
        /// Bytes asked for.
        requested: u64,
        /// Bytes in use.
        live: u64,
        /// Bytes there are.
        capacity: u64,
        /// Share in use.
        percent: u64,
        /// The task everything waits for.
        oldest: TaskId,
        /// Why that one is still there.
        diagnosis: Diagnosis,
        /// A heap that would do.
        suggested: u64,
    },
    /// All slots of a ring are taken and nothing that could free one is running.
    #[error(
        "task window of ring {ring} full: {active} of {window} slots in use ({percent} %), oldest task {oldest}, \
         {diagnosis}; end scopes earlier, or raise the task window to {suggested} (PTO2_RING_TASK_WINDOW)"
    )]
    WindowFull {
        /// The ring.
        ring: u8,
        /// Slots in use.
        active: u32,
        /// Slots there are.
        window: u32,
        /// Share in use.
        percent: u64,
        /// The task everything waits for.
        oldest: TaskId,
        /// Why that one is still there.
        diagnosis: Diagnosis,
        /// A window that would do.
        suggested: u64,
    },
    /// Dependency records or tensor-map entries ran out and nothing that could free one is running.
    #[error(
        "{what} exhausted: {wanted} more wanted, {live} of {capacity} in use; end scopes earlier, or raise {knob}"
    )]
    PoolExhausted {
        /// Which pool.
        what: &'static str,
        /// How many more were wanted.
        wanted: u64,
        /// In use.
        live: u64,
        /// There are.
        capacity: u64,
        /// What to raise.
        knob: &'static str,
    },
    /// The orchestration waited for room and nothing moved for too long.
    #[error(
        "no progress for {waited_ms} ms while waiting for {what}: {outstanding} tasks are unfinished; look for a \
         kernel that hangs, or raise the limit"
    )]
    Stalled {
        /// What was waited for.
        what: Wanted,
        /// How long nothing moved.
        waited_ms: u64,
        /// Tasks that are not complete.
        outstanding: u64,
    },
    /// The argument object was refused when it was built.
    #[error("invalid argument: {message} ({tensors} tensors, {scalars} scalars)")]
    InvalidArg {
        /// What was refused.
        message: String,
        /// Tensors it has.
        tensors: i32,
        /// Scalars it has.
        scalars: i32,
    },
    /// A tensor or creation record cannot be used.
    #[error("argument {index} cannot be used: {reason}")]
    BadTensor {
        /// Its place among the tensors.
        index: usize,
        /// What is wrong with it.
        reason: aicore_abi::error::Error,
    },
    /// A tensor pointer is null or misaligned, or its tag is none.
    #[error("argument {index} has tag {tag} and address {address:#x}: not a tensor argument")]
    BadPointer {
        /// Its place among the tensors.
        index: usize,
        /// Its tag.
        tag: i32,
        /// Its address.
        address: u64,
    },
    /// An operation was called with a null pointer, or with more indices than a tensor has dimensions.
    #[error("{operation} was called with a null pointer or with more than 5 indices")]
    BadCall {
        /// The operation.
        operation: &'static str,
    },
    /// A scope was to be opened in a mode there is not.
    #[error("scope mode {mode} does not exist: use 0 (automatic) or 1 (manual)")]
    BadScopeMode {
        /// What was asked for.
        mode: u8,
    },
    /// There are more tensors than a task takes, or a count is negative.
    #[error("{what} count is {count}: use 0 to {limit}")]
    BadCount {
        /// What is counted.
        what: &'static str,
        /// The count.
        count: i64,
        /// The most there may be.
        limit: usize,
    },
    /// The task names no kernel.
    #[error("the task names no kernel: set one of the three kernel ids")]
    NoKernel,
    /// The task runs no block.
    #[error("the task has {blocks} blocks: use at least 1")]
    NoBlocks {
        /// What was asked for.
        blocks: i32,
    },
    /// A kernel id names no kernel of the program.
    #[error(
        "kernel id {func_id} names no kernel of this program: register it (ids are below {})",
        MAX_FUNC_ID
    )]
    UnknownKernel {
        /// The id.
        func_id: i32,
    },
    /// A task that must start as one has more blocks than there are units.
    #[error(
        "require_sync_start block_num={blocks} > limit={limit} (deadlock guaranteed): use fewer blocks or more clusters"
    )]
    SyncStartTooLarge {
        /// Blocks of the task.
        blocks: u32,
        /// Units there are.
        limit: u32,
    },
    /// An explicit dependency names no task.
    #[error("Arg.add_dep(...) requires a valid task id: {id} names no earlier task")]
    BadDependency {
        /// The id.
        id: TaskId,
    },
    /// Tensors are to be allocated, but something else was passed.
    #[error("alloc_tensors takes outputs to create and nothing else: {problem}")]
    BadAllocation {
        /// What is wrong.
        problem: &'static str,
    },
    /// Outputs of one task are too large to be counted.
    #[error(
        "the outputs of one task take more than 64 bits can count ({} tensors)",
        MAX_TENSOR_ARGS
    )]
    OutputTooLarge,
    /// An automatic scope was opened inside a manual one.
    #[error(
        "auto scope nested inside manual scope is not supported: make the inner scope manual too"
    )]
    AutoInsideManual,
    /// More scopes are open than there may be.
    #[error("scopes are nested deeper than {}: end one first", MAX_SCOPE_DEPTH)]
    ScopeTooDeep,
    /// A scope was ended that was never begun.
    #[error("scope_end without scope_begin")]
    NoScope,
    /// The orchestration returned and left scopes open.
    #[error("{open} scopes were begun and never ended: end each one, or use a guard")]
    ScopesLeftOpen {
        /// How many.
        open: usize,
    },
    /// A producer of a tensor took too long.
    #[error(
        "task {task} did not {what} within {waited_ms} ms: it is needed to access a tensor element"
    )]
    TensorWait {
        /// The task waited for.
        task: TaskId,
        /// What it should have done.
        what: &'static str,
        /// How long was waited.
        waited_ms: u64,
    },
    /// A tensor's element was to be accessed at an index it does not have.
    #[error("tensor element access refused: {reason}")]
    BadElement {
        /// What is wrong.
        reason: aicore_abi::error::Error,
    },
    /// Somebody ended the run from outside.
    #[error("the run was ended from outside with code {code}")]
    Aborted {
        /// The code.
        code: i32,
    },
    /// The orchestration reported a fatal error itself.
    #[error("{message}")]
    Reported {
        /// Its code.
        code: i32,
        /// Its message.
        message: String,
    },
}

/// What a blocked orchestration waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// A slot of a ring's window.
    Slot,
    /// Space in a ring's output heap.
    Heap,
    /// Space for a task's record.
    Record,
    /// An entry of the tensor map.
    MapEntry,
}

impl core::fmt::Display for Wanted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Slot => "a task slot",
            Self::Heap => "output memory",
            Self::Record => "record memory",
            Self::MapEntry => "a tensor-map entry",
        })
    }
}

/// Why the oldest task of a ring is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Diagnosis {
    /// It has not completed.
    StillExecuting,
    /// It has completed, but not all its consumers have.
    ConsumersPending,
    /// It is done, but its scope is still open.
    ScopeOpen,
    /// Nothing is in use: the request does not fit.
    TooLarge,
}

impl core::fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::StillExecuting => "which is still executing",
            Self::ConsumersPending => "whose consumers have not finished",
            Self::ScopeOpen => "whose scope has not ended",
            Self::TooLarge => "and the request does not fit into what is free",
        })
    }
}

impl Fatal {
    /// The number the run ends with.
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self {
            Self::ScopeDeadlock { .. } => RunError::ScopeDeadlock.code(),
            Self::HeapExhausted { .. } => RunError::HeapRingDeadlock.code(),
            Self::WindowFull { .. } => RunError::FlowControlDeadlock.code(),
            Self::PoolExhausted { .. } => RunError::DepPoolOverflow.code(),
            Self::Stalled { what, .. } => match what {
                Wanted::Slot => RunError::FlowControlDeadlock.code(),
                Wanted::Heap => RunError::HeapRingDeadlock.code(),
                Wanted::Record | Wanted::MapEntry => RunError::DepPoolOverflow.code(),
            },
            Self::InvalidArg { .. }
            | Self::BadTensor { .. }
            | Self::BadPointer { .. }
            | Self::BadCount { .. }
            | Self::BadCall { .. }
            | Self::BadScopeMode { .. }
            | Self::NoKernel
            | Self::NoBlocks { .. }
            | Self::UnknownKernel { .. }
            | Self::BadDependency { .. }
            | Self::BadAllocation { .. }
            | Self::OutputTooLarge
            | Self::AutoInsideManual
            | Self::ScopeTooDeep
            | Self::NoScope
            | Self::ScopesLeftOpen { .. }
            | Self::BadElement { .. } => RunError::InvalidArgs.code(),
            Self::SyncStartTooLarge { .. } => RunError::RequireSyncStartInvalid.code(),
            Self::TensorWait { .. } => RunError::TensorWaitTimeout.code(),
            Self::Aborted { code } | Self::Reported { code, .. } => *code,
        }
    }
}

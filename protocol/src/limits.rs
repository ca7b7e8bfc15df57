//! How much of everything there may be.
//!
//! Knows every capacity and bound that two programs share and that is equal on both chip families;
//! what differs between families is a constant of [`Arch`](crate::Arch). Refuses to know why a
//! program wants a number: a limit is stated here once and named everywhere else.
//!
//! Array bounds are `usize`; the wire fields that count up to them are narrower integers, which the
//! readers compare after widening.

/// Tensors one kernel task takes.
pub const CORE_MAX_TENSOR_ARGS: usize = 16;
/// Scalars one kernel task takes.
pub const CORE_MAX_SCALAR_ARGS: usize = 32;
/// Tensors one orchestration call takes.
pub const CHIP_MAX_TENSOR_ARGS: usize = 64;
/// Scalars one orchestration call takes.
pub const CHIP_MAX_SCALAR_ARGS: usize = 128;
/// Dimensions of a tensor.
pub const TENSOR_MAX_DIMS: usize = 5;
/// Alignment, relative to the storage area, of children inside a callable image; also where the
/// payload of a kernel image starts, counted in these units.
pub const CALLABLE_ALIGN: usize = 64;
/// Bytes of a name field in a callable image, the closing NUL included.
pub const CALLABLE_NAME_BYTES: usize = 64;
/// Prepared callables one context holds; valid callable ids are below it.
pub const MAX_REGISTERED_CALLABLE_IDS: usize = 64;
/// Bytes before the first tensor of an argument blob.
pub const TASK_ARGS_BLOB_HEADER_SIZE: usize = 8;
/// Child kernels of one chip callable.
pub const MAX_CALLABLE_CHILDREN: usize = 1024;
/// Function ids are below it, in every runtime.
pub const MAX_FUNC_ID: usize = 1024;
/// Bytes of the output directory in a call configuration, the closing NUL included.
pub const OUTPUT_PREFIX_BYTES: usize = 1024;
/// Ranks of one communicator.
pub const COMM_MAX_RANKS: usize = 64;
/// Tensors of one run that can be copied back.
pub const MAX_TENSOR_PAIRS: usize = 64;
/// Bytes of a symbol name that the run descriptor carries, the closing NUL included.
pub const MAX_ORCH_SYMBOL_NAME: usize = 64;

/// Bounds of the runtime that builds its graph on the device (`tensormap_and_ringbuffer`).
pub mod trb {
    /// Tensors per task.
    pub const MAX_TENSOR_ARGS: usize = super::CORE_MAX_TENSOR_ARGS;
    /// Scalars per task.
    pub const MAX_SCALAR_ARGS: usize = super::CORE_MAX_SCALAR_ARGS;
    /// Explicit dependencies per task.
    pub const MAX_EXPLICIT_DEPS: usize = 16;
    /// Kernel slots of a task: AIC, AIV0, AIV1.
    pub const SUBTASK_SLOTS: usize = 3;
    /// Function id that marks a kernel slot as inactive.
    pub const INVALID_KERNEL_ID: i32 = -1;
    /// Alignment of the runtime's shared structures in bytes.
    pub const STRUCTURE_ALIGN: usize = 64;
    /// Granularity in bytes with which the outputs of one task are packed.
    pub const PACKED_OUTPUT_ALIGN: usize = 1024;
    /// Rings.
    pub const MAX_RING_DEPTH: usize = 4;
    /// Task slots per ring, unless a run asks otherwise.
    pub const DEFAULT_TASK_WINDOW: usize = 16_384;
    /// Heap bytes per ring, unless a run asks otherwise.
    pub const DEFAULT_HEAP_BYTES: usize = 268_435_456;
    /// Dependency pool entries per ring, unless a run asks otherwise.
    pub const DEFAULT_DEP_POOL: usize = 16_384;
    /// Scopes that can be open at once.
    pub const MAX_SCOPE_DEPTH: usize = 64;
    /// Producers stored inside a task's payload; further ones go to the dependency pool.
    pub const FANIN_INLINE: usize = 64;
    /// Counter ticks after which waiting for an element of a tensor fails.
    pub const TENSOR_DATA_TIMEOUT_TICKS: u64 = 15_000_000_000;
    /// Tasks that can wait for asynchronous conditions at once.
    pub const MAX_ASYNC_WAITS: usize = 64;
    /// Completions that arrived before their task and are parked.
    pub const MAX_PENDING_COMPLETIONS: usize = 128;
    /// Asynchronous conditions of one task.
    pub const MAX_COMPLETIONS_PER_TASK: usize = 64;
    /// Entries of the ring through which kernels announce completions.
    pub const COMPLETION_INGRESS: usize = 4096;
    /// Words of a kernel's argument array.
    pub const DISPATCH_ARGS: usize = 50;
    /// Argument word that holds the address of the local context.
    pub const LOCAL_CONTEXT_INDEX: usize = 48;
    /// Argument word that holds the address of the global context.
    pub const GLOBAL_CONTEXT_INDEX: usize = 49;
    /// Arguments that the run descriptor has room for.
    pub const MAX_ARGS: usize = 128;
    /// Idle rounds after which a scheduler of the reference gives up and calls the run a success.
    /// Here a wait has a deadline in time and its passing is an error.
    pub const REFERENCE_IDLE_ROUNDS: u64 = 800_000;
    /// Idle rounds between two looks at the latched orchestrator error.
    pub const FATAL_CHECK_INTERVAL: u64 = 1024;

    const _: () = assert!(
        MAX_TENSOR_ARGS + MAX_SCALAR_ARGS == LOCAL_CONTEXT_INDEX
            && GLOBAL_CONTEXT_INDEX + 1 == DISPATCH_ARGS,
        "the two context words follow the last scalar"
    );
}

/// Bounds of the runtime that builds its graph on the host (`host_build_graph`).
pub mod hbg {
    /// Tasks per graph.
    pub const MAX_TASKS: usize = 131_072;
    /// 64-bit arguments per task.
    pub const MAX_ARGS: usize = 16;
    /// Successors per task.
    pub const MAX_FANOUT: usize = 128;
    /// Idle rounds after which a scheduler of the reference gives up and calls the run a success.
    /// Here a wait has a deadline in time and its passing is an error.
    pub const REFERENCE_IDLE_ROUNDS: u64 = 50_000_000;
}

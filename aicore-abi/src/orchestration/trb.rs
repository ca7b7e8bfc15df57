//! The interface of orchestrations that run on the device.
//!
//! Knows the visible part of the runtime object, its table of operations, and the objects passed
//! through it. Refuses to know rings, slots and schedulers.
//!
//! The same on both chip families.

mod arg;
mod kernels;

use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;

use protocol::TaskId;
use protocol::limits::trb::MAX_TENSOR_ARGS;

use crate::tensor::Tensor;

pub use arg::{Arg, ExplicitDeps};
pub use kernels::{ActiveMask, LaunchSpec, MixedKernels, Shape};

/// The beginning of a runtime object: all of it that an orchestration knows.
///
/// What the runtime keeps behind these bytes is its own.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Runtime {
    /// The operations; never null.
    pub ops: *const Operations,
    /// The [`ScopeMode`] of the next scope; the orchestration writes it right before
    /// `scope_begin`, which resets it.
    pub pending_scope_mode: u8,
    /// Zero.
    pub reserved: [u8; 7],
}

protocol::pin_layout!(Runtime, 16 bytes, align 8, {
    0 => ops: *const Operations,
    8 => pending_scope_mode: u8,
    9 => reserved: [u8; 7],
});

/// Who orders the tasks of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ScopeMode {
    /// The runtime, by looking for overlap.
    Auto = 0,
    /// The user, by naming dependencies.
    Manual = 1,
}

impl ScopeMode {
    /// The mode a wire byte names.
    #[must_use]
    pub const fn from_wire(wire: u8) -> Option<Self> {
        match wire {
            0 => Some(Self::Auto),
            1 => Some(Self::Manual),
            _ => None,
        }
    }
}

/// Submits one task.
pub type SubmitTask =
    unsafe extern "C" fn(*mut Runtime, *const MixedKernels, *const Arg) -> TaskOutputTensors;
/// Does something to the runtime as a whole.
pub type OnRuntime = unsafe extern "C" fn(*mut Runtime);
/// Tells whether a fatal error was latched.
pub type IsFatal = unsafe extern "C" fn(*mut Runtime) -> bool;
/// Latches a fatal error: code, function name, format, values.
pub type ReportFatal = unsafe extern "C" fn(*mut Runtime, i32, *const c_char, *const c_char, ...);
/// Logs one line: function name, format, values.
pub type Log = unsafe extern "C" fn(*const c_char, *const c_char, ...);
/// Logs one information line: function name, tier, format, values.
pub type LogInfo = unsafe extern "C" fn(*const c_char, c_int, *const c_char, ...);
/// Waits for the producers of a tensor and loads one element.
pub type GetTensorData = unsafe extern "C" fn(*mut Runtime, *const Tensor, u32, *const u32) -> u64;
/// Waits for producers and consumers of a tensor and stores one element.
pub type SetTensorData = unsafe extern "C" fn(*mut Runtime, *const Tensor, u32, *const u32, u64);
/// Allocates outputs that no kernel writes.
pub type AllocTensors = unsafe extern "C" fn(*mut Runtime, *const Arg) -> TaskOutputTensors;

/// The operations of a runtime; inlined header code calls every one of them directly.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Operations {
    /// Submits one task.
    pub submit_task: SubmitTask,
    /// Opens a scope with the pending mode.
    pub scope_begin: OnRuntime,
    /// Closes the innermost scope.
    pub scope_end: OnRuntime,
    /// Says that no further task will come.
    pub orchestration_done: OnRuntime,
    /// Whether a fatal error was latched.
    pub is_fatal: IsFatal,
    /// Latches a fatal error.
    pub report_fatal: ReportFatal,
    /// Logs an error.
    pub log_error: Log,
    /// Logs a warning.
    pub log_warn: Log,
    /// Logs a detail.
    pub log_debug: Log,
    /// Logs information of tier 0 to 9.
    pub log_info_v: LogInfo,
    /// Loads one element.
    pub get_tensor_data: GetTensorData,
    /// Stores one element.
    pub set_tensor_data: SetTensorData,
    /// Allocates outputs without a kernel.
    pub alloc_tensors: AllocTensors,
}

protocol::pin_layout!(Operations, 104 bytes, align 8, {
    0 => submit_task: SubmitTask,
    8 => scope_begin: OnRuntime,
    16 => scope_end: OnRuntime,
    24 => orchestration_done: OnRuntime,
    32 => is_fatal: IsFatal,
    40 => report_fatal: ReportFatal,
    48 => log_error: Log,
    56 => log_warn: Log,
    64 => log_debug: Log,
    72 => log_info_v: LogInfo,
    80 => get_tensor_data: GetTensorData,
    88 => set_tensor_data: SetTensorData,
    96 => alloc_tensors: AllocTensors,
});

/// What a submission returns: the task and the outputs the runtime allocated for it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct TaskOutputTensors {
    /// The task, invalid when nothing was submitted.
    pub task_id: TaskId,
    /// Valid pointers in `tensors`: those that were pushed.
    output_count: u32,
    /// Zero.
    pub reserved: u32,
    /// One descriptor per allocated output, in argument order, in slots of the runtime.
    tensors: [MaybeUninit<*const Tensor>; MAX_TENSOR_ARGS],
}

protocol::pin_layout!(TaskOutputTensors, 144 bytes, align 8, {
    0 => task_id: TaskId,
    8 => output_count: u32,
    12 => reserved: u32,
    16 => tensors: [MaybeUninit<*const Tensor>; MAX_TENSOR_ARGS],
});

impl TaskOutputTensors {
    /// The result of a call that submitted nothing.
    #[must_use]
    pub const fn empty() -> Self {
        Self::of(TaskId::INVALID)
    }

    /// The result of a task without allocated outputs.
    #[must_use]
    pub const fn of(task_id: TaskId) -> Self {
        Self {
            task_id,
            output_count: 0,
            reserved: 0,
            tensors: [MaybeUninit::uninit(); MAX_TENSOR_ARGS],
        }
    }

    /// Adds the descriptor of the next output.
    ///
    /// # Panics
    /// When there are more outputs than a task has tensors.
    pub const fn push(&mut self, tensor: *const Tensor) {
        self.tensors[self.output_count as usize] = MaybeUninit::new(tensor);
        self.output_count += 1;
    }

    /// How many outputs were allocated.
    #[must_use]
    pub const fn output_count(&self) -> u32 {
        self.output_count
    }

    /// The descriptor of output `index`, in argument order.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<*const Tensor> {
        if index >= self.output_count as usize {
            return None;
        }
        // SAFETY: entries below `output_count` were written: by `push`, or by the runtime whose
        // result this is, as the interface demands.
        self.tensors
            .get(index)
            .map(|tensor| unsafe { tensor.assume_init() })
    }
}

/// What the configuration function of an orchestration returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct OrchestrationConfig {
    /// Fewest arguments the entry accepts, tensors and scalars together; zero or less: any number.
    pub expected_arg_count: i32,
}

protocol::pin_layout!(OrchestrationConfig, 4 bytes, align 4, {
    0 => expected_arg_count: i32,
});

/// The entry of an orchestration.
pub type Entry = unsafe extern "C" fn(*const protocol::task_args::ChipStorageTaskArgs);
/// The optional configuration function of an orchestration.
pub type Config =
    unsafe extern "C" fn(*const protocol::task_args::ChipStorageTaskArgs) -> OrchestrationConfig;
/// The function that tells an orchestration its runtime; null at the end of a run.
pub type BindRuntime = unsafe extern "C" fn(*mut Runtime);

/// Entry that is called when the callable names none.
pub const DEFAULT_ENTRY: &core::ffi::CStr = c"aicpu_orchestration_entry";
/// Configuration function that is called when the callable names none.
pub const DEFAULT_CONFIG: &core::ffi::CStr = c"aicpu_orchestration_config";
/// Name of the function that tells an orchestration its runtime.
pub const BIND_RUNTIME: &core::ffi::CStr = c"framework_bind_runtime";
/// Name of the function by which an orchestration's entry is called, if it has one: what the entry throws ends there.
pub const GUARDED_CALL: &core::ffi::CStr = c"framework_guarded_call";

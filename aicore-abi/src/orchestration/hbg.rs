//! The interface of orchestrations that run on the host.
//!
//! Knows the handle, its table of operations and the records passed through it. Refuses to know how
//! the graph is kept.
//!
//! The same on both chip families.

use core::ffi::{c_int, c_void};

use bytemuck::{Pod, Zeroable};
use protocol::limits::TENSOR_MAX_DIMS;

/// The beginning of a builder: all of it that an orchestration knows.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct OrchestrationRuntime {
    /// The operations; never null.
    pub ops: *const Operations,
}

protocol::pin_layout!(OrchestrationRuntime, 8 bytes, align 8, {
    0 => ops: *const Operations,
});

/// Appends a task: arguments, how many, function id, core type. Returns its number or −1.
pub type AddTask =
    unsafe extern "C" fn(*mut OrchestrationRuntime, *mut u64, c_int, c_int, c_int) -> c_int;
/// Describes the tensors of a task for the dump: task, records, how many. Returns 0 or −1.
pub type SetTensorInfo =
    unsafe extern "C" fn(*mut OrchestrationRuntime, c_int, *const TensorInfo, c_int) -> c_int;
/// Lets the second task wait for the first.
pub type AddSuccessor = unsafe extern "C" fn(*mut OrchestrationRuntime, c_int, c_int);
/// Has device memory copied to host memory after the run: host, device, bytes.
pub type RecordTensorPair =
    unsafe extern "C" fn(*mut OrchestrationRuntime, *mut c_void, *mut c_void, usize);
/// Counts the tasks so far.
pub type GetTaskCount = unsafe extern "C" fn(*mut OrchestrationRuntime) -> c_int;
/// Logs the graph.
pub type PrintRuntime = unsafe extern "C" fn(*mut OrchestrationRuntime);
/// Allocates device memory.
pub type DeviceMalloc = unsafe extern "C" fn(*mut OrchestrationRuntime, usize) -> *mut c_void;
/// Frees device memory.
pub type DeviceFree = unsafe extern "C" fn(*mut OrchestrationRuntime, *mut c_void);
/// Copies host memory to the device: device, host, bytes. Returns 0 or an error.
pub type CopyToDevice =
    unsafe extern "C" fn(*mut OrchestrationRuntime, *mut c_void, *const c_void, usize) -> c_int;

/// The operations of a builder.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Operations {
    /// Appends a task.
    pub add_task: AddTask,
    /// Describes the tensors of a task for the dump.
    pub set_tensor_info_to_task: SetTensorInfo,
    /// Adds an edge.
    pub add_successor: AddSuccessor,
    /// Has device memory copied back after the run.
    pub record_tensor_pair: RecordTensorPair,
    /// Counts the tasks so far.
    pub get_task_count: GetTaskCount,
    /// Logs the graph.
    pub print_runtime: PrintRuntime,
    /// Allocates device memory.
    pub device_malloc: DeviceMalloc,
    /// Frees device memory.
    pub device_free: DeviceFree,
    /// Copies host memory to the device.
    pub copy_to_device: CopyToDevice,
}

protocol::pin_layout!(Operations, 72 bytes, align 8, {
    0 => add_task: AddTask,
    8 => set_tensor_info_to_task: SetTensorInfo,
    16 => add_successor: AddSuccessor,
    24 => record_tensor_pair: RecordTensorPair,
    32 => get_task_count: GetTaskCount,
    40 => print_runtime: PrintRuntime,
    48 => device_malloc: DeviceMalloc,
    56 => device_free: DeviceFree,
    64 => copy_to_device: CopyToDevice,
});

/// The entry of an orchestration: 0 to go on, anything else ends the run with that value.
pub type Entry = unsafe extern "C" fn(
    *mut OrchestrationRuntime,
    *const protocol::task_args::ChipStorageTaskArgs,
) -> c_int;

/// What the dump says about one tensor argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TensorInfo {
    /// A [`protocol::DataType`], unchecked.
    pub dtype: u8,
    /// Dimensions in use.
    pub ndims: u8,
    /// Zero.
    pub reserved: u16,
    /// Extents of the region.
    pub shapes: [u32; TENSOR_MAX_DIMS],
    /// Extents of the buffer.
    pub raw_shapes: [u32; TENSOR_MAX_DIMS],
    /// Where in the buffer the region starts.
    pub offsets: [u32; TENSOR_MAX_DIMS],
}

protocol::pin_layout!(TensorInfo, 64 bytes, align 4, {
    0 => dtype: u8,
    1 => ndims: u8,
    2 => reserved: u16,
    4 => shapes: [u32; TENSOR_MAX_DIMS],
    24 => raw_shapes: [u32; TENSOR_MAX_DIMS],
    44 => offsets: [u32; TENSOR_MAX_DIMS],
});

/// One block of device memory that the orchestration allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TensorAllocationInfo {
    /// Its first byte.
    pub base_addr: u64,
    /// Bytes.
    pub size_bytes: u64,
}

protocol::pin_layout!(TensorAllocationInfo, 16 bytes, align 8, {
    0 => base_addr: u64,
    8 => size_bytes: u64,
});

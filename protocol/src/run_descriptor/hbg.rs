//! The body of a run of the host-built runtime: the finished graph.
//!
//! Knows every field. Refuses to know how the graph was built.

use bytemuck::{Pod, Zeroable};

use super::{HostApi, TensorPair};
use crate::limits::hbg::{MAX_ARGS, MAX_FANOUT, MAX_TASKS};
use crate::limits::{MAX_FUNC_ID, MAX_ORCH_SYMBOL_NAME, MAX_TENSOR_PAIRS};

/// One task of the graph. Its argument array is what the kernel is called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Task {
    /// Its index.
    pub task_id: i32,
    /// Its kernel.
    pub func_id: i32,
    /// Device addresses and scalars in the order they were given.
    pub args: [u64; MAX_ARGS],
    /// Arguments in use.
    pub num_args: i32,
    /// Zero.
    pub pad0: u32,
    /// Address of the kernel, filled in before launch.
    pub function_bin_addr: u64,
    /// A [`CoreType`](crate::CoreType), unchecked.
    pub core_type: i32,
    /// Predecessors that have not finished; counted down while the graph runs.
    pub fanin: i32,
    /// Tasks that wait for this one.
    pub fanout: [i32; MAX_FANOUT],
    /// Successors in use.
    pub fanout_count: i32,
    /// Zero.
    pub pad1: u32,
    /// Unused.
    pub start_time: u64,
    /// Unused.
    pub end_time: u64,
}

crate::pin_layout!(Task, 696 bytes, align 8, {
    0 => task_id: i32,
    4 => func_id: i32,
    8 => args: [u64; MAX_ARGS],
    136 => num_args: i32,
    140 => pad0: u32,
    144 => function_bin_addr: u64,
    152 => core_type: i32,
    156 => fanin: i32,
    160 => fanout: [i32; MAX_FANOUT],
    672 => fanout_count: i32,
    676 => pad1: u32,
    680 => start_time: u64,
    688 => end_time: u64,
});

/// Everything behind the handshakes of a run whose graph was built on the host.
///
/// The same on every chip family; addresses are the device's unless a field says otherwise. Too
/// large to be a value: it is only ever looked at in place.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct HbgBody {
    /// Workers of this run.
    pub worker_count: i32,
    /// AICPU threads of this run.
    pub sche_cpu_num: i32,
    /// The graph.
    pub tasks: [Task; MAX_TASKS],
    /// Tasks in use.
    pub next_task_id: i32,
    /// Tasks without predecessors, filled in on the device.
    pub initial_ready_tasks: [i32; MAX_TASKS],
    /// How many.
    pub initial_ready_count: i32,
    /// Tensors to copy back; the host's books.
    pub tensor_pairs: [TensorPair; MAX_TENSOR_PAIRS],
    /// Pairs in use; the host's books.
    pub tensor_pair_count: i32,
    /// Zero.
    pub pad0: u32,
    /// Address of the kernel image per function id, 0 for none.
    pub func_id_to_addr: [u64; MAX_FUNC_ID],
    /// Function ids in use; the host's books.
    pub registered_kernel_func_ids: [i32; MAX_FUNC_ID],
    /// How many; the host's books.
    pub registered_kernel_count: i32,
    /// Zero.
    pub pad1: u32,
    /// Address of the dump descriptors of all tasks, 0 for none.
    pub tensor_info_storage: u64,
    /// Bytes of them.
    pub tensor_info_storage_bytes: u64,
    /// First descriptor per task.
    pub tensor_info_offsets: [u32; MAX_TASKS],
    /// Descriptors per task.
    pub tensor_info_counts: [u16; MAX_TASKS],
    /// Address of the list of device allocations, 0 for none.
    pub tensor_allocation_storage: u64,
    /// Bytes of it.
    pub tensor_allocation_storage_bytes: u64,
    /// Entries of it.
    pub tensor_allocation_count: u32,
    /// Zero.
    pub pad2: u32,
    /// Functions of the host; host addresses.
    pub host_api: HostApi,
    /// Zero.
    pub dev_orch_so_addr: u64,
    /// Zero.
    pub dev_orch_so_size: u64,
    /// The callable of this run.
    pub active_callable_id: i32,
    /// Zero.
    pub register_new_callable_id: u8,
    /// Zero.
    pub pad3: [u8; 3],
    /// Zero.
    pub pending_orch_so_data: u64,
    /// Zero.
    pub pending_orch_so_size: u64,
    /// Handle of the orchestration's shared object, on the host.
    pub pending_host_dlopen_handle: u64,
    /// Host address of the orchestration's entry.
    pub pending_host_orch_func_ptr: u64,
    /// Unused.
    pub device_orch_func_name: [u8; MAX_ORCH_SYMBOL_NAME],
    /// Unused.
    pub device_orch_config_name: [u8; MAX_ORCH_SYMBOL_NAME],
    /// Unspecified.
    pub tail: [u8; 16],
}

crate::pin_layout!(HbgBody, 92550976 bytes, align 8, {
    0 => worker_count: i32,
    4 => sche_cpu_num: i32,
    8 => tasks: [Task; MAX_TASKS],
    91226120 => next_task_id: i32,
    91226124 => initial_ready_tasks: [i32; MAX_TASKS],
    91750412 => initial_ready_count: i32,
    91750416 => tensor_pairs: [TensorPair; MAX_TENSOR_PAIRS],
    91751952 => tensor_pair_count: i32,
    91751956 => pad0: u32,
    91751960 => func_id_to_addr: [u64; MAX_FUNC_ID],
    91760152 => registered_kernel_func_ids: [i32; MAX_FUNC_ID],
    91764248 => registered_kernel_count: i32,
    91764252 => pad1: u32,
    91764256 => tensor_info_storage: u64,
    91764264 => tensor_info_storage_bytes: u64,
    91764272 => tensor_info_offsets: [u32; MAX_TASKS],
    92288560 => tensor_info_counts: [u16; MAX_TASKS],
    92550704 => tensor_allocation_storage: u64,
    92550712 => tensor_allocation_storage_bytes: u64,
    92550720 => tensor_allocation_count: u32,
    92550724 => pad2: u32,
    92550728 => host_api: HostApi,
    92550776 => dev_orch_so_addr: u64,
    92550784 => dev_orch_so_size: u64,
    92550792 => active_callable_id: i32,
    92550796 => register_new_callable_id: u8,
    92550797 => pad3: [u8; 3],
    92550800 => pending_orch_so_data: u64,
    92550808 => pending_orch_so_size: u64,
    92550816 => pending_host_dlopen_handle: u64,
    92550824 => pending_host_orch_func_ptr: u64,
    92550832 => device_orch_func_name: [u8; MAX_ORCH_SYMBOL_NAME],
    92550896 => device_orch_config_name: [u8; MAX_ORCH_SYMBOL_NAME],
    92550960 => tail: [u8; 16],
});

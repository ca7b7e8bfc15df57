//! The body of a run of the device-built runtime.
//!
//! Knows every field. Refuses to know how large windows and heaps should be.

use bytemuck::{Pod, Zeroable};

use super::{HostApi, TensorPair};
use crate::ChipStorageTaskArgs;
use crate::limits::{MAX_FUNC_ID, MAX_ORCH_SYMBOL_NAME, MAX_TENSOR_PAIRS};

/// Everything behind the handshakes of a run whose graph is built on the device.
///
/// The same on every chip family; addresses are the device's unless a field says otherwise.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct TrbBody {
    /// Workers of this run.
    pub worker_count: i32,
    /// AICPU threads of this run, the orchestrator among them.
    pub sche_cpu_num: i32,
    /// Ready-queue shards.
    pub ready_queue_shards: i32,
    /// Zero.
    pub pad0: u32,
    /// Task slots per ring, 0 for the default.
    pub task_window_size: u64,
    /// Heap bytes per ring, 0 for the default.
    pub heap_size: u64,
    /// Dependency pool entries per ring, 0 for the default.
    pub dep_pool_size: u64,
    /// Address of the kernel image per function id, 0 for none.
    pub func_id_to_addr: [u64; MAX_FUNC_ID],
    /// Not zero: the orchestrator thread schedules when it is done.
    pub orch_to_sched: u8,
    /// Zero.
    pub pad1: [u8; 7],
    /// Tensors to copy back; the host's books.
    pub tensor_pairs: [TensorPair; MAX_TENSOR_PAIRS],
    /// Pairs in use; the host's books.
    pub tensor_pair_count: i32,
    /// Function ids in use; the host's books.
    pub registered_kernel_func_ids: [i32; MAX_FUNC_ID],
    /// How many; the host's books.
    pub registered_kernel_count: i32,
    /// Not zero: there is no orchestrator thread.
    pub orch_built_on_host: u8,
    /// Zero.
    pub pad2: [u8; 7],
    /// Address of the shared memory block.
    pub gm_sm_ptr: u64,
    /// Address of the output heap: the heaps of all rings, one behind the other.
    pub gm_heap_ptr: u64,
    /// Address of the slot states, for diagnostics.
    pub slot_states_ptr: u64,
    /// The arguments, tensors with device addresses.
    pub orch_args_storage: ChipStorageTaskArgs,
    /// Address of the orchestration's shared object.
    pub dev_orch_so_addr: u64,
    /// Bytes of the orchestration's shared object.
    pub dev_orch_so_size: u64,
    /// The callable of this run, −1 for none.
    pub active_callable_id: i32,
    /// Not zero: load the shared object, its callable is new.
    pub register_new_callable_id: u8,
    /// Name of the entry, closed by NUL.
    pub device_orch_func_name: [u8; MAX_ORCH_SYMBOL_NAME],
    /// Name of the configuration function, closed by NUL.
    pub device_orch_config_name: [u8; MAX_ORCH_SYMBOL_NAME],
    /// Zero.
    pub pad3: [u8; 3],
    /// Functions of the host; host addresses.
    pub host_api: HostApi,
    /// Host address of a shared object being prepared.
    pub pending_orch_so_data: u64,
    /// Bytes of it.
    pub pending_orch_so_size: u64,
    /// Zero.
    pub pending_host_dlopen_handle: u64,
    /// Zero.
    pub pending_host_orch_func_ptr: u64,
    /// Unspecified.
    pub tail: [u8; 56],
}

crate::pin_layout!(TrbBody, 17792 bytes, align 8, {
    0 => worker_count: i32,
    4 => sche_cpu_num: i32,
    8 => ready_queue_shards: i32,
    12 => pad0: u32,
    16 => task_window_size: u64,
    24 => heap_size: u64,
    32 => dep_pool_size: u64,
    40 => func_id_to_addr: [u64; MAX_FUNC_ID],
    8232 => orch_to_sched: u8,
    8233 => pad1: [u8; 7],
    8240 => tensor_pairs: [TensorPair; MAX_TENSOR_PAIRS],
    9776 => tensor_pair_count: i32,
    9780 => registered_kernel_func_ids: [i32; MAX_FUNC_ID],
    13876 => registered_kernel_count: i32,
    13880 => orch_built_on_host: u8,
    13881 => pad2: [u8; 7],
    13888 => gm_sm_ptr: u64,
    13896 => gm_heap_ptr: u64,
    13904 => slot_states_ptr: u64,
    13912 => orch_args_storage: ChipStorageTaskArgs,
    17504 => dev_orch_so_addr: u64,
    17512 => dev_orch_so_size: u64,
    17520 => active_callable_id: i32,
    17524 => register_new_callable_id: u8,
    17525 => device_orch_func_name: [u8; MAX_ORCH_SYMBOL_NAME],
    17589 => device_orch_config_name: [u8; MAX_ORCH_SYMBOL_NAME],
    17653 => pad3: [u8; 3],
    17656 => host_api: HostApi,
    17704 => pending_orch_so_data: u64,
    17712 => pending_orch_so_size: u64,
    17720 => pending_host_dlopen_handle: u64,
    17728 => pending_host_orch_func_ptr: u64,
    17736 => tail: [u8; 56],
});

//! The table of operations that a C orchestration calls.
//!
//! Knows C's view of each call: integers for truth, −1 for refused. Refuses to decide anything that
//! [`Orchestration`] does not.
//!
//! A panic ends at the table: the call answers as if it had been refused, and the graph keeps the panic as its error.

use core::ffi::{c_int, c_void};
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use aicore_abi::orchestration::hbg::{Operations, OrchestrationRuntime, TensorInfo};

use crate::error::{Error, Result};
use crate::orchestration::Orchestration;
use crate::print::print;

/// What refused calls answer.
const REFUSED: c_int = -1;

/// The table; every orchestration's handle points to it.
pub static OPERATIONS: Operations = Operations {
    add_task,
    set_tensor_info_to_task,
    add_successor,
    record_tensor_pair,
    get_task_count,
    print_runtime,
    device_malloc,
    device_free,
    copy_to_device,
};

/// An orchestration while C code has its handle: the first word is all that C knows of it.
#[repr(C)]
struct Called<'a, 'm> {
    handle: OrchestrationRuntime,
    orchestration: &'a mut Orchestration<'m>,
}

impl Orchestration<'_> {
    /// Calls an orchestration with the handle it expects.
    ///
    /// # Errors
    ///
    /// The code it ended with, unless that is 0.
    pub fn orchestrate(
        &mut self,
        entry: impl FnOnce(*mut OrchestrationRuntime) -> i32,
    ) -> Result<()> {
        let mut called = Called {
            handle: OrchestrationRuntime { ops: &OPERATIONS },
            orchestration: self,
        };
        let handle: *mut Called<'_, '_> = &raw mut called;
        match entry(handle.cast()) {
            0 => Ok(()),
            code => {
                let graph = self.graph.error().map(ToString::to_string);
                let reasons = [graph, self.buffers.memory().refusal()];
                let reasons: Vec<String> = reasons.into_iter().flatten().collect();
                Err(Error::Orchestration {
                    code,
                    reason: (!reasons.is_empty()).then(|| reasons.join(": ")),
                })
            }
        }
    }
}

/// Does `call` on the orchestration behind `handle`; answers `refused` if there is none or the call panics.
///
/// # Safety
///
/// `handle` is null or what [`Orchestration::orchestrate`] passes, while that call lasts.
unsafe fn on<R>(
    handle: *mut OrchestrationRuntime,
    name: &'static str,
    refused: R,
    call: impl FnOnce(&mut Orchestration<'_>) -> R,
) -> R {
    if handle.is_null() {
        log::error!("{name}: the runtime handle is null");
        return refused;
    }
    // SAFETY: the handle is the beginning of a `Called` that nobody else uses during the call, since the one that made
    // it waits for the orchestration to return.
    let called = unsafe { &mut *handle.cast::<Called<'_, '_>>() };
    let this = &mut *called.orchestration;
    this.stepped();
    match catch_unwind(AssertUnwindSafe(|| call(this))) {
        Ok(answer) => answer,
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|&text| text.to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            this.graph.fail(Error::Panicked {
                call: name,
                message: text.unwrap_or_else(|| "no message".to_owned()),
            });
            refused
        }
    }
}

unsafe extern "C" fn add_task(
    handle: *mut OrchestrationRuntime,
    args: *mut u64,
    count: c_int,
    func_id: c_int,
    core_type: c_int,
) -> c_int {
    let call = |this: &mut Orchestration<'_>| {
        let task = match usize::try_from(count) {
            Err(_) => Err(this.graph.bad_count(i64::from(count))),
            Ok(count) if args.is_null() => this.graph.add_task_of_zeros(func_id, core_type, count),
            Ok(count) => {
                // SAFETY: the caller says that there are so many words.
                let words = unsafe { core::slice::from_raw_parts(args, count) };
                this.graph.add_task(func_id, core_type, words)
            }
        };
        task.map_or(REFUSED, u32::cast_signed)
    };
    // SAFETY: the table's contract.
    unsafe { on(handle, "add_task", REFUSED, call) }
}

unsafe extern "C" fn set_tensor_info_to_task(
    handle: *mut OrchestrationRuntime,
    task: c_int,
    infos: *const TensorInfo,
    count: c_int,
) -> c_int {
    let call = |this: &mut Orchestration<'_>| {
        let refuse = |why: &str| {
            log::error!("tensor infos of task {task} refused: {why}");
            REFUSED
        };
        let known = usize::try_from(task).is_ok_and(|task| task < this.graph.task_count());
        let Some(task) = u32::try_from(task).ok().filter(|_| known) else {
            return refuse("there is no such task");
        };
        if count == 0 {
            return 0;
        }
        if infos.is_null() {
            return refuse("the pointer is null");
        }
        let Ok(count) = usize::try_from(count) else {
            return refuse("their count is negative");
        };
        // SAFETY: the caller says that there are so many records.
        let infos = unsafe { core::slice::from_raw_parts(infos, count) };
        if this.describe(task, infos) {
            0
        } else {
            refuse("there are more than can be counted")
        }
    };
    // SAFETY: the table's contract.
    unsafe { on(handle, "set_tensor_info_to_task", REFUSED, call) }
}

unsafe extern "C" fn add_successor(handle: *mut OrchestrationRuntime, from: c_int, to: c_int) {
    let call = |this: &mut Orchestration<'_>| {
        // The graph keeps what is wrong: this call cannot answer.
        let _kept = match (u32::try_from(from), u32::try_from(to)) {
            (Ok(from), Ok(to)) => this.graph.add_edge(from, to),
            _ => Err(this.graph.bad_edge(i64::from(from), i64::from(to))),
        };
    };
    // SAFETY: the table's contract.
    unsafe { on(handle, "add_successor", (), call) }
}

unsafe extern "C" fn record_tensor_pair(
    handle: *mut OrchestrationRuntime,
    host: *mut c_void,
    device: *mut c_void,
    bytes: usize,
) {
    let call = |this: &mut Orchestration<'_>| {
        // The graph keeps what is wrong: this call cannot answer.
        let _kept = this.copy_back(address(host), address(device), bytes);
    };
    // SAFETY: the table's contract.
    unsafe { on(handle, "record_tensor_pair", (), call) }
}

unsafe extern "C" fn get_task_count(handle: *mut OrchestrationRuntime) -> c_int {
    let call = |this: &mut Orchestration<'_>| {
        c_int::try_from(this.graph.task_count()).unwrap_or(c_int::MAX)
    };
    // SAFETY: the table's contract.
    unsafe { on(handle, "get_task_count", 0, call) }
}

unsafe extern "C" fn print_runtime(handle: *mut OrchestrationRuntime) {
    // SAFETY: the table's contract.
    unsafe { on(handle, "print_runtime", (), |this| print(&this.graph)) }
}

unsafe extern "C" fn device_malloc(handle: *mut OrchestrationRuntime, bytes: usize) -> *mut c_void {
    let call = |this: &mut Orchestration<'_>| pointer(this.device_malloc(bytes));
    // SAFETY: the table's contract.
    unsafe { on(handle, "device_malloc", core::ptr::null_mut(), call) }
}

unsafe extern "C" fn device_free(handle: *mut OrchestrationRuntime, device: *mut c_void) {
    let call = |this: &mut Orchestration<'_>| {
        // The graph keeps what is wrong: this call cannot answer.
        let _kept = this.device_free(address(device));
    };
    // SAFETY: the table's contract.
    unsafe { on(handle, "device_free", (), call) }
}

unsafe extern "C" fn copy_to_device(
    handle: *mut OrchestrationRuntime,
    device: *mut c_void,
    host: *const c_void,
    bytes: usize,
) -> c_int {
    let call = |this: &mut Orchestration<'_>| {
        // SAFETY: the caller says that both ranges are theirs.
        unsafe { this.copy_to_device(address(device), host.cast(), bytes) }
    };
    // SAFETY: the table's contract.
    unsafe { on(handle, "copy_to_device", REFUSED, call) }
}

fn address(pointer: *mut c_void) -> u64 {
    pointer.expose_provenance() as u64
}

fn pointer(address: u64) -> *mut c_void {
    let address = usize::try_from(address).expect("device addresses fit the host's pointers");
    core::ptr::with_exposed_provenance_mut(address)
}

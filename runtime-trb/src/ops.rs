//! The operations table that C++ orchestrations call through.
//!
//! Knows the C signatures and that nothing may unwind through them. Refuses to know what the operations do:
//! [`Orchestrator`] does it.
//!
//! The entries with variable arguments are in C; they format and call back here. Three of them log without saying for
//! whom, so the log of a run is bound to its orchestration's thread while the orchestration runs.

use core::cell::Cell;
use core::ffi::{CStr, c_char, c_int};
use core::panic::AssertUnwindSafe;
use core::ptr::NonNull;
use std::panic::catch_unwind;

use aicore_abi::orchestration::trb::{
    Arg, MixedKernels, Operations, Runtime, ScopeMode, TaskOutputTensors,
};
use aicore_abi::tensor::Tensor;
use protocol::error_code::RunError;
use protocol::limits::TENSOR_MAX_DIMS;

use crate::error::Fatal;
use crate::logging;
use crate::orchestrator::Orchestrator;

unsafe extern "C" {
    fn runtime_trb_report_fatal(
        runtime: *mut Runtime,
        code: i32,
        function: *const c_char,
        format: *const c_char,
        ...
    );
    fn runtime_trb_log_error(function: *const c_char, format: *const c_char, ...);
    fn runtime_trb_log_warn(function: *const c_char, format: *const c_char, ...);
    fn runtime_trb_log_debug(function: *const c_char, format: *const c_char, ...);
    fn runtime_trb_log_info_v(function: *const c_char, tier: c_int, format: *const c_char, ...);
}

/// The one table; every runtime object points to it.
pub(crate) static OPERATIONS: Operations = Operations {
    submit_task,
    scope_begin,
    scope_end,
    orchestration_done,
    is_fatal,
    report_fatal: runtime_trb_report_fatal,
    log_error: runtime_trb_log_error,
    log_warn: runtime_trb_log_warn,
    log_debug: runtime_trb_log_debug,
    log_info_v: runtime_trb_log_info_v,
    get_tensor_data,
    set_tensor_data,
    alloc_tensors,
};

thread_local! {
    static LOG: Cell<Option<NonNull<dyn log::Log>>> = const { Cell::new(None) };
}

/// Binds a run's log to this thread until it is dropped.
pub(crate) struct LogBinding(Option<NonNull<dyn log::Log>>);

impl LogBinding {
    pub(crate) fn new(log: &dyn log::Log) -> Self {
        let log: NonNull<dyn log::Log + '_> = NonNull::from(log);
        // SAFETY: only the lifetime changes; the guard takes the pointer back before the log can go away.
        let log = unsafe {
            core::mem::transmute::<NonNull<dyn log::Log + '_>, NonNull<dyn log::Log>>(log)
        };
        Self(LOG.replace(Some(log)))
    }
}

impl Drop for LogBinding {
    fn drop(&mut self) {
        LOG.set(self.0);
    }
}

fn with_log(call: impl FnOnce(&dyn log::Log)) {
    match LOG.get() {
        // SAFETY: bound on this thread by a guard that is still alive.
        Some(log) => call(unsafe { log.as_ref() }),
        None => call(log::logger()),
    }
}

/// Runs `call` on the orchestrator behind a runtime pointer; a null pointer or a panic yields `otherwise`.
#[inline]
unsafe fn guard<T>(
    runtime: *mut Runtime,
    otherwise: T,
    call: impl FnOnce(&mut Orchestrator<'_>) -> T,
) -> T {
    // SAFETY: the interface passes the pointer that `as_runtime` made, on the orchestration's thread.
    let Some(orchestrator) = (unsafe { runtime.cast::<Orchestrator<'_>>().as_mut() }) else {
        return otherwise;
    };
    catch_unwind(AssertUnwindSafe(|| call(orchestrator))).unwrap_or_else(|_| {
        // SAFETY: as above; the first borrow ended with the panic.
        if let Some(orchestrator) = unsafe { runtime.cast::<Orchestrator<'_>>().as_mut() } {
            orchestrator.report_fatal(
                RunError::InvalidArgs.code(),
                "the runtime failed inside an operation",
            );
        }
        otherwise
    })
}

unsafe extern "C" fn submit_task(
    runtime: *mut Runtime,
    kernels: *const MixedKernels,
    arg: *const Arg,
) -> TaskOutputTensors {
    let mut result = TaskOutputTensors::empty();
    let submit = |orchestrator: &mut Orchestrator<'_>| {
        // SAFETY: the interface passes a valid object or, against its rules, null.
        let kernels = unsafe { kernels.as_ref() };
        // SAFETY: as above.
        let arg = unsafe { arg.as_ref() };
        let (Some(kernels), Some(arg)) = (kernels, arg) else {
            orchestrator.refuse_null("submit_task");
            return;
        };
        let blocks = arg.launch_spec.into();
        // SAFETY: the interface demands that the argument object points to what its tags say. A refusal has been reported.
        let _refused: Result<(), Fatal> =
            unsafe { orchestrator.submit_raw(kernels, arg, blocks, &mut result) };
    };
    // SAFETY: passed on.
    unsafe { guard(runtime, (), submit) };
    result
}

unsafe extern "C" fn alloc_tensors(runtime: *mut Runtime, arg: *const Arg) -> TaskOutputTensors {
    let mut result = TaskOutputTensors::empty();
    let allocate = |orchestrator: &mut Orchestrator<'_>| {
        // SAFETY: the interface passes a valid object or, against its rules, null.
        let Some(arg) = (unsafe { arg.as_ref() }) else {
            orchestrator.refuse_null("alloc_tensors");
            return;
        };
        // SAFETY: the interface demands that the argument object points to what its tags say. A refusal has been reported.
        let _refused: Result<(), Fatal> =
            unsafe { orchestrator.alloc_tensors_raw(arg, &mut result) };
    };
    // SAFETY: passed on.
    unsafe { guard(runtime, (), allocate) };
    result
}

unsafe extern "C" fn scope_begin(runtime: *mut Runtime) {
    let begin = |orchestrator: &mut Orchestrator<'_>| {
        let wire = orchestrator.take_pending_scope_mode();
        let Some(mode) = ScopeMode::from_wire(wire) else {
            orchestrator.refuse_scope_mode(wire);
            return;
        };
        // A refusal has been reported.
        let _refused: Result<(), Fatal> = orchestrator.scope_begin(mode);
    };
    // SAFETY: passed on.
    unsafe { guard(runtime, (), begin) }
}

unsafe extern "C" fn scope_end(runtime: *mut Runtime) {
    let end = |orchestrator: &mut Orchestrator<'_>| {
        // A refusal has been reported.
        let _refused: Result<(), Fatal> = orchestrator.scope_end();
    };
    // SAFETY: passed on.
    unsafe { guard(runtime, (), end) }
}

/// The run knows that the orchestration is over when its entry returns.
const unsafe extern "C" fn orchestration_done(_runtime: *mut Runtime) {}

unsafe extern "C" fn is_fatal(runtime: *mut Runtime) -> bool {
    // SAFETY: passed on.
    unsafe { guard(runtime, true, |orchestrator| orchestrator.is_fatal()) }
}

unsafe extern "C" fn get_tensor_data(
    runtime: *mut Runtime,
    tensor: *const Tensor,
    ndims: u32,
    index: *const u32,
) -> u64 {
    let get = |orchestrator: &mut Orchestrator<'_>| {
        // SAFETY: the interface passes a valid tensor and as many indices as it says.
        let Some((tensor, index)) = (unsafe { element(tensor, ndims, index) }) else {
            orchestrator.refuse_null("get_tensor_data");
            return 0;
        };
        // SAFETY: the interface lets the runtime read the tensor's buffer.
        unsafe { orchestrator.get_tensor_data(tensor, index) }.unwrap_or(0)
    };
    // SAFETY: passed on.
    unsafe { guard(runtime, 0, get) }
}

unsafe extern "C" fn set_tensor_data(
    runtime: *mut Runtime,
    tensor: *const Tensor,
    ndims: u32,
    index: *const u32,
    value: u64,
) {
    let set = |orchestrator: &mut Orchestrator<'_>| {
        // SAFETY: the interface passes a valid tensor and as many indices as it says.
        let Some((tensor, index)) = (unsafe { element(tensor, ndims, index) }) else {
            orchestrator.refuse_null("set_tensor_data");
            return;
        };
        // SAFETY: the interface lets the runtime write the tensor's buffer. A refusal has been reported.
        let _refused: Result<(), Fatal> =
            unsafe { orchestrator.set_tensor_data(tensor, index, value) };
    };
    // SAFETY: passed on.
    unsafe { guard(runtime, (), set) }
}

/// A tensor and an index, unless one of them is missing or there are more indices than dimensions.
unsafe fn element<'a>(
    tensor: *const Tensor,
    ndims: u32,
    index: *const u32,
) -> Option<(&'a Tensor, &'a [u32])> {
    // SAFETY: the caller's promise.
    let tensor = unsafe { tensor.as_ref() }?;
    let count = ndims as usize;
    if count == 0 {
        return Some((tensor, &[]));
    }
    if index.is_null() || count > TENSOR_MAX_DIMS {
        return None;
    }
    // SAFETY: the caller's promise.
    Some((tensor, unsafe { core::slice::from_raw_parts(index, count) }))
}

/// A C string, or nothing.
unsafe fn text<'a>(string: *const c_char) -> std::borrow::Cow<'a, str> {
    if string.is_null() {
        return std::borrow::Cow::Borrowed("");
    }
    // SAFETY: the caller's promise: a string that ends.
    unsafe { CStr::from_ptr(string) }.to_string_lossy()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn runtime_trb_fatal_text(
    runtime: *mut Runtime,
    code: i32,
    _function: *const c_char,
    message: *const c_char,
) {
    // SAFETY: our C side passes a buffer of its own.
    let message = unsafe { text(message) };
    // SAFETY: passed on.
    unsafe {
        guard(runtime, (), |orchestrator| {
            orchestrator.report_fatal(code, &message)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn runtime_trb_log_text(
    level: i32,
    function: *const c_char,
    message: *const c_char,
) {
    let level = match level {
        1 => log::Level::Error,
        2 => log::Level::Warn,
        _ => log::Level::Debug,
    };
    // SAFETY: passed on.
    unsafe { line(level, function, message) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn runtime_trb_info_text(
    tier: i32,
    function: *const c_char,
    message: *const c_char,
) {
    // Tier 5 and above are worth seeing by default.
    let level = if tier >= 5 {
        log::Level::Info
    } else {
        log::Level::Debug
    };
    // SAFETY: passed on.
    unsafe { line(level, function, message) };
}

/// Logs one line; what a logger panics with stays here.
unsafe fn line(level: log::Level, function: *const c_char, message: *const c_char) {
    // SAFETY: the orchestration passes the name of a function.
    let function = unsafe { text(function) };
    // SAFETY: our C side passes a buffer of its own.
    let message = unsafe { text(message) };
    let write = || with_log(|to| logging::log(to, level, format_args!("{function}: {message}")));
    if catch_unwind(AssertUnwindSafe(write)).is_err() {
        LOG.set(None);
    }
}

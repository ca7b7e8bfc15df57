//! The answers themselves: what each hook says to the kernel that the calling thread is in.
//!
//! Knows one kernel call on one core. Refuses to know by which names kernels ask.

use core::cell::{Cell, RefCell};
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

use aicore_abi::payload::DispatchPayload;

use crate::sim::storage::{Key, SharedStorage};

/// One kernel call on one core.
#[derive(Debug)]
pub(crate) struct Running<'a> {
    pub(crate) payload: &'a DispatchPayload,
    /// Number of the call on its core.
    pub(crate) token: u32,
    pub(crate) storage: &'a SharedStorage,
    pub(crate) device_id: i32,
    pub(crate) cluster: u32,
    pub(crate) lane: u32,
    /// Vector lanes of the core's kind.
    pub(crate) lanes: u32,
    /// What the kernel has said about itself: block, lane, lanes.
    pub(crate) context: Cell<Option<[u32; 3]>>,
    /// The kernel asked for storage that it may share with others.
    pub(crate) shares: Cell<bool>,
    /// What a hook could not do for the kernel.
    pub(crate) refusal: RefCell<Option<String>>,
}

/// The table the library is given, in its order.
#[repr(C)]
pub(super) struct Answers {
    subblock_id: unsafe extern "C" fn(*const c_void) -> u32,
    device: unsafe extern "C" fn(*const c_void) -> c_int,
    pipe_shared_state: unsafe extern "C" fn(*const c_void, u64, usize) -> *mut c_void,
    set_execution_context: unsafe extern "C" fn(*const c_void, u32, u32, u32),
    get_execution_context: unsafe extern "C" fn(*const c_void, *mut u32, *mut u32, *mut u32),
    shared_storage: unsafe extern "C" fn(*const c_void, *const c_char, usize) -> *mut c_void,
    task_cookie: unsafe extern "C" fn(*const c_void) -> u64,
}

/// The table itself.
pub(super) static ANSWERS: Answers = Answers {
    subblock_id,
    device,
    pipe_shared_state,
    set_execution_context,
    get_execution_context,
    shared_storage,
    task_cookie,
};

/// The kernel call that a question is about.
///
/// # Safety
/// `of` is what [`Scope::during`](super::Scope::during) has given to the library for this thread.
unsafe fn running<'a>(of: *const c_void) -> &'a Running<'a> {
    // SAFETY: the caller's promise; it outlives the kernel, which asks.
    unsafe { &*of.cast() }
}

/// Address of the block that kernels of this cluster share under `key`.
fn shared(running: &Running<'_>, key: Key, size: usize) -> *mut c_void {
    running.shares.set(true);
    match running.storage.block(running.cluster, key, size) {
        Ok(address) => ptr::with_exposed_provenance_mut(
            usize::try_from(address).expect("an address of this process"),
        ),
        Err(refusal) => {
            log::error!("{refusal}");
            *running.refusal.borrow_mut() = Some(refusal);
            ptr::null_mut()
        }
    }
}

/// # Safety
/// As [`running`], like all that follow.
unsafe extern "C" fn subblock_id(of: *const c_void) -> u32 {
    // SAFETY: passed on.
    unsafe { running(of) }.lane
}

unsafe extern "C" fn device(of: *const c_void) -> c_int {
    // SAFETY: passed on.
    unsafe { running(of) }.device_id
}

unsafe extern "C" fn pipe_shared_state(
    of: *const c_void,
    pipe_key: u64,
    size: usize,
) -> *mut c_void {
    // SAFETY: passed on.
    shared(unsafe { running(of) }, Key::Pipe(pipe_key), size)
}

unsafe extern "C" fn set_execution_context(of: *const c_void, block: u32, subblock: u32, dim: u32) {
    // SAFETY: passed on.
    unsafe { running(of) }
        .context
        .set(Some([block, subblock, dim]));
}

/// # Safety
/// Each place is null or may be written.
unsafe extern "C" fn get_execution_context(
    of: *const c_void,
    block: *mut u32,
    subblock: *mut u32,
    dim: *mut u32,
) {
    // SAFETY: passed on.
    let running = unsafe { running(of) };
    let values = running.context.get().unwrap_or([
        running.payload.local_context.block_idx.cast_unsigned(),
        running.lane,
        running.lanes,
    ]);
    for (place, value) in [block, subblock, dim].into_iter().zip(values) {
        // SAFETY: the caller's promise.
        if let Some(place) = unsafe { place.as_mut() } {
            *place = value;
        }
    }
}

/// # Safety
/// `key` is a string closed by NUL.
unsafe extern "C" fn shared_storage(
    of: *const c_void,
    key: *const c_char,
    size: usize,
) -> *mut c_void {
    // SAFETY: the caller's promise.
    let key = unsafe { CStr::from_ptr(key) };
    // SAFETY: passed on.
    shared(unsafe { running(of) }, Key::Name(key.to_owned()), size)
}

/// One number per task and block, the same on all cores that work on it.
unsafe extern "C" fn task_cookie(of: *const c_void) -> u64 {
    // SAFETY: passed on.
    let running = unsafe { running(of) };
    let local = &running.payload.local_context;
    let block = u64::from(local.block_idx.cast_unsigned());
    let task = local.async_ctx.task_token;
    let task = if task.is_valid() {
        task.raw()
    } else {
        // A task of a graph built on the host is one call on one core and has no other name.
        let core = running.cluster << 3 | running.lanes << 1 | running.lane;
        u64::from(core) << 32 | u64::from(running.token)
    };
    // Blocks differ in the low half, tasks in all bits; an odd factor keeps them apart.
    let mixed = task.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed.wrapping_add(block) | 1 << 63
}

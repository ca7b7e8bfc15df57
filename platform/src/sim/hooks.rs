//! What simulated kernels ask their simulator.
//!
//! Knows every name that a generation of kernel headers uses, and answers all of them from the
//! calling thread's identity. Refuses to know what kernels need the answers for.
//!
//! | kernels built with | find the hooks by |
//! | --- | --- |
//! | the oldest headers | `pto_cpu_sim_*` in the global scope |
//! | newer headers | `pto_sim_*` in the global scope |
//! | the newest headers | their own export `pto_sim_register_hooks`, called after loading |
//!
//! The global scope of an application is no business of a library in it, so the names live in a small
//! shared library that is put there before the first kernel is loaded, and that only forwards here.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Mutex;

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::lock::lock;

use super::identity::{self, Foreign, current};
use super::storage::{Key, SharedStorage};

/// The forwarding library; `build.rs` made it.
const FORWARDER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hooks.so"));
const INSTALL: &[u8] = b"simpler_install_sim_hooks\0";

/// Names in a kernel by which it asks for storage that it shares with others: it may wait for them.
pub(crate) const WAITING: [&[u8]; 2] = [
    b"pto_sim_get_pipe_shared_state",
    b"pto_cpu_sim_get_shared_storage",
];

/// The export through which a kernel takes the first two hooks by address.
pub(crate) const REGISTER_HOOKS: &CStr = c"pto_sim_register_hooks";

/// The type of that export.
pub(crate) type RegisterHooks =
    unsafe extern "C" fn(subblock_id: *mut c_void, pipe_shared_state: *mut c_void);

/// What that export is to be called with.
pub(crate) fn registered() -> (*mut c_void, *mut c_void) {
    let subblock_id: extern "C" fn() -> u32 = subblock_id;
    let pipe_shared_state: extern "C" fn(u64, usize) -> *mut c_void = pipe_shared_state;
    (subblock_id as *mut c_void, pipe_shared_state as *mut c_void)
}

/// The table the forwarding library takes, in its order.
#[repr(C)]
struct Hooks {
    subblock_id: extern "C" fn() -> u32,
    pipe_shared_state: extern "C" fn(u64, usize) -> *mut c_void,
    set_execution_context: extern "C" fn(u32, u32, u32),
    get_execution_context: unsafe extern "C" fn(*mut u32, *mut u32, *mut u32),
    shared_storage: unsafe extern "C" fn(*const c_char, usize) -> *mut c_void,
    task_cookie: extern "C" fn() -> u64,
    bind_device: extern "C" fn(c_int),
    bound_device: extern "C" fn() -> c_int,
    acquire_device: extern "C" fn(c_int),
    release_device: extern "C" fn(c_int),
    set_subblock_id: extern "C" fn(u32),
    set_cluster_id: extern "C" fn(u32),
    clear_shared_storage: extern "C" fn(),
}

static HOOKS: Hooks = Hooks {
    subblock_id,
    pipe_shared_state,
    set_execution_context,
    get_execution_context,
    shared_storage,
    task_cookie,
    bind_device,
    bound_device,
    acquire_device,
    release_device,
    set_subblock_id,
    set_cluster_id,
    clear_shared_storage,
};

/// Puts the hooks into the global scope; again changes nothing.
///
/// # Errors
/// Why the forwarding library could not be loaded; the next call tries again.
pub(crate) fn install() -> Result<(), String> {
    static INSTALLED: Mutex<bool> = Mutex::new(false);
    let mut installed = lock(&INSTALLED);
    if *installed {
        return Ok(());
    }
    let library =
        load_forwarder().map_err(|error| format!("cannot load the simulation hooks: {error}"))?;
    // SAFETY: this is the type of the function in our own library.
    let install = unsafe { library.get::<unsafe extern "C" fn(*const Hooks)>(INSTALL) }
        .map_err(|error| error.to_string())?;
    // SAFETY: the table has the layout the library declares; no kernel that could call it is loaded yet.
    unsafe { install(&raw const HOOKS) };
    // Kernels keep addresses of it for as long as the process lives.
    core::mem::forget(library);
    *installed = true;
    Ok(())
}

fn load_forwarder() -> Result<Library, Box<dyn core::error::Error>> {
    let file = memfd_create(c"simpler-sim-hooks", MemfdFlags::CLOEXEC)?;
    let mut rest = FORWARDER;
    while !rest.is_empty() {
        let written = rustix::io::write(&file, rest)?;
        rest = &rest[written..];
    }
    let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    // SAFETY: our own library; it has no initialisers.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }?;
    // The loader remembers the name: no other file may ever get this number.
    core::mem::forget(file);
    Ok(library)
}

/// Runs `use_it` on the storage of the device the calling thread works for.
fn with_storage(use_it: impl Fn(&SharedStorage, u32) -> Result<u64, String>) -> *mut c_void {
    current(|running| {
        let result = match running {
            Some(running) => {
                running.shares.set(true);
                use_it(running.storage, running.cluster)
            }
            None => {
                let foreign = Foreign::get();
                match identity::acquired(foreign.device_id) {
                    Some(storage) => use_it(&storage, foreign.cluster),
                    None => return ptr::null_mut(),
                }
            }
        };
        match result {
            Ok(address) => ptr::with_exposed_provenance_mut(
                usize::try_from(address).expect("an address of this process"),
            ),
            Err(refusal) => {
                log::error!("{refusal}");
                if let Some(running) = running {
                    *running.refusal.borrow_mut() = Some(refusal);
                }
                ptr::null_mut()
            }
        }
    })
}

extern "C" fn subblock_id() -> u32 {
    current(|running| running.map_or_else(|| Foreign::get().lane, |running| running.lane))
}

extern "C" fn pipe_shared_state(pipe_key: u64, size: usize) -> *mut c_void {
    if size == 0 {
        return ptr::null_mut();
    }
    with_storage(|storage, cluster| storage.block(cluster, Key::Pipe(pipe_key), size))
}

extern "C" fn set_execution_context(block: u32, subblock: u32, subblock_dim: u32) {
    current(|running| {
        if let Some(running) = running {
            running.context.set(Some([block, subblock, subblock_dim]));
        }
    });
}

/// # Safety
/// Each pointer is null or may be written.
unsafe extern "C" fn get_execution_context(block: *mut u32, subblock: *mut u32, dim: *mut u32) {
    let values = current(|running| match running {
        Some(running) => running.context.get().unwrap_or([
            running.payload.local_context.block_idx.cast_unsigned(),
            running.lane,
            running.lanes,
        ]),
        None => [0, Foreign::get().lane, 1],
    });
    for (place, value) in [block, subblock, dim].into_iter().zip(values) {
        // SAFETY: the caller's promise.
        if let Some(place) = unsafe { place.as_mut() } {
            *place = value;
        }
    }
}

/// # Safety
/// `key` is null or a string closed by NUL.
unsafe extern "C" fn shared_storage(key: *const c_char, size: usize) -> *mut c_void {
    if key.is_null() || size == 0 {
        return ptr::null_mut();
    }
    // SAFETY: the caller's promise.
    let key = unsafe { CStr::from_ptr(key) };
    with_storage(|storage, cluster| storage.block(cluster, Key::Name(key.to_owned()), size))
}

/// One number per task and block, the same on all cores that work on it; 0 on other threads.
extern "C" fn task_cookie() -> u64 {
    current(|running| {
        running.map_or(0, |running| {
            let local = &running.payload.local_context;
            let block = u64::from(local.block_idx.cast_unsigned());
            // Blocks differ in the low half, tasks in all bits; an odd factor keeps them apart.
            let mixed = local
                .async_ctx
                .task_token
                .raw()
                .wrapping_add(1)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed.wrapping_add(block) | 1 << 63
        })
    })
}

extern "C" fn bind_device(device_id: c_int) {
    Foreign::change(|foreign| foreign.device_id = device_id);
}

extern "C" fn bound_device() -> c_int {
    current(|running| running.map_or_else(|| Foreign::get().device_id, |running| running.device_id))
}

extern "C" fn acquire_device(device_id: c_int) {
    identity::acquire(device_id);
}

extern "C" fn release_device(device_id: c_int) {
    identity::release(device_id);
}

extern "C" fn set_subblock_id(lane: u32) {
    Foreign::change(|foreign| foreign.lane = lane);
}

extern "C" fn set_cluster_id(cluster: u32) {
    Foreign::change(|foreign| foreign.cluster = cluster);
}

extern "C" fn clear_shared_storage() {
    if let Some(storage) = identity::acquired(Foreign::get().device_id) {
        storage.clear();
    }
}

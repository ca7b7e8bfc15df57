//! What simulated kernels ask their simulator.
//!
//! Knows every name that a generation of kernel headers uses, and answers all of them from the kernel
//! call that the calling thread is in. Refuses to know what kernels need the answers for.
//!
//! | kernels built with | find the hooks by |
//! | --- | --- |
//! | the oldest headers | `pto_cpu_sim_*` in the global scope |
//! | newer headers | `pto_sim_*` in the global scope |
//! | the newest headers | their own export `pto_sim_register_hooks`, called after loading |
//!
//! The global scope of an application is no business of a library in it, so the names live in a small
//! shared library, `hooks.c`, that is put there before the first kernel is loaded. One copy serves all
//! simulators of a process: each tells it on entering a kernel that it answers for this thread, and on
//! leaving that it does no longer. The companion library of host runtimes is the same code, and is used
//! where it is loaded. One that others built knows less: it is told which core a thread is.

mod answers;

use core::ffi::{CStr, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Mutex, OnceLock};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use rustix::fs::{MemfdFlags, memfd_create};

pub(crate) use self::answers::Running;
use self::answers::{ANSWERS, Answers};
use crate::lock::lock;

/// The library with the names; `build.rs` made it.
const NAMES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hooks.so"));

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

/// Who answers for a thread, as the library keeps it.
#[repr(C)]
struct Answering {
    answers: *const Answers,
    of: *const c_void,
}

type Enter = unsafe extern "C" fn(*const Answers, *const c_void, *mut Answering);
type Leave = unsafe extern "C" fn(*const Answering);

/// The names in the global scope of this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    enter: Enter,
    leave: Leave,
    subblock_id: *mut c_void,
    pipe_shared_state: *mut c_void,
    /// The names that kernels find are those of a library that others built.
    others: Option<Others>,
}

// SAFETY: two of its functions are kept as bare addresses; all may be called from any thread.
unsafe impl Send for Scope {}
// SAFETY: as above.
unsafe impl Sync for Scope {}

/// A library that is told which core a thread is.
#[derive(Clone, Copy, Debug)]
struct Others {
    bind_device: extern "C" fn(c_int),
    bound_device: extern "C" fn() -> c_int,
    acquire_device: extern "C" fn(c_int),
    set_subblock_id: extern "C" fn(u32),
    set_cluster_id: extern "C" fn(u32),
    clear: extern "C" fn(),
}

static SCOPE: OnceLock<Scope> = OnceLock::new();

/// Sees to it that the names are in the global scope; again changes nothing.
///
/// # Errors
/// Why their library could not be loaded; the next call tries again.
pub(crate) fn install() -> Result<Scope, String> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    if let Some(scope) = SCOPE.get() {
        return Ok(*scope);
    }
    let _installing = lock(&INSTALLING);
    let process = Library::this();
    let failed =
        |error: &dyn core::fmt::Display| format!("cannot load the simulation hooks: {error}");
    let (ours, found) = (find(&process, ENTER), find(&process, SUBBLOCK_ID));
    // Another simulator of this process, or an earlier one, may have put ours beside that of others.
    let theirs = found.is_some_and(|found| !ours.is_some_and(|ours| same_object(ours, found)));
    if ours.is_none() {
        let library = load_names().map_err(|error| failed(&error))?;
        // Kernels keep addresses of it for as long as the process lives.
        core::mem::forget(library);
    }
    // Another simulator of this process may have been quicker: what the global scope has first counts.
    // SAFETY: `hooks.c` gives these functions these types.
    let scope = unsafe { Scope::find(&process, theirs) }.map_err(|error| failed(&error))?;
    Ok(*SCOPE.get_or_init(|| scope))
}

/// What the global scope has under a name.
fn find(process: &Library, name: &[u8]) -> Option<*const c_void> {
    // SAFETY: only where it is is asked.
    let symbol = unsafe { process.get::<*const c_void>(name) }.ok()?;
    Some(symbol.into_raw().cast_const())
}

fn same_object(first: *const c_void, second: *const c_void) -> bool {
    unsafe extern "C" {
        fn simpler_platform_same_object(first: *const c_void, second: *const c_void) -> c_int;
    }
    // SAFETY: the loader looks the addresses up, whatever they are.
    unsafe { simpler_platform_same_object(first, second) != 0 }
}

const ENTER: &[u8] = b"simpler_sim_enter\0";
const SUBBLOCK_ID: &[u8] = b"pto_sim_get_subblock_id\0";

/// Before a run of device `device_id`: storage that kernels share is as new.
pub(crate) fn begin_run(device_id: i32) {
    if let Some(others) = SCOPE.get().and_then(|scope| scope.others) {
        let bound = (others.bound_device)();
        (others.acquire_device)(device_id);
        (others.bind_device)(device_id);
        (others.clear)();
        (others.bind_device)(bound);
    }
}

impl Scope {
    /// # Safety
    /// The names have the types that `hooks.c` gives them.
    #[expect(
        clippy::multiple_unsafe_ops_per_block,
        reason = "one library and one promise for all names"
    )]
    unsafe fn find(process: &Library, theirs: bool) -> Result<Self, libloading::Error> {
        // SAFETY: the caller's promise.
        unsafe {
            Ok(Self {
                enter: *process.get(ENTER)?,
                leave: *process.get(b"simpler_sim_leave\0")?,
                subblock_id: process.get::<*mut c_void>(SUBBLOCK_ID)?.into_raw(),
                pipe_shared_state: process
                    .get::<*mut c_void>(b"pto_sim_get_pipe_shared_state\0")?
                    .into_raw(),
                others: if theirs {
                    Some(Others {
                        bind_device: *process.get(b"pto_cpu_sim_bind_device\0")?,
                        bound_device: *process.get(b"pto_cpu_sim_get_bound_device\0")?,
                        acquire_device: *process.get(b"pto_cpu_sim_acquire_device\0")?,
                        set_subblock_id: *process.get(b"_Z27sim_context_set_subblock_idj\0")?,
                        set_cluster_id: *process.get(b"_Z26sim_context_set_cluster_idj\0")?,
                        clear: *process.get(b"_Z28clear_cpu_sim_shared_storagev\0")?,
                    })
                } else {
                    None
                },
            })
        }
    }

    /// What a kernel that takes hooks by address is to be given.
    pub(crate) fn registered(&self) -> (*mut c_void, *mut c_void) {
        (self.subblock_id, self.pipe_shared_state)
    }

    /// Answers for `running` on the calling thread for as long as `kernel` runs.
    #[inline]
    pub(crate) fn during<R>(&self, running: &Running<'_>, kernel: impl FnOnce() -> R) -> R {
        struct Back {
            leave: Leave,
            before: Answering,
        }
        impl Drop for Back {
            fn drop(&mut self) {
                // SAFETY: this is what was there on entering, on this same thread.
                unsafe { (self.leave)(&raw const self.before) };
            }
        }
        if let Some(others) = &self.others {
            (others.bind_device)(running.device_id);
            (others.set_cluster_id)(running.cluster);
            (others.set_subblock_id)(running.lane);
        }
        let mut before = MaybeUninit::uninit();
        let of = ptr::from_ref(running).cast();
        // SAFETY: both live until `Back` takes them back; the place is writable.
        unsafe { (self.enter)(&raw const ANSWERS, of, before.as_mut_ptr()) };
        let _back = Back {
            leave: self.leave,
            // SAFETY: entering has written it.
            before: unsafe { before.assume_init() },
        };
        kernel()
    }
}

fn load_names() -> Result<Library, Box<dyn core::error::Error>> {
    let file = memfd_create(c"simpler-sim-hooks", MemfdFlags::CLOEXEC)?;
    let mut rest = NAMES;
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

//! The functions that a host runtime exports, by name and type.
//!
//! Knows which are missing. Refuses to call any.

use core::ffi::{c_char, c_int, c_void};

use libloading::os::unix::Library;
use protocol::extension::{Holdings, RunRecord, RunSettings};

pub(super) type Handle = *mut c_void;

macro_rules! functions {
    ($(#[$meta:meta])* $table:ident: $($name:ident: fn($($argument:ty),*) $(-> $result:ty)?,)+) => {
        $(#[$meta])*
        pub(super) struct $table {
            $(pub(super) $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)+
        }

        impl $table {
            /// All functions, or the names of those that are not there.
            ///
            /// # Safety
            /// What the library exports under these names has these types.
            pub(super) unsafe fn of(library: &Library) -> core::result::Result<Self, Vec<&'static str>> {
                let mut missing = Vec::new();
                $(
                    // SAFETY: the caller's promise.
                    let $name = unsafe { library.get(concat!(stringify!($name), "\0").as_bytes()) };
                    if $name.is_err() {
                        missing.push(stringify!($name));
                    }
                )+
                if !missing.is_empty() {
                    return Err(missing);
                }
                let there = "none is missing";
                Ok(Self { $($name: *$name.ok().expect(there),)+ })
            }
        }
    };
}

functions! {
    /// The functions of a host runtime.
    Functions:
    create_device_context: fn() -> Handle,
    destroy_device_context: fn(Handle),
    get_runtime_size: fn() -> usize,
    simpler_init: fn(Handle, c_int, c_int, c_int) -> c_int,
    finalize_device: fn(Handle) -> c_int,
    device_malloc_ctx: fn(Handle, usize) -> *mut c_void,
    device_free_ctx: fn(Handle, *mut c_void),
    copy_to_device_ctx: fn(Handle, *mut c_void, *const c_void, usize) -> c_int,
    copy_from_device_ctx: fn(Handle, *mut c_void, *const c_void, usize) -> c_int,
    prepare_callable: fn(
        Handle, i32, *const c_void, c_int, *const u8, usize, *const u8, usize
    ) -> c_int,
    run_prepared: fn(
        Handle, *mut c_void, i32, *const c_void, c_int, c_int, c_int, *const u8, usize, *const u8,
        usize, c_int, c_int, c_int, *const c_char
    ) -> c_int,
    unregister_callable: fn(Handle, i32) -> c_int,
    get_aicpu_dlopen_count: fn(Handle) -> usize,
    get_host_dlopen_count: fn(Handle) -> usize,
    ensure_acl_ready_ctx: fn(Handle, c_int) -> c_int,
    create_comm_stream_ctx: fn(Handle) -> *mut c_void,
    destroy_comm_stream_ctx: fn(Handle, *mut c_void) -> c_int,
    comm_init: fn(c_int, c_int, *mut c_void, *const c_char) -> Handle,
    comm_alloc_windows: fn(Handle, usize, *mut u64) -> c_int,
    comm_get_local_window_base: fn(Handle, *mut u64) -> c_int,
    comm_get_window_size: fn(Handle, *mut usize) -> c_int,
    comm_barrier: fn(Handle) -> c_int,
    comm_destroy: fn(Handle) -> c_int,
}

functions! {
    /// What only our host runtimes have.
    Extension:
    simpler_last_error: fn(*mut c_char, usize) -> usize,
    simpler_run_settings: fn(Handle, *const RunSettings) -> c_int,
    simpler_last_run: fn(Handle, *mut RunRecord) -> c_int,
    simpler_holdings: fn(Handle, *mut Holdings) -> c_int,
}

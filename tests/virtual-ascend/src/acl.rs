//! `libascendcl.so` and `libunified_dlog.so`, played.

use core::ffi::c_char;
use core::time::Duration;

use crate::runtime::{number, synchronize};
use crate::world::{INVALID, bound_call, call, lock};

const ALREADY: i32 = 100_002;
const NOT_INITIALISED: i32 = 100_001;
/// The hardware's step of an operation's limit.
const STEP: u64 = 1 << 20;

pub(crate) const ENTRIES: &[*const ()] = &[
    acl_init as *const (),
    acl_finalize as *const (),
    set_operation_timeout as *const (),
    synchronize_stream_with_timeout as *const (),
    synchronize_device_with_timeout as *const (),
    reset_device_force as *const (),
    get_stream_res_limit as *const (),
    get_recent_err_msg as *const (),
];

pub(crate) const LOG_ENTRIES: &[*const ()] = &[dlog_setlevel as *const ()];

extern "C" fn acl_init(config: *const c_char) -> i32 {
    call("aclInit", &[number(config.cast())], |world| {
        if core::mem::replace(&mut world.acl, true) {
            Err(ALREADY)
        } else {
            Ok(())
        }
    })
}

extern "C" fn acl_finalize() -> i32 {
    call("aclFinalize", &[], |world| {
        if core::mem::replace(&mut world.acl, false) {
            Ok(())
        } else {
            Err(NOT_INITIALISED)
        }
    })
}

unsafe extern "C" fn set_operation_timeout(microseconds: u64, actual: *mut u64) -> i32 {
    bound_call("aclrtSetOpExecuteTimeOutV2", &[microseconds], |_, _| {
        // SAFETY: the caller's out parameter.
        unsafe { actual.write(microseconds.next_multiple_of(STEP)) };
        Ok(())
    })
}

extern "C" fn synchronize_stream_with_timeout(handle: u64, milliseconds: i32) -> i32 {
    let limit = u64::try_from(milliseconds).ok().map(Duration::from_millis);
    synchronize("aclrtSynchronizeStreamWithTimeout", handle, limit)
}

extern "C" fn synchronize_device_with_timeout(milliseconds: i32) -> i32 {
    let limit = u64::try_from(milliseconds).unwrap_or(0);
    let mut waiters = Vec::new();
    let code = bound_call(
        "aclrtSynchronizeDeviceWithTimeout",
        &[limit],
        |world, device| {
            let streams = world
                .streams
                .values()
                .filter(|stream| stream.device == device);
            waiters.extend(streams.map(crate::stream::Stream::waiter));
            Ok(())
        },
    );
    if code != 0 {
        return code;
    }
    let codes = waiters
        .iter()
        .map(|wait| wait(Some(Duration::from_millis(limit))));
    codes
        .map(|code| code.unwrap_or(crate::runtime::TIMEOUT))
        .find(|&code| code != 0)
        .unwrap_or(0)
}

extern "C" fn reset_device_force(device: i32) -> i32 {
    bound_call(
        "aclrtResetDeviceForce",
        &[u64::from(device.cast_unsigned())],
        |world, current| {
            if world.physical(device) != Some(current) || !world.acl {
                return Err(INVALID);
            }
            world.reset(current, true)
        },
    )
}

unsafe extern "C" fn get_stream_res_limit(stream: u64, kind: i32, limit: *mut u32) -> i32 {
    bound_call(
        "aclrtGetStreamResLimit",
        &[stream, u64::from(kind.cast_unsigned())],
        |world, device| {
            let clusters = world.devices[&device].clusters.count_ones();
            let count = match kind {
                0 => clusters,
                1 => 2 * clusters,
                _ => return Err(INVALID),
            };
            // SAFETY: the caller's out parameter.
            unsafe { limit.write(count) };
            Ok(())
        },
    )
}

extern "C" fn get_recent_err_msg() -> *const c_char {
    let failed = lock()
        .as_ref()
        .and_then(|world| world.calls.last().map(|call| call.code != 0))
        .unwrap_or(false);
    if failed {
        c"played error".as_ptr()
    } else {
        core::ptr::null()
    }
}

extern "C" fn dlog_setlevel(module: i32, level: i32, enable_event: i32) -> i32 {
    let numbers = [module, level, enable_event].map(|it| u64::from(it.cast_unsigned()));
    call("dlog_setlevel", &numbers, |_| Ok(()))
}

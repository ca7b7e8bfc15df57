//! The vendor's functions on a chip: the process that loads the image has them, and this is all that is known of them.

use core::ffi::{CStr, c_char};

use libloading::os::unix::Library;

use super::wire::Introduction;

/// Whether a module's line of a level would be written: 1.
pub(super) type CheckLogLevel = unsafe extern "C" fn(i32, i32) -> i32;
/// Writes a line of a module.
pub(super) type DlogRecord = unsafe extern "C" fn(i32, i32, *const c_char, ...);
/// A number about a module of a device.
type HalGetDeviceInfo = unsafe extern "C" fn(u32, i32, i32, *mut i64) -> i32;

/// The control CPUs, and which of them kernels may use.
const CONTROL_CPUS: (i32, i32) = (1, 8);

/// The function with this name, if the process has it.
///
/// # Safety
/// `F` is its type.
pub(super) unsafe fn function<F: Copy>(name: &CStr) -> Option<F> {
    // SAFETY: the caller's promise.
    unsafe { Library::this().get::<F>(name.to_bytes_with_nul()) }
        .ok()
        .map(|symbol| *symbol)
}

/// Which control CPUs kernels may use, one bit each, 0 if that is not known here. Only a chip of family a5 is asked:
/// its driver says on the host that there are more; on the other family it is the host that knows.
pub(super) fn processors() -> u64 {
    if !cfg!(feature = "image-a5") {
        return 0;
    }
    // SAFETY: the driver's function of this name has this type.
    let Some(ask) = (unsafe { function::<HalGetDeviceInfo>(c"halGetDeviceInfo") }) else {
        return 0;
    };
    let mut mask = 0;
    // SAFETY: it writes one number. On the chip its own device is number 0.
    match unsafe { ask(0, CONTROL_CPUS.0, CONTROL_CPUS.1, &raw mut mask) } {
        0 => mask.cast_unsigned(),
        _ => 0,
    }
}

impl Introduction {
    /// This image's, on this chip.
    pub(super) fn here() -> Self {
        Self {
            digest: super::wire::DIGEST,
            processors: processors(),
            reserved: [0; 6],
        }
    }
}

//! What C passes as a pointer.
//!
//! Knows which are refused before anything is done. Refuses to know what they point to.

use core::ffi::c_void;
use core::slice;

use super::guard::CallError;
use crate::address::DeviceAddress;
use crate::error::Error;

/// Bytes that C passes by address and length.
#[derive(Clone, Copy, Debug)]
pub struct Bytes {
    /// The first.
    pub first: *const u8,
    /// How many.
    pub length: usize,
}

impl Bytes {
    /// # Safety
    /// They are null or readable, and stay so.
    pub(super) unsafe fn get<'a>(self) -> &'a [u8] {
        if self.first.is_null() {
            return &[];
        }
        // SAFETY: the caller's promise.
        unsafe { slice::from_raw_parts(self.first, self.length) }
    }
}

/// Refuses null.
pub(super) fn non_null<T>(what: &'static str, pointer: *const T) -> Result<(), CallError> {
    if pointer.is_null() {
        return Err(CallError::Null { what });
    }
    Ok(())
}

/// Refuses null as the device refuses every address that is none of its own.
pub(super) fn in_memory(operation: &'static str, device: *const c_void) -> Result<(), Error> {
    if device.is_null() {
        let address = address(device);
        return Err(Error::UnknownAddress { operation, address });
    }
    Ok(())
}

pub(super) fn address(pointer: *const c_void) -> DeviceAddress {
    DeviceAddress(pointer.addr() as u64)
}

pub(super) fn pointer(address: DeviceAddress) -> *mut u8 {
    let address = usize::try_from(address.0).expect("an address of this process");
    core::ptr::with_exposed_provenance_mut(address)
}

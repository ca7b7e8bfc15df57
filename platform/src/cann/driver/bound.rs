//! Memory, streams and the device as a whole.
//!
//! Knows the calls that every use of a device needs. Refuses to know programs.

use core::ffi::{CStr, c_char};
use core::ptr::null_mut;
use core::time::Duration;

use super::{Bound, call, pointer};
use crate::cann::code::Code;
use crate::cann::error::Error;
use crate::cann::sys;

impl Bound<'_> {
    /// Allocates device memory.
    pub(crate) fn malloc(&self, bytes: u64) -> Result<u64, Error> {
        let mut pointer = null_mut();
        call!(
            self,
            runtime.rtMalloc(&raw mut pointer, bytes, sys::MEMORY_HBM, 0)
        )?;
        Ok(pointer.expose_provenance() as u64)
    }

    /// Frees device memory that [`malloc`](Self::malloc) gave.
    pub(crate) fn free(&self, address: u64) -> Result<(), Error> {
        call!(self, runtime.rtFree(pointer(address)))
    }

    /// Copies to the device.
    ///
    /// # Safety
    /// `from` is readable for `bytes`.
    pub(crate) unsafe fn copy_in(&self, to: u64, from: *const u8, bytes: u64) -> Result<(), Error> {
        let kind = sys::CopyKind::HostToDevice as i32;
        call!(
            self,
            runtime.rtMemcpy(pointer(to), bytes, from.cast(), bytes, kind)
        )
    }

    /// Copies from the device.
    ///
    /// # Safety
    /// `to` is writable for `bytes`.
    pub(crate) unsafe fn copy_out(&self, to: *mut u8, from: u64, bytes: u64) -> Result<(), Error> {
        let kind = sys::CopyKind::DeviceToHost as i32;
        call!(
            self,
            runtime.rtMemcpy(to.cast(), bytes, pointer(from), bytes, kind)
        )
    }

    /// Fills device memory with one byte.
    pub(crate) fn fill(&self, to: u64, byte: u8, bytes: u64) -> Result<(), Error> {
        call!(
            self,
            runtime.rtMemset(pointer(to), bytes, u32::from(byte), bytes)
        )
    }

    /// Makes a stream.
    pub(crate) fn stream_create(&self) -> Result<u64, Error> {
        let mut stream = null_mut();
        call!(self, runtime.rtStreamCreate(&raw mut stream, 0))?;
        Ok(stream.expose_provenance() as u64)
    }

    /// Destroys a stream.
    pub(crate) fn stream_destroy(&self, stream: u64) -> Result<(), Error> {
        call!(self, runtime.rtStreamDestroy(pointer(stream)))
    }

    /// Waits until a stream has no more work, at most this long.
    pub(crate) fn stream_synchronize(&self, stream: u64, limit: Duration) -> Result<(), Error> {
        let limit = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX).max(1);
        call!(
            self,
            acl.aclrtSynchronizeStreamWithTimeout(pointer(stream), limit)
        )
    }

    /// Whether a stream has no more work.
    pub(crate) fn stream_done(&self, stream: u64) -> Result<bool, Error> {
        match call!(self, runtime.rtStreamQuery(pointer(stream))) {
            Ok(()) => Ok(true),
            Err(error) if error.code() == Some(Code::STREAM_NOT_COMPLETE) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sets how long the hardware lets one operation run; what it made of it.
    pub(crate) fn set_operation_timeout(&self, limit: Duration) -> Result<Duration, Error> {
        let wanted = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        let mut actual = 0;
        call!(
            self,
            acl.aclrtSetOpExecuteTimeOutV2(wanted, &raw mut actual)
        )?;
        Ok(Duration::from_micros(actual))
    }

    /// Waits for all work of the device, at most this long.
    pub(crate) fn drain(&self, limit: Duration) -> Result<(), Error> {
        let limit = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX).max(1);
        call!(self, acl.aclrtSynchronizeDeviceWithTimeout(limit))
    }

    /// Gives the device back.
    pub(crate) fn reset(&self) -> Result<(), Error> {
        call!(self, runtime.rtDeviceReset(self.driver.device))
    }

    /// Takes everything of this process off the device, whatever it is doing.
    pub(crate) fn reset_force(&self) -> Result<(), Error> {
        call!(self, acl.aclrtResetDeviceForce(self.driver.device))
    }

    /// Name of the chip.
    ///
    /// # Errors
    /// What `rtGetSocVersion` returned.
    pub fn soc_name(&self) -> Result<String, Error> {
        let mut name = [0_u8; 64];
        let length = u32::try_from(name.len()).expect("64") - 1;
        call!(
            self,
            runtime.rtGetSocVersion(name.as_mut_ptr().cast::<c_char>(), length)
        )?;
        let name = CStr::from_bytes_until_nul(&name).unwrap_or_default();
        Ok(name.to_string_lossy().into_owned())
    }
}

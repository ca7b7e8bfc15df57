//! `libascendcl.so`.

use core::ffi::{c_char, c_void};

use crate::cann::sys::structs::{MemAccessDesc, PhysicalMemProp};

use super::library;

library! {
    /// `libascendcl.so`, or `libacl_rt.so` from CANN 9 on: the application's interface.
    #[expect(non_snake_case, reason = "the vendor's names, which messages repeat")]
    Acl {
        /// Begins, once for the process.
        fn aclInit(config: *const c_char) -> i32;
        /// Ends it.
        fn aclFinalize() -> i32;
        /// Binds the calling thread to a device.
        fn aclrtSetDevice(device: i32) -> i32;
        /// The device that the calling thread is bound to.
        fn aclrtGetDevice(device: *mut i32) -> i32;
        /// Gives up everything of the process on a device.
        fn aclrtResetDevice(device: i32) -> i32;
        /// The same, also for a device that failed.
        fn aclrtResetDeviceForce(device: i32) -> i32;
        /// Makes a stream.
        fn aclrtCreateStream(stream: *mut *mut c_void) -> i32;
        /// Gives a stream back.
        fn aclrtDestroyStream(stream: *mut c_void) -> i32;
        /// Waits for all of a stream, however long.
        fn aclrtSynchronizeStream(stream: *mut c_void) -> i32;
        /// The same, so many milliseconds.
        fn aclrtSynchronizeStreamWithTimeout(stream: *mut c_void, milliseconds: i32) -> i32;
        /// Waits for all of a device, so many milliseconds.
        fn aclrtSynchronizeDeviceWithTimeout(milliseconds: i32) -> i32;
        /// How long one operation of the hardware may take.
        fn aclrtSetOpExecuteTimeOutV2(microseconds: u64, actual: *mut u64) -> i32;
        /// Whether a stream goes on after a failure.
        fn aclrtSetStreamFailureMode(stream: *mut c_void, mode: u64) -> i32;
        /// How many units a stream may use.
        fn aclrtGetStreamResLimit(stream: *mut c_void, kind: u32, value: *mut u32) -> i32;
        /// Allocates device memory.
        fn aclrtMalloc(pointer: *mut *mut c_void, size: usize, policy: u32) -> i32;
        /// Frees it.
        fn aclrtFree(pointer: *mut c_void) -> i32;
        /// Copies, and returns when that is done.
        fn aclrtMemcpy(
            to: *mut c_void,
            to_max: usize,
            from: *const c_void,
            count: usize,
            kind: u32,
        ) -> i32;
        /// Fills device memory with a byte.
        fn aclrtMemset(pointer: *mut c_void, to_max: usize, value: i32, count: usize) -> i32;
        /// The name of the chip.
        fn aclrtGetSocName() -> *const c_char;
        /// What went wrong last, in words.
        fn aclGetRecentErrMsg() -> *const c_char;
        /// Lets this device reach another's memory.
        fn aclrtDeviceEnablePeerAccess(peer: i32, flags: u32) -> i32;
        /// Whether it does.
        fn aclrtDevicePeerAccessStatus(device: i32, peer: i32, status: *mut i32) -> i32;
        /// Makes an event.
        fn aclrtCreateEventExWithFlag(event: *mut *mut c_void, flag: u32) -> i32;
        /// Notes an event down when a stream comes to it.
        fn aclrtRecordEvent(event: *mut c_void, stream: *mut c_void) -> i32;
        /// Waits for an event.
        fn aclrtSynchronizeEvent(event: *mut c_void) -> i32;
        /// When an event was.
        fn aclrtEventGetTimestamp(event: *mut c_void, timestamp: *mut u64) -> i32;
        /// Gives an event back.
        fn aclrtDestroyEvent(event: *mut c_void) -> i32;
        /// Reserves addresses.
        fn aclrtReserveMemAddress(
            address: *mut *mut c_void,
            size: usize,
            alignment: usize,
            expected: *mut c_void,
            flags: u64,
        ) -> i32;
        /// Gives them back.
        fn aclrtReleaseMemAddress(address: *mut c_void) -> i32;
        /// Allocates memory without an address.
        fn aclrtMallocPhysical(
            handle: *mut *mut c_void,
            size: usize,
            property: *const PhysicalMemProp,
            flags: u64,
        ) -> i32;
        /// Frees it.
        fn aclrtFreePhysical(handle: *mut c_void) -> i32;
        /// Gives such memory an address.
        fn aclrtMapMem(
            address: *mut c_void,
            size: usize,
            offset: usize,
            handle: *mut c_void,
            flags: u64,
        ) -> i32;
        /// Takes the address back.
        fn aclrtUnmapMem(address: *mut c_void) -> i32;
        /// Who may reach it.
        fn aclrtMemSetAccess(
            address: *mut c_void,
            size: usize,
            access: *mut MemAccessDesc,
            count: usize,
        ) -> i32;
        /// A number by which another process of this host finds such memory.
        fn aclrtMemExportToShareableHandle(
            handle: *mut c_void,
            kind: u32,
            flags: u64,
            out: *mut u64,
        ) -> i32;
        /// Such memory, by the number.
        fn aclrtMemImportFromShareableHandle(
            number: u64,
            device: i32,
            handle: *mut *mut c_void,
        ) -> i32;
        /// The same for another host too, by 128 bytes.
        fn aclrtMemExportToShareableHandleV2(
            handle: *mut c_void,
            flags: u64,
            kind: u32,
            out: *mut c_void,
        ) -> i32;
        /// Such memory, by these bytes.
        fn aclrtMemImportFromShareableHandleV2(
            bytes: *mut c_void,
            kind: u32,
            flags: u64,
            handle: *mut *mut c_void,
        ) -> i32;
        /// In which pieces such memory comes.
        fn aclrtMemGetAllocationGranularity(
            property: *mut PhysicalMemProp,
            option: u32,
            granularity: *mut usize,
        ) -> i32;
    }
}

//! `libascend_hal.so`, of the driver package.

use core::ffi::c_void;

use crate::cann::sys::structs::{AddrMapOut, ResMapInfo};

use super::library;

library! {
    /// `libascend_hal.so`: the driver.
    #[expect(non_snake_case, reason = "the vendor's names, which messages repeat")]
    Hal {
        /// A bitmap about a module's units.
        fn halGetDeviceInfoByBuff(
            device: u32,
            module: i32,
            info: i32,
            buffer: *mut c_void,
            size: *mut i32,
        ) -> i32;
        /// A number about a module's units.
        fn halGetDeviceInfo(device: u32, module: i32, info: i32, value: *mut i64) -> i32;
        /// Maps registers of all cores.
        fn halMemCtl(
            kind: i32,
            input: *mut c_void,
            input_size: usize,
            output: *mut AddrMapOut,
            output_size: *mut usize,
        ) -> i32;
        /// Maps registers of one cluster.
        fn halResMap(
            device: u32,
            info: *mut ResMapInfo,
            address: *mut u64,
            length: *mut u32,
        ) -> i32;
        /// Takes that mapping back.
        fn halResUnmap(device: u32, info: *mut ResMapInfo) -> i32;
        /// Lets the host reach device memory.
        fn halHostRegister(
            source: *mut c_void,
            size: u64,
            flag: u32,
            device: u32,
            out: *mut *mut c_void,
        ) -> i32;
        /// Takes that back.
        fn halHostUnregister(source: *mut c_void, device: u32) -> i32;
        /// Allocates memory of the chip on its control CPUs; a host must not call it.
        fn halMemAlloc(pointer: *mut *mut c_void, size: u64, flag: u64) -> i32;
        /// Frees it.
        fn halMemFree(pointer: *mut c_void) -> i32;
    }
}

//! `libruntime.so`.

use core::ffi::{c_char, c_void};

use crate::cann::sys::structs::{
    AicpuArgsEx, ArgsEx, CpuKernelArgs, DevBinary, KernelLaunchCfg, LoadBinaryConfig, TaskCfgInfo,
};

use super::library;

library! {
    /// `libruntime.so`: devices, memory, streams, programs and launches.
    #[expect(non_snake_case, reason = "the vendor's names, which messages repeat")]
    Runtime {
        /// Binds the calling thread to a device.
        fn rtSetDevice(device: i32) -> i32;
        /// Gives up everything of the process on a device.
        fn rtDeviceReset(device: i32) -> i32;
        /// How many devices the process sees.
        fn rtGetDeviceCount(count: *mut i32) -> i32;
        /// How many control CPUs the device has.
        fn rtGetAiCpuCount(count: *mut u32) -> i32;
        /// The name of the chip.
        fn rtGetSocVersion(version: *mut c_char, length: u32) -> i32;
        /// Allocates device memory of a kind.
        fn rtMalloc(pointer: *mut *mut c_void, size: u64, kind: u32, module: u16) -> i32;
        /// Frees device memory.
        fn rtFree(pointer: *mut c_void) -> i32;
        /// Copies, and returns when that is done.
        fn rtMemcpy(
            to: *mut c_void,
            to_max: u64,
            from: *const c_void,
            count: u64,
            kind: i32,
        ) -> i32;
        /// Fills device memory with a byte.
        fn rtMemset(pointer: *mut c_void, to_max: u64, value: u32, count: u64) -> i32;
        /// Makes a stream of the thread's device.
        fn rtStreamCreate(stream: *mut *mut c_void, priority: i32) -> i32;
        /// Gives a stream back.
        fn rtStreamDestroy(stream: *mut c_void) -> i32;
        /// Waits for all of a stream, however long.
        fn rtStreamSynchronize(stream: *mut c_void) -> i32;
        /// Waits for all of a stream, so many milliseconds.
        fn rtStreamSynchronizeWithTimeout(stream: *mut c_void, milliseconds: i32) -> i32;
        /// Whether all of a stream is done: 0, 507004 if not.
        fn rtStreamQuery(stream: *mut c_void) -> i32;
        /// Where the unit is by which cores synchronise.
        fn rtGetC2cCtrlAddr(address: *mut u64, length: *mut u32) -> i32;
        /// Registers a core program.
        fn rtRegisterAllKernel(binary: *const DevBinary, handle: *mut *mut c_void) -> i32;
        /// Takes a core program back.
        fn rtDevBinaryUnRegister(handle: *mut c_void) -> i32;
        /// Launches a core program.
        fn rtKernelLaunchWithHandleV2(
            handle: *mut c_void,
            tiling_key: u64,
            blocks: u32,
            args: *mut ArgsEx,
            shared_memory: *mut c_void,
            stream: *mut c_void,
            config: *const TaskCfgInfo,
        ) -> i32;
        /// Launches a function of a library on control CPUs.
        fn rtAicpuKernelLaunchExWithArgs(
            kernel_type: u32,
            op_name: *const c_char,
            blocks: u32,
            args: *const AicpuArgsEx,
            shared_memory: *mut c_void,
            stream: *mut c_void,
            flags: u32,
        ) -> i32;
        /// Loads a library for control CPUs by its descriptor, a file that ends in `.json`.
        fn rtsBinaryLoadFromFile(
            path: *const c_char,
            config: *const LoadBinaryConfig,
            handle: *mut *mut c_void,
        ) -> i32;
        /// Unloads what was loaded so.
        fn rtsBinaryUnload(handle: *mut c_void) -> i32;
        /// A function of such a library.
        fn rtsFuncGetByName(
            binary: *mut c_void,
            name: *const c_char,
            function: *mut *mut c_void,
        ) -> i32;
        /// Launches such a function.
        fn rtsLaunchCpuKernel(
            function: *mut c_void,
            blocks: u32,
            stream: *mut c_void,
            config: *const KernelLaunchCfg,
            args: *mut CpuKernelArgs,
        ) -> i32;
    }
}

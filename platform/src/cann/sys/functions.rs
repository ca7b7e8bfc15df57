//! CANN's functions that are called, by library.
//!
//! Each library is a table of addresses; an address that was not found is `None`, and whether that
//! matters is decided when the function is needed.

use core::ffi::{c_char, c_void};

#[cfg(feature = "cann-headers")]
use super::headers;
use super::structs::{AddrMapOut, AicpuArgsEx, ArgsEx, DevBinary, ResMapInfo, TaskCfgInfo};

/// A type that the compiler knows already.
#[cfg(feature = "cann-headers")]
macro_rules! inferred {
    ($argument:ident) => {
        _
    };
}

macro_rules! library {
    ($(#[$doc:meta])* $name:ident { $(fn $function:ident($($argument:ident: $type:ty),* $(,)?) -> $result:ty;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name {
            $(pub(crate) $function: Option<unsafe extern "C" fn($($argument: $type),*) -> $result>,)*
        }

        $(
            #[cfg(feature = "cann-headers")]
            const _: () = assert!(
                headers::same(
                    <unsafe extern "C" fn($($type),*) -> $result as headers::Function>::PROTOTYPE,
                    headers::prototype(
                        headers::vendor::$function as unsafe extern "C" fn($(inferred!($argument)),*) -> _
                    ),
                ),
                concat!(stringify!($function), " is declared differently in the toolkit's headers")
            );
        )*

        impl $name {
            /// The functions that `find` finds.
            ///
            /// # Safety
            /// Each address found is that of the vendor's function with this name.
            pub(crate) unsafe fn probe(find: &dyn Fn(&str) -> Option<*mut c_void>) -> Self {
                Self {
                    $($function: find(stringify!($function)).map(|address| {
                        // SAFETY: the caller says which function this is; the prototype is the
                        // header's.
                        unsafe {
                            core::mem::transmute::<
                                *mut c_void,
                                unsafe extern "C" fn($($argument: $type),*) -> $result,
                            >(address)
                        }
                    }),)*
                }
            }
        }
    };
}

library! {
    /// `libruntime.so`.
    #[expect(non_snake_case, reason = "the vendor's names, which messages repeat")]
    Runtime {
        fn rtSetDevice(device: i32) -> i32;
        fn rtDeviceReset(device: i32) -> i32;
        fn rtGetSocVersion(version: *mut c_char, length: u32) -> i32;
        fn rtMalloc(pointer: *mut *mut c_void, size: u64, kind: u32, module: u16) -> i32;
        fn rtFree(pointer: *mut c_void) -> i32;
        fn rtMemcpy(to: *mut c_void, to_max: u64, from: *const c_void, count: u64, kind: i32) -> i32;
        fn rtMemset(pointer: *mut c_void, to_max: u64, value: u32, count: u64) -> i32;
        fn rtStreamCreate(stream: *mut *mut c_void, priority: i32) -> i32;
        fn rtStreamDestroy(stream: *mut c_void) -> i32;
        fn rtStreamQuery(stream: *mut c_void) -> i32;
        fn rtGetC2cCtrlAddr(address: *mut u64, length: *mut u32) -> i32;
        fn rtRegisterAllKernel(binary: *const DevBinary, handle: *mut *mut c_void) -> i32;
        fn rtDevBinaryUnRegister(handle: *mut c_void) -> i32;
        fn rtKernelLaunchWithHandleV2(
            handle: *mut c_void,
            tiling_key: u64,
            blocks: u32,
            args: *mut ArgsEx,
            shared_memory: *mut c_void,
            stream: *mut c_void,
            config: *const TaskCfgInfo,
        ) -> i32;
        fn rtAicpuKernelLaunchExWithArgs(
            kernel_type: u32,
            op_name: *const c_char,
            blocks: u32,
            args: *const AicpuArgsEx,
            shared_memory: *mut c_void,
            stream: *mut c_void,
            flags: u32,
        ) -> i32;
    }
}

library! {
    /// `libascendcl.so`, or `libacl_rt.so` from CANN 9 on.
    #[expect(non_snake_case, reason = "the vendor's names, which messages repeat")]
    Acl {
        fn aclInit(config: *const c_char) -> i32;
        fn aclFinalize() -> i32;
        fn aclrtResetDeviceForce(device: i32) -> i32;
        fn aclrtSynchronizeStreamWithTimeout(stream: *mut c_void, milliseconds: i32) -> i32;
        fn aclrtSynchronizeDeviceWithTimeout(milliseconds: i32) -> i32;
        fn aclrtSetOpExecuteTimeOutV2(microseconds: u64, actual: *mut u64) -> i32;
        fn aclGetRecentErrMsg() -> *const c_char;
    }
}

library! {
    /// `libascend_hal.so`, of the driver package.
    #[expect(non_snake_case, reason = "the vendor's names, which messages repeat")]
    Hal {
        fn halGetDeviceInfoByBuff(
            device: u32,
            module: i32,
            info: i32,
            buffer: *mut c_void,
            size: *mut i32,
        ) -> i32;
        fn halGetDeviceInfo(device: u32, module: i32, info: i32, value: *mut i64) -> i32;
        fn halMemCtl(
            kind: i32,
            input: *mut c_void,
            input_size: usize,
            output: *mut AddrMapOut,
            output_size: *mut usize,
        ) -> i32;
        fn halResMap(device: u32, info: *mut ResMapInfo, address: *mut u64, length: *mut u32) -> i32;
        fn halHostRegister(
            source: *mut c_void,
            size: u64,
            flag: u32,
            device: u32,
            out: *mut *mut c_void,
        ) -> i32;
        fn halHostUnregister(source: *mut c_void, device: u32) -> i32;
    }
}

library! {
    /// `libhcomm.so`, older `libhccl.so`: several chips.
    #[expect(non_snake_case, reason = "the vendor's names, which messages repeat")]
    Hccl {
        fn HcclGetRootInfo(root: *mut c_void) -> i32;
        fn HcclCommInitRootInfo(ranks: u32, root: *const c_void, rank: u32, comm: *mut *mut c_void) -> i32;
        fn HcclGetCommName(comm: *mut c_void, name: *mut c_char) -> i32;
        fn HcclBarrier(comm: *mut c_void, stream: *mut c_void) -> i32;
        fn HcclCommDestroy(comm: *mut c_void) -> i32;
        fn HcclAllocComResourceByTiling(
            comm: *mut c_void,
            stream: *mut c_void,
            request: *mut c_void,
            context: *mut *mut c_void,
        ) -> i32;
        fn HcomGetCommHandleByGroup(group: *const c_char, comm: *mut *mut c_void) -> i32;
        fn HcomGetL0TopoTypeEx(group: *const c_char, topology: *mut u32, set_device: u32) -> i32;
    }
}

library! {
    /// `libunified_dlog.so`, older `libascendalog.so`.
    Log {
        fn dlog_setlevel(module: i32, level: i32, enable_event: i32) -> i32;
    }
}

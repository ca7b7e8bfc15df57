//! CANN's functions, by library.
//!
//! Each library is a table of addresses; an address that was not found is `None`, and whether that
//! matters is decided when the function is needed.

use core::ffi::{c_char, c_void};

use super::structs::{
    AddrMapOut, AicpuArgsEx, ArgsEx, CpuKernelArgs, DevBinary, HcclRootInfo, KernelLaunchCfg,
    LoadBinaryConfig, MemAccessDesc, PhysicalMemProp, ResMapInfo, TaskCfgInfo,
};

macro_rules! library {
    ($(#[$doc:meta])* $name:ident { $(fn $function:ident($($argument:ident: $type:ty),* $(,)?) -> $result:ty;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[expect(non_snake_case, reason = "the vendor's names, which messages repeat")]
        pub(crate) struct $name {
            $(pub(crate) $function: Option<unsafe extern "C" fn($($argument: $type),*) -> $result>,)*
        }

        impl $name {
            /// Every function there is to look for.
            #[cfg(test)]
            pub(crate) const FUNCTIONS: &'static [&'static str] = &[$(stringify!($function)),*];

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
    Runtime {
        fn rtSetDevice(device: i32) -> i32;
        fn rtDeviceReset(device: i32) -> i32;
        fn rtGetDeviceCount(count: *mut i32) -> i32;
        fn rtGetAiCpuCount(count: *mut u32) -> i32;
        fn rtGetSocVersion(version: *mut c_char, length: u32) -> i32;
        fn rtMalloc(pointer: *mut *mut c_void, size: u64, kind: u32, module: u16) -> i32;
        fn rtFree(pointer: *mut c_void) -> i32;
        fn rtMemcpy(to: *mut c_void, to_max: u64, from: *const c_void, count: u64, kind: i32) -> i32;
        fn rtMemset(pointer: *mut c_void, to_max: u64, value: u32, count: u64) -> i32;
        fn rtStreamCreate(stream: *mut *mut c_void, priority: i32) -> i32;
        fn rtStreamDestroy(stream: *mut c_void) -> i32;
        fn rtStreamSynchronize(stream: *mut c_void) -> i32;
        fn rtStreamSynchronizeWithTimeout(stream: *mut c_void, milliseconds: i32) -> i32;
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
        fn rtsBinaryLoadFromFile(
            path: *const c_char,
            config: *const LoadBinaryConfig,
            handle: *mut *mut c_void,
        ) -> i32;
        fn rtsBinaryUnload(handle: *mut c_void) -> i32;
        fn rtsFuncGetByName(binary: *mut c_void, name: *const c_char, function: *mut *mut c_void) -> i32;
        fn rtsLaunchCpuKernel(
            function: *mut c_void,
            blocks: u32,
            stream: *mut c_void,
            config: *const KernelLaunchCfg,
            args: *mut CpuKernelArgs,
        ) -> i32;
    }
}

library! {
    /// `libascendcl.so`, or `libacl_rt.so` from CANN 9 on.
    Acl {
        fn aclInit(config: *const c_char) -> i32;
        fn aclFinalize() -> i32;
        fn aclrtSetDevice(device: i32) -> i32;
        fn aclrtGetDevice(device: *mut i32) -> i32;
        fn aclrtResetDevice(device: i32) -> i32;
        fn aclrtResetDeviceForce(device: i32) -> i32;
        fn aclrtCreateStream(stream: *mut *mut c_void) -> i32;
        fn aclrtDestroyStream(stream: *mut c_void) -> i32;
        fn aclrtSynchronizeStream(stream: *mut c_void) -> i32;
        fn aclrtSynchronizeStreamWithTimeout(stream: *mut c_void, milliseconds: i32) -> i32;
        fn aclrtSynchronizeDeviceWithTimeout(milliseconds: i32) -> i32;
        fn aclrtSetOpExecuteTimeOutV2(microseconds: u64, actual: *mut u64) -> i32;
        fn aclrtMalloc(pointer: *mut *mut c_void, size: usize, policy: i32) -> i32;
        fn aclrtFree(pointer: *mut c_void) -> i32;
        fn aclrtMemcpy(to: *mut c_void, to_max: usize, from: *const c_void, count: usize, kind: i32) -> i32;
        fn aclrtMemset(pointer: *mut c_void, to_max: usize, value: i32, count: usize) -> i32;
        fn aclrtGetStreamResLimit(stream: *mut c_void, kind: i32, limit: *mut u32) -> i32;
        fn aclrtSetStreamFailureMode(stream: *mut c_void, mode: u64) -> i32;
        fn aclrtGetSocName() -> *const c_char;
        fn aclGetRecentErrMsg() -> *const c_char;
        fn aclrtDeviceEnablePeerAccess(peer: i32, flags: u32) -> i32;
        fn aclrtDevicePeerAccessStatus(device: i32, peer: i32, status: *mut i32) -> i32;
        fn aclrtCreateEventExWithFlag(event: *mut *mut c_void, flag: u32) -> i32;
        fn aclrtRecordEvent(event: *mut c_void, stream: *mut c_void) -> i32;
        fn aclrtSynchronizeEvent(event: *mut c_void) -> i32;
        fn aclrtEventGetTimestamp(event: *mut c_void, timestamp: *mut u64) -> i32;
        fn aclrtDestroyEvent(event: *mut c_void) -> i32;
        fn aclrtReserveMemAddress(
            address: *mut *mut c_void,
            size: usize,
            align: usize,
            expected: *mut c_void,
            flags: u64,
        ) -> i32;
        fn aclrtReleaseMemAddress(address: *mut c_void) -> i32;
        fn aclrtMallocPhysical(
            handle: *mut *mut c_void,
            size: usize,
            property: *const PhysicalMemProp,
            flags: u64,
        ) -> i32;
        fn aclrtFreePhysical(handle: *mut c_void) -> i32;
        fn aclrtMapMem(
            address: *mut c_void,
            size: usize,
            offset: usize,
            handle: *mut c_void,
            flags: u64,
        ) -> i32;
        fn aclrtUnmapMem(address: *mut c_void) -> i32;
        fn aclrtMemSetAccess(
            address: *mut c_void,
            size: usize,
            access: *mut MemAccessDesc,
            count: usize,
        ) -> i32;
        fn aclrtMemExportToShareableHandle(
            handle: *mut c_void,
            kind: i32,
            flags: u64,
            out: *mut u64,
        ) -> i32;
        fn aclrtMemImportFromShareableHandle(from: u64, device: i32, handle: *mut *mut c_void) -> i32;
        fn aclrtMemExportToShareableHandleV2(
            handle: *mut c_void,
            flags: u64,
            kind: i32,
            out: *mut c_void,
        ) -> i32;
        fn aclrtMemImportFromShareableHandleV2(
            from: *mut c_void,
            kind: i32,
            flags: u64,
            handle: *mut *mut c_void,
        ) -> i32;
        fn aclrtMemGetAllocationGranularity(
            property: *mut PhysicalMemProp,
            option: i32,
            granularity: *mut usize,
        ) -> i32;
    }
}

library! {
    /// `libascend_hal.so`, of the driver package.
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
        fn halResUnmap(device: u32, info: *mut ResMapInfo) -> i32;
        fn halHostRegister(
            source: *mut c_void,
            size: u64,
            flag: u32,
            device: u32,
            out: *mut *mut c_void,
        ) -> i32;
        fn halHostUnregister(source: *mut c_void, device: u32) -> i32;
        fn dsmi_get_device_info(
            device: u32,
            main: i32,
            sub: u32,
            buffer: *mut c_void,
            size: *mut u32,
        ) -> i32;
    }
}

library! {
    /// `libunified_dlog.so`, older `libascendalog.so`.
    Log {
        fn dlog_setlevel(module: i32, level: i32, enable_event: i32) -> i32;
        fn CheckLogLevel(module: i32, level: i32) -> i32;
    }
}

library! {
    /// `libhcomm.so`, older `libhccl.so`.
    Hccl {
        fn HcclGetRootInfo(root: *mut HcclRootInfo) -> i32;
        fn HcclCommInitRootInfo(
            ranks: u32,
            root: *const HcclRootInfo,
            rank: u32,
            communicator: *mut *mut c_void,
        ) -> i32;
        fn HcclGetCommName(communicator: *mut c_void, name: *mut c_char) -> i32;
        fn HcclBarrier(communicator: *mut c_void, stream: *mut c_void) -> i32;
        fn HcclCommDestroy(communicator: *mut c_void) -> i32;
        fn HcclAllocComResourceByTiling(
            communicator: *mut c_void,
            stream: *mut c_void,
            tiling: *mut c_void,
            context: *mut *mut c_void,
        ) -> i32;
        fn HcomGetCommHandleByGroup(group: *const c_char, communicator: *mut *mut c_void) -> i32;
        fn HcomGetL0TopoTypeEx(group: *const c_char, topology: *mut u32, is_set_device: u32) -> i32;
    }
}

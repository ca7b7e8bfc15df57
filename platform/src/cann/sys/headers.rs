//! What an installed toolkit's headers say, held against what is written here by hand.
//!
//! Knows how to compare two declarations of one function, structure or number. A difference does not compile.

use core::mem::{offset_of, size_of};

use super::numbers::{BINARY_MAGIC_ELF, MEMORY_HBM, ROOT_INFO_BYTES};
use super::structs::{
    AddrMapIn, AddrMapOut, AicpuArgsEx, ArgsEx, CpuKernelArgs, DevBinary, HostInputInfo,
    KernelLaunchCfg, LaunchKernelAttr, LoadBinaryConfig, LoadBinaryOption, MemAccessDesc,
    MemLocation, PhysicalMemProp, ResMapInfo, TaskCfgInfo,
};

/// The toolkit's declarations, as generated.
#[allow(
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    dead_code,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    reason = "generated from headers that differ from version to version"
)]
pub(super) mod vendor {
    include!(concat!(env!("OUT_DIR"), "/cann_headers.rs"));
}

/// How a value is passed: its bytes, or that it is a pointer.
pub(super) trait Passed {
    const AS: u8;
}

/// What stands for a pointer.
const POINTER: u8 = u8::MAX;

impl<T> Passed for *const T {
    const AS: u8 = POINTER;
}

impl<T> Passed for *mut T {
    const AS: u8 = POINTER;
}

macro_rules! numbers {
    ($($number:ty => $bytes:literal),+ $(,)?) => {$(
        impl Passed for $number {
            const AS: u8 = $bytes;
        }
    )+};
}
numbers!(i8 => 1, u8 => 1, i16 => 2, u16 => 2, i32 => 4, u32 => 4, i64 => 8, u64 => 8, usize => 8, bool => 1);

/// A function's result and arguments, the rest zeros.
pub(super) type Prototype = [u8; 9];

/// A pointer to a function.
pub(super) trait Function {
    const PROTOTYPE: Prototype;
}

macro_rules! functions {
    ($($argument:ident)*) => {
        impl<R: Passed, $($argument: Passed),*> Function for unsafe extern "C" fn($($argument),*) -> R {
            const PROTOTYPE: Prototype = {
                let mut all = [0; 9];
                let own = [R::AS, $($argument::AS),*];
                let mut at = 0;
                while at < own.len() {
                    all[at] = own[at];
                    at += 1;
                }
                all
            };
        }
    };
}
functions!();
functions!(A);
functions!(A B);
functions!(A B C);
functions!(A B C D);
functions!(A B C D E);
functions!(A B C D E F);
functions!(A B C D E F G);

/// How `function` is declared.
pub(super) const fn prototype<F: Function + Copy>(_function: F) -> Prototype {
    F::PROTOTYPE
}

/// Whether two declarations pass the same values.
pub(super) const fn same(ours: Prototype, theirs: Prototype) -> bool {
    let mut at = 0;
    while at < ours.len() {
        if ours[at] != theirs[at] {
            return false;
        }
        at += 1;
    }
    true
}

macro_rules! layouts {
    ($($ours:ident is $theirs:ident { $($own:ident is $their:ident),* $(,)? })+) => {$(
        const _: () = {
            assert!(
                size_of::<$ours>() == size_of::<vendor::$theirs>(),
                concat!(stringify!($theirs), " has another size in the toolkit's headers")
            );
            $(assert!(
                offset_of!($ours, $own) == offset_of!(vendor::$theirs, $their),
                concat!(stringify!($theirs), ".", stringify!($their), " lies elsewhere in the toolkit's headers")
            );)*
        };
    )+};
}

layouts! {
    DevBinary is rtDevBinary_t {
        magic is magic, version is version, data is data, length is length,
    }
    ArgsEx is rtArgsEx_t {
        args is args, host_input_info is hostInputInfoPtr, args_size is argsSize,
        tiling_addr_offset is tilingAddrOffset, tiling_data_offset is tilingDataOffset,
        host_input_info_num is hostInputInfoNum, has_tiling is hasTiling,
        is_no_need_h2d_copy is isNoNeedH2DCopy,
    }
    AicpuArgsEx is rtAicpuArgsEx_t {
        args is args, host_input_info is hostInputInfoPtr, kernel_offset_info is kernelOffsetInfoPtr,
        args_size is argsSize, host_input_info_num is hostInputInfoNum,
        kernel_offset_info_num is kernelOffsetInfoNum, so_name_addr_offset is soNameAddrOffset,
        kernel_name_addr_offset is kernelNameAddrOffset, is_no_need_h2d_copy is isNoNeedH2DCopy,
        timeout is timeout,
    }
    TaskCfgInfo is rtTaskCfgInfo_t {
        qos is qos, part_id is partId, schem_mode is schemMode, d2d_cross_flag is d2dCrossFlag,
        block_dim_offset is blockDimOffset, dump_flag is dumpflag, never_timeout is neverTimeout,
        local_memory_size is localMemorySize,
    }
    HostInputInfo is rtHostInputInfo_t {}
    CpuKernelArgs is rtCpuKernelArgs_t {
        base_args is baseArgs, cpu_param_head_offset is cpuParamHeadOffset,
    }
    LoadBinaryOption is rtLoadBinaryOption_t { option_id is optionId }
    LoadBinaryConfig is rtLoadBinaryConfig_t { num_opt is numOpt }
    LaunchKernelAttr is rtLaunchKernelAttr_t { id is id }
    KernelLaunchCfg is rtKernelLaunchCfg_t { num_attrs is numAttrs }
    MemLocation is aclrtMemLocation { id is id, kind is type_ }
    PhysicalMemProp is aclrtPhysicalMemProp {
        handle_type is handleType, allocation_type is allocationType, mem_attr is memAttr,
        location is location, reserve is reserve,
    }
    MemAccessDesc is aclrtMemAccessDesc { flags is flags, location is location }
    AddrMapIn is AddrMapInPara { addr_type is addr_type, devid is devid }
    AddrMapOut is AddrMapOutPara { ptr is ptr, len is len }
    ResMapInfo is res_map_info {
        target_proc_type is target_proc_type, res_type is res_type, res_id is res_id, flag is flag, rsv is rsv,
    }
}

const _: () = {
    assert!(
        MEMORY_HBM as i64 == vendor::simpler_memory_hbm as i64,
        "RT_MEMORY_HBM is another number in the toolkit's headers"
    );
    assert!(
        BINARY_MAGIC_ELF as i64 == vendor::simpler_binary_magic_elf as i64,
        "RT_DEV_BINARY_MAGIC_ELF is another number in the toolkit's headers"
    );
    assert!(
        ROOT_INFO_BYTES as i64 == vendor::simpler_root_info_bytes as i64,
        "HcclRootInfo has another size in the toolkit's headers"
    );
};

//! CANN's structures, byte for byte.

use core::ffi::c_void;

/// An AICore ELF as `rtRegisterAllKernel` takes it: `rtDevBinary_t`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct DevBinary {
    pub(crate) magic: u32,
    pub(crate) version: u32,
    pub(crate) data: *const c_void,
    pub(crate) length: u64,
}

protocol::pin_layout!(DevBinary, 24 bytes, align 8, {
    0 => magic: u32,
    4 => version: u32,
    8 => data: *const c_void,
    16 => length: u64,
});

/// Arguments of an AICore launch: `rtArgsEx_t`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct ArgsEx {
    pub(crate) args: *mut c_void,
    pub(crate) host_input_info: *mut c_void,
    pub(crate) args_size: u32,
    pub(crate) tiling_addr_offset: u32,
    pub(crate) tiling_data_offset: u32,
    pub(crate) host_input_info_num: u16,
    pub(crate) has_tiling: u8,
    pub(crate) is_no_need_h2d_copy: u8,
    pub(crate) reserved: [u8; 4],
    pub(crate) pad: [u8; 4],
}

protocol::pin_layout!(ArgsEx, 40 bytes, align 8, {
    0 => args: *mut c_void,
    8 => host_input_info: *mut c_void,
    16 => args_size: u32,
    20 => tiling_addr_offset: u32,
    24 => tiling_data_offset: u32,
    28 => host_input_info_num: u16,
    30 => has_tiling: u8,
    31 => is_no_need_h2d_copy: u8,
    32 => reserved: [u8; 4],
    36 => pad: [u8; 4],
});

/// Arguments of an AICPU launch: `rtAicpuArgsEx_t`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct AicpuArgsEx {
    pub(crate) args: *mut c_void,
    pub(crate) host_input_info: *mut c_void,
    pub(crate) kernel_offset_info: *mut c_void,
    pub(crate) args_size: u32,
    pub(crate) host_input_info_num: u16,
    pub(crate) kernel_offset_info_num: u16,
    pub(crate) so_name_addr_offset: u32,
    pub(crate) kernel_name_addr_offset: u32,
    pub(crate) is_no_need_h2d_copy: u8,
    pub(crate) pad0: u8,
    pub(crate) timeout: u16,
    pub(crate) reserved: u8,
    pub(crate) pad1: [u8; 3],
}

protocol::pin_layout!(AicpuArgsEx, 48 bytes, align 8, {
    0 => args: *mut c_void,
    8 => host_input_info: *mut c_void,
    16 => kernel_offset_info: *mut c_void,
    24 => args_size: u32,
    28 => host_input_info_num: u16,
    30 => kernel_offset_info_num: u16,
    32 => so_name_addr_offset: u32,
    36 => kernel_name_addr_offset: u32,
    40 => is_no_need_h2d_copy: u8,
    41 => pad0: u8,
    42 => timeout: u16,
    44 => reserved: u8,
    45 => pad1: [u8; 3],
});

/// Configuration of an AICore launch: `rtTaskCfgInfo_t`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct TaskCfgInfo {
    pub(crate) qos: u8,
    pub(crate) part_id: u8,
    pub(crate) schem_mode: u8,
    pub(crate) d2d_cross_flag: u8,
    pub(crate) block_dim_offset: u32,
    pub(crate) dump_flag: u8,
    pub(crate) never_timeout: u8,
    pub(crate) reserved: [u8; 2],
    pub(crate) local_memory_size: u32,
}

protocol::pin_layout!(TaskCfgInfo, 16 bytes, align 4, {
    0 => qos: u8,
    1 => part_id: u8,
    2 => schem_mode: u8,
    3 => d2d_cross_flag: u8,
    4 => block_dim_offset: u32,
    8 => dump_flag: u8,
    9 => never_timeout: u8,
    10 => reserved: [u8; 2],
    12 => local_memory_size: u32,
});

/// A question to `halMemCtl`: `AddrMapInPara`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct AddrMapIn {
    pub(crate) addr_type: u32,
    pub(crate) devid: u32,
}

protocol::pin_layout!(AddrMapIn, 8 bytes, align 4, {
    0 => addr_type: u32,
    4 => devid: u32,
});

/// The answer of `halMemCtl`: `AddrMapOutPara`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct AddrMapOut {
    pub(crate) ptr: u64,
    pub(crate) len: u64,
}

protocol::pin_layout!(AddrMapOut, 16 bytes, align 8, {
    0 => ptr: u64,
    8 => len: u64,
});

/// What `halResMap` shall map: `res_map_info`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct ResMapInfo {
    pub(crate) target_proc_type: i32,
    pub(crate) res_type: i32,
    pub(crate) res_id: u32,
    pub(crate) flag: u32,
    pub(crate) rsv: [u32; 1],
}

protocol::pin_layout!(ResMapInfo, 20 bytes, align 4, {
    0 => target_proc_type: i32,
    4 => res_type: i32,
    8 => res_id: u32,
    12 => flag: u32,
    16 => rsv: [u32; 1],
});

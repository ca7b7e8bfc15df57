//! CANN's structures, byte for byte. Fields have the vendor's names, and mean what these say.
#![expect(missing_docs, reason = "the vendor's headers name the fields")]

use core::ffi::c_void;

/// An AICore ELF as `rtRegisterAllKernel` takes it: `rtDevBinary_t`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DevBinary {
    pub magic: u32,
    pub version: u32,
    pub data: *const c_void,
    pub length: u64,
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
pub struct ArgsEx {
    pub args: *mut c_void,
    pub host_input_info: *mut c_void,
    pub args_size: u32,
    pub tiling_addr_offset: u32,
    pub tiling_data_offset: u32,
    pub host_input_info_num: u16,
    pub has_tiling: u8,
    pub is_no_need_h2d_copy: u8,
    pub reserved: [u8; 4],
    pub pad: [u8; 4],
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
pub struct AicpuArgsEx {
    pub args: *mut c_void,
    pub host_input_info: *mut c_void,
    pub kernel_offset_info: *mut c_void,
    pub args_size: u32,
    pub host_input_info_num: u16,
    pub kernel_offset_info_num: u16,
    pub so_name_addr_offset: u32,
    pub kernel_name_addr_offset: u32,
    pub is_no_need_h2d_copy: u8,
    pub pad0: u8,
    pub timeout: u16,
    pub reserved: u8,
    pub pad1: [u8; 3],
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
pub struct TaskCfgInfo {
    pub qos: u8,
    pub part_id: u8,
    pub schem_mode: u8,
    pub d2d_cross_flag: u8,
    pub block_dim_offset: u32,
    pub dump_flag: u8,
    pub never_timeout: u8,
    pub reserved: [u8; 2],
    pub local_memory_size: u32,
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
pub struct AddrMapIn {
    pub addr_type: u32,
    pub devid: u32,
}

protocol::pin_layout!(AddrMapIn, 8 bytes, align 4, {
    0 => addr_type: u32,
    4 => devid: u32,
});

/// The answer of `halMemCtl`: `AddrMapOutPara`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct AddrMapOut {
    pub ptr: u64,
    pub len: u64,
}

protocol::pin_layout!(AddrMapOut, 16 bytes, align 8, {
    0 => ptr: u64,
    8 => len: u64,
});

/// What `halResMap` shall map: `res_map_info`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ResMapInfo {
    pub target_proc_type: i32,
    pub res_type: i32,
    pub res_id: u32,
    pub flag: u32,
    pub rsv: [u32; 1],
}

protocol::pin_layout!(ResMapInfo, 20 bytes, align 4, {
    0 => target_proc_type: i32,
    4 => res_type: i32,
    8 => res_id: u32,
    12 => flag: u32,
    16 => rsv: [u32; 1],
});

/// Offset of an argument within an argument block, and of the data it points to: `rtHostInputInfo_t`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct HostInputInfo {
    pub addr_offset: u32,
    pub data_offset: u32,
}

protocol::pin_layout!(HostInputInfo, 8 bytes, align 4, {
    0 => addr_offset: u32,
    4 => data_offset: u32,
});

/// Arguments of `rtsLaunchCpuKernel`: `rtCpuKernelArgs_t`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CpuKernelArgs {
    pub base_args: AicpuArgsEx,
    pub cpu_param_head_offset: u64,
    pub reserved: [u32; 4],
}

protocol::pin_layout!(CpuKernelArgs, 72 bytes, align 8, {
    0 => base_args: AicpuArgsEx,
    48 => cpu_param_head_offset: u64,
    56 => reserved: [u32; 4],
});

/// One choice for `rtsBinaryLoadFromFile`: `rtLoadBinaryOption_t`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct LoadBinaryOption {
    pub option_id: u32,
    /// A union; its first number is what all options of this interface use.
    pub value: [u32; 4],
}

protocol::pin_layout!(LoadBinaryOption, 20 bytes, align 4, {
    0 => option_id: u32,
    4 => value: [u32; 4],
});

/// All choices: `rtLoadBinaryConfig_t`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct LoadBinaryConfig {
    pub options: *mut LoadBinaryOption,
    pub num_opt: u64,
}

protocol::pin_layout!(LoadBinaryConfig, 16 bytes, align 8, {
    0 => options: *mut LoadBinaryOption,
    8 => num_opt: u64,
});

/// One choice for a launch: `rtLaunchKernelAttr_t`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct LaunchKernelAttr {
    pub id: u32,
    /// A union.
    pub value: [u32; 4],
}

protocol::pin_layout!(LaunchKernelAttr, 20 bytes, align 4, {
    0 => id: u32,
    4 => value: [u32; 4],
});

/// All choices: `rtKernelLaunchCfg_t`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KernelLaunchCfg {
    pub attrs: *mut LaunchKernelAttr,
    pub num_attrs: u64,
}

protocol::pin_layout!(KernelLaunchCfg, 16 bytes, align 8, {
    0 => attrs: *mut LaunchKernelAttr,
    8 => num_attrs: u64,
});

/// Where memory lies: `aclrtMemLocation`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MemLocation {
    pub id: u32,
    pub kind: u32,
}

protocol::pin_layout!(MemLocation, 8 bytes, align 4, {
    0 => id: u32,
    4 => kind: u32,
});

/// What memory without an address is to be like: `aclrtPhysicalMemProp`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PhysicalMemProp {
    pub handle_type: u32,
    pub allocation_type: u32,
    pub mem_attr: u32,
    pub location: MemLocation,
    pub pad: u32,
    pub reserve: u64,
}

protocol::pin_layout!(PhysicalMemProp, 32 bytes, align 8, {
    0 => handle_type: u32,
    4 => allocation_type: u32,
    8 => mem_attr: u32,
    12 => location: MemLocation,
    20 => pad: u32,
    24 => reserve: u64,
});

/// Who may reach memory: `aclrtMemAccessDesc`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MemAccessDesc {
    pub flags: u32,
    pub location: MemLocation,
    pub reserved: [u8; 12],
}

protocol::pin_layout!(MemAccessDesc, 24 bytes, align 4, {
    0 => flags: u32,
    4 => location: MemLocation,
    12 => reserved: [u8; 12],
});

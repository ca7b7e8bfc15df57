//! What the host hands to the two device images at launch.
//!
//! Knows the argument records of each chip family and the block in which the vendor's launcher wants
//! them. Refuses to know the launch calls.

use bytemuck::{Pod, Zeroable};

use crate::{A2a3, A5, Arch};

/// Arguments of the device images on [`A2a3`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct KernelArgsA2a3 {
    /// Zero; the vendor's loader owns this space.
    pub unused: [u64; 5],
    /// Address of the device copy of [`DeviceArgs`], 0 in simulation.
    pub device_args: u64,
    /// Address of the run descriptor.
    pub runtime_args: u64,
    /// Address of the table of register bases, one word per physical core.
    pub regs: u64,
    /// Base of the cross-core flags, for the AICore.
    pub ffts_base_addr: u64,
    /// Address of the tensor dump block, 0 when off.
    pub dump_data_base: u64,
    /// Address of the swimlane block, 0 when off.
    pub l2_perf_data_base: u64,
    /// Address of the counter block, 0 when off.
    pub pmu_data_base: u64,
    /// Address of the table of counter register bases.
    pub pmu_reg_addrs: u64,
    /// Address of the table of each core's staging ring, 0 when off.
    pub aicore_ring_addr: u64,
    /// Log floor, 0 to 4.
    pub log_level: u32,
    /// Information tier, 0 to 9.
    pub log_info_v: u32,
    /// Which diagnostics are on.
    pub enable_profiling_flag: u32,
    /// Zero.
    pub pad: u32,
}

crate::pin_layout!(KernelArgsA2a3, 128 bytes, align 8, {
    0 => unused: [u64; 5],
    40 => device_args: u64,
    48 => runtime_args: u64,
    56 => regs: u64,
    64 => ffts_base_addr: u64,
    72 => dump_data_base: u64,
    80 => l2_perf_data_base: u64,
    88 => pmu_data_base: u64,
    96 => pmu_reg_addrs: u64,
    104 => aicore_ring_addr: u64,
    112 => log_level: u32,
    116 => log_info_v: u32,
    120 => enable_profiling_flag: u32,
    124 => pad: u32,
});

/// Arguments of the device images on [`A5`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct KernelArgsA5 {
    /// Zero; the vendor's loader owns this space.
    pub unused: [u64; 5],
    /// Address of the device copy of [`DeviceArgs`], 0 in simulation.
    pub device_args: u64,
    /// Address of the run descriptor.
    pub runtime_args: u64,
    /// Address of the table of register bases, one word per physical core.
    pub regs: u64,
    /// Address of the tensor dump block, 0 when off.
    pub dump_data_base: u64,
    /// Address of the swimlane block, 0 when off.
    pub l2_perf_data_base: u64,
    /// Address of the counter block, 0 when off.
    pub pmu_data_base: u64,
    /// Log floor, 0 to 4.
    pub log_level: u32,
    /// Information tier, 0 to 9.
    pub log_info_v: u32,
}

crate::pin_layout!(KernelArgsA5, 96 bytes, align 8, {
    0 => unused: [u64; 5],
    40 => device_args: u64,
    48 => runtime_args: u64,
    56 => regs: u64,
    64 => dump_data_base: u64,
    72 => l2_perf_data_base: u64,
    80 => pmu_data_base: u64,
    88 => log_level: u32,
    92 => log_info_v: u32,
});

/// Where the AICPU image lies; the vendor's loader reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct DeviceArgs {
    /// Zero; the vendor's loader owns this space.
    pub unused: [u64; 12],
    /// Device address of the image.
    pub aicpu_so_bin: u64,
    /// Bytes of the image.
    pub aicpu_so_len: u64,
}

crate::pin_layout!(DeviceArgs, 112 bytes, align 8, {
    0 => unused: [u64; 12],
    96 => aicpu_so_bin: u64,
    104 => aicpu_so_len: u64,
});

/// Bytes of a name in a launch block, the closing NUL included.
pub const LAUNCH_NAME_BYTES: usize = 32;
/// Shared object that the vendor's launcher calls into.
pub const LAUNCH_SO_NAME: &core::ffi::CStr = c"libaicpu_extend_kernels.so";
/// Function launched once, with one thread, before the first run.
pub const LAUNCH_INIT_NAME: &core::ffi::CStr = c"DynTileFwkKernelServerInit";
/// Function launched for every run.
pub const LAUNCH_RUN_NAME: &core::ffi::CStr = c"DynTileFwkKernelServer";

/// A name padded with zeros to the size of its field.
///
/// # Panics
/// When the name does not fit; in a constant that is an error of the build.
#[must_use]
pub const fn launch_name(name: &core::ffi::CStr) -> [u8; LAUNCH_NAME_BYTES] {
    let bytes = name.to_bytes_with_nul();
    assert!(bytes.len() <= LAUNCH_NAME_BYTES, "the name fits its field");
    let mut field = [0; LAUNCH_NAME_BYTES];
    let mut index = 0;
    while index < bytes.len() {
        field[index] = bytes[index];
        index += 1;
    }
    field
}

macro_rules! launch_block {
    ($(#[$meta:meta])* $name:ident, $size:literal bytes, $args:ty, {
        $args_at:literal, $kernel_at:literal, $so_at:literal, $op_at:literal
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
        #[repr(C)]
        pub struct $name {
            /// Arguments of the function.
            pub args: $args,
            /// Function to call.
            pub kernel_name: [u8; LAUNCH_NAME_BYTES],
            /// Shared object it is in.
            pub so_name: [u8; LAUNCH_NAME_BYTES],
            /// Empty.
            pub op_name: [u8; LAUNCH_NAME_BYTES],
        }

        crate::pin_layout!($name, $size bytes, align 8, {
            $args_at => args: $args,
            $kernel_at => kernel_name: [u8; LAUNCH_NAME_BYTES],
            $so_at => so_name: [u8; LAUNCH_NAME_BYTES],
            $op_at => op_name: [u8; LAUNCH_NAME_BYTES],
        });

        impl $name {
            /// The block that launches `function` with `args`.
            #[must_use]
            pub const fn new(args: $args, function: &core::ffi::CStr) -> Self {
                Self {
                    args,
                    kernel_name: launch_name(function),
                    so_name: launch_name(LAUNCH_SO_NAME),
                    op_name: [0; LAUNCH_NAME_BYTES],
                }
            }
        }
    };
}

launch_block!(
    /// The argument block of an AICPU launch on [`A2a3`].
    AicpuLaunchA2a3, 224 bytes, KernelArgsA2a3, { 0, 128, 160, 192 }
);
launch_block!(
    /// The argument block of an AICPU launch on [`A5`].
    AicpuLaunchA5, 192 bytes, KernelArgsA5, { 0, 96, 128, 160 }
);

/// A chip family whose launch records are known.
pub trait LaunchRecords: Arch {
    /// Arguments of the device images.
    type KernelArgs: Pod + crate::Pinned + Send + Sync;
    /// Argument block of an AICPU launch.
    type AicpuLaunch: Pod + crate::Pinned + Send + Sync;
}

impl LaunchRecords for A2a3 {
    type KernelArgs = KernelArgsA2a3;
    type AicpuLaunch = AicpuLaunchA2a3;
}

impl LaunchRecords for A5 {
    type KernelArgs = KernelArgsA5;
    type AicpuLaunch = AicpuLaunchA5;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_block_names_function_and_shared_object() {
        let block = AicpuLaunchA5::new(KernelArgsA5::zeroed(), LAUNCH_RUN_NAME);
        let bytes = bytemuck::bytes_of(&block);
        let field = |at: usize| {
            core::ffi::CStr::from_bytes_until_nul(&bytes[at..at + LAUNCH_NAME_BYTES])
                .expect("names are closed by NUL")
        };
        assert_eq!(field(96), c"DynTileFwkKernelServer");
        assert_eq!(field(128), c"libaicpu_extend_kernels.so");
        assert_eq!(field(160), c"");
        let block = AicpuLaunchA2a3::new(KernelArgsA2a3::zeroed(), LAUNCH_INIT_NAME);
        let bytes = bytemuck::bytes_of(&block);
        assert_eq!(&bytes[128..155], b"DynTileFwkKernelServerInit\0");
        assert!(bytes[155..160].iter().all(|&byte| byte == 0));
    }
}

//! Code of cores, and launches of cores and control CPUs.
//!
//! Knows what a launch is made of. Refuses to know what is launched.

use core::ffi::c_void;
use core::ptr::null_mut;

use super::{Bound, call, pointer};
use crate::cann::error::Error;
use crate::cann::sys;

/// A launch of cores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoreLaunch {
    pub(crate) binary: u64,
    pub(crate) blocks: u32,
    /// The one argument of every core: a device address.
    pub(crate) argument: u64,
}

/// A launch of control CPUs: an argument block with two names in it.
#[derive(Debug)]
pub(crate) struct AicpuLaunch<'a> {
    pub(crate) block: &'a [u8],
    pub(crate) kernel_name_at: u32,
    pub(crate) so_name_at: u32,
    pub(crate) threads: u32,
}

impl Bound<'_> {
    /// Registers an AICore ELF with all its kernels.
    pub(crate) fn register_binary(&self, elf: &[u8]) -> Result<u64, Error> {
        let binary = sys::DevBinary {
            magic: sys::BINARY_MAGIC_ELF,
            version: 0,
            data: elf.as_ptr().cast(),
            length: elf.len() as u64,
        };
        let mut handle = null_mut();
        call!(
            self,
            runtime.rtRegisterAllKernel(&raw const binary, &raw mut handle)
        )?;
        Ok(handle.expose_provenance() as u64)
    }

    /// Takes the registration of an AICore ELF back.
    pub(crate) fn unregister_binary(&self, handle: u64) -> Result<(), Error> {
        call!(self, runtime.rtDevBinaryUnRegister(pointer(handle)))
    }

    /// Base of the unit by which cores synchronise.
    pub(crate) fn cross_core_base(&self) -> Result<u64, Error> {
        let (mut address, mut length) = (0, 0);
        call!(
            self,
            runtime.rtGetC2cCtrlAddr(&raw mut address, &raw mut length)
        )?;
        Ok(address)
    }

    /// Starts cores; all blocks are resident at once, because they wait for one another.
    pub(crate) fn launch_cores(&self, stream: u64, launch: &CoreLaunch) -> Result<(), Error> {
        let mut argument = launch.argument;
        let mut args = sys::ArgsEx {
            args: (&raw mut argument).cast(),
            host_input_info: null_mut(),
            args_size: u32::try_from(size_of_val(&argument)).expect("eight"),
            tiling_addr_offset: 0,
            tiling_data_offset: 0,
            host_input_info_num: 0,
            has_tiling: 0,
            is_no_need_h2d_copy: 0,
            reserved: [0; 4],
            pad: [0; 4],
        };
        let config = sys::TaskCfgInfo {
            schem_mode: sys::SCHEDULE_BATCH,
            ..Default::default()
        };
        call!(
            self,
            runtime.rtKernelLaunchWithHandleV2(
                pointer(launch.binary),
                0,
                launch.blocks,
                &raw mut args,
                null_mut(),
                pointer(stream),
                &raw const config,
            )
        )
    }

    /// Starts control CPUs. The runtime copies the block before it returns.
    pub(crate) fn launch_aicpu(&self, stream: u64, launch: &AicpuLaunch<'_>) -> Result<(), Error> {
        let args = sys::AicpuArgsEx {
            args: launch.block.as_ptr().cast::<c_void>().cast_mut(),
            host_input_info: null_mut(),
            kernel_offset_info: null_mut(),
            args_size: u32::try_from(launch.block.len()).expect("a few hundred bytes"),
            host_input_info_num: 0,
            kernel_offset_info_num: 0,
            so_name_addr_offset: launch.so_name_at,
            kernel_name_addr_offset: launch.kernel_name_at,
            is_no_need_h2d_copy: 0,
            pad0: 0,
            timeout: 0,
            reserved: 0,
            pad1: [0; 3],
        };
        call!(
            self,
            runtime.rtAicpuKernelLaunchExWithArgs(
                sys::KERNEL_TYPE_AICPU_KFC,
                c"AST_DYN_AICPU".as_ptr(),
                launch.threads,
                &raw const args,
                null_mut(),
                pointer(stream),
                0,
            )
        )
    }
}

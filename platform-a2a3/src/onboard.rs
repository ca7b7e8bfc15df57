//! A real chip of this family.
//!
//! Knows where its registers are and what its programs are started with. Refuses to know what is done
//! with that: a real chip is driven in `platform`, the same way for every family.

use platform::onboard::{Chip, ChipOptions, CoreArgument, Family, KernelArgs, RegisterSpace};
use platform::{Device, DeviceContext};
use protocol::A2a3;
use protocol::kernel_args::KernelArgsA2a3;

/// Name of the real platform.
pub const ONBOARD: &str = "a2a3";

/// The family's ways on real hardware.
pub const FAMILY: Family = Family {
    platform: ONBOARD,
    chips: &["Ascend910B", "Ascend910_93"],
    registers: RegisterSpace::Window {
        cluster: 0x80_0000,
        core: 0x10_0000,
    },
    core_argument: CoreArgument::KernelArgs,
    cross_core_unit: true,
    communicators: true,
    kernel_args,
};

fn kernel_args(args: &KernelArgs) -> Vec<u8> {
    let record = KernelArgsA2a3 {
        device_args: args.device_args,
        runtime_args: args.descriptor,
        regs: args.registers,
        ffts_base_addr: args.cross_core_base,
        log_level: args.log_level,
        log_info_v: args.log_info,
        ..bytemuck::Zeroable::zeroed()
    };
    bytemuck::bytes_of(&record).to_vec()
}

/// A real chip of this family, not attached yet.
#[must_use]
pub fn onboard(options: ChipOptions) -> Box<dyn Device> {
    Box::new(DeviceContext::<A2a3, Chip<A2a3>>::new(
        ONBOARD,
        move |device_id| Chip::start(device_id, &options),
    ))
}

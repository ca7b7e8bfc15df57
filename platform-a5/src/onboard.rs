//! A real chip of this family.
//!
//! Knows where its registers are and what its programs are started with. Refuses to know what is done
//! with that: a real chip is driven in `platform`, the same way for every family.

use platform::onboard::{Chip, ChipOptions, CoreArgument, Family, KernelArgs, RegisterSpace};
use platform::{Device, DeviceContext};
use protocol::A5;
use protocol::kernel_args::KernelArgsA5;

/// Name of the real platform.
pub const ONBOARD: &str = "a5";

/// The family's ways on real hardware.
pub const FAMILY: Family = Family {
    platform: ONBOARD,
    chips: &["Ascend950"],
    registers: RegisterSpace::PerCluster {
        bytes: 0x30_0000,
        core: 0x10_0000,
        per_die: 18,
    },
    core_argument: CoreArgument::Descriptor,
    cross_core_unit: false,
    communicators: false,
    kernel_args,
};

fn kernel_args(args: &KernelArgs) -> Vec<u8> {
    let record = KernelArgsA5 {
        device_args: args.device_args,
        runtime_args: args.descriptor,
        regs: args.registers,
        log_level: args.log_level,
        log_info_v: args.log_info,
        ..bytemuck::Zeroable::zeroed()
    };
    bytemuck::bytes_of(&record).to_vec()
}

/// A real chip of this family, not attached yet.
#[must_use]
pub fn onboard(options: ChipOptions) -> Box<dyn Device> {
    Box::new(DeviceContext::<A5, Chip<A5>>::new(
        ONBOARD,
        move |device_id| Chip::start(device_id, &options),
    ))
}

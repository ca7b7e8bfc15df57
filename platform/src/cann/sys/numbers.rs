//! Values of CANN's enumerations and flags that are passed to it.

/// Device memory with high bandwidth.
pub(crate) const MEMORY_HBM: u32 = 2;

/// Direction of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum CopyKind {
    HostToDevice = 1,
    DeviceToHost = 2,
}

/// A kernel of the AICPU's extension library.
pub(crate) const KERNEL_TYPE_AICPU_KFC: u32 = 5;
/// An ELF with code for both kinds of core.
pub(crate) const BINARY_MAGIC_ELF: u32 = 0x4355_4245;
/// All blocks of a launch are resident at once.
pub(crate) const SCHEDULE_BATCH: u8 = 1;

/// Module of `halGetDeviceInfo…`: the control CPUs.
pub(crate) const MODULE_AICPU: i32 = 1;
/// Module of `halGetDeviceInfo…`: the compute cores.
pub(crate) const MODULE_AICORE: i32 = 4;
/// Which of a module's units work, one bit each.
pub(crate) const INFO_OCCUPY: i32 = 8;

/// `halMemCtl`: maps registers.
pub(crate) const MEMCTL_ADDRESS_MAP: i32 = 0;
/// Address kind: control registers of all cores.
pub(crate) const ADDRESS_AIC_CONTROL: u32 = 2;
/// Address kind: performance counters of all cores.
pub(crate) const ADDRESS_AIC_PMU: u32 = 3;
/// `halResMap`: for the AICPU scheduler's process.
pub(crate) const PROCESS_AICPU: i32 = 0;
/// `halResMap`: a cluster of cores.
pub(crate) const RESOURCE_AICORE: i32 = 0;
/// `halHostRegister`: device memory becomes visible to the host.
pub(crate) const REGISTER_DEVICE_FOR_HOST: u32 = 2;

/// All modules of the log.
pub(crate) const LOG_ALL_MODULES: i32 = -1;

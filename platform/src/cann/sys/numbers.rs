//! Values of CANN's enumerations and flags.

/// Device memory with high bandwidth.
pub const MEMORY_HBM: u32 = 2;
/// Device memory of the default kind.
pub const MEMORY_DEFAULT: u32 = 0;
/// Device memory with low bandwidth.
pub const MEMORY_DDR: u32 = 4;
/// Device memory with high bandwidth that other devices reach.
pub const MEMORY_P2P_HBM: u32 = 0x10;
/// Memory of the host.
pub const MEMORY_HOST: u32 = 0x81;

/// Direction of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum CopyKind {
    /// Between two places of the host.
    HostToHost = 0,
    /// To the device.
    HostToDevice = 1,
    /// From the device.
    DeviceToHost = 2,
    /// Between two places of devices.
    DeviceToDevice = 3,
}

/// A kernel of the AICPU's extension library.
pub const KERNEL_TYPE_AICPU_KFC: u32 = 5;
/// A kernel of the framework's.
pub const KERNEL_TYPE_FWK: u32 = 1;
/// A kernel of control CPUs.
pub const KERNEL_TYPE_AICPU: u32 = 2;
/// A user's kernel of control CPUs, in a process of its own.
pub const KERNEL_TYPE_AICPU_CUSTOM: u32 = 4;
/// An ELF with code for both kinds of core.
pub const BINARY_MAGIC_ELF: u32 = 0x4355_4245;
/// An ELF with code for control CPUs.
pub const BINARY_MAGIC_ELF_AICPU: u32 = 0x4141_5243;
/// An ELF with code for vector cores.
pub const BINARY_MAGIC_ELF_AIVEC: u32 = 0x4141_5246;
/// An ELF with code for cube cores.
pub const BINARY_MAGIC_ELF_AICUBE: u32 = 0x4149_4343;
/// Blocks of a launch become resident as there is room.
pub const SCHEDULE_NORMAL: u8 = 0;
/// All blocks of a launch are resident at once.
pub const SCHEDULE_BATCH: u8 = 1;

/// Module of `halGetDeviceInfo…`: the control CPUs.
pub const MODULE_AICPU: i32 = 1;
/// Module of `halGetDeviceInfo…`: the compute cores.
pub const MODULE_AICORE: i32 = 4;
/// Which of a module's units work, one bit each.
pub const INFO_OCCUPY: i32 = 8;

/// `halMemCtl`: maps registers.
pub const MEMCTL_ADDRESS_MAP: i32 = 0;
/// Address kind: control registers of all cores.
pub const ADDRESS_AIC_CONTROL: u32 = 2;
/// Address kind: performance counters of all cores.
pub const ADDRESS_AIC_PMU: u32 = 3;
/// `halResMap`: for the AICPU scheduler's process.
pub const PROCESS_AICPU: i32 = 0;
/// `halResMap`: a cluster of cores.
pub const RESOURCE_AICORE: i32 = 0;
/// `halHostRegister`: device memory becomes visible to the host.
pub const REGISTER_DEVICE_FOR_HOST: u32 = 2;

/// All modules of the log.
pub const LOG_ALL_MODULES: i32 = -1;

/// Option of `rtsBinaryLoadFromFile`: the program is loaded when it is first launched.
pub const LOAD_LAZY: u32 = 1;
/// Option of `rtsBinaryLoadFromFile`: of which kind the program is.
pub const LOAD_MAGIC: u32 = 2;
/// Option of `rtsBinaryLoadFromFile`: 0 for a descriptor alone, 1 with a library, 2 from memory.
pub const LOAD_CPU_KERNEL_MODE: u32 = 3;

/// `aclrtMalloc`: huge pages if there are any.
pub const MALLOC_HUGE_FIRST: u32 = 0;
/// `aclrtMalloc`: huge pages.
pub const MALLOC_HUGE_ONLY: u32 = 1;
/// `aclrtMalloc`: ordinary pages.
pub const MALLOC_NORMAL_ONLY: u32 = 2;
/// `aclrtGetStreamResLimit`: cube cores.
pub const LIMIT_CUBE: u32 = 0;
/// `aclrtGetStreamResLimit`: vector cores.
pub const LIMIT_VECTOR: u32 = 1;
/// `aclrtSetStreamFailureMode`: what follows a failure is done.
pub const FAILURE_CONTINUE: u64 = 0;
/// `aclrtSetStreamFailureMode`: what follows a failure is not done.
pub const FAILURE_STOP: u64 = 1;

/// Memory of a device, in a `MemLocation`.
pub const LOCATION_DEVICE: u32 = 1;
/// Huge pages, in a `PhysicalMemProp`.
pub const MEM_HBM_HUGE: u32 = 4;
/// Ordinary pages, in a `PhysicalMemProp`.
pub const MEM_HBM_NORMAL: u32 = 5;
/// Reading and writing, in a `MemAccessDesc`.
pub const ACCESS_READ_WRITE: u32 = 3;
/// A shareable handle for one host.
pub const SHARE_DEFAULT: u32 = 1;
/// A shareable handle for a fabric.
pub const SHARE_FABRIC: u32 = 2;
/// `aclrtMemGetAllocationGranularity`: the least.
pub const GRANULARITY_MINIMUM: u32 = 0;
/// `aclrtMemGetAllocationGranularity`: what is best.
pub const GRANULARITY_RECOMMENDED: u32 = 1;

/// `halMemAlloc`: memory with high bandwidth.
pub const HAL_MEMORY_HBM: u64 = 1 << 14;

/// Bytes of an `HcclRootInfo`.
pub const ROOT_INFO_BYTES: usize = 4108;
/// Bytes of a communicator's name.
pub const COMM_NAME_BYTES: usize = 128;

//! What differs between chip families on real hardware, as values.
//!
//! Knows the questions. The answers are the platform crates'.

/// One chip family, beyond what host and device both know of it.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Name of the platform.
    pub platform: &'static str,
    /// What the names of its chips begin with, in the vendor's words.
    pub chips: &'static [&'static str],
    /// How the registers of the cores are found.
    pub registers: RegisterSpace,
    /// What a core is started with.
    pub core_argument: CoreArgument,
    /// Whether cores synchronise by a unit whose base the host must ask for.
    pub cross_core_unit: bool,
    /// Whether several chips can see each other's memory.
    pub communicators: bool,
    /// The bytes of the kernel arguments.
    pub kernel_args: fn(&KernelArgs) -> Vec<u8>,
}

impl Family {
    /// Whether a chip of this name is one of the family.
    #[must_use]
    pub fn is_chip(&self, name: &str) -> bool {
        self.chips.iter().any(|begin| name.starts_with(begin))
    }
}

/// Where the registers of cores are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterSpace {
    /// One window for all cores; some clusters may not work.
    ///
    /// The table has the first core of each cluster, then the two others of each.
    Window {
        /// Bytes from cluster to cluster.
        cluster: u64,
        /// Bytes from core to core.
        core: u64,
    },
    /// A window for each cluster.
    ///
    /// The table has, for each die, the first core of each cluster, then the two others of each.
    PerCluster {
        /// Bytes of a window.
        bytes: u32,
        /// Bytes from core to core.
        core: u64,
        /// Clusters of a die.
        per_die: u32,
    },
}

/// What a core is started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreArgument {
    /// The address of a copy of the kernel arguments.
    KernelArgs,
    /// The address of the run descriptor.
    Descriptor,
}

/// What the kernel arguments of every family hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KernelArgs {
    /// Device address of the record that says where the image is.
    pub device_args: u64,
    /// Device address of the run descriptor.
    pub descriptor: u64,
    /// Device address of the register table.
    pub registers: u64,
    /// Base of the unit by which cores synchronise, 0 for none.
    pub cross_core_base: u64,
    /// Log floor.
    pub log_level: u32,
    /// Information tier.
    pub log_info: u32,
}

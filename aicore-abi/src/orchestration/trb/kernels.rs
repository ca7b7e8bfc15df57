//! Which kernels a task runs, on which lanes, and how many times.
//!
//! Knows the triple of kernel ids and what follows from it. Refuses to know where kernels come from.

use bytemuck::{Pod, Zeroable};
use protocol::limits::trb::{INVALID_KERNEL_ID, SUBTASK_SLOTS};

use crate::error::{Error, Result};

/// The kernels of one task, one per lane of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct MixedKernels {
    /// Kernel of the cube core, −1 for none.
    pub aic_kernel_id: i32,
    /// Kernel of vector core 0, −1 for none.
    pub aiv0_kernel_id: i32,
    /// Kernel of vector core 1, −1 for none.
    pub aiv1_kernel_id: i32,
}

protocol::pin_layout!(MixedKernels, 12 bytes, align 4, {
    0 => aic_kernel_id: i32,
    4 => aiv0_kernel_id: i32,
    8 => aiv1_kernel_id: i32,
});

impl Default for MixedKernels {
    fn default() -> Self {
        Self::from_lanes([INVALID_KERNEL_ID; SUBTASK_SLOTS])
    }
}

impl MixedKernels {
    /// Kernels in lane order: AIC, AIV0, AIV1.
    #[must_use]
    pub const fn from_lanes(lanes: [i32; SUBTASK_SLOTS]) -> Self {
        Self {
            aic_kernel_id: lanes[0],
            aiv0_kernel_id: lanes[1],
            aiv1_kernel_id: lanes[2],
        }
    }

    /// The kernel ids in lane order: AIC, AIV0, AIV1.
    #[must_use]
    pub const fn lanes(self) -> [i32; SUBTASK_SLOTS] {
        [self.aic_kernel_id, self.aiv0_kernel_id, self.aiv1_kernel_id]
    }

    /// The lanes that have a kernel.
    #[must_use]
    pub const fn active_mask(self) -> ActiveMask {
        let lanes = self.lanes();
        let mut mask = 0;
        let mut lane = 0;
        while lane < SUBTASK_SLOTS {
            mask |= ((lanes[lane] != INVALID_KERNEL_ID) as u8) << lane;
            lane += 1;
        }
        ActiveMask(mask)
    }

    /// The same task with a lone vector kernel in the lane of vector core 0.
    #[must_use]
    pub const fn normalised(self) -> Self {
        if self.aic_kernel_id == INVALID_KERNEL_ID && self.aiv0_kernel_id == INVALID_KERNEL_ID {
            Self::from_lanes([INVALID_KERNEL_ID, self.aiv1_kernel_id, INVALID_KERNEL_ID])
        } else {
            self
        }
    }
}

/// The active lanes of a task and its wish for a common start, in one byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct ActiveMask(u8);

impl ActiveMask {
    /// The cube core.
    pub const AIC: u8 = 1;
    /// Vector core 0.
    pub const AIV0: u8 = 2;
    /// Vector core 1.
    pub const AIV1: u8 = 4;
    /// All blocks start together.
    pub const SYNC_START: u8 = 8;
    const CORES: u8 = Self::AIC | Self::AIV0 | Self::AIV1;

    /// The mask with these bits; unknown ones are dropped.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & (Self::CORES | Self::SYNC_START))
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The bits of the lanes alone.
    #[must_use]
    pub const fn core_mask(self) -> u8 {
        self.0 & Self::CORES
    }

    /// Active lanes.
    #[must_use]
    pub const fn lane_count(self) -> u32 {
        self.core_mask().count_ones()
    }

    /// Whether lane 0 to 2 (AIC, AIV0, AIV1) is active.
    #[must_use]
    pub const fn has_lane(self, lane: usize) -> bool {
        lane < SUBTASK_SLOTS && self.0 >> lane & 1 != 0
    }

    /// The same lanes, with or without a common start.
    #[must_use]
    pub const fn with_sync_start(self, sync_start: bool) -> Self {
        if sync_start {
            Self(self.0 | Self::SYNC_START)
        } else {
            Self(self.core_mask())
        }
    }

    /// Whether all blocks start together.
    #[must_use]
    pub const fn is_sync_start(self) -> bool {
        self.0 & Self::SYNC_START != 0
    }

    /// The kind of core the task waits for.
    ///
    /// # Errors
    /// [`Error::NoKernel`] when no lane is active.
    pub const fn shape(self) -> Result<Shape> {
        match self.core_mask() {
            0 => Err(Error::NoKernel),
            Self::AIC => Ok(Shape::Aic),
            Self::AIV0 | Self::AIV1 => Ok(Shape::Aiv),
            _ => Ok(Shape::Mix),
        }
    }
}

/// The kind of core a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Shape {
    /// One cube core.
    Aic = 0,
    /// One vector core.
    Aiv = 1,
    /// A whole cluster.
    Mix = 2,
}

impl Shape {
    /// Every shape, at the index of its number.
    pub const ALL: [Self; 3] = [Self::Aic, Self::Aiv, Self::Mix];
}

/// How many times a task runs, and whether all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LaunchSpec {
    /// Blocks.
    pub block_num: i16,
    /// Not zero: all blocks start together.
    pub require_sync_start: u8,
    /// Unspecified.
    pub pad: u8,
}

protocol::pin_layout!(LaunchSpec, 4 bytes, align 2, {
    0 => block_num: i16,
    2 => require_sync_start: u8,
    3 => pad: u8,
});

impl Default for LaunchSpec {
    fn default() -> Self {
        Self::ONCE
    }
}

impl LaunchSpec {
    /// One block.
    pub const ONCE: Self = Self {
        block_num: 1,
        require_sync_start: 0,
        pad: 0,
    };
}

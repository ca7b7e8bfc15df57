//! The chip families, as numbers.
//!
//! Knows every constant of a family that host and device both need. Refuses to know behaviour and
//! what only one side needs: code is generic over [`Arch`] and asks for a number, it never asks
//! which family it is.

use crate::diagnostics::{A2A3_EVENTS, A5_EVENTS, PmuEvents};

/// One chip family.
///
/// Implemented by zero-sized types only, so that naming a family costs nothing at run time.
pub trait Arch: Copy + Default + core::fmt::Debug + Send + Sync + 'static {
    /// Name in platform strings, image names and messages.
    const NAME: &'static str;
    /// Largest block dimension of a run.
    const MAX_BLOCK_DIM: u32;
    /// Cube cores per block.
    const AIC_PER_BLOCK: u32 = 1;
    /// Vector cores per block.
    const AIV_PER_BLOCK: u32 = 2;
    /// Cores per block.
    const CORES_PER_BLOCK: u32 = Self::AIC_PER_BLOCK + Self::AIV_PER_BLOCK;
    /// Most AICPU threads that take part in a run.
    const MAX_AICPU_THREADS: u32;
    /// AICPU threads that are started, so that enough of them land where they should.
    const LAUNCHED_AICPU_THREADS: u32;
    /// Worker slots of the run descriptor: the cores of the largest run.
    const WORKER_SLOTS: usize;
    /// Clusters (one cube core with its vector cores) that the chip has physically.
    const PHYSICAL_CLUSTERS: u32;
    /// Physical core ids are below it.
    const PHYSICAL_ID_BOUND: u32 = Self::PHYSICAL_CLUSTERS * Self::CORES_PER_BLOCK;
    /// Ticks of the system counter per second.
    const COUNTER_HZ: u64;
    /// What its performance counters can count.
    const PMU_EVENTS: &'static [PmuEvents];
    /// Whether kernels may complete a task by an event record of the system DMA.
    const HAS_SDMA_EVENTS: bool;
    /// Ready-queue shards of the device-built runtime unless a run asks otherwise.
    const DEFAULT_READY_QUEUE_SHARDS: u32;
    /// Where a core's registers are.
    const REGISTERS: RegisterOffsets;
    /// The switch that lets the AICPU reach a core's registers quickly, where there is one.
    const FAST_PATH: Option<FastPath>;
    /// Whether there is such a switch.
    const HAS_FAST_PATH: bool = Self::FAST_PATH.is_some();
    /// Where a core's performance counters are.
    const PMU: PmuOffsets;
    /// The parts of the register space that a simulated core has, lowest first; each lies in the
    /// simulated block directly behind the one before.
    const SIM_REGISTER_PAGES: &'static [RegisterPage];
    /// Bytes of a simulated core's register block.
    const SIM_REGISTER_BLOCK: usize = pages_size(Self::SIM_REGISTER_PAGES);

    /// Place in a simulated block of the register at `offset`, `None` where there is no register
    /// space.
    #[must_use]
    fn sim_register_place(offset: u32) -> Option<usize> {
        let mut before = 0;
        for page in Self::SIM_REGISTER_PAGES {
            let within = offset.checked_sub(page.start)?;
            if within < page.size {
                return Some(before + within as usize);
            }
            before += page.size as usize;
        }
        None
    }
}

/// Register offsets of one core, in bytes from its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterOffsets {
    /// The token register: AICPU to AICore.
    pub data_main_base: u32,
    /// The status register: AICore to AICPU.
    pub cond: u32,
    /// The control register; bit 0 gates counting.
    pub ctrl: u32,
}

/// A register that opens and closes quick access to a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FastPath {
    /// Offset of the switch.
    pub offset: u32,
    /// Value that opens.
    pub open: u32,
    /// Value that closes.
    pub close: u32,
}

/// Performance counter offsets of one core, in bytes from its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PmuOffsets {
    /// Main switch and the value that turns counting on.
    pub ctrl_0: (u32, u32),
    /// Second switch and its value, where there is one.
    pub ctrl_1: Option<(u32, u32)>,
    /// The event counters.
    pub counters: &'static [u32],
    /// What each counter counts; as many as counters.
    pub selectors: &'static [u32],
    /// Total cycles, low and high word.
    pub total: [u32; 2],
    /// First counted cycle, low and high word.
    pub start: [u32; 2],
    /// Last counted cycle, low and high word.
    pub stop: [u32; 2],
}

/// One stretch of register space that exists in simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterPage {
    /// Its first register offset.
    pub start: u32,
    /// Bytes.
    pub size: u32,
}

/// The family with 24 usable clusters and a 50 MHz counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct A2a3;

impl Arch for A2a3 {
    const NAME: &'static str = "a2a3";
    const MAX_BLOCK_DIM: u32 = 24;
    const MAX_AICPU_THREADS: u32 = 4;
    const LAUNCHED_AICPU_THREADS: u32 = 6;
    const WORKER_SLOTS: usize = 72;
    const PHYSICAL_CLUSTERS: u32 = 25;
    const COUNTER_HZ: u64 = 50_000_000;
    const PMU_EVENTS: &'static [PmuEvents] = A2A3_EVENTS;
    const HAS_SDMA_EVENTS: bool = true;
    const DEFAULT_READY_QUEUE_SHARDS: u32 = 3;
    const REGISTERS: RegisterOffsets = RegisterOffsets {
        data_main_base: 0xa0,
        cond: 0x4c8,
        ctrl: 0,
    };
    const FAST_PATH: Option<FastPath> = Some(FastPath {
        offset: 0x18,
        open: 0xe,
        close: 0xf,
    });
    const PMU: PmuOffsets = PmuOffsets {
        ctrl_0: (0x200, 7),
        ctrl_1: None,
        counters: &[0x210, 0x218, 0x220, 0x228, 0x230, 0x238, 0x240, 0x248],
        selectors: &[
            0x1280, 0x1284, 0x1288, 0x128c, 0x1290, 0x1294, 0x1298, 0x129c,
        ],
        total: [0x250, 0x254],
        start: [0x2a0, 0x2a4],
        stop: [0x2a8, 0x2ac],
    };
    const SIM_REGISTER_PAGES: &'static [RegisterPage] = &[RegisterPage {
        start: 0,
        size: 0x1400,
    }];
}

/// The family with 36 clusters on two dies and a 1 GHz counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct A5;

impl Arch for A5 {
    const NAME: &'static str = "a5";
    const MAX_BLOCK_DIM: u32 = 36;
    const MAX_AICPU_THREADS: u32 = 7;
    const LAUNCHED_AICPU_THREADS: u32 = 7;
    const WORKER_SLOTS: usize = 108;
    const PHYSICAL_CLUSTERS: u32 = 36;
    const COUNTER_HZ: u64 = 1_000_000_000;
    const PMU_EVENTS: &'static [PmuEvents] = A5_EVENTS;
    const HAS_SDMA_EVENTS: bool = false;
    const DEFAULT_READY_QUEUE_SHARDS: u32 = 6;
    const REGISTERS: RegisterOffsets = RegisterOffsets {
        data_main_base: 0xd0,
        cond: 0x5108,
        ctrl: 0,
    };
    const FAST_PATH: Option<FastPath> = None;
    // The last two counters are four bytes apart, the others eight.
    const PMU: PmuOffsets = PmuOffsets {
        ctrl_0: (0x4200, 7),
        ctrl_1: Some((0x2400, 1)),
        counters: &[
            0x4210, 0x4218, 0x4220, 0x4228, 0x4230, 0x4238, 0x4240, 0x4248, 0x4250, 0x4254,
        ],
        selectors: &[
            0x2500, 0x2504, 0x2508, 0x250c, 0x2510, 0x2514, 0x2518, 0x251c, 0x2520, 0x2524,
        ],
        total: [0x4260, 0x4264],
        start: [0x42a0, 0x42a4],
        stop: [0x42a8, 0x42ac],
    };
    const SIM_REGISTER_PAGES: &'static [RegisterPage] = &[
        RegisterPage {
            start: 0,
            size: 0x1000,
        },
        RegisterPage {
            start: 0x2400,
            size: 0x2000,
        },
        RegisterPage {
            start: 0x5000,
            size: 0x1000,
        },
    ];
}

const fn pages_size(pages: &[RegisterPage]) -> usize {
    let mut size = 0;
    let mut index = 0;
    while index < pages.len() {
        size += pages[index].size as usize;
        index += 1;
    }
    size
}

/// What must hold between the numbers of every family.
const fn check<A: Arch>() {
    assert!(
        A::WORKER_SLOTS == (A::MAX_BLOCK_DIM * A::CORES_PER_BLOCK) as usize,
        "one worker slot per core of the largest run"
    );
    assert!(A::MAX_BLOCK_DIM <= A::PHYSICAL_CLUSTERS);
    assert!(A::MAX_AICPU_THREADS <= A::LAUNCHED_AICPU_THREADS);
    assert!(A::PMU.counters.len() == A::PMU.selectors.len());
}

const _: () = check::<A2a3>();
const _: () = check::<A5>();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_block_maps_offsets_to_themselves() {
        assert_eq!(A2a3::sim_register_place(0x4c8), Some(0x4c8));
        assert_eq!(A2a3::sim_register_place(0x13fc), Some(0x13fc));
        assert_eq!(A2a3::sim_register_place(0x1400), None);
        assert_eq!(A2a3::SIM_REGISTER_BLOCK, 0x1400);
    }

    #[test]
    fn pages_lie_one_behind_the_other() {
        assert_eq!(A5::sim_register_place(0xd0), Some(0xd0));
        assert_eq!(A5::sim_register_place(0x2400), Some(0x1000));
        assert_eq!(A5::sim_register_place(0x43fc), Some(0x2ffc));
        assert_eq!(A5::sim_register_place(0x5108), Some(0x3108));
        assert_eq!(A5::SIM_REGISTER_BLOCK, 0x4000);
    }

    #[test]
    fn there_is_nothing_between_pages() {
        for hole in [0x1000, 0x23ff, 0x4400, 0x4fff, 0x6000, u32::MAX] {
            assert_eq!(A5::sim_register_place(hole), None, "{hole:#x}");
        }
    }

    #[test]
    fn only_one_family_has_a_fast_path() {
        assert_eq!((A2a3::HAS_FAST_PATH, A5::HAS_FAST_PATH), (true, false));
        assert_eq!((A2a3::PHYSICAL_ID_BOUND, A5::PHYSICAL_ID_BOUND), (75, 108));
    }
}

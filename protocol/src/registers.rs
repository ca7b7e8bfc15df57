//! The registers of one core: their order, their numbers and the values they carry.
//!
//! Knows the values that mean something, and gives every register of a family the id the reference
//! gives it. Refuses to know the offsets themselves, which are in [`Arch`], and what a token is.

use crate::Arch;

/// In the token register: the core shall leave its loop. Tokens are below it.
pub const AICORE_EXIT_SIGNAL: u32 = 0x7fff_fff0;
/// In the token register: there is nothing to do.
pub const AICPU_IDLE_TASK_ID: u32 = 0x7fff_fffd;
/// Token bits of [`AICORE_EXITED_VALUE`].
pub const AICORE_EXIT_TASK_ID: u32 = 0x7fff_fffe;
/// Token bits of [`AICORE_IDLE_VALUE`].
pub const AICORE_IDLE_TASK_ID: u32 = 0x7fff_ffff;
/// How the reference marks a slot without token in its own books.
pub const AICPU_TASK_INVALID: i32 = -1;

/// Token bits of a status word.
pub const TASK_ID_MASK: u32 = 0x7fff_ffff;
/// State bit of a status word.
pub const TASK_STATE_MASK: u32 = 0x8000_0000;
/// State bit clear: the token was picked up.
pub const TASK_ACK_STATE: u32 = 0;
/// State bit set: the kernel returned.
pub const TASK_FIN_STATE: u32 = 1;
/// In the status register: started, nothing ran yet.
pub const AICORE_IDLE_VALUE: u32 = 0xffff_ffff;
/// In the status register: the core left its loop.
pub const AICORE_EXITED_VALUE: u32 = 0xffff_fffe;

/// Bits of the hardware's core id register that hold the physical id.
pub const AICORE_CORE_ID_MASK: u32 = 0x0fff;

const _: () = assert!(
    AICORE_IDLE_VALUE == AICORE_IDLE_TASK_ID | TASK_STATE_MASK
        && AICORE_EXITED_VALUE == AICORE_EXIT_TASK_ID | TASK_STATE_MASK,
    "the two special words are finish words of reserved tokens"
);

/// One register of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Register {
    /// The token, AICPU to AICore.
    DataMainBase,
    /// The status word, AICore to AICPU.
    Cond,
    /// The switch that lets the AICPU reach the core quickly.
    FastPathEnable,
    /// Control; bit 0 gates counting.
    Ctrl,
    /// Main switch of the performance counters.
    PmuCtrl0,
    /// Second switch of the performance counters.
    PmuCtrl1,
    /// Event counter with this number.
    PmuCounter(u8),
    /// Total cycles: low word 0, high word 1.
    PmuTotal(u8),
    /// First counted cycle: low word 0, high word 1.
    PmuStart(u8),
    /// Last counted cycle: low word 0, high word 1.
    PmuStop(u8),
    /// What the counter with this number counts.
    PmuSelector(u8),
}

impl Register {
    /// The registers that `A` has, each at the index of its id.
    pub fn all<A: Arch>() -> impl Iterator<Item = Self> {
        let single = [
            Self::DataMainBase,
            Self::Cond,
            Self::FastPathEnable,
            Self::Ctrl,
            Self::PmuCtrl0,
            Self::PmuCtrl1,
        ];
        single
            .into_iter()
            .chain((0..=u8::MAX).map_while(present::<A>(Self::PmuCounter)))
            .chain((0..2).map(Self::PmuTotal))
            .chain((0..2).map(Self::PmuStart))
            .chain((0..2).map(Self::PmuStop))
            .chain((0..=u8::MAX).map_while(present::<A>(Self::PmuSelector)))
            .filter(|register| register.offset::<A>().is_some())
    }

    /// Offset in bytes from the core's base, `None` where the family has no such register.
    #[must_use]
    pub fn offset<A: Arch>(self) -> Option<u32> {
        match self {
            Self::DataMainBase => Some(A::REGISTERS.data_main_base),
            Self::Cond => Some(A::REGISTERS.cond),
            Self::FastPathEnable => A::FAST_PATH.map(|switch| switch.offset),
            Self::Ctrl => Some(A::REGISTERS.ctrl),
            Self::PmuCtrl0 => Some(A::PMU.ctrl_0.0),
            Self::PmuCtrl1 => A::PMU.ctrl_1.map(|(offset, _)| offset),
            Self::PmuCounter(index) => A::PMU.counters.get(usize::from(index)).copied(),
            Self::PmuTotal(half) => A::PMU.total.get(usize::from(half)).copied(),
            Self::PmuStart(half) => A::PMU.start.get(usize::from(half)).copied(),
            Self::PmuStop(half) => A::PMU.stop.get(usize::from(half)).copied(),
            Self::PmuSelector(index) => A::PMU.selectors.get(usize::from(index)).copied(),
        }
    }

    /// The id by which the reference's programs name the register, `None` where the family has no
    /// such register.
    #[must_use]
    pub fn id<A: Arch>(self) -> Option<u8> {
        Self::all::<A>()
            .position(|register| register == self)
            .and_then(|id| u8::try_from(id).ok())
    }
}

/// Builds the register with a number as long as the family has one.
fn present<A: Arch>(register: fn(u8) -> Register) -> impl Fn(u8) -> Option<Register> {
    move |index| {
        let register = register(index);
        register.offset::<A>().map(|_| register)
    }
}

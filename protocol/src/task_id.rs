//! The name of a task of the device-built graph.
//!
//! Knows how ring and position share one word. Refuses to know whether the task is still alive.

use bytemuck::{Pod, Zeroable};

/// Names one task: the ring it lives in and its number there.
///
/// On the wire a `u64`, `ring << 32 | local`, with bits 40 to 63 zero; all ones names no task.
/// The order of ids is ring first, which says nothing about age.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Pod, Zeroable)]
#[repr(transparent)]
pub struct TaskId(u64);

static_assertions::assert_eq_size!(TaskId, u64);

impl TaskId {
    /// No task: the owner of external tensors, the result of a refused submission.
    pub const INVALID: Self = Self(u64::MAX);

    /// The task with number `local` in `ring`.
    #[must_use]
    pub const fn new(ring: u8, local: u32) -> Self {
        Self((ring as u64) << 32 | local as u64)
    }

    /// The id a wire word holds. Any word is an id; [`is_valid`](Self::is_valid) tells whether it
    /// can name a task.
    #[must_use]
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// The wire word.
    #[must_use]
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// The ring.
    #[must_use]
    pub const fn ring(self) -> u8 {
        self.0.to_le_bytes()[4]
    }

    /// The number within the ring.
    #[must_use]
    pub const fn local(self) -> u32 {
        let bytes = self.0.to_le_bytes();
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    /// Whether the word is made of a ring and a number and nothing else.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 >> 40 == 0
    }
}

impl Default for TaskId {
    /// [`TaskId::INVALID`]: an id nobody has set names no task.
    fn default() -> Self {
        Self::INVALID
    }
}

impl core::fmt::Debug for TaskId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

impl core::fmt::Display for TaskId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.is_valid() {
            write!(f, "{}:{}", self.ring(), self.local())
        } else {
            write!(f, "none({:#x})", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ring_and_number_share_a_word() {
        let id = TaskId::new(3, 0x8000_0001);
        assert_eq!(id.raw(), 0x3_8000_0001);
        assert_eq!((id.ring(), id.local()), (3, 0x8000_0001));
        assert!(id.is_valid() && TaskId::new(255, u32::MAX).is_valid());
        assert_eq!(TaskId::new(255, u32::MAX).raw(), 0xff_ffff_ffff);
    }

    #[test]
    fn all_ones_and_stray_high_bits_name_no_task() {
        assert!(!TaskId::INVALID.is_valid());
        assert!(!TaskId::default().is_valid());
        assert!(!TaskId::from_raw(1 << 40).is_valid());
    }
}

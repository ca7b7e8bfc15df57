//! Device buffers that wait for tensors of coming runs.
//!
//! Knows sizes and nothing else: what a buffer held before does not matter, because whoever takes
//! it fills it. The buffer given back last is taken first, while it is warm. A steady stream of
//! equal runs allocates nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::machine::{DeviceMemory, Machine};

/// The smallest buffer.
const SMALLEST: u64 = 256;

/// The size of the buffers that serve `bytes`: powers of two and three steps between them, so that
/// at most a fifth of a buffer is unused. `None` when no buffer is so large.
pub(crate) fn class(bytes: u64) -> Option<u64> {
    if bytes <= SMALLEST {
        return Some(SMALLEST);
    }
    let step = 1 << (bytes - 1).ilog2().saturating_sub(2);
    bytes.checked_next_multiple_of(step)
}

/// Buffers by class.
#[derive(Debug)]
pub(crate) struct Pool<M: Machine> {
    free: BTreeMap<u64, Vec<Arc<M::Memory>>>,
    buffers: u64,
    bytes: u64,
}

impl<M: Machine> Pool<M> {
    pub(crate) fn new() -> Self {
        Self {
            free: BTreeMap::new(),
            buffers: 0,
            bytes: 0,
        }
    }

    /// Buffers and their bytes.
    pub(crate) fn usage(&self) -> (u64, u64) {
        (self.buffers, self.bytes)
    }

    /// A buffer of exactly this class, if one is there.
    pub(crate) fn take(&mut self, class: u64) -> Option<Arc<M::Memory>> {
        let memory = self.free.get_mut(&class)?.pop()?;
        self.buffers -= 1;
        self.bytes -= memory.bytes();
        Some(memory)
    }

    /// Keeps a buffer for the next taker.
    pub(crate) fn put(&mut self, memory: Arc<M::Memory>) {
        self.buffers += 1;
        self.bytes += memory.bytes();
        self.free.entry(memory.bytes()).or_default().push(memory);
    }

    /// Gives up all buffers, because memory is short.
    pub(crate) fn drain(&mut self) -> BTreeMap<u64, Vec<Arc<M::Memory>>> {
        self.buffers = 0;
        self.bytes = 0;
        core::mem::take(&mut self.free)
    }
}

#[cfg(test)]
mod tests {
    use super::class;

    #[test]
    fn a_class_wastes_at_most_a_fifth() {
        for bytes in (257..10_000).chain([65_600, 1 << 20, (1 << 30) + 1]) {
            let class = class(bytes).expect("far from the end of the address space");
            assert!(class >= bytes, "{bytes} in {class}");
            assert!((class - bytes) * 5 <= class + 5, "{bytes} in {class}");
        }
    }

    #[test]
    fn small_tensors_share_one_class_and_no_class_is_too_large() {
        assert_eq!(class(0), Some(256));
        assert_eq!(class(256), Some(256));
        assert_eq!(class(257), Some(320));
        assert_eq!(class(u64::MAX), None);
    }
}

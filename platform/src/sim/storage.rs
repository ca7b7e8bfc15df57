//! Memory that the kernels of one cluster meet in.
//!
//! Knows blocks by cluster and key. Refuses to know what kernels do with them. Blocks live until the
//! next run, so a pointer stays good for as long as a kernel may use it.

use std::collections::HashMap;
use std::ffi::CString;
use std::sync::{Arc, Mutex};

use crate::lock::lock;
use crate::machine::DeviceMemory;

use super::memory::{Budget, SimMemory};

/// What kernels call a block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A number made of a pipe's properties.
    Pipe(u64),
    /// A name.
    Name(CString),
}

/// The blocks of one simulated device.
#[derive(Debug)]
pub(crate) struct SharedStorage {
    blocks: Mutex<HashMap<(u32, Key), SimMemory>>,
    budget: Arc<Budget>,
}

impl SharedStorage {
    pub(crate) fn new() -> Self {
        Self {
            blocks: Mutex::default(),
            budget: Budget::new(u64::MAX),
        }
    }

    /// Address of the block of `cluster` under `key`: zeroed and of `size` bytes if it is new.
    ///
    /// # Errors
    /// When there is no memory, or the block is there and smaller.
    pub(crate) fn block(&self, cluster: u32, key: Key, size: usize) -> Result<u64, String> {
        let mut blocks = lock(&self.blocks);
        let size = size as u64;
        if let Some(block) = blocks.get(&(cluster, key.clone())) {
            return if size <= block.bytes() {
                Ok(block.address().0)
            } else {
                Err(format!(
                    "shared storage {key:?} of cluster {cluster} was created with {} bytes and is now asked for with {size}",
                    block.bytes()
                ))
            };
        }
        let block = SimMemory::allocate(size, &self.budget)?;
        let address = block.address().0;
        blocks.insert((cluster, key), block);
        Ok(address)
    }

    /// Frees all blocks.
    pub(crate) fn clear(&self) {
        lock(&self.blocks).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, SharedStorage};

    #[test]
    fn one_cluster_meets_under_one_key_and_no_other() {
        let storage = SharedStorage::new();
        let block = |cluster, key, size| storage.block(cluster, key, size);
        let first = block(0, Key::Pipe(7), 64).expect("new");
        assert_eq!(block(0, Key::Pipe(7), 64), Ok(first));
        assert_eq!(block(0, Key::Pipe(7), 8), Ok(first));
        assert_ne!(block(1, Key::Pipe(7), 64), Ok(first));
        assert_ne!(block(0, Key::Pipe(8), 64), Ok(first));
        assert_ne!(block(0, Key::Name(c"7".into()), 64), Ok(first));
        assert!(
            block(0, Key::Pipe(7), 65)
                .expect_err("too small")
                .contains("64 bytes")
        );
        storage.clear();
        block(0, Key::Pipe(7), 65).expect("new again");
    }
}

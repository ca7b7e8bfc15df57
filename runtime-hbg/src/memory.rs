//! Device memory as an orchestration on the host sees it.
//!
//! Knows what was allocated through it and gives it back. Refuses to know where the memory is.

use core::fmt;
use std::collections::HashMap;

use aicore_abi::orchestration::hbg::TensorAllocationInfo;

/// The device memory of a context, from the host's side.
pub trait HostMemory {
    /// Allocates; 0 if there is not enough.
    fn malloc(&self, bytes: usize) -> u64;

    /// Frees what [`malloc`](Self::malloc) gave.
    fn free(&self, device: u64);

    /// Copies host memory to the device; 0 or an error.
    ///
    /// # Safety
    ///
    /// `bytes` bytes can be read at `host`, and whoever owns the memory at `device` wants them to be written there.
    unsafe fn copy_to(&self, device: u64, host: *const u8, bytes: usize) -> i32;

    /// The graph is whole and about to run: what was allocated and never written in full is to be zero.
    fn complete(&self) {}

    /// Why something was refused last, in the words of whoever refused it.
    fn refusal(&self) -> Option<String> {
        None
    }

    /// Is told of every call of the orchestration, so that whoever waits for it sees that it gets on.
    fn stepped(&self) {}
}

/// The blocks one orchestration has allocated; dropping it frees them.
pub struct Buffers<'m> {
    memory: &'m dyn HostMemory,
    /// In the order of allocation; what was freed is empty.
    blocks: Vec<Option<TensorAllocationInfo>>,
    /// Where in `blocks` the block at an address is.
    at: HashMap<u64, usize>,
}

impl<'m> Buffers<'m> {
    /// Nothing allocated.
    #[must_use]
    pub fn new(memory: &'m dyn HostMemory) -> Self {
        Self {
            memory,
            blocks: Vec::new(),
            at: HashMap::new(),
        }
    }

    /// The memory the blocks come from.
    #[must_use]
    pub fn memory(&self) -> &'m dyn HostMemory {
        self.memory
    }

    /// Allocates a block; 0 if there is not enough.
    pub fn malloc(&mut self, bytes: usize) -> u64 {
        let address = self.memory.malloc(bytes);
        if address != 0 {
            self.at.insert(address, self.blocks.len());
            self.blocks.push(Some(TensorAllocationInfo {
                base_addr: address,
                size_bytes: bytes as u64,
            }));
        }
        address
    }

    /// The block that begins at `address`.
    #[must_use]
    pub fn block(&self, address: u64) -> Option<TensorAllocationInfo> {
        self.blocks[*self.at.get(&address)?]
    }

    /// Frees the block that begins at `address`; says whether there is one.
    pub fn free(&mut self, address: u64) -> bool {
        let Some(index) = self.at.remove(&address) else {
            return false;
        };
        self.blocks[index] = None;
        self.memory.free(address);
        true
    }

    /// Frees nothing: whoever the memory comes from keeps account of it.
    pub fn leave(mut self) {
        self.blocks.clear();
    }

    /// The blocks, in the order of allocation.
    pub fn blocks(&self) -> impl Iterator<Item = TensorAllocationInfo> {
        self.blocks.iter().flatten().copied()
    }
}

impl Drop for Buffers<'_> {
    fn drop(&mut self) {
        for block in self.blocks.drain(..).flatten() {
            self.memory.free(block.base_addr);
        }
    }
}

impl fmt::Debug for Buffers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffers")
            .field("blocks", &self.at.len())
            .finish_non_exhaustive()
    }
}

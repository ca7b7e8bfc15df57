//! Which device memory is in use, and by whom it may be touched.
//!
//! Knows every live allocation by its address. Refuses to know how a machine makes memory.
//!
//! An allocation is shared: whoever must keep its memory alive beyond a `free` (code that does not
//! stop) holds it too, and the memory goes back to the machine with the last holder.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::DeviceAddress;
use crate::error::{Error, Result};
use crate::machine::{DeviceMemory, Machine};

/// How much device memory a context uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryStats {
    /// Allocations the caller made and has not freed.
    pub allocations: u64,
    /// Their bytes.
    pub allocated: u64,
    /// Buffers kept for tensors of coming runs.
    pub pooled_buffers: u64,
    /// Their bytes.
    pub pooled: u64,
    /// Buffers that hold tensors of a run.
    pub bound_buffers: u64,
    /// Their bytes.
    pub bound: u64,
}

impl MemoryStats {
    /// All bytes.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.allocated + self.pooled + self.bound
    }
}

/// The allocations of one context.
#[derive(Debug)]
pub(crate) struct Ledger<M: Machine> {
    live: BTreeMap<DeviceAddress, Arc<M::Memory>>,
    bytes: u64,
}

impl<M: Machine> Ledger<M> {
    pub(crate) fn new() -> Self {
        Self {
            live: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Allocations and their bytes.
    pub(crate) fn usage(&self) -> (u64, u64) {
        (self.live.len() as u64, self.bytes)
    }

    /// Takes note of an allocation.
    pub(crate) fn insert(&mut self, memory: M::Memory) -> DeviceAddress {
        let address = memory.address();
        self.bytes += memory.bytes();
        self.live.insert(address, Arc::new(memory));
        address
    }

    /// Forgets an allocation and hands it over.
    pub(crate) fn remove(&mut self, address: DeviceAddress) -> Result<Arc<M::Memory>> {
        if let Some(memory) = self.live.remove(&address) {
            self.bytes -= memory.bytes();
            return Ok(memory);
        }
        Err(match self.containing(address) {
            Some(memory) => Error::InteriorAddress {
                address,
                start: memory.address(),
            },
            None => Error::UnknownAddress {
                operation: "free",
                address,
            },
        })
    }

    /// The allocation that holds all `bytes` at `address`.
    pub(crate) fn range(
        &self,
        operation: &'static str,
        address: DeviceAddress,
        bytes: u64,
    ) -> Result<Arc<M::Memory>> {
        let Some(memory) = self.containing(address) else {
            return Err(Error::UnknownAddress { operation, address });
        };
        let start = memory.address();
        // `containing` found it because `start <= address`.
        let room = memory.bytes() - (address.0 - start.0);
        if bytes > room {
            return Err(Error::OutOfBounds {
                operation,
                address,
                bytes,
                start,
                size: memory.bytes(),
            });
        }
        Ok(Arc::clone(memory))
    }

    /// The allocation that `address` lies in.
    pub(crate) fn containing(&self, address: DeviceAddress) -> Option<&Arc<M::Memory>> {
        let (start, memory) = self.live.range(..=address).next_back()?;
        let within = address.0 - start.0;
        // An allocation of no bytes still has its address.
        (within < memory.bytes().max(1)).then_some(memory)
    }

    /// Every live allocation.
    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<M::Memory>> {
        self.live.values().map(Arc::clone)
    }
}

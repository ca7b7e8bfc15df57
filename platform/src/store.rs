//! The device memory of one attached context.
//!
//! Knows who has which stretch of it: allocations of the caller, buffers of runs, buffers kept for coming
//! runs. Refuses to know programs and runs.
//!
//! | held by | given back |
//! | --- | --- |
//! | the caller, by address ([`Ledger`]) | by `free`, or with the context |
//! | a run, for tensors and what its orchestration allocates | at its end, to the pool |
//! | the [`Pool`] | when memory is short, or with the context |

use std::sync::{Arc, Mutex};

use crate::address::DeviceAddress;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::machine::{DeviceMemory, Machine, NoMemory};
use crate::memory::{Ledger, MemoryStats};
use crate::pool::{self, Pool};

/// A machine and who has which part of its memory.
#[derive(Debug)]
pub(crate) struct Store<M: Machine> {
    ledger: Mutex<Ledger<M>>,
    pool: Mutex<Pool<M>>,
    /// Buffers that runs have, and their bytes.
    bound: Mutex<(u64, u64)>,
    // Last: the memory above is its.
    pub(crate) machine: M,
}

impl<M: Machine> Store<M> {
    /// Nobody has anything.
    pub(crate) fn new(machine: M) -> Self {
        Self {
            ledger: Mutex::new(Ledger::new()),
            pool: Mutex::new(Pool::new()),
            bound: Mutex::default(),
            machine,
        }
    }

    /// Memory for the caller.
    pub(crate) fn malloc(&self, bytes: u64) -> Result<DeviceAddress> {
        let memory = self.allocate(bytes)?;
        Ok(lock(&self.ledger).insert(memory))
    }

    /// Takes it back.
    pub(crate) fn free(&self, address: DeviceAddress) -> Result<()> {
        let memory = lock(&self.ledger).remove(address)?;
        drop(memory);
        Ok(())
    }

    /// Copies to memory of the caller.
    pub(crate) fn copy_to(&self, to: DeviceAddress, from: &[u8]) -> Result<()> {
        let memory = self.reached("copy_to", to, from.len() as u64)?;
        // SAFETY: the range lies in `memory`, which lives until the copy is done, or in a window.
        let copied = unsafe { self.machine.copy_in(to, from.as_ptr(), from.len()) };
        drop(memory);
        copied
    }

    /// Copies from memory of the caller.
    pub(crate) fn copy_from(&self, to: &mut [u8], from: DeviceAddress) -> Result<()> {
        let memory = self.reached("copy_from", from, to.len() as u64)?;
        // SAFETY: the range lies in `memory`, which lives until the copy is done, or in a window.
        let copied = unsafe { self.machine.copy_out(to.as_mut_ptr(), from, to.len()) };
        drop(memory);
        copied
    }

    /// The caller's allocation that holds `address`.
    pub(crate) fn containing(&self, address: DeviceAddress) -> Option<Arc<M::Memory>> {
        lock(&self.ledger).containing(address).cloned()
    }

    /// The caller's allocation that holds all `bytes` at `address`.
    pub(crate) fn range(
        &self,
        operation: &'static str,
        address: DeviceAddress,
        bytes: u64,
    ) -> Result<Arc<M::Memory>> {
        lock(&self.ledger).range(operation, address, bytes)
    }

    /// The caller's allocation that holds all `bytes` at `address`, or none if a window of the machine does.
    fn reached(
        &self,
        operation: &'static str,
        address: DeviceAddress,
        bytes: u64,
    ) -> Result<Option<Arc<M::Memory>>> {
        match self.range(operation, address, bytes) {
            Err(Error::UnknownAddress { .. }) if self.machine.has_window(address, bytes) => {
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    /// Every allocation of the caller.
    pub(crate) fn allocations(&self) -> Vec<Arc<M::Memory>> {
        lock(&self.ledger).all().collect()
    }

    /// A buffer for `bytes` of a run.
    pub(crate) fn take_buffer(&self, bytes: u64) -> Result<Arc<M::Memory>> {
        let class = pool::class(bytes)
            .ok_or_else(|| self.exhausted(bytes, "it exceeds the address space"))?;
        let pooled = lock(&self.pool).take(class);
        let memory = match pooled {
            Some(memory) => memory,
            None => Arc::new(self.allocate(class)?),
        };
        let mut bound = lock(&self.bound);
        bound.0 += 1;
        bound.1 += memory.bytes();
        Ok(memory)
    }

    /// Takes a buffer back, for the next run unless something may still write to it.
    pub(crate) fn give_back(&self, memory: Arc<M::Memory>, reuse: bool) {
        {
            let mut bound = lock(&self.bound);
            bound.0 -= 1;
            bound.1 -= memory.bytes();
        }
        if reuse {
            lock(&self.pool).put(memory);
        }
    }

    /// Why there is no memory for `bytes`.
    pub(crate) fn exhausted(&self, bytes: u64, reason: &str) -> Error {
        Error::OutOfMemory {
            bytes,
            in_use: self.stats().total(),
            reason: reason.to_owned(),
        }
    }

    /// Who has how much.
    pub(crate) fn stats(&self) -> MemoryStats {
        let (allocations, allocated) = lock(&self.ledger).usage();
        let (pooled_buffers, pooled) = lock(&self.pool).usage();
        let (bound_buffers, bound) = *lock(&self.bound);
        MemoryStats {
            allocations,
            allocated,
            pooled_buffers,
            pooled,
            bound_buffers,
            bound,
        }
    }

    /// Device memory, at the expense of the pool if there is no other.
    pub(crate) fn allocate(&self, bytes: u64) -> Result<M::Memory> {
        let full = |no| match no {
            NoMemory::Full(reason) => self.exhausted(bytes, &reason),
            NoMemory::Failed(error) => error,
        };
        match self.machine.allocate(bytes) {
            Err(NoMemory::Full(_)) => {
                drop(lock(&self.pool).drain());
                self.machine.allocate(bytes).map_err(full)
            }
            other => other.map_err(full),
        }
    }
}

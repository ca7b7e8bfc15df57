//! What lies in device memory between runs.
//!
//! Knows the block shared with the image and the orchestrations. Both stay until nobody needs them.

use std::sync::{Arc, Weak};

use aicpu::onboard::wire;
use protocol::Arch;
use runtime_trb::{Context, Limits};

use crate::cann::{Buffer, Driver};
use crate::error::Result;
use crate::options::Rings;

/// The capacities a run asks for, the rest as usual.
pub(crate) fn limits(rings: &Rings) -> Result<Limits> {
    let mut limits = Limits::default();
    if let Some(window) = rings.task_window {
        limits.task_window = u32::try_from(window).unwrap_or(u32::MAX);
    }
    if let Some(bytes) = rings.heap_bytes {
        limits.heap_bytes = bytes;
    }
    limits.validate()?;
    Ok(limits)
}

/// The block that host and image share, with the runtime's memory behind it.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) buffer: Buffer,
    pub(crate) limits: Limits,
    pub(crate) memory: u64,
    /// Another number for each block.
    pub(crate) epoch: u64,
}

impl Block {
    /// A fresh block for runs of exactly `limits`.
    pub(crate) fn allocate<A: Arch>(
        driver: &Arc<Driver>,
        limits: Limits,
        epoch: u64,
    ) -> Result<Self> {
        let memory = Context::arena_bytes(&limits)? as u64;
        let memory = memory.next_multiple_of(wire::PAGE);
        let start = wire::memory_at(A::WORKER_SLOTS);
        // The vendor aligns to less than a page.
        let buffer = Buffer::allocate(driver, start + memory + wire::PAGE)?;
        let block = Self {
            buffer,
            limits,
            memory,
            epoch,
        };
        block.buffer.clear(block.base_offset(), start + memory)?;
        Ok(block)
    }

    fn base_offset(&self) -> u64 {
        self.address() - self.buffer.address()
    }

    /// Where the block starts: on a page.
    pub(crate) const fn address(&self) -> u64 {
        self.buffer.address().next_multiple_of(wire::PAGE)
    }

    pub(crate) fn write(&self, at: u64, bytes: &[u8]) -> Result<()> {
        Ok(self.buffer.write(self.base_offset() + at, bytes)?)
    }

    pub(crate) fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        Ok(self.buffer.read(self.base_offset() + at, into)?)
    }
}

/// Orchestrations in device memory, one copy for all callables with the same bytes.
#[derive(Debug, Default)]
pub(crate) struct Orchestrations {
    uploaded: Vec<(Arc<[u8]>, Weak<Buffer>)>,
    /// What the runs of a callable id use.
    used: Vec<(i32, Arc<Buffer>)>,
}

impl Orchestrations {
    /// Where `bytes` are for the runs of `callable_id`.
    pub(crate) fn place(
        &mut self,
        driver: &Arc<Driver>,
        callable_id: i32,
        bytes: &Arc<[u8]>,
    ) -> Result<Arc<Buffer>> {
        self.uploaded
            .retain(|(_, buffer)| buffer.strong_count() != 0);
        let known = self
            .uploaded
            .iter()
            .find(|(known, _)| Arc::ptr_eq(known, bytes));
        let buffer = match known.and_then(|(_, buffer)| buffer.upgrade()) {
            Some(buffer) => buffer,
            None => {
                let buffer = Arc::new(Buffer::upload(driver, bytes)?);
                self.uploaded
                    .push((Arc::clone(bytes), Arc::downgrade(&buffer)));
                buffer
            }
        };
        self.forget(callable_id);
        self.used.push((callable_id, Arc::clone(&buffer)));
        Ok(buffer)
    }

    pub(crate) fn forget(&mut self, callable_id: i32) {
        self.used.retain(|(id, _)| *id != callable_id);
    }
}

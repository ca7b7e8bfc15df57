//! What lies in device memory between runs.
//!
//! Knows the block shared with the image, orchestrations of device-built graphs and the graph that was built on the
//! host last. Each stays until nobody needs it.

use std::sync::{Arc, Weak};

use aicpu::onboard::wire;
use protocol::Arch;

use crate::cann::{Buffer, Driver};
use crate::error::Result;

/// Memory of the device-built runtime, and how it is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuntimeMemory {
    /// Task slots per ring.
    pub(crate) task_window: u32,
    /// Output memory per ring.
    pub(crate) heap_bytes: u64,
    /// Entries of the tensor map.
    pub(crate) map_entries: u32,
    /// Bytes of all of it.
    pub(crate) bytes: u64,
}

impl RuntimeMemory {
    /// The capacities a run asks for, the rest as usual.
    pub(crate) fn of(rings: &crate::options::Rings) -> Result<Self> {
        let mut limits = runtime_trb::Limits::default();
        if let Some(window) = rings.task_window {
            limits.task_window = u32::try_from(window).unwrap_or(u32::MAX);
        }
        if let Some(bytes) = rings.heap_bytes {
            limits.heap_bytes = bytes;
        }
        limits.validate()?;
        let bytes = runtime_trb::Context::arena_bytes(&limits)? as u64;
        Ok(Self {
            task_window: limits.task_window,
            heap_bytes: limits.heap_bytes,
            map_entries: limits.map_entries,
            bytes: bytes.next_multiple_of(wire::PAGE),
        })
    }
}

/// The block that host and image share, with the runtime's memory behind it.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) buffer: Buffer,
    /// Nothing if no run needed any.
    pub(crate) runtime: RuntimeMemory,
    /// Another number for each block.
    pub(crate) epoch: u64,
}

impl Block {
    /// A fresh block with exactly this memory.
    pub(crate) fn allocate<A: Arch>(
        driver: &Arc<Driver>,
        runtime: RuntimeMemory,
        epoch: u64,
    ) -> Result<Self> {
        let start = wire::memory_at(A::WORKER_SLOTS);
        // The vendor aligns to less than a page.
        let buffer = Buffer::allocate(driver, start + runtime.bytes + wire::PAGE)?;
        let block = Self {
            buffer,
            runtime,
            epoch,
        };
        block
            .buffer
            .clear(block.base_offset(), start + runtime.bytes)?;
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

/// Memory for one graph after the other.
#[cfg(feature = "hbg")]
#[derive(Debug, Default)]
pub(crate) struct GraphMemory {
    buffer: Option<Buffer>,
    /// What was sent last, kept for its capacity.
    packed: Vec<u8>,
}

#[cfg(feature = "hbg")]
impl GraphMemory {
    /// Sends a graph: where it is and how long.
    pub(crate) fn send(
        &mut self,
        driver: &Arc<Driver>,
        graph: &mut aicpu::hbg::Ready,
    ) -> Result<(u64, u64)> {
        let packing = graph.packing();
        let bytes = packing.bytes();
        let buffer = match self.buffer.take().filter(|it| it.bytes() >= bytes) {
            Some(buffer) => buffer,
            None => Buffer::allocate(driver, bytes.next_power_of_two())?,
        };
        let buffer = self.buffer.insert(buffer);
        graph.pack(&packing, buffer.address(), &mut self.packed);
        buffer.write(0, &self.packed)?;
        Ok((buffer.address(), bytes))
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

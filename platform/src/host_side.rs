//! What an orchestration that runs on the host does to the device during one run.
//!
//! Knows the device memory it allocated, what it copied there and what is to be copied back. Refuses to know what it
//! builds.
//!
//! | when | its memory |
//! | --- | --- |
//! | it frees it | goes back at once: nothing on the device runs yet |
//! | its run ended | all of it goes back, after the copies to the host if the run was good |
//! | code of its run does not stop | is kept until that code returns, and nobody else gets it |
//!
//! Behind each block lies a guard zone, as behind bound tensors.

use core::any::Any;
use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use aicpu::hbg::Loaded;
use protocol::ChipStorageTaskArgs;
use runtime_hbg::{CopyBack, HostMemory};

use crate::address::DeviceAddress;
use crate::bind::{GUARD, damage, guard};
use crate::error::{Error, Result};
use crate::launch::{HostRun, Outcome};
use crate::lock::lock;
use crate::machine::{DeviceMemory, Machine};
use crate::program::Orchestration;
use crate::store::Store;

/// What a C orchestration is told when something is refused; the log says why.
const REFUSED: i32 = -1;

/// Loads an orchestration that runs on the host.
pub(crate) fn load_on_host(
    callable_id: i32,
    orchestration: &Orchestration,
) -> Result<Option<Loaded>> {
    #[cfg_attr(
        not(feature = "trb"),
        expect(
            clippy::infallible_destructuring_match,
            reason = "there is one runtime"
        )
    )]
    let orchestration = match orchestration {
        Orchestration::Hbg(orchestration) => orchestration,
        #[cfg(feature = "trb")]
        Orchestration::Trb(_) => return Ok(None),
    };
    let loaded = orchestration.load(&format!("orchestration-{callable_id}"));
    let loaded = loaded.map_err(|source| Error::OrchestrationLoad {
        id: callable_id,
        source,
    })?;
    Ok(Some(loaded))
}

/// Fills a whole block with zeros.
fn clear<M: Machine>(store: &Store<M>, start: DeviceAddress, bytes: u64) -> Result<()> {
    let length = usize::try_from(bytes).expect("allocated by a C program's number");
    // SAFETY: the block at `start` holds so many bytes, as all callers say.
    unsafe { store.machine.fill(start, 0, length) }
}

/// A block of device memory.
#[derive(Debug)]
struct Block<M: Machine> {
    memory: Arc<M::Memory>,
    bytes: u64,
    /// Nothing was copied to it, so that what it held for somebody else may still be there.
    blank: bool,
}

struct State<M: Machine> {
    blocks: BTreeMap<DeviceAddress, Block<M>>,
    copied_in: u64,
    copies: Vec<CopyBack>,
    graph: Option<Box<dyn Any + Send>>,
    /// What the device refused last.
    refusal: Option<String>,
    /// The run is over for whoever ordered it, and the caller's memory is the caller's again.
    over: bool,
}

/// The host's side of one run.
pub(crate) struct HostSide<M: Machine> {
    /// Not held: code that does not stop may keep this for long.
    store: Weak<Store<M>>,
    state: Mutex<State<M>>,
}

impl<M: Machine> fmt::Debug for HostSide<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostSide")
            .field("blocks", &lock(&self.state).blocks.len())
            .finish_non_exhaustive()
    }
}

impl<M: Machine> HostSide<M> {
    /// Nothing allocated in `store`.
    pub(crate) fn new(store: &Arc<Store<M>>) -> Arc<Self> {
        Arc::new(Self {
            store: Arc::downgrade(store),
            state: Mutex::new(State {
                blocks: BTreeMap::new(),
                copied_in: 0,
                copies: Vec::new(),
                graph: None,
                refusal: None,
                over: false,
            }),
        })
    }

    /// What code of the run can reach.
    pub(crate) fn hold(&self) -> Box<dyn Any + Send> {
        let mut state = lock(&self.state);
        let blocks = state.blocks.values();
        let blocks: Vec<Arc<M::Memory>> = blocks.map(|it| Arc::clone(&it.memory)).collect();
        Box::new((blocks, state.graph.take()))
    }

    /// Ends the run: copies back if it was good, and gives back the memory. Says how many bytes were copied to the
    /// device and back.
    pub(crate) fn end(
        &self,
        store: &Store<M>,
        args: &ChipStorageTaskArgs,
        outcome: &Outcome,
    ) -> Result<(u64, u64)> {
        let mut state = lock(&self.state);
        state.over = true;
        let copied = match outcome.result {
            Ok(_) => state
                .check_guards(store, args)
                .and_then(|()| state.copy_back(store)),
            Err(_) => Ok(0),
        };
        // Latest first, so that the next run gets the blocks in the same order.
        while let Some((_, block)) = state.blocks.pop_last() {
            store.give_back(block.memory, !outcome.left_behind);
        }
        state.graph = None;
        Ok((state.copied_in, copied?))
    }
}

impl<M: Machine> State<M> {
    /// The memory that holds all `bytes` at `address`, kept alive.
    fn range(
        &self,
        store: &Store<M>,
        operation: &'static str,
        address: DeviceAddress,
        bytes: u64,
    ) -> Result<Arc<M::Memory>> {
        let own = self.blocks.range(..=address).next_back();
        let own = own.filter(|(start, block)| address.0 - start.0 < block.bytes.max(1));
        let Some((&start, block)) = own else {
            // Not the orchestration's: memory that the caller allocated.
            return store.range(operation, address, bytes);
        };
        if bytes > block.bytes - (address.0 - start.0) {
            return Err(Error::OutOfBounds {
                operation,
                address,
                bytes,
                start,
                size: block.bytes,
            });
        }
        Ok(Arc::clone(&block.memory))
    }

    /// Before a block's first copy: a part of it is copied onto zeros, as what is not copied is to be zero.
    fn clear_around(&mut self, store: &Store<M>, to: DeviceAddress, bytes: u64) -> Result<()> {
        let own = self.blocks.range_mut(..=to).next_back();
        // Behind the last block may lie memory that the caller allocated.
        let own = own.filter(|(start, block)| block.blank && to.0 - start.0 < block.bytes);
        let Some((&start, block)) = own else {
            return Ok(());
        };
        if bytes < block.bytes {
            clear(store, start, block.bytes)?;
        }
        block.blank = false;
        Ok(())
    }

    /// The argument that what lies at `address` is copied back to.
    fn argument_at(&self, args: &ChipStorageTaskArgs, address: DeviceAddress) -> Option<usize> {
        let copy = self.copies.iter().find(|copy| copy.device == address.0)?;
        let tensors = args.used_tensors().ok()?;
        tensors.iter().position(|tensor| tensor.data == copy.host)
    }

    fn check_guards(&self, store: &Store<M>, args: &ChipStorageTaskArgs) -> Result<()> {
        for block in self.blocks.values() {
            if let Some(offset) = damage(&store.machine, &*block.memory, block.bytes)? {
                let address = block.memory.address();
                if let Some(argument) = self.argument_at(args, address) {
                    return Err(Error::GuardDamaged {
                        argument,
                        bytes: block.bytes,
                        offset,
                    });
                }
                return Err(Error::BlockDamaged {
                    address,
                    bytes: block.bytes,
                    offset,
                });
            }
        }
        Ok(())
    }

    fn copy_back(&self, store: &Store<M>) -> Result<u64> {
        // Nothing is written before everything is known to be possible.
        let mut held = Vec::with_capacity(self.copies.len());
        for copy in self.copies.iter().filter(|copy| copy.bytes != 0) {
            let from = DeviceAddress(copy.device);
            held.push((
                self.range(store, "copy back", from, copy.bytes as u64)?,
                copy,
            ));
        }
        let mut copied = 0;
        for (_memory, copy) in held {
            let host = usize::try_from(copy.host).expect("an address of this process");
            let host = core::ptr::with_exposed_provenance_mut(host);
            // SAFETY: the orchestration named memory of the caller's that the run may write; the device's range was
            // found in a live allocation.
            unsafe {
                store
                    .machine
                    .copy_out(host, DeviceAddress(copy.device), copy.bytes)
            }?;
            copied += copy.bytes as u64;
        }
        Ok(copied)
    }
}

impl<M: Machine> HostRun for HostSide<M> {
    fn leave(&self, copies: Vec<CopyBack>, graph: Option<Box<dyn Any + Send>>) {
        let mut state = lock(&self.state);
        state.copies = copies;
        state.graph = graph;
    }
}

impl<M: Machine> HostMemory for HostSide<M> {
    fn malloc(&self, bytes: usize) -> u64 {
        let mut state = lock(&self.state);
        let Some(store) = self.store.upgrade().filter(|_| !state.over) else {
            return 0;
        };
        let bytes = bytes as u64;
        let block = store.take_buffer(bytes.saturating_add(GUARD as u64));
        let guarded = block.and_then(|memory| {
            guard(&store.machine, &*memory, bytes)?;
            Ok(memory)
        });
        match guarded {
            Ok(memory) => {
                let address = memory.address();
                state.blocks.insert(
                    address,
                    Block {
                        memory,
                        bytes,
                        blank: true,
                    },
                );
                address.0
            }
            Err(error) => {
                log::error!("device_malloc: {error}");
                state.refusal = Some(error.to_string());
                0
            }
        }
    }

    fn free(&self, address: u64) {
        let block = lock(&self.state).blocks.remove(&DeviceAddress(address));
        if let (Some(block), Some(store)) = (block, self.store.upgrade()) {
            store.give_back(block.memory, true);
        }
    }

    fn complete(&self) {
        let state = lock(&self.state);
        let Some(store) = self.store.upgrade().filter(|_| !state.over) else {
            return;
        };
        for block in state.blocks.values().filter(|block| block.blank) {
            if let Err(error) = clear(&store, block.memory.address(), block.bytes) {
                log::error!("clearing what the orchestration allocated: {error}");
            }
        }
    }

    fn refusal(&self) -> Option<String> {
        lock(&self.state).refusal.clone()
    }

    unsafe fn copy_to(&self, to: u64, host: *const u8, bytes: usize) -> i32 {
        // Held while copying: when the run is over, the caller's memory is the caller's again.
        let mut state = lock(&self.state);
        let Some(store) = self.store.upgrade().filter(|_| !state.over) else {
            return REFUSED;
        };
        if bytes == 0 {
            return 0;
        }
        if host.is_null() {
            log::error!("copy_to_device: {bytes} bytes are to come from a null address");
            return REFUSED;
        }
        let to = DeviceAddress(to);
        let memory = state.range(&store, "copy_to_device", to, bytes as u64);
        let copied = memory.and_then(|_memory| {
            state.clear_around(&store, to, bytes as u64)?;
            // SAFETY: the caller promises the host side; the device's range lies in `_memory`.
            unsafe { store.machine.copy_in(to, host, bytes) }
        });
        match copied {
            Ok(()) => {
                state.copied_in += bytes as u64;
                0
            }
            Err(error) => {
                log::error!("copy_to_device: {error}");
                state.refusal = Some(error.to_string());
                error.code()
            }
        }
    }
}

impl<M: Machine> Drop for HostSide<M> {
    fn drop(&mut self) {
        // What an orchestration allocated that was left behind goes when its code has returned.
        let state = self.state.get_mut();
        let state = state.unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(store) = self.store.upgrade() {
            for block in core::mem::take(&mut state.blocks).into_values() {
                store.give_back(block.memory, true);
            }
        }
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests;

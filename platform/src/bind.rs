//! The tensors of one run, bound to device memory.
//!
//! Knows which tensors are copied, which way, and what lies behind each on the device. Refuses to
//! know what the run does with them.
//!
//! | direction in the signature | before the run | after a good run |
//! | --- | --- | --- |
//! | `IN` | copied in | – |
//! | `OUT` | zeroed | copied back |
//! | `INOUT`, or beyond the signature | copied in | copied back |
//! | any, already in device memory | passed through | – |
//!
//! Behind each bound tensor lies a guard zone. Damage to it means that something wrote past the end
//! of that tensor, so the results next to it are not to be trusted: the run fails.

use core::any::Any;
use std::sync::{Arc, Mutex};

use protocol::{ArgDirection, ChipStorageTaskArgs, ContinuousTensor};

use crate::address::DeviceAddress;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::machine::{DeviceMemory, Machine};
use crate::options::ForeignMemory;
use crate::store::Store;

/// Bytes of a guard zone.
pub(crate) const GUARD: usize = 64;
/// What a guard zone is filled with: no small number in any element type.
const GUARD_BYTE: u8 = 0xb5;

/// Makes the guard zone behind `bytes` of a buffer that has room for it.
pub(crate) fn guard<M: Machine>(machine: &M, memory: &M::Memory, bytes: u64) -> Result<()> {
    // SAFETY: the buffer holds the bytes and the guard behind them.
    unsafe { machine.fill(memory.address().offset(bytes), GUARD_BYTE, GUARD) }
}

/// The first byte of the guard zone behind `bytes` of a buffer that was written, if one was.
pub(crate) fn damage<M: Machine>(
    machine: &M,
    memory: &M::Memory,
    bytes: u64,
) -> Result<Option<usize>> {
    let mut guard = [0; GUARD];
    let behind = memory.address().offset(bytes);
    // SAFETY: the buffer holds the bytes and the guard behind them.
    unsafe { machine.copy_out(guard.as_mut_ptr(), behind, GUARD) }?;
    Ok(guard.iter().position(|&byte| byte != GUARD_BYTE))
}

/// One tensor in a buffer of the device.
#[derive(Debug)]
pub(crate) struct Bound<M: Machine> {
    argument: usize,
    host: u64,
    bytes: u64,
    copy_back: bool,
    memory: Arc<M::Memory>,
}

/// The bound tensors of one run; dropping it gives everything back.
#[derive(Debug)]
pub(crate) struct Bindings<'a, M: Machine> {
    store: &'a Store<M>,
    /// Where the emptied list goes, for the next run.
    spare: &'a Mutex<Vec<Bound<M>>>,
    bound: Vec<Bound<M>>,
    /// Allocations of the caller that the run uses: not freed before its end.
    used: Vec<Arc<M::Memory>>,
    /// Code that does not stop may still write to the buffers.
    left_behind: bool,
    pub(crate) copied_in: u64,
}

/// Refuses what can be seen to be wrong before anything is bound.
pub(crate) fn check<M: Machine>(
    store: &Store<M>,
    args: &ChipStorageTaskArgs,
    foreign: ForeignMemory,
) -> Result<()> {
    args.view()?;
    for (argument, tensor) in args.used_tensors()?.iter().enumerate() {
        let bytes = tensor.byte_size()?;
        if bytes == 0 {
            continue;
        }
        if tensor.data == 0 {
            return Err(Error::NullTensor { argument, bytes });
        }
        let address = DeviceAddress(tensor.data);
        let is_ours = || store.containing(address).is_some();
        if tensor.is_device_memory() && (!foreign.is_promised() || is_ours()) {
            store.range("tensor argument", address, bytes)?;
        }
    }
    Ok(())
}

impl<'a, M: Machine> Bindings<'a, M> {
    /// Binds every tensor of `args` that lies in host memory and puts its device address in place; none of a
    /// program that moves data itself (`signature` is `None`).
    ///
    /// # Safety
    /// Each such tensor is readable, and writable unless `signature` says `IN`, while the result lives.
    pub(crate) unsafe fn new(
        store: &'a Store<M>,
        spare: &'a Mutex<Vec<Bound<M>>>,
        signature: Option<&[ArgDirection]>,
        args: &mut ChipStorageTaskArgs,
    ) -> Result<Self> {
        let mut bindings = Self {
            store,
            spare,
            bound: core::mem::take(&mut *lock(spare)),
            used: Vec::new(),
            left_behind: false,
            copied_in: 0,
        };
        for (argument, tensor) in args.used_tensors_mut()?.iter_mut().enumerate() {
            if tensor.is_device_memory() {
                let address = DeviceAddress(tensor.data);
                bindings.used.extend(store.containing(address));
                continue;
            }
            let Some(signature) = signature else {
                continue;
            };
            let direction = signature.get(argument).copied();
            // SAFETY: passed on from the caller.
            unsafe { bindings.bind(argument, tensor, direction) }?;
        }
        Ok(bindings)
    }

    /// # Safety
    /// As [`new`](Self::new), for this tensor.
    unsafe fn bind(
        &mut self,
        argument: usize,
        tensor: &mut ContinuousTensor,
        direction: Option<ArgDirection>,
    ) -> Result<()> {
        let bytes = tensor.byte_size()?;
        let length = usize::try_from(bytes)
            .map_err(|_| self.store.exhausted(bytes, "it exceeds the address space"))?;
        let memory = self.store.take_buffer(bytes.saturating_add(GUARD as u64))?;
        let address = memory.address();
        self.bound.push(Bound {
            argument,
            host: tensor.data,
            bytes,
            copy_back: direction != Some(ArgDirection::In),
            memory,
        });
        let machine = &self.store.machine;
        if direction == Some(ArgDirection::Out) {
            // SAFETY: the buffer holds the tensor and its guard.
            unsafe { machine.fill(address, 0, length) }?;
        } else {
            let host = core::ptr::with_exposed_provenance(usize_of(tensor.data));
            // SAFETY: the caller promises the host side; the buffer holds the tensor.
            unsafe { machine.copy_in(address, host, length) }?;
            self.copied_in += bytes;
        }
        let memory = &self.bound.last().expect("pushed above").memory;
        guard(machine, &**memory, bytes)?;
        tensor.data = address.0;
        Ok(())
    }

    /// The buffers, to be kept alive.
    pub(crate) fn hold(&self) -> Box<dyn Any + Send> {
        let buffers: Vec<Arc<M::Memory>> =
            self.bound.iter().map(|it| Arc::clone(&it.memory)).collect();
        Box::new(buffers)
    }

    /// Never uses the buffers again.
    pub(crate) fn leave_behind(&mut self) {
        self.left_behind = true;
    }

    /// Refuses results next to which something was written that should not be.
    pub(crate) fn check_guards(&self) -> Result<()> {
        for bound in &self.bound {
            if let Some(offset) = damage(&self.store.machine, &*bound.memory, bound.bytes)? {
                return Err(Error::GuardDamaged {
                    argument: bound.argument,
                    bytes: bound.bytes,
                    offset,
                });
            }
        }
        Ok(())
    }

    /// Copies back what may have been written and says how many bytes that were.
    pub(crate) fn copy_back(&self) -> Result<u64> {
        let mut copied = 0;
        for bound in self.bound.iter().filter(|it| it.copy_back && it.bytes != 0) {
            let host = core::ptr::with_exposed_provenance_mut(usize_of(bound.host));
            // SAFETY: the caller of `new` promises the host side; the buffer holds the tensor.
            unsafe {
                self.store
                    .machine
                    .copy_out(host, bound.memory.address(), usize_of(bound.bytes))
            }?;
            copied += bound.bytes;
        }
        Ok(copied)
    }
}

impl<M: Machine> Drop for Bindings<'_, M> {
    fn drop(&mut self) {
        for bound in self.bound.drain(..) {
            self.store.give_back(bound.memory, !self.left_behind);
        }
        *lock(self.spare) = core::mem::take(&mut self.bound);
    }
}

/// A number that was checked to fit when it was bound.
fn usize_of(bytes: u64) -> usize {
    usize::try_from(bytes).expect("checked when bound")
}

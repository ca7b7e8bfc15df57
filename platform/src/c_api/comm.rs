//! Ranks that meet through C handles.
//!
//! Knows which memory is a window of somebody's, so that copies may go there. Refuses to know how ranks
//! find each other.

use core::ffi::c_void;
use core::ptr;
use std::sync::Mutex;

use protocol::comm::CommContext;

use super::guard::CallError;
use super::handles::Handles;
use crate::comm::Comm;
use crate::lock::lock;

/// One rank behind a handle.
#[derive(Debug)]
pub(super) struct Rank {
    comm: Mutex<Option<Box<dyn Comm>>>,
    /// Windows are memory of this process; else the chip knows which memory they are.
    here: bool,
    windows: Mutex<Vec<u64>>,
    window_bytes: Mutex<u64>,
}

impl Rank {
    /// A rank whose windows are memory of this process.
    pub(super) fn here(comm: Box<dyn Comm>) -> Self {
        Self::new(comm, true)
    }

    /// A rank that is a chip.
    pub(super) fn on_chip(comm: Box<dyn Comm>) -> Self {
        Self::new(comm, false)
    }

    fn new(comm: Box<dyn Comm>, here: bool) -> Self {
        Self {
            comm: Mutex::new(Some(comm)),
            here,
            windows: Mutex::default(),
            window_bytes: Mutex::default(),
        }
    }

    /// Makes the windows and yields the address of what kernels are given.
    pub(super) fn alloc_windows(&self, bytes: u64) -> Result<u64, CallError> {
        let mut comm = lock(&self.comm);
        let comm = comm.as_mut().ok_or(CallError::Destroyed)?;
        let address = comm.alloc_windows(bytes)?.0;
        if !self.here {
            return Ok(address);
        }
        let place = usize::try_from(address).expect("an address of this process");
        let context: *const CommContext = ptr::with_exposed_provenance(place);
        // SAFETY: it is good until the rank is dropped, and we hold it.
        let context = unsafe { &*context };
        let ranks = context.rank_num as usize;
        *lock(&self.windows) = context.windows_in[..ranks].to_vec();
        *lock(&self.window_bytes) = bytes;
        Ok(address)
    }

    /// Calls `ask` with the rank.
    pub(super) fn ask<R>(
        &self,
        ask: impl FnOnce(&dyn Comm) -> Result<R, CallError>,
    ) -> Result<R, CallError> {
        let comm = lock(&self.comm);
        ask(&**comm.as_ref().ok_or(CallError::Destroyed)?)
    }

    pub(super) fn destroy(&self) -> Result<(), CallError> {
        lock(&self.windows).clear();
        let comm = lock(&self.comm).take().ok_or(CallError::Destroyed)?;
        Ok(comm.destroy()?)
    }

    fn has(&self, address: u64, bytes: u64) -> bool {
        let size = *lock(&self.window_bytes);
        lock(&self.windows).iter().any(|&window| {
            address
                .checked_sub(window)
                .is_some_and(|offset| offset.checked_add(bytes).is_some_and(|end| end <= size))
        })
    }
}

/// Whether the range lies in one window of a live rank.
pub(super) fn in_a_window(ranks: &Handles<Rank>, address: *const c_void, bytes: usize) -> bool {
    let (address, bytes) = (address.addr() as u64, bytes as u64);
    ranks.all().iter().any(|rank| rank.has(address, bytes))
}

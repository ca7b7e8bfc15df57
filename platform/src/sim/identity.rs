//! Which core a thread is, while it runs a kernel.
//!
//! Kernels ask through functions without arguments, so the answer must hang on the thread. It is set
//! by [`Running::enter`] for one kernel call and gone with it. A thread that simulates no core may
//! still name itself, as an AICore program of its own does; that is the `foreign` half.

use core::cell::{Cell, RefCell};
use core::ptr;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aicore_abi::payload::DispatchPayload;

use crate::lock::lock;

use super::storage::SharedStorage;

/// One kernel call on one core.
#[derive(Debug)]
pub(crate) struct Running<'a> {
    pub(crate) payload: &'a DispatchPayload,
    pub(crate) storage: &'a SharedStorage,
    pub(crate) device_id: i32,
    pub(crate) cluster: u32,
    pub(crate) lane: u32,
    /// Vector lanes of the core's kind.
    pub(crate) lanes: u32,
    /// What the kernel has said about itself: block, lane, lanes.
    pub(crate) context: Cell<Option<[u32; 3]>>,
    /// The kernel asked for storage that it may share with others.
    pub(crate) shares: Cell<bool>,
    /// What a hook could not do for the kernel.
    pub(crate) refusal: RefCell<Option<String>>,
}

thread_local! {
    static CURRENT: Cell<*const Running<'static>> = const { Cell::new(ptr::null()) };
    static FOREIGN: Cell<Foreign> = const { Cell::new(Foreign { device_id: -1, cluster: 0, lane: 0 }) };
}

impl Running<'_> {
    /// Makes the calling thread this core for as long as `kernel` runs.
    #[inline]
    pub(crate) fn enter<R>(&self, kernel: impl FnOnce() -> R) -> R {
        struct Leave(*const Running<'static>);
        impl Drop for Leave {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }
        let _leave = Leave(CURRENT.replace(ptr::from_ref(self).cast()));
        kernel()
    }
}

/// Tells `read` which core the calling thread is.
pub(crate) fn current<R>(read: impl FnOnce(Option<&Running<'_>>) -> R) -> R {
    // SAFETY: `enter` set it to something that lives until it is set back, by this same thread.
    read(unsafe { CURRENT.get().as_ref() })
}

/// What a thread that simulates no core of ours says it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreign {
    pub(crate) device_id: i32,
    pub(crate) cluster: u32,
    pub(crate) lane: u32,
}

impl Foreign {
    /// What the calling thread says it is.
    pub(crate) fn get() -> Self {
        FOREIGN.get()
    }

    /// Changes what the calling thread says it is.
    pub(crate) fn change(change: impl FnOnce(&mut Self)) {
        let mut foreign = FOREIGN.get();
        change(&mut foreign);
        FOREIGN.set(foreign);
    }
}

/// Devices that programs outside acquired by number; the interface they use has no handles.
static ACQUIRED: Mutex<BTreeMap<i32, Arc<SharedStorage>>> = Mutex::new(BTreeMap::new());

/// Makes sure that the device with this number has storage.
pub(crate) fn acquire(device_id: i32) {
    lock(&ACQUIRED)
        .entry(device_id)
        .or_insert_with(|| Arc::new(SharedStorage::new()));
}

/// Frees the storage of the device with this number.
pub(crate) fn release(device_id: i32) {
    lock(&ACQUIRED).remove(&device_id);
}

/// The storage of the device with this number.
pub(crate) fn acquired(device_id: i32) -> Option<Arc<SharedStorage>> {
    lock(&ACQUIRED).get(&device_id).cloned()
}

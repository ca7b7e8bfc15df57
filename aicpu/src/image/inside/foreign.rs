//! The simulator as a run in an image sees it: cores, threads and device memory behind tables of functions.
//!
//! A panic of ours does not cross: one of a leader goes on behind the call, one of a helper ends there.

use core::any::Any;
use core::ffi::c_void;
use core::panic::AssertUnwindSafe;
use core::ptr::NonNull;
use core::slice;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::Arc;

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::DispatchPayload;
use aicore_abi::seam::{CoreId, Cores, KernelEntry, Togetherness};
use protocol::ChipStorageTaskArgs;
use runtime_hbg::HostMemory;
use sync::Crowd;

use super::kept;
use crate::crew::Crew;
use crate::image::{Callback, CoresTable, CrewTable, MemoryTable, OrderRecord};

/// The simulator's cores.
pub(super) struct ForeignCores {
    of: *const c_void,
    table: CoresTable,
}

// SAFETY: the table's functions may be called from any thread.
unsafe impl Sync for ForeignCores {}

// SAFETY: the pointers are those of the simulator's cores, which keep the contract.
unsafe impl Cores for ForeignCores {
    fn count(&self) -> u16 {
        // SAFETY: the simulator gave both, here as in all that follow.
        unsafe { (self.table.count)(self.of) }
    }

    #[inline]
    fn payload(&self, core: CoreId, token: u32) -> NonNull<DispatchPayload> {
        // SAFETY: as above.
        let payload = unsafe { (self.table.payload)(self.of, core.0, token) };
        NonNull::new(payload).expect("cores have payloads")
    }

    #[inline]
    fn deferred(&self, core: CoreId, token: u32) -> NonNull<DeferredIngressBuffer> {
        // SAFETY: as above.
        let deferred = unsafe { (self.table.deferred)(self.of, core.0, token) };
        NonNull::new(deferred).expect("cores have buffers")
    }

    #[inline]
    fn dispatch(&self, core: CoreId, token: u32, togetherness: Togetherness) {
        let group = togetherness == Togetherness::Group;
        // SAFETY: as above.
        unsafe { (self.table.dispatch)(self.of, core.0, token, group) };
    }

    #[inline]
    fn status(&self, core: CoreId) -> u32 {
        // SAFETY: as above.
        unsafe { (self.table.status)(self.of, core.0) }
    }

    fn help(&self) -> bool {
        // SAFETY: as above.
        unsafe { (self.table.help)(self.of) }
    }
}

/// The simulator's threads.
pub(super) struct ForeignCrew<'a> {
    of: *const c_void,
    table: CrewTable,
    crowd: &'a Arc<Crowd>,
}

// SAFETY: the table's functions may be called from any thread.
unsafe impl Sync for ForeignCrew<'_> {}

/// # Safety
/// `of` is a `&dyn Fn`.
unsafe extern "C" fn call_shared(of: *const c_void) {
    // SAFETY: the caller's promise.
    let body = unsafe { &*of.cast::<&(dyn Fn() + Sync)>() };
    kept("a helper of the control program", AssertUnwindSafe(body));
}

/// What a leader runs, and what it panicked with.
pub(super) struct Lead<'a> {
    body: &'a mut dyn FnMut(),
    panic: Option<Box<dyn Any + Send>>,
}

/// # Safety
/// `of` is a [`Lead`] that nobody else has.
unsafe extern "C" fn call_lead(of: *const c_void) {
    // SAFETY: the caller's promise.
    let lead = unsafe { &mut *of.cast_mut().cast::<Lead<'_>>() };
    lead.panic = catch_unwind(AssertUnwindSafe(|| (lead.body)())).err();
}

fn shared<'a>(body: &'a &'a (dyn Fn() + Sync)) -> Callback {
    Callback {
        call: call_shared,
        of: core::ptr::from_ref(body).cast(),
    }
}

impl Crew for ForeignCrew<'_> {
    fn helpers(&self) -> usize {
        // SAFETY: the simulator gave both.
        unsafe { (self.table.helpers)(self.of) }
    }

    fn together(
        &self,
        news: &(dyn Fn() + Sync),
        assist: &(dyn Fn() + Sync),
        lead: &mut dyn FnMut(),
    ) {
        let mut lead = Lead {
            body: lead,
            panic: None,
        };
        let leading = Callback {
            call: call_lead,
            of: (&raw mut lead).cast_const().cast(),
        };
        // SAFETY: as above; it returns when nobody uses the three any more.
        unsafe { (self.table.together)(self.of, shared(&news), shared(&assist), leading) };
        if let Some(panic) = lead.panic {
            resume_unwind(panic);
        }
    }

    fn call(&self) {
        // SAFETY: as above.
        unsafe { (self.table.call)(self.of) };
    }

    fn crowd(&self) -> &Arc<Crowd> {
        self.crowd
    }
}

/// The order's parts that both runtimes want.
pub(super) struct Parts<'a> {
    pub(super) cores: ForeignCores,
    pub(super) crew: ForeignCrew<'a>,
    pub(super) kernels: &'a [KernelEntry],
    pub(super) args: &'a ChipStorageTaskArgs,
}

impl<'a> Parts<'a> {
    /// # Safety
    /// As [`Inside::run`](super::Inside::run).
    pub(super) unsafe fn of(order: &'a OrderRecord, crowd: &'a Arc<Crowd>) -> Self {
        // SAFETY: the caller's promise, here as in all that follow.
        let cores_table = unsafe { *order.cores_table };
        // SAFETY: as above.
        let crew_table = unsafe { *order.crew_table };
        // SAFETY: as above.
        let kernels = unsafe { slice::from_raw_parts(order.kernels, order.kernel_count) };
        Self {
            cores: ForeignCores {
                of: order.cores,
                table: cores_table,
            },
            crew: ForeignCrew {
                of: order.crew,
                table: crew_table,
                crowd,
            },
            kernels,
            // SAFETY: as above.
            args: unsafe { &*order.args },
        }
    }
}

/// The simulator's device memory.
pub(super) struct ForeignMemory {
    pub(super) of: *const c_void,
    pub(super) table: MemoryTable,
}

impl HostMemory for ForeignMemory {
    fn malloc(&self, bytes: usize) -> u64 {
        // SAFETY: the simulator gave both, here as in all that follow.
        unsafe { (self.table.malloc)(self.of, bytes) }
    }

    fn free(&self, device: u64) {
        // SAFETY: as above.
        unsafe { (self.table.free)(self.of, device) };
    }

    unsafe fn copy_to(&self, device: u64, host: *const u8, bytes: usize) -> i32 {
        // SAFETY: as above, and the caller's promise.
        unsafe { (self.table.copy_to)(self.of, device, host, bytes) }
    }

    fn complete(&self) {
        // SAFETY: as above.
        unsafe { (self.table.complete)(self.of) };
    }
}

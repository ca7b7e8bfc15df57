//! The block and the run descriptor as the image reaches them.
//!
//! Knows where everything lies, given the descriptor's address. Every pointer made here is into
//! device memory that the host keeps for as long as the run lasts.

use core::mem::size_of;
use core::ptr::NonNull;

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::PayloadPair;
use protocol::run_descriptor::{RunDescriptors, TrbBody};
use protocol::shared_memory::SharedMemoryHeader;

use super::cache;
use super::wire::{self, Outcome, Request};

/// Device memory at an address that the host stated.
pub(super) fn at<T>(address: u64) -> Option<NonNull<T>> {
    let address = usize::try_from(address).ok()?;
    NonNull::new(core::ptr::with_exposed_provenance_mut(address))
}

/// One run's device memory.
pub(super) struct Block<A: RunDescriptors> {
    descriptor: NonNull<A::Trb>,
    base: u64,
}

impl<A: RunDescriptors> Block<A> {
    /// The block of the run whose descriptor is at `descriptor`; reads what the host wrote.
    ///
    /// # Safety
    /// `descriptor` is the address of a run descriptor of this family that the host completed.
    pub(super) unsafe fn of(descriptor: u64) -> Option<Self> {
        let descriptor = at::<A::Trb>(descriptor)?;
        cache::invalidate(descriptor.as_ptr().cast(), size_of::<A::Trb>());
        let mut block = Self {
            descriptor,
            base: 0,
        };
        block.base = block.body().gm_sm_ptr;
        let base = at::<u8>(block.base)?;
        cache::invalidate(
            base.as_ptr(),
            size_of::<SharedMemoryHeader>() + size_of::<Request>(),
        );
        Some(block)
    }

    pub(super) fn body(&self) -> &TrbBody {
        let body = self
            .descriptor
            .as_ptr()
            .cast::<u8>()
            .wrapping_add(A::BODY_OFFSET);
        // SAFETY: nobody writes the body while the run lasts; the host has it in memory for as long.
        unsafe { &*body.cast() }
    }

    pub(super) fn handshake(&self, worker: usize) -> *mut u8 {
        let record = size_of::<A::Record>();
        self.descriptor
            .as_ptr()
            .cast::<u8>()
            .wrapping_add(worker * record)
    }

    pub(super) fn request(&self) -> &Request {
        let request = at::<Request>(self.base + wire::REQUEST_AT).expect("behind a valid base");
        // SAFETY: nobody writes it while the run lasts.
        unsafe { request.as_ref() }
    }

    pub(super) fn payloads(&self, worker: usize) -> NonNull<PayloadPair> {
        let offset = wire::PAYLOADS_AT + (worker * size_of::<PayloadPair>()) as u64;
        at(self.base + offset).expect("behind a valid base")
    }

    pub(super) fn conditions(&self, worker: usize) -> NonNull<[DeferredIngressBuffer; 2]> {
        let offset = (worker * size_of::<[DeferredIngressBuffer; 2]>()) as u64;
        at(self.base + wire::conditions_at(A::WORKER_SLOTS) + offset).expect("behind a valid base")
    }

    /// Memory for the device-built runtime.
    #[cfg(feature = "trb")]
    pub(super) fn memory(&self) -> NonNull<u8> {
        at(self.base + wire::memory_at(A::WORKER_SLOTS)).expect("behind a valid base")
    }

    /// Tells the host what came of the run.
    pub(super) fn report(&self, outcome: &Outcome) {
        let base = at::<SharedMemoryHeader>(self.base).expect("checked when made");
        // SAFETY: the leader reports, or the alarm for a leader that does not, and waits as long; the host only reads.
        let header = unsafe { &mut *base.as_ptr() };
        header.orchestrator_done = 1;
        header.orch_error_code = outcome.orchestrator_code;
        header.sched_error_code = outcome.scheduler_code;
        let place = at::<Outcome>(self.base + wire::OUTCOME_AT).expect("behind a valid base");
        let unsigned = Outcome { run: 0, ..*outcome };
        // SAFETY: as above.
        unsafe { place.write(unsigned) };
        cache::clean(place.as_ptr().cast(), size_of::<Outcome>());
        cache::clean(base.as_ptr().cast(), size_of::<SharedMemoryHeader>());
        // Last its number, which is the first word: by it the host knows that all else is there.
        const { assert!(core::mem::offset_of!(Outcome, run) == 0) };
        let number = place.cast::<u64>();
        // SAFETY: as above.
        unsafe { number.write(outcome.run) };
        cache::clean(number.as_ptr().cast(), size_of::<u64>());
        // The host rewrites these before the next run.
        cache::invalidate(self.descriptor.as_ptr().cast(), size_of::<A::Trb>());
    }
}

// SAFETY: addresses of memory that every thread of the image may reach.
unsafe impl<A: RunDescriptors> Send for Block<A> {}
// SAFETY: as above; what is written is written by one thread each.
unsafe impl<A: RunDescriptors> Sync for Block<A> {}

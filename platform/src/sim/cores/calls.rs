//! How one call is taken, run and ended.
//!
//! Knows the registers of a core, the two payloads it is given in turn, and which thread runs a call. Refuses to know
//! runs: what a run begins and ends with is the parent's.

use core::ptr::NonNull;
use std::time::Instant;

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::DispatchPayload;
use aicore_abi::recorder::{stamp_end, stamp_start};
use aicore_abi::seam::{CoreId, Cores, Togetherness};
use protocol::CoreType;
use protocol::registers::{AICORE_IDLE_VALUE, TASK_ID_MASK, TASK_STATE_MASK};
use sync::Register;

use super::{KERNEL_FAILED, SimCores};
use crate::error::Error;
use crate::lock::lock;
use crate::program::{KernelCall, Waits};
use crate::sim::groups::{Calls, Groups};
use crate::sim::hooks::Running;
use crate::sim::kernels::Record;
use crate::sim::news::News;

/// Calls of a known kernel from one that is timed to the next, per core.
const TIMED: u32 = 16;

/// The kernel waits for nobody.
const ALONE: u32 = 0;
/// The kernel may wait for others and has a place among the groups.
const PLACED: u32 = 1;
/// The kernel may wait for others and there is no thread for it.
const REFUSED: u32 = 2;

// SAFETY: the slabs live as long as `self`; payloads and buffers are distinct per core and parity.
unsafe impl Cores for SimCores {
    fn count(&self) -> u16 {
        u16::try_from(3 * self.clusters.own()).expect("a chip has fewer cores than 2^16")
    }

    #[inline]
    fn payload(&self, core: CoreId, token: u32) -> NonNull<DispatchPayload> {
        self.payload_of(usize::from(core.0), token)
    }

    #[inline]
    fn deferred(&self, core: CoreId, token: u32) -> NonNull<DeferredIngressBuffer> {
        self.deferred_of(usize::from(core.0), token)
    }

    #[inline]
    fn dispatch(&self, core: CoreId, token: u32, togetherness: Togetherness) {
        let index = usize::from(core.0);
        let state = &self.cores[index];
        let run = self.run.own();
        if state.run.own() != run {
            state.run.set_own(run);
            self.status_register(index).write(AICORE_IDLE_VALUE);
        }
        let grouped = togetherness == Togetherness::Group;
        let way = match self.record(index, token) {
            Some(record) if self.needs_thread(record, grouped) => self.reserve(),
            _ => ALONE,
        };
        state.way.set_own(way);
        self.token_register(index).write(token);
    }

    #[inline]
    fn status(&self, core: CoreId) -> u32 {
        let index = usize::from(core.0);
        if self.cores[index].run.own() != self.run.own() {
            return AICORE_IDLE_VALUE;
        }
        let status = self.status_register(index).read();
        let token = self.token_register(index).read();
        if status & TASK_ID_MASK == token {
            return status;
        }
        if self.cores[index].apart.observe() != 0 {
            return status;
        }
        // On another thread the call may have come to its end since the first look: what it is now decides
        // whether it was ever started.
        let status = self.status_register(index).read();
        if status & TASK_ID_MASK == token {
            return status;
        }
        self.start(index, token);
        self.status_register(index).read()
    }

    fn help(&self) -> bool {
        let Some(core) = self.long.pop() else {
            return false;
        };
        let index = core as usize;
        let token = self.token_register(index).read();
        self.run_apart(to_core(index), token, || {});
        true
    }
}

impl Calls for SimCores {
    fn run(&self, core: u16, token: u32, ending: &mut dyn FnMut()) {
        self.run_apart(core, token, ending);
    }

    fn groups(&self) -> &Groups {
        &self.groups
    }
}

impl SimCores {
    /// Starts the core's last dispatch, which has not been acknowledged.
    fn start(&self, index: usize, token: u32) {
        let core = &self.cores[index];
        let way = core.way.own();
        if self.stopped.is_set() {
            if way == PLACED {
                self.groups.cancel();
            }
            self.refuse(index, token);
        } else if way == PLACED {
            core.apart.set_own(1);
            self.groups.start(to_core(index), token);
        } else if let Some(record) = self.record(index, token) {
            if !record.is_long() {
                let timed = record.is_new() || core.calls.own().is_multiple_of(TIMED);
                self.run_kernel(index, token, timed);
                self.finish(index, token);
            } else {
                core.apart.set_own(1);
                let queued = self.long.push(u32::from(to_core(index)));
                debug_assert!(queued.is_ok(), "the queue has a place for every core");
                self.listener.tell(News::Work);
            }
        } else {
            self.acknowledge(index, token);
            if self.payload_ref(index, token).function_bin_addr != 0 {
                self.fail(
                    index,
                    token,
                    "the dispatch names a kernel that this chip has not loaded".to_owned(),
                );
            }
            self.finish(index, token);
        }
    }

    /// Runs a call that was handed over to the calling thread. `ending` comes before the end is seen.
    fn run_apart(&self, core: u16, token: u32, ending: impl FnOnce()) {
        let index = usize::from(core);
        if self.stopped.is_set() {
            self.acknowledge(index, token);
            self.set_error_code(index, token);
        } else {
            self.run_kernel(index, token, true);
        }
        ending();
        self.finish(index, token);
        self.cores[index].apart.publish(0);
        self.listener.tell(News::Ended);
    }

    fn needs_thread(&self, record: &Record, grouped: bool) -> bool {
        match record.waits() {
            Waits::Always => true,
            Waits::WithinGroup => grouped || self.talking.is_on(),
            Waits::Never => false,
        }
    }

    #[inline]
    fn run_kernel(&self, index: usize, token: u32, timed: bool) {
        self.acknowledge(index, token);
        let payload = self.payload_ref(index, token);
        let Some(record) = self.record(index, token) else {
            return;
        };
        let core = &self.cores[index];
        core.kernel.publish(payload.kernel_handle);
        let (cluster, lane, lanes) = self.place(index);
        let running = Running {
            payload,
            token,
            storage: &self.storage,
            device_id: self.device_id,
            cluster,
            lane,
            lanes,
            context: Default::default(),
            shares: Default::default(),
            refusal: Default::default(),
        };
        #[expect(clippy::cast_possible_truncation, reason = "fewer clusters than 2^16")]
        let call = KernelCall {
            payload,
            core: to_core(index),
            cluster: cluster as u16,
            sub_block: lane as u16,
        };
        let started = timed.then(Instant::now);
        if payload.record != 0 {
            // SAFETY: a scheduler of this run put it there.
            unsafe { stamp_start(payload.record, self.clock()()) };
        }
        let result = match record.core {
            Some(CoreType::Aic) if lanes != 1 => {
                Err("it is for AIC cores and was submitted to an AIV core".to_owned())
            }
            Some(CoreType::Aiv) if lanes == 1 => {
                Err("it is for AIV cores and was submitted to an AIC core".to_owned())
            }
            _ => record.call(&call, &running, self.program()),
        };
        if payload.record != 0 {
            // SAFETY: as above.
            unsafe { stamp_end(payload.record, self.clock()()) };
        }
        if let Some(started) = started {
            record.note_time(started.elapsed());
        }
        core.kernel.publish(0);
        if running.shares.get() {
            record.note_sharing();
        }
        if let Some(text) = result.err().or_else(|| running.refusal.take()) {
            self.fail(index, token, text);
        }
    }

    #[inline]
    fn acknowledge(&self, index: usize, token: u32) {
        self.status_register(index).write(token);
    }

    #[inline]
    fn finish(&self, index: usize, token: u32) {
        let core = &self.cores[index];
        core.calls.set_own(core.calls.own().wrapping_add(1));
        self.status_register(index).write(token | TASK_STATE_MASK);
    }

    /// Ends a call that is not started because of what happened elsewhere.
    fn refuse(&self, index: usize, token: u32) {
        self.acknowledge(index, token);
        self.set_error_code(index, token);
        self.finish(index, token);
    }

    /// Makes a call the reason for its run to fail.
    #[cold]
    fn fail(&self, index: usize, token: u32, text: String) {
        let error = Error::Kernel {
            func_id: self
                .record(index, token)
                .map_or(-1, |record| record.func_id),
            core: to_core(index),
            text,
        };
        lock(&self.failure).get_or_insert(error);
        self.set_error_code(index, token);
    }

    fn set_error_code(&self, index: usize, token: u32) {
        // SAFETY: until its end is seen, the buffer is the call's.
        unsafe { self.deferred_of(index, token).as_mut() }.error_code = KERNEL_FAILED;
    }

    /// Gets a call a place among the groups, if it can have one.
    #[cold]
    fn reserve(&self) -> u32 {
        let me = self
            .me
            .upgrade()
            .expect("a call is dispatched through a reference");
        match self.groups.reserve(me) {
            Ok(()) => PLACED,
            Err(refusal) => {
                lock(&self.failure).get_or_insert(refusal.into());
                // None of its group may start: the others would wait for it.
                self.stopped.set();
                REFUSED
            }
        }
    }

    fn token_register(&self, index: usize) -> &Register {
        &self.registers[index * self.family.block + self.family.token]
    }

    pub(super) fn status_register(&self, index: usize) -> &Register {
        &self.registers[index * self.family.block + self.family.status]
    }

    fn payload_of(&self, index: usize, token: u32) -> NonNull<DispatchPayload> {
        debug_assert!(index < self.cores.len());
        let place = 2 * index + (token & 1) as usize;
        // SAFETY: there are two payloads per core.
        let payload = unsafe { self.payloads.as_ptr().add(place) };
        NonNull::new(payload).expect("a slab is not at address 0")
    }

    fn deferred_of(&self, index: usize, token: u32) -> NonNull<DeferredIngressBuffer> {
        debug_assert!(index < self.cores.len());
        let place = 2 * index + (token & 1) as usize;
        // SAFETY: there are two buffers per core.
        let deferred = unsafe { self.deferred.as_ptr().add(place) };
        NonNull::new(deferred).expect("a slab is not at address 0")
    }

    /// The payload of a call between its dispatch and its end.
    fn payload_ref(&self, index: usize, token: u32) -> &DispatchPayload {
        // SAFETY: the contract of `Cores`: nobody rewrites it before the call has ended.
        unsafe { self.payload_of(index, token).as_ref() }
    }

    fn record(&self, index: usize, token: u32) -> Option<&Record> {
        // SAFETY: a handle in a payload comes from the entries of the run's program, which outlives
        // the run; zero memory is a payload without a kernel.
        unsafe { Record::of(self.payload_ref(index, token).kernel_handle) }
    }

    /// Which cluster and lane a core is, and how many lanes its kind has.
    fn place(&self, index: usize) -> (u32, u32, u32) {
        #[expect(clippy::cast_possible_truncation, reason = "fewer cores than 2^32")]
        let index = index as u32;
        let clusters = self.clusters.own();
        match index.checked_sub(clusters) {
            None => (index, 0, 1),
            Some(vector) => (vector / 2, vector % 2, 2),
        }
    }
}

fn to_core(index: usize) -> u16 {
    u16::try_from(index).expect("a chip has fewer cores than 2^16")
}

//! Cores made of nothing but state.
//!
//! Knows the register protocol. Refuses to know what a kernel does: that is a closure of the test.

use core::ptr::NonNull;
use core::time::Duration;

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::DispatchPayload;
use aicore_abi::registers::{acknowledge_word, finish_word};
use aicore_abi::seam::{CoreId, Cores, KernelEntry, Togetherness};
use bytemuck::Zeroable;
use protocol::registers::{AICORE_IDLE_VALUE, AICPU_IDLE_TASK_ID};
use runtime_trb::{Context, Deadlines, Limits, Setup};
use sync::{SlotVec, Word32, Word64};

/// What a core does when it is polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Acknowledges, runs and finishes at the first look.
    Inline,
    /// Acknowledges at the first look, runs and finishes at the second.
    Stepwise,
}

/// One kernel call, as the core sees it.
pub(crate) struct Call<'a> {
    pub(crate) core: CoreId,
    pub(crate) payload: &'a DispatchPayload,
    pub(crate) ingress: &'a mut DeferredIngressBuffer,
}

struct State {
    written: Word32,
    /// The last token executed, and whether the written one was acknowledged.
    executed: Word32,
    acknowledged: Word32,
}

/// Cores that run `kernel` when they are polled.
pub(crate) struct FakeCores<K> {
    kernel: K,
    pace: Pace,
    states: Vec<State>,
    payloads: SlotVec<[DispatchPayload; 2]>,
    ingress: SlotVec<[DeferredIngressBuffer; 2]>,
}

impl<K: Fn(Call<'_>) + Sync> FakeCores<K> {
    pub(crate) fn new(clusters: u16, pace: Pace, kernel: K) -> Self {
        let count = usize::from(clusters) * 3;
        Self {
            kernel,
            pace,
            states: (0..count)
                .map(|_| State {
                    written: Word32::new(AICPU_IDLE_TASK_ID),
                    executed: Word32::new(AICPU_IDLE_TASK_ID),
                    acknowledged: Word32::new(AICPU_IDLE_TASK_ID),
                })
                .collect(),
            payloads: SlotVec::new(count, |_| [Zeroable::zeroed(); 2]),
            ingress: SlotVec::new(count, |_| [Zeroable::zeroed(); 2]),
        }
    }

    fn run(&self, core: CoreId, token: u32) {
        let payload = self.payload(core, token);
        let mut ingress = self.deferred(core, token);
        // SAFETY: the token was dispatched, so the scheduler leaves its payload alone.
        let payload = unsafe { payload.as_ref() };
        // SAFETY: as above.
        let ingress = unsafe { ingress.as_mut() };
        (self.kernel)(Call {
            core,
            payload,
            ingress,
        });
    }
}

// SAFETY: the slots live as long as the cores, one per core and parity.
unsafe impl<K: Fn(Call<'_>) + Sync> Cores for FakeCores<K> {
    fn count(&self) -> u16 {
        u16::try_from(self.states.len()).expect("built from a u16")
    }

    fn payload(&self, core: CoreId, token: u32) -> NonNull<DispatchPayload> {
        let pair = self.payloads.slot(usize::from(core.0)).as_ptr();
        let pair = NonNull::new(pair.cast::<DispatchPayload>()).expect("a slot has an address");
        // SAFETY: there are two.
        unsafe { pair.add((token & 1) as usize) }
    }

    fn deferred(&self, core: CoreId, token: u32) -> NonNull<DeferredIngressBuffer> {
        let pair = self.ingress.slot(usize::from(core.0)).as_ptr();
        let pair =
            NonNull::new(pair.cast::<DeferredIngressBuffer>()).expect("a slot has an address");
        // SAFETY: there are two.
        unsafe { pair.add((token & 1) as usize) }
    }

    fn dispatch(&self, core: CoreId, token: u32, _togetherness: Togetherness) {
        let state = &self.states[usize::from(core.0)];
        let last = state.written.own();
        assert!(
            last == AICPU_IDLE_TASK_ID
                || state.acknowledged.own() == last
                || state.executed.own() == last,
            "{core:?} got {token} before it acknowledged {last}"
        );
        state.written.publish(token);
    }

    fn status(&self, core: CoreId) -> u32 {
        let state = &self.states[usize::from(core.0)];
        let token = state.written.observe();
        if token == AICPU_IDLE_TASK_ID {
            return AICORE_IDLE_VALUE;
        }
        if state.executed.own() == token {
            return finish_word(token);
        }
        // A token that was acknowledged before and is not the newest is still to run.
        let running = state.acknowledged.own();
        if self.pace == Pace::Stepwise {
            if running == AICPU_IDLE_TASK_ID || running == state.executed.own() {
                state.acknowledged.publish(token);
                return acknowledge_word(token);
            }
            if running != token {
                self.run(core, running);
                state.executed.publish(running);
                state.acknowledged.publish(token);
                return acknowledge_word(token);
            }
        }
        state.acknowledged.publish(token);
        self.run(core, token);
        state.executed.publish(token);
        finish_word(token)
    }
}

/// The same cores, which tell nobody that something has changed, and do nothing until they were looked at often enough.
pub(crate) struct Unannounced<K> {
    pub(crate) cores: FakeCores<K>,
    pub(crate) patience: u64,
    /// Looks at a status so far.
    pub(crate) looks: Word64,
    /// How often a thread that had nothing to do asked whether it can help.
    pub(crate) rounds: Word64,
}

// SAFETY: the pointers are those of cores that keep the contract.
unsafe impl<K: Fn(Call<'_>) + Sync> Cores for Unannounced<K> {
    const TELL: bool = false;

    fn count(&self) -> u16 {
        self.cores.count()
    }

    fn payload(&self, core: CoreId, token: u32) -> NonNull<DispatchPayload> {
        self.cores.payload(core, token)
    }

    fn deferred(&self, core: CoreId, token: u32) -> NonNull<DeferredIngressBuffer> {
        self.cores.deferred(core, token)
    }

    fn dispatch(&self, core: CoreId, token: u32, togetherness: Togetherness) {
        self.cores.dispatch(core, token, togetherness);
    }

    fn status(&self, core: CoreId) -> u32 {
        self.looks.publish(self.looks.own() + 1);
        if self.looks.own() < self.patience {
            return AICORE_IDLE_VALUE;
        }
        self.cores.status(core)
    }

    fn help(&self) -> bool {
        self.rounds.publish(self.rounds.own() + 1);
        false
    }
}

/// `count` kernels, each with an address that is its number plus one.
pub(crate) fn kernels(count: u64) -> Vec<KernelEntry> {
    (1..=count)
        .map(|address| KernelEntry { address, handle: 0 })
        .collect()
}

/// A small context.
pub(crate) fn context(task_window: u32, heap_bytes: u64) -> Context {
    Context::new(&Limits {
        task_window,
        heap_bytes,
        map_entries: 4096,
    })
    .expect("the limits are good")
}

/// A set-up with short deadlines, quiet.
pub(crate) fn setup(kernels: &[KernelEntry], clusters: u16, threads: u8) -> Setup<'_> {
    Setup {
        kernels,
        clusters,
        threads,
        orch_to_sched: false,
        limits: None,
        deadlines: Deadlines {
            no_progress: Duration::from_secs(20),
            ..Deadlines::default()
        },
        log: &Silent,
    }
}

/// Drops every line.
pub(crate) struct Silent;

impl log::Log for Silent {
    fn enabled(&self, _metadata: &log::Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _record: &log::Record<'_>) {}

    fn flush(&self) {}
}

/// The tensors of a call, in argument order.
///
/// # Safety
///
/// The call has that many tensors.
pub(crate) unsafe fn tensors<'a>(
    call: &Call<'a>,
    count: usize,
) -> Vec<&'a aicore_abi::tensor::Tensor> {
    call.payload.args[..count]
        .iter()
        .map(|&address| {
            let address = usize::try_from(address).expect("an address");
            // SAFETY: the caller's promise; the record lives while the call runs.
            unsafe { &*core::ptr::with_exposed_provenance(address) }
        })
        .collect()
}

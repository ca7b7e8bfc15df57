//! The cores of a run, by their registers.
//!
//! Knows how a core is met, given tokens, read and let go. Refuses to know what runs on it.
//!
//! | # | control CPU | core |
//! | ---: | --- | --- |
//! | 1 | payload address, then `aicpu_ready` | waits for it |
//! | 2 | waits for `aicore_regs_ready` | its physical id, then `aicore_regs_ready` |
//! | 3 | looks its registers up, opens them, idle token, then `aicpu_regs_ready` | waits for it |
//! | 4 | waits for `aicore_done` | idle status, its type, then `aicore_done` |
//!
//! Letting go is as strict: a core that was met and not told to leave keeps the chip from the next
//! process. All are told first, and then waited for with one deadline.

use core::ptr::NonNull;
use core::time::Duration;
use std::time::Instant;

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::DispatchPayload;
use aicore_abi::seam::{CoreId, Cores, KernelEntry, Togetherness};
use protocol::registers::{
    AICORE_EXIT_SIGNAL, AICORE_EXITED_VALUE, AICPU_IDLE_TASK_ID, TASK_ID_MASK, TASK_STATE_MASK,
};
use protocol::run_descriptor::RunDescriptors;
use sync::Register;

use super::block::{Block, at};

/// What a core's registers are to a control CPU.
struct Core {
    token: &'static Register,
    status: &'static Register,
    /// The switch for quick access and the value that closes it.
    fast_path: Option<(&'static Register, u32)>,
}

/// The cores of one run.
pub(super) struct DeviceCores<'a, A: RunDescriptors> {
    block: &'a Block<A>,
    cores: Vec<Core>,
    leave: Duration,
}

/// How long cores may take.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// To come.
    pub(super) come: Duration,
    /// To go.
    pub(super) leave: Duration,
}

/// Cores that did not do what they should in time.
#[derive(Debug, thiserror::Error)]
#[error(
    "{missing} of {workers} cores did not {what} within {patience:?}; the first is worker {first}"
)]
pub(super) struct Lost {
    what: &'static str,
    pub(super) missing: u32,
    workers: usize,
    first: usize,
    patience: Duration,
}

/// Why the cores of a run could not be met.
#[derive(Debug, thiserror::Error)]
pub(super) enum MeetError {
    #[error(transparent)]
    Lost(#[from] Lost),
    #[error("worker {worker} says that it is core {id}, which {why}")]
    Core {
        worker: usize,
        id: u32,
        why: &'static str,
    },
}

impl<'a, A: RunDescriptors> DeviceCores<'a, A> {
    /// Meets the cores of a run; `table` holds the register bases by physical id.
    ///
    /// Whatever goes wrong, the cores that came are let go.
    pub(super) fn meet(
        block: &'a Block<A>,
        workers: usize,
        table: &[u64],
        usable: [u64; 2],
        patience: Patience,
    ) -> Result<Self, MeetError> {
        let words = |worker| Words::<A>::of(block, worker);
        for worker in 0..workers {
            clear_pair(block, worker);
            words(worker).set_task(block.payloads(worker).as_ptr().addr() as u64);
            words(worker).aicpu_ready().write_fenced(1);
        }
        let came = await_each("come", workers, patience.come, |worker| {
            words(worker).aicore_regs_ready().read_fenced() == 1
        });
        let mut met = Self {
            block,
            cores: Vec::with_capacity(workers),
            leave: patience.leave,
        };
        if let Err(lost) = came {
            return Err(met.give_up(workers, lost.into(), table));
        }
        for worker in 0..workers {
            let id = words(worker).physical_core_id().read();
            match open::<A>(table, usable, id) {
                Ok(core) => met.cores.push(core),
                Err(why) => {
                    let error = MeetError::Core { worker, id, why };
                    return Err(met.give_up(workers, error, table));
                }
            }
            words(worker).aicpu_regs_ready().write_fenced(1);
        }
        let ready = await_each("get ready", workers, patience.come, |worker| {
            words(worker).aicore_done().read_fenced() != 0
        });
        match ready {
            Ok(()) => Ok(met),
            Err(lost) => Err(met.give_up(workers, lost.into(), table)),
        }
    }

    /// Lets everyone go that came, after a failed meeting.
    fn give_up(mut self, workers: usize, error: MeetError, table: &[u64]) -> MeetError {
        for worker in self.cores.len()..workers {
            let words = Words::<A>::of(self.block, worker);
            // Whoever waits for this then reads the token to leave.
            if words.aicore_regs_ready().read_fenced() == 1
                && let Ok(core) = open::<A>(table, [u64::MAX; 2], words.physical_core_id().read())
            {
                core.token.write_fenced(AICORE_EXIT_SIGNAL);
                self.cores.push(core);
            }
            words.aicpu_regs_ready().write_fenced(1);
        }
        if let Err(lost) = self.dismiss() {
            log::error!("after a failed start: {lost}");
        }
        error
    }

    /// What stands in each core's token register.
    pub(super) fn tokens(&self) -> impl Iterator<Item = u32> {
        self.cores.iter().map(|core| core.token.read_fenced())
    }

    /// Tells all cores to leave and waits for it.
    pub(super) fn dismiss(&self) -> Result<(), Lost> {
        for core in &self.cores {
            core.token.write_fenced(AICORE_EXIT_SIGNAL);
        }
        let gone = await_each("leave", self.cores.len(), self.leave, |worker| {
            self.cores[worker].status.read_fenced() == AICORE_EXITED_VALUE
        });
        for core in &self.cores {
            if core.status.read_fenced() == AICORE_EXITED_VALUE {
                core.token.write_fenced(AICPU_IDLE_TASK_ID);
            }
            if let Some((switch, close)) = core.fast_path {
                switch.write_fenced(close);
            }
        }
        gone
    }
}

impl<A: RunDescriptors> DeviceCores<'_, A> {
    /// What cores that have not left are doing, in words.
    pub(super) fn kernels_under_way(&self, kernels: &[KernelEntry]) -> String {
        let stuck = self.cores.iter().zip(0_u16..).filter_map(|(core, worker)| {
            let status = core.status.read_fenced();
            let token = status & TASK_ID_MASK;
            if status & TASK_STATE_MASK != 0 || token == 0 {
                return None;
            }
            // SAFETY: the core only reads its payload.
            let payload = unsafe { self.payload(CoreId(worker), token).as_ref() };
            let code = payload.function_bin_addr;
            let id = kernels.iter().position(|kernel| kernel.address == code)?;
            Some(format!("core {worker} runs kernel func_id {id}"))
        });
        stuck.collect::<Vec<_>>().join(", ")
    }
}

// SAFETY: payloads and condition buffers lie in the block, one pair per worker, and stay for the run.
unsafe impl<A: RunDescriptors> Cores for DeviceCores<'_, A> {
    const TELL: bool = false;

    fn count(&self) -> u16 {
        u16::try_from(self.cores.len()).expect("a chip has about a hundred")
    }

    #[inline]
    fn payload(&self, core: CoreId, token: u32) -> NonNull<DispatchPayload> {
        let pair = self
            .block
            .payloads(usize::from(core.0))
            .cast::<DispatchPayload>();
        // SAFETY: a pair has two.
        unsafe { pair.add((token & 1) as usize) }
    }

    #[inline]
    fn deferred(&self, core: CoreId, token: u32) -> NonNull<DeferredIngressBuffer> {
        let pair = self
            .block
            .conditions(usize::from(core.0))
            .cast::<DeferredIngressBuffer>();
        // SAFETY: a pair has two.
        unsafe { pair.add((token & 1) as usize) }
    }

    #[inline]
    fn dispatch(&self, core: CoreId, token: u32, _togetherness: Togetherness) {
        // Cores run at once by nature.
        self.cores[usize::from(core.0)].token.write_fenced(token);
    }

    #[inline]
    fn status(&self, core: CoreId) -> u32 {
        self.cores[usize::from(core.0)].status.read_fenced()
    }
}

/// The words of a worker's handshake.
struct Words<A> {
    record: *mut u8,
    family: core::marker::PhantomData<A>,
}

macro_rules! word {
    ($($name:ident),*) => {
        $(fn $name(&self) -> &'static Register {
            register(self.record.wrapping_add(A::OFFSETS.$name))
        })*
    };
}

impl<A: RunDescriptors> Words<A> {
    fn of(block: &Block<A>, worker: usize) -> Self {
        Self {
            record: block.handshake(worker),
            family: core::marker::PhantomData,
        }
    }

    word!(
        aicpu_ready,
        aicore_done,
        physical_core_id,
        aicpu_regs_ready,
        aicore_regs_ready
    );

    fn set_task(&self, address: u64) {
        let place = self.record.wrapping_add(A::OFFSETS.task).cast::<u64>();
        // SAFETY: the record is in the descriptor, and the core reads it after `aicpu_ready`.
        unsafe { place.write_volatile(address) };
    }
}

fn register(place: *mut u8) -> &'static Register {
    // SAFETY: registers and handshake words are aligned, stay mapped while the image runs, and are
    // accessed as whole words by everyone.
    unsafe { Register::at(place.cast()) }
}

/// The registers of the core with physical id `id`, open and without a token.
fn open<A: RunDescriptors>(table: &[u64], usable: [u64; 2], id: u32) -> Result<Core, &'static str> {
    let index = usize::try_from(id).unwrap_or(usize::MAX);
    let base = *table.get(index).ok_or("no chip of this family has")?;
    if usable[index / 64] >> (index % 64) & 1 == 0 {
        return Err("the host says does not work");
    }
    let base = at::<u8>(base).ok_or("has no registers")?.as_ptr();
    let place = |offset: u32| register(base.wrapping_add(offset as usize));
    let fast_path = A::FAST_PATH.map(|switch| {
        let register = place(switch.offset);
        register.write_fenced(switch.open);
        (register, switch.close)
    });
    let token = place(A::REGISTERS.data_main_base);
    token.write_fenced(AICPU_IDLE_TASK_ID);
    Ok(Core {
        token,
        status: place(A::REGISTERS.cond),
        fast_path,
    })
}

/// Nothing of an earlier run is left in what a core reads.
fn clear_pair<A: RunDescriptors>(block: &Block<A>, worker: usize) {
    // SAFETY: no core of this run has been told of its pair yet.
    unsafe { block.payloads(worker).write_bytes(0, 1) };
    // SAFETY: as above.
    unsafe { block.conditions(worker).write_bytes(0, 1) };
}

/// Waits until every worker `is_there`.
fn await_each(
    what: &'static str,
    workers: usize,
    patience: Duration,
    is_there: impl Fn(usize) -> bool,
) -> Result<(), Lost> {
    let deadline = Instant::now() + patience;
    let mut next = 0;
    loop {
        while next < workers && is_there(next) {
            next += 1;
        }
        if next == workers {
            return Ok(());
        }
        if Instant::now() > deadline {
            let missing = (next..workers).filter(|&worker| !is_there(worker)).count();
            return Err(Lost {
                what,
                missing: u32::try_from(missing).unwrap_or(u32::MAX),
                workers,
                first: next,
                patience,
            });
        }
        std::thread::yield_now();
    }
}

//! Cores for tests: they check that each task runs once, after everything it waits for, on a core of its kind.

use std::sync::Mutex;

use core::ptr::NonNull;

use aicore_abi::call::Call;
use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::DispatchPayload;
use aicore_abi::registers::{acknowledge_word, finish_word};
use aicore_abi::seam::{CoreId, Cores, KernelEntry, Togetherness};
use bytemuck::Zeroable;
use protocol::A2a3;
use runtime_hbg::{Context, Deadlines, Graph, Result, Run, RunReport, Setup};
use sync::{Crowd, SlotVec, Spin, Word32};

/// Kernels of the tests' program: id `n` has this address and handle.
pub(crate) const KERNELS: [KernelEntry; 8] = {
    let mut kernels = [KernelEntry {
        address: 0,
        handle: 0,
    }; 8];
    let mut id = 0;
    while id < 8 {
        kernels[id] = KernelEntry {
            address: 0x1000 + id as u64,
            handle: 0x2000 + id as u64,
        };
        id += 1;
    }
    kernels
};

/// How a core answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Each look at it runs what it has.
    Prompt,
    /// Takes its time, by these dice, and now and then hides an end behind the next start.
    Slow(u64),
    /// Acknowledges, and never finishes.
    Hangs,
}

#[derive(Debug, Default)]
struct Core {
    running: Option<u32>,
    loaded: Option<u32>,
    status: u32,
    dice: u64,
    most_loaded: u32,
}

/// The cores; they see to it that the graph's order is kept.
#[derive(Debug)]
pub(crate) struct Machine<'g> {
    graph: &'g Graph,
    /// Per task, how often it ran.
    pub(crate) ran: Vec<Word32>,
    before: Vec<Vec<u32>>,
    clusters: u16,
    manner: Manner,
    cores: Vec<Mutex<Core>>,
    payloads: SlotVec<DispatchPayload>,
    deferred: SlotVec<DeferredIngressBuffer>,
}

impl<'g> Machine<'g> {
    /// `clusters` clusters for a graph whose tasks have their own number as the first word.
    pub(crate) fn new(graph: &'g Graph, clusters: u16, manner: Manner) -> Self {
        let mut before = vec![Vec::new(); graph.task_count()];
        for task in 0..u32::try_from(graph.task_count()).expect("few") {
            for next in graph.waiting_for(task) {
                before[next as usize].push(task);
            }
        }
        let cores = usize::from(clusters) * 3;
        let seed = match manner {
            Manner::Slow(seed) => seed,
            Manner::Prompt | Manner::Hangs => 0,
        };
        Self {
            graph,
            ran: (0..graph.task_count()).map(|_| Word32::new(0)).collect(),
            before,
            clusters,
            manner,
            cores: (0..cores as u64)
                .map(|core| {
                    Mutex::new(Core {
                        status: u32::MAX,
                        dice: seed ^ core.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
                        ..Core::default()
                    })
                })
                .collect(),
            payloads: SlotVec::new(2 * cores, |_| DispatchPayload::zeroed()),
            deferred: SlotVec::new(2 * cores, |_| DeferredIngressBuffer::zeroed()),
        }
    }

    /// Forgets what ran, as a new launch does.
    pub(crate) fn relaunch(&mut self) {
        for ran in &self.ran {
            ran.publish(0);
        }
        for core in &mut self.cores {
            let core = core.get_mut().expect("no core panicked");
            core.status = u32::MAX;
            (core.running, core.loaded) = (None, None);
        }
    }

    /// Lets what hangs finish.
    pub(crate) fn finish_all(&self) {
        for (index, core) in self.cores.iter().enumerate() {
            let mut core = core.lock().expect("no core panicked");
            if let Some(token) = core.running.take() {
                self.execute(index, token);
                core.status = finish_word(token);
            }
        }
    }

    /// The most calls that were on one core at once.
    pub(crate) fn most_loaded(&self) -> u32 {
        let most = |core: &Mutex<Core>| core.lock().expect("no core panicked").most_loaded;
        self.cores.iter().map(most).max().unwrap_or(0)
    }

    /// Whether every task ran once.
    pub(crate) fn all_ran_once(&self) -> bool {
        self.ran.iter().all(|ran| ran.observe() == 1)
    }

    /// Runs the graph with `roles` roles, driven by `drivers` threads.
    pub(crate) fn run(
        &self,
        context: &mut Context,
        roles: u8,
        drivers: usize,
    ) -> Result<RunReport> {
        let run = self.begin(context, roles, Deadlines::default())?;
        let crowd = Crowd::new();
        std::thread::scope(|scope| {
            for driver in 1..drivers {
                let (run, crowd) = (&run, &crowd);
                scope.spawn(move || run.drive(driver, &mut Spin::new(crowd)));
            }
            run.drive(0, &mut Spin::new(&crowd));
        });
        run.outcome()
    }

    pub(crate) fn begin<'c>(
        &'c self,
        context: &'c mut Context,
        roles: u8,
        deadlines: Deadlines,
    ) -> Result<Run<'c, A2a3, Self>> {
        let setup = Setup {
            kernels: &KERNELS,
            clusters: self.clusters,
            threads: roles,
            deadlines,
        };
        context.begin(self.graph, setup, self)
    }

    fn execute(&self, core: usize, token: u32) {
        // SAFETY: the call was dispatched and has not finished, so its payload is the core's.
        let payload = unsafe { self.payloads.get(2 * core + (token & 1) as usize) };
        // SAFETY: the scheduler filled it.
        let call = unsafe { Call::of_payload(payload) };
        assert_eq!((call.block_idx(), call.block_num()), (0, 1));
        let task: u64 = call.scalar(0).expect("each task has its number");
        let task = u32::try_from(task).expect("a task's number");
        let record = self.graph.records()[task as usize];
        let words: Vec<u64> = (0..call.scalar_count())
            .map(|index| call.scalar(index).expect("counted"))
            .collect();
        assert_eq!(words, self.graph.words_of(task));
        if words.len() < 16 {
            assert_eq!(payload.args[words.len()..16], [0; 16][words.len()..]);
        }
        let kernel = KERNELS[record.kernel as usize];
        assert_eq!(
            (payload.function_bin_addr, payload.kernel_handle),
            (kernel.address, kernel.handle)
        );
        let is_vector = core >= usize::from(self.clusters);
        assert_eq!(record.core_type == 1, is_vector, "task {task}");
        if is_vector {
            let lane = (core - usize::from(self.clusters)) % 2;
            assert_eq!(usize::try_from(call.lane()), Ok(lane));
        }
        for &earlier in &self.before[task as usize] {
            assert_eq!(
                self.ran[earlier as usize].observe(),
                1,
                "{earlier} before {task}"
            );
        }
        assert_eq!(self.ran[task as usize].add(1), 0, "task {task} ran twice");
    }
}

// SAFETY: the slots are distinct per core and parity and live as long as the machine.
unsafe impl Cores for Machine<'_> {
    fn count(&self) -> u16 {
        self.clusters * 3
    }

    fn payload(&self, core: CoreId, token: u32) -> NonNull<DispatchPayload> {
        let place = 2 * usize::from(core.0) + (token & 1) as usize;
        NonNull::new(self.payloads.slot(place).as_ptr()).expect("a slot is somewhere")
    }

    fn deferred(&self, core: CoreId, token: u32) -> NonNull<DeferredIngressBuffer> {
        let place = 2 * usize::from(core.0) + (token & 1) as usize;
        NonNull::new(self.deferred.slot(place).as_ptr()).expect("a slot is somewhere")
    }

    fn dispatch(&self, core: CoreId, token: u32, togetherness: Togetherness) {
        assert_eq!(togetherness, Togetherness::Alone);
        let mut core = self.cores[usize::from(core.0)]
            .lock()
            .expect("no core panicked");
        assert_eq!(core.loaded, None, "the token before was not acknowledged");
        core.loaded = Some(token);
        core.most_loaded = core.most_loaded.max(1 + u32::from(core.running.is_some()));
    }

    fn status(&self, id: CoreId) -> u32 {
        let index = usize::from(id.0);
        let mut core = self.cores[index].lock().expect("no core panicked");
        let mut moves = match self.manner {
            Manner::Prompt => 2,
            Manner::Hangs => 1,
            Manner::Slow(_) => {
                core.dice ^= core.dice << 13;
                core.dice ^= core.dice >> 7;
                core.dice ^= core.dice << 17;
                core.dice % 4
            }
        };
        while moves != 0 {
            moves -= 1;
            if let Some(token) = core.running {
                if self.manner == Manner::Hangs {
                    break;
                }
                self.execute(index, token);
                core.running = None;
                core.status = finish_word(token);
            } else if let Some(token) = core.loaded.take() {
                core.running = Some(token);
                core.status = acknowledge_word(token);
            }
        }
        core.status
    }
}

//! Cores that finish at the first look, and the shapes of graph that are measured on them.

use core::ptr::NonNull;
use std::sync::Arc;
use std::time::Instant;

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::orchestration::trb::{MixedKernels, ScopeMode};
use aicore_abi::payload::DispatchPayload;
use aicore_abi::registers::finish_word;
use aicore_abi::seam::{CoreId, Cores, KernelEntry, Togetherness};
use aicore_abi::tensor::{Tensor, TensorCreateInfo};
use bytemuck::Zeroable;
use protocol::{A2a3, DataType};
use runtime_trb::{Args, Context, Deadlines, Orchestrator, Run, Setup};
use sync::{Crowd, SlotVec, Spin, Word32};

/// Cores whose kernels are over when somebody looks.
pub(crate) struct Instantly {
    tokens: Vec<Word32>,
    payloads: SlotVec<[DispatchPayload; 2]>,
    ingress: SlotVec<[DeferredIngressBuffer; 2]>,
}

impl Instantly {
    pub(crate) fn new(clusters: usize) -> Self {
        Self {
            tokens: (0..clusters * 3).map(|_| Word32::new(0)).collect(),
            payloads: SlotVec::new(clusters * 3, |_| [Zeroable::zeroed(); 2]),
            ingress: SlotVec::new(clusters * 3, |_| [Zeroable::zeroed(); 2]),
        }
    }
}

// SAFETY: the slots live as long as the cores, one per core and parity.
unsafe impl Cores for Instantly {
    fn count(&self) -> u16 {
        u16::try_from(self.tokens.len()).expect("few")
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
        self.tokens[usize::from(core.0)].publish(token);
    }

    fn status(&self, core: CoreId) -> u32 {
        finish_word(self.tokens[usize::from(core.0)].observe())
    }
}

pub(crate) const AIV: MixedKernels = MixedKernels::from_lanes([-1, 0, -1]);
const KERNELS: &[KernelEntry] = &[KernelEntry {
    address: 1,
    handle: 0,
}];

pub(crate) fn setup(threads: u8) -> Setup<'static> {
    Setup {
        kernels: KERNELS,
        clusters: 8,
        threads,
        orch_to_sched: false,
        limits: None,
        deadlines: Deadlines::default(),
        log: log::logger(),
    }
}

pub(crate) fn external(number: u64) -> Tensor {
    let address = 0x1000_0000 + number * 0x1000;
    Tensor::external(address, &[32, 32], DataType::Float32, false, 0).expect("a valid shape")
}

/// One run on the calling thread alone; yields the seconds spent in the orchestration and in all.
pub(crate) fn alone(
    context: &mut Context,
    cores: &Instantly,
    crowd: &Arc<Crowd>,
    body: impl FnOnce(&mut Orchestrator<'_>),
) -> (f64, f64) {
    let run: Run<'_, A2a3, _> = context.begin(setup(1), cores).expect("a good set-up");
    let begin = Instant::now();
    run.orchestrate(&run, body);
    let submitted = begin.elapsed().as_secs_f64();
    run.drive(0, &mut Spin::new(crowd));
    assert!(run.status().is_good());
    (submitted, begin.elapsed().as_secs_f64())
}

/// Submits `count` tasks, each in a scope of its own, with three tensors nobody else uses.
pub(crate) fn independent(orch: &mut Orchestrator<'_>, count: u64) {
    let tensors: Vec<_> = (0..192).map(external).collect();
    for number in 0..count {
        let place = usize::try_from(number % 64).expect("small") * 3;
        let mut args = Args::new();
        args.input(&tensors[place])
            .input(&tensors[place + 1])
            .no_dep(&tensors[place + 2])
            .scalar(number);
        orch.scope(ScopeMode::Auto, |orch| {
            orch.submit(&AIV, &args).expect("room comes");
        })
        .expect("open");
    }
}

/// Submits `count` tasks that each wait for the one before.
pub(crate) fn chain(orch: &mut Orchestrator<'_>, count: u64) {
    let x = external(0);
    for number in 0..count {
        let mut args = Args::new();
        args.inout(&x).scalar(number);
        orch.scope(ScopeMode::Auto, |orch| {
            orch.submit(&AIV, &args).expect("room comes");
        })
        .expect("open");
    }
}

/// Submits `count` tasks, every fourth of which reads what the three before created.
pub(crate) fn joins(orch: &mut Orchestrator<'_>, count: u64) {
    let info = TensorCreateInfo::new(&[8, 8], DataType::Float32, false).expect("a valid shape");
    for _ in 0..count / 4 {
        orch.scope(ScopeMode::Auto, |orch| {
            let created: [Tensor; 3] = core::array::from_fn(|_| {
                let mut args = Args::new();
                args.output(&info);
                let submitted = orch.submit(&AIV, &args).expect("room comes");
                *submitted.output(0).expect("one was asked for")
            });
            let mut args = Args::new();
            args.input(&created[0])
                .input(&created[1])
                .input(&created[2]);
            orch.submit(&AIV, &args).expect("room comes");
        })
        .expect("open");
    }
}

pub(crate) type Submit = fn(&mut Orchestrator<'_>, u64);

pub(crate) const SHAPES: [(&str, u64, Submit); 3] = [
    ("65536 independent tasks", 65_536, independent),
    ("chain of 4000", 4000, chain),
    ("joins of three, 16384 tasks", 16_384, joins),
];

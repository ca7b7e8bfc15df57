//! Random programs against a sequential model.
//!
//! A program is a list of choices; whatever they are, they make a legal orchestration. The model notes for every task which
//! earlier ones must have finished before it starts: owners of its buffers, earlier writers of bytes it touches, tasks it
//! names. Kernels note when they start and end and look at the memory they were given.

use aicore_abi::orchestration::trb::{MixedKernels, ScopeMode};
use aicore_abi::tensor::{Tensor, TensorCreateInfo};
use proptest::prelude::*;
use protocol::{A5, DataType, TaskId};
use runtime_trb::{Args, NoHelp, Orchestrator, Run};
use sync::{Crowd, Spin, Word32, Word64};

use crate::cores::{Call, FakeCores, Pace, context, kernels, setup, tensors};

const ELEMENTS: u32 = 24;
const MAX_TASKS: usize = 160;

/// What a kernel leaves behind.
#[derive(Default)]
struct Trace {
    clock: Word64,
    tasks: Vec<TaskTrace>,
    broken: Word32,
}

#[derive(Default)]
struct TaskTrace {
    /// Time of the first start plus one.
    started: Word64,
    ended: Word64,
    calls: Word32,
}

impl Trace {
    fn new() -> Self {
        Self {
            tasks: (0..MAX_TASKS).map(|_| TaskTrace::default()).collect(),
            ..Self::default()
        }
    }

    /// One kernel call: its address tells how many tensors there are; scalars are the task, then what each tensor should hold.
    fn call(&self, call: &Call<'_>) {
        let count = usize::try_from(call.payload.function_bin_addr - 1).expect("small");
        let scalars = &call.payload.args[count..];
        let task = usize::try_from(scalars[0]).expect("small");
        let trace = &self.tasks[task];
        let now = self.clock.add(1) + 1;
        let _started_before = trace.started.change(0, now);
        // SAFETY: the address says so.
        for (tensor, &expected) in unsafe { tensors(call, count) }.iter().zip(&scalars[1..]) {
            let place = tensor.buffer.addr + tensor.start_offset * 4;
            let place = core::ptr::with_exposed_provenance_mut::<u32>(
                usize::try_from(place).expect("an address"),
            );
            match expected {
                LEAVE => {}
                CREATE => {
                    // SAFETY: the task creates the buffer.
                    unsafe { place.write_volatile(mark(task)) };
                }
                expected => {
                    // SAFETY: the task was submitted as a reader of the buffer.
                    let found = unsafe { place.read_volatile() };
                    if u64::from(found) != expected {
                        self.broken.add(1);
                    }
                }
            }
        }
        trace.calls.add(1);
        trace.ended.publish(self.clock.add(1) + 1);
    }
}

const LEAVE: u64 = 0;
const CREATE: u64 = 1;

fn mark(task: usize) -> u32 {
    1000 + u32::try_from(task).expect("small")
}

/// A tensor a program can use.
#[derive(Clone)]
struct Known {
    tensor: Tensor,
    /// The task that made it, and what it holds.
    owner: Option<(usize, u32)>,
    /// Depth of the scope it was made in.
    depth: usize,
}

/// A write later accesses wait for.
struct Write {
    task: usize,
    base: u64,
    elements: Vec<bool>,
}

struct Model<'p> {
    choices: core::iter::Copied<core::slice::Iter<'p, u16>>,
    window: u32,
    heap: u64,
    known: Vec<Known>,
    writes: Vec<Write>,
    /// (earlier, later)
    orders: Vec<(usize, usize)>,
    ids: Vec<TaskId>,
    calls: Vec<u32>,
    /// Whether each number is a task with a kernel.
    modes: Vec<ScopeMode>,
    /// Slots and heap bytes taken in each ring since its outermost open scope began.
    used: [(u32, u64); 4],
}

impl Model<'_> {
    fn choose(&mut self, below: usize) -> usize {
        let choice = self.choices.next().unwrap_or(0);
        usize::from(choice) % below.max(1)
    }

    fn ring(&self) -> usize {
        (self.modes.len() - 1).min(3)
    }

    fn is_manual(&self) -> bool {
        self.modes.contains(&ScopeMode::Manual)
    }

    fn has_room(&self, heap: u64) -> bool {
        let (slots, bytes) = self.used[self.ring()];
        self.ids.len() < MAX_TASKS && slots + 2 < self.window && bytes + heap <= self.heap / 4
    }

    fn run(&mut self, orch: &mut Orchestrator<'_>) {
        while self.choices.len() > 0 {
            match self.choose(10) {
                0 if self.modes.len() < 7 => self.begin(orch),
                1 | 2 if self.modes.len() > 1 => self.end(orch),
                3 => self.allocate(orch),
                4 => self.view(),
                _ => self.submit(orch),
            }
        }
        while self.modes.len() > 1 {
            self.end(orch);
        }
    }

    fn begin(&mut self, orch: &mut Orchestrator<'_>) {
        let mode = if self.is_manual() || self.choose(4) == 0 {
            ScopeMode::Manual
        } else {
            ScopeMode::Auto
        };
        orch.scope_begin(mode).expect("not too deep");
        self.modes.push(mode);
    }

    fn end(&mut self, orch: &mut Orchestrator<'_>) {
        orch.scope_end().expect("one is open");
        self.modes.pop();
        let depth = self.modes.len();
        self.known.retain(|known| known.depth <= depth);
        if depth < 4 {
            self.used[depth] = (0, 0);
        }
    }

    fn take(&mut self, heap: u64) {
        let ring = self.ring();
        self.used[ring].0 += 1;
        self.used[ring].1 += heap;
    }

    fn allocate(&mut self, orch: &mut Orchestrator<'_>) {
        if !self.has_room(1024) {
            return;
        }
        let task = self.ids.len();
        let info = TensorCreateInfo::new(&[ELEMENTS], DataType::Uint32, false)
            .expect("a valid shape")
            .with_initial_value(u64::from(mark(task)));
        let made = orch
            .alloc_tensors(Args::new().output(&info))
            .expect("room comes");
        let tensor = *made.output(0).expect("one was asked for");
        self.ids.push(made.task());
        self.calls.push(0);
        self.take(1024);
        self.known.push(Known {
            tensor,
            owner: Some((task, mark(task))),
            depth: self.modes.len(),
        });
    }

    /// Another look at a known tensor: a part of it, or another shape.
    fn view(&mut self) {
        if self.known.is_empty() {
            return;
        }
        let which = self.choose(self.known.len());
        let mut known = self.known[which].clone();
        let tensor = known.tensor;
        known.tensor = match (tensor.rank(), self.choose(3)) {
            (1, 0) if tensor.shapes[0].is_multiple_of(4) => tensor
                .reshape(&[tensor.shapes[0] / 4, 4], false)
                .unwrap_or(tensor),
            (rank, _) => {
                let mut shape = [0; 5];
                let mut offset = [0; 5];
                for dimension in 0..rank {
                    let extent = tensor.shapes[dimension];
                    offset[dimension] = u32::try_from(self.choose(extent as usize)).expect("small");
                    let left = extent - offset[dimension];
                    shape[dimension] =
                        1 + u32::try_from(self.choose(left as usize)).expect("small");
                }
                let manual_dep = self.choose(12) == 0;
                tensor
                    .view(&shape[..rank], &offset[..rank], manual_dep)
                    .expect("inside")
            }
        };
        // A view that starts elsewhere holds no mark where it starts.
        if known.tensor.start_offset != 0 {
            known.owner = known.owner.map(|(task, _)| (task, 0));
        }
        self.known.push(known);
    }

    fn submit(&mut self, orch: &mut Orchestrator<'_>) {
        let outputs = usize::from(self.choose(3) == 0);
        if !self.has_room(1024 * outputs as u64) {
            return;
        }
        let task = self.ids.len();
        let info =
            TensorCreateInfo::new(&[ELEMENTS], DataType::Uint32, false).expect("a valid shape");
        let mut picked = Vec::new();
        for _ in 0..self.choose(4).min(self.known.len()) {
            let which = self.choose(self.known.len());
            picked.push((self.known[which].clone(), self.choose(8)));
        }
        let manual = self.is_manual();
        let mut args = Args::new();
        let mut expected = Vec::new();
        let mut written = Vec::new();
        for (known, tag) in &picked {
            let tensor = &known.tensor;
            let owner = known.owner.filter(|_| !manual);
            if let Some((owner, _)) = owner {
                self.orders.push((owner, task));
            }
            expected.push(match owner {
                Some((_, mark)) if mark != 0 => u64::from(mark),
                _ => LEAVE,
            });
            let touched = elements(tensor);
            if *tag < 6 && tensor.manual_dep == 0 && !manual {
                for write in &self.writes {
                    if write.base == tensor.buffer.addr && overlap(&write.elements, &touched) {
                        self.orders.push((write.task, task));
                    }
                }
            }
            match tag {
                0..3 => args.input(tensor),
                3..6 => args.inout(tensor),
                6 => args.output_existing(tensor),
                _ => args.no_dep(tensor),
            };
            if matches!(tag, 3..=6) && tensor.manual_dep == 0 && !manual {
                written.push(Write {
                    task,
                    base: tensor.buffer.addr,
                    elements: touched,
                });
            }
        }
        self.writes.extend(written);
        if outputs == 1 {
            args.output(&info);
            expected.push(CREATE);
        }
        let count = picked.len() + outputs;
        args.scalar(task as u64);
        for value in expected {
            args.scalar(value);
        }
        for _ in 0..self.choose(3) {
            if task != 0 {
                let earlier = self.choose(task);
                args.after(self.ids[earlier]);
                self.orders.push((earlier, task));
            }
        }
        let kernel = i32::try_from(count).expect("small");
        let lanes = [
            [-1, kernel, -1],
            [kernel, -1, -1],
            [-1, -1, kernel],
            [kernel, kernel, kernel],
            [-1, kernel, kernel],
        ][self.choose(5)];
        let kernels = MixedKernels::from_lanes(lanes);
        // Whoever creates a buffer does so once.
        let blocks = if outputs == 1 { 1 } else { 1 + self.choose(4) };
        let blocks = u32::try_from(blocks).expect("small");
        args.blocks(blocks);
        if blocks <= 2 && self.choose(4) == 0 {
            args.together();
        }
        let submitted = orch.submit(&kernels, &args).expect("room comes");
        let made = submitted.output(0).copied();
        self.ids.push(submitted.task());
        self.calls
            .push(blocks * kernels.normalised().active_mask().lane_count());
        self.take(1024 * outputs as u64);
        if let Some(tensor) = made {
            self.known.push(Known {
                tensor,
                owner: Some((task, mark(task))),
                depth: self.modes.len(),
            });
        }
    }
}

/// The elements of its buffer a tensor touches.
fn elements(tensor: &Tensor) -> Vec<bool> {
    let mut touched = vec![false; ELEMENTS as usize];
    let rank = tensor.rank();
    let mut index = [0; 5];
    loop {
        let position = tensor.flat_index(&index[..rank]).expect("inside");
        touched[usize::try_from(position).expect("small")] = true;
        let Some(dimension) = (0..rank).rev().find(|&dimension| {
            index[dimension] += 1;
            if index[dimension] < tensor.shapes[dimension] {
                return true;
            }
            index[dimension] = 0;
            false
        }) else {
            return touched;
        };
        debug_assert!(dimension < rank);
    }
}

fn overlap(one: &[bool], other: &[bool]) -> bool {
    one.iter().zip(other).any(|(one, other)| *one && *other)
}

fn check(choices: &[u16], threads: u8, drivers: usize, pace: Pace, clusters: u16, window: u32) {
    let trace = Trace::new();
    let cores = FakeCores::new(clusters, pace, |call: Call<'_>| trace.call(&call));
    let heap = 16 * 1024;
    let mut context = context(window, heap);
    let kernels = kernels(17);
    let mut setup = setup(&kernels, clusters, threads);
    setup.orch_to_sched = choices.first().is_some_and(|choice| choice % 2 == 0);
    let buffers: Vec<Vec<u32>> = (0..3).map(|_| vec![0; ELEMENTS as usize]).collect();
    let mut model = Model {
        choices: choices.iter().copied(),
        window,
        heap,
        known: buffers
            .iter()
            .map(|buffer| Known {
                tensor: Tensor::external(
                    buffer.as_ptr().expose_provenance() as u64,
                    &[ELEMENTS],
                    DataType::Uint32,
                    false,
                    0,
                )
                .expect("a valid shape"),
                owner: None,
                depth: 0,
            })
            .collect(),
        writes: Vec::new(),
        orders: Vec::new(),
        ids: Vec::new(),
        calls: Vec::new(),
        modes: vec![ScopeMode::Auto],
        used: [(0, 0); 4],
    };
    let run: Run<'_, A5, _> = context.begin(setup, &cores).expect("a good set-up");
    let crowd = Crowd::new();
    if drivers == 0 {
        run.orchestrate(&run, |orch| model.run(orch));
        run.drive(0, &mut Spin::new(&crowd));
    } else {
        std::thread::scope(|scope| {
            for first in 0..drivers {
                let (run, crowd) = (&run, &crowd);
                scope.spawn(move || run.drive(first, &mut Spin::new(crowd)));
            }
            run.orchestrate(&NoHelp, |orch| model.run(orch));
        });
    }
    assert!(run.status().is_good(), "{:?}", run.status());
    assert_eq!(trace.broken.own(), 0, "a buffer held something else");
    for (task, &calls) in model.calls.iter().enumerate() {
        assert_eq!(trace.tasks[task].calls.own(), calls, "calls of task {task}");
    }
    for &(earlier, later) in &model.orders {
        let (earlier_trace, later_trace) = (&trace.tasks[earlier], &trace.tasks[later]);
        assert!(
            model.calls[earlier] == 0 || earlier_trace.ended.own() < later_trace.started.own(),
            "task {later} ({}) started before task {earlier} ({}) ended",
            model.ids[later],
            model.ids[earlier]
        );
    }
}

fn choices() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 1..600)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn one_thread_keeps_every_order(
        choices in choices(),
        window in prop::sample::select(vec![4_u32, 8, 16, 64]),
        clusters in 2_u16..5,
        stepwise in any::<bool>(),
    ) {
        let pace = if stepwise { Pace::Stepwise } else { Pace::Inline };
        check(&choices, 1, 0, pace, clusters, window);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn several_threads_keep_every_order(
        choices in choices(),
        window in prop::sample::select(vec![4_u32, 8, 64]),
        threads in 2_u8..5,
        drivers in 1_usize..4,
        stepwise in any::<bool>(),
    ) {
        let pace = if stepwise { Pace::Stepwise } else { Pace::Inline };
        check(&choices, threads, drivers, pace, 3, window);
    }
}

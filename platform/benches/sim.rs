//! What the simulated chip costs around the runtimes: per run, per kernel call, per tensor.
#![cfg(all(feature = "sim", feature = "trb"))]

use core::hint::black_box;
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use aicore_abi::orchestration::trb::MixedKernels;
use aicore_abi::seam::{CoreId, Cores, Togetherness};
use aicpu::Crew;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use platform::sim::{
    Chip, ChipOptions, Executor, Family, RunEnd, RunOrder, SimCode, SimCores, SimKernel,
};
use platform::{
    Device, DeviceContext, InProcessKernel, Kernel, LoadedKernel, Machine, Orchestration, Program,
    ProgramKernel, RunOptions, RunReport, Waits,
};
use protocol::{A2a3, ArgDirection, CallConfig, ChipStorageTaskArgs, ContinuousTensor, DataType};
use runtime_trb::{Args, Orchestrator};

/// A control program that does nothing.
#[derive(Debug)]
struct Nothing;

impl Executor for Nothing {
    fn run(&self, _: &RunOrder, _: &SimCores, _: &dyn Crew) -> RunEnd {
        RunEnd {
            loaded: false,
            result: Ok(RunReport::default()),
        }
    }

    fn progress(&self) -> u64 {
        0
    }

    fn abort(&self) {}

    fn describe(&self) -> String {
        String::new()
    }

    fn forget(&self, _: i32) {}
}

fn runs(criterion: &mut Criterion) {
    let options = ChipOptions::new(|| Ok(Box::new(Nothing)));
    let device: DeviceContext<A2a3, Chip> =
        DeviceContext::new("benchsim", move |id| Chip::start::<A2a3>(id, &options));
    device.init(0).expect("a fresh context");
    let body = aicpu::trb::Orchestration::InProcess(Arc::new(|_, _| {}));
    let program = Program {
        orchestration: Orchestration::Trb(body),
        signature: vec![ArgDirection::In, ArgDirection::In, ArgDirection::Out],
        kernels: Vec::new(),
    };
    device.prepare(0, &program).expect("a good program");
    let mut group = criterion.benchmark_group("run");
    for kib in [0, 1, 64] {
        let mut host = vec![vec![0_u8; kib << 10]; 3];
        let mut args = ChipStorageTaskArgs::default();
        for tensor in host.iter_mut().filter(|tensor| !tensor.is_empty()) {
            let address = tensor.as_mut_ptr().expose_provenance() as u64;
            let shape = [u32::try_from(tensor.len()).expect("small")];
            let tensor = ContinuousTensor::new(address, &shape, DataType::Uint8);
            args.push_tensor(tensor.expect("a good tensor"))
                .expect("few tensors");
        }
        let (config, options) = (CallConfig::default(), RunOptions::default());
        group.bench_function(format!("three tensors of {kib} KiB"), |bencher| {
            bencher.iter(|| {
                // SAFETY: the tensors outlive the call.
                unsafe { device.run(0, black_box(&args), &config, &options) }.expect("a good run")
            });
        });
    }
    group.finish();
}

fn calls(criterion: &mut Criterion) {
    const CALLS: u32 = 1000;
    let cores = SimCores::new(Family::of::<A2a3>(), 0, 0, &Arc::default()).expect("address space");
    cores.begin(24);
    let kernel = Kernel::InProcess(InProcessKernel {
        run: Arc::new(|call| {
            black_box(call);
            Ok(())
        }),
        waits: Waits::Never,
    });
    let options = ChipOptions::new(|| Ok(Box::new(Nothing)));
    let chip = Chip::start::<A2a3>(0, &options).expect("a fresh chip");
    let code: SimCode = chip.load_code(0, &kernel).expect("nothing to load");
    let kernel: SimKernel = chip.kernel(0, None, Arc::new(code));
    let entry = kernel.entry();
    let mut token = 0;
    let mut group = criterion.benchmark_group("call");
    group.throughput(Throughput::Elements(u64::from(CALLS)));
    group.bench_function("short kernel, dispatch to end", |bencher| {
        bencher.iter(|| {
            for call in 0..CALLS {
                let core = CoreId(u16::try_from(call % 72).expect("small"));
                token += u32::from(core.0 == 0);
                // SAFETY: the core's last call has ended.
                let payload = unsafe { cores.payload(core, token).as_mut() };
                payload.function_bin_addr = entry.address;
                payload.kernel_handle = entry.handle;
                cores.dispatch(core, token, Togetherness::Alone);
                black_box(cores.status(core));
            }
        });
    });
    group.finish();
}

/// Keeps a core busy.
fn busy(time: Duration) -> Kernel {
    Kernel::InProcess(InProcessKernel {
        run: Arc::new(move |_| {
            let started = Instant::now();
            while started.elapsed() < time {
                core::hint::spin_loop();
            }
            Ok(())
        }),
        waits: Waits::WithinGroup,
    })
}

/// Independent tasks through the whole chip, one kernel of each way to run.
fn graphs(criterion: &mut Criterion) {
    let device = platform::sim::device::<A2a3>("benchsim");
    device.init(0).expect("a fresh context");
    let body = |orchestrator: &mut Orchestrator<'_>, args: &ChipStorageTaskArgs| {
        let kernels = MixedKernels {
            aic_kernel_id: if args.scalars[1] == 0 { -1 } else { 0 },
            aiv0_kernel_id: 0,
            aiv1_kernel_id: -1,
        };
        for number in 0..args.scalars[0] {
            let mut task = Args::new();
            task.scalar(number);
            orchestrator.submit(&kernels, &task).expect("room comes");
        }
    };
    let program = |kernel| Program {
        orchestration: Orchestration::Trb(aicpu::trb::Orchestration::InProcess(Arc::new(body))),
        signature: Vec::new(),
        kernels: vec![ProgramKernel {
            func_id: 0,
            core: None,
            kernel,
        }],
    };
    let config = CallConfig {
        aicpu_thread_num: 4,
        ..CallConfig::default()
    };
    let mut group = criterion.benchmark_group("graph");
    group.sample_size(20);
    let kinds = [
        ("short kernels", Duration::from_nanos(200), 16_000, 0),
        ("kernels of 1 ms", Duration::from_millis(1), 100, 0),
        (
            "groups of two short kernels",
            Duration::from_nanos(200),
            1000,
            1,
        ),
    ];
    for (id, (name, time, tasks, grouped)) in (0..).zip(kinds) {
        device
            .prepare(id, &program(busy(time)))
            .expect("a good program");
        let mut args = ChipStorageTaskArgs::default();
        args.push_scalar(tasks).expect("few scalars");
        args.push_scalar(grouped).expect("few scalars");
        group.throughput(Throughput::Elements(tasks));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                // SAFETY: there are no tensors.
                unsafe { device.run(id, &args, &config, &RunOptions::default()) }
                    .expect("a good run")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, runs, calls, graphs);
criterion_main!(benches);

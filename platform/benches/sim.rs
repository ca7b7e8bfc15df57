//! What the simulated chip costs around the runtimes: per run, per kernel call, per tensor.
#![cfg(feature = "sim")]

use core::hint::black_box;
use std::sync::Arc;

use aicore_abi::seam::{CoreId, Cores, Togetherness};
use aicpu::Crew;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use platform::sim::{
    Chip, ChipOptions, Executor, Family, RunEnd, RunOrder, SimCode, SimCores, SimKernel,
};
use platform::{
    Device, DeviceContext, InProcessKernel, Kernel, LoadedKernel, Machine, Orchestration, Program,
    RunOptions, RunReport, Waits,
};
use protocol::{A2a3, ArgDirection, CallConfig, ChipStorageTaskArgs, ContinuousTensor, DataType};

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

criterion_group!(benches, runs, calls);
criterion_main!(benches);

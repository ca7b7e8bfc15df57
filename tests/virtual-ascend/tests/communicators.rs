//! Several chips that see each other's memory.

mod support;

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::thread;

use platform::{Device, DeviceAddress, Kernel, Orchestration, Program, ProgramKernel, RunOptions};
use protocol::{
    ArgDirection, CallConfig, ChipStorageTaskArgs, ContinuousTensor, DataType, TaskArgsView,
};
use support::{Compiler, Runtime, aicpu_image, device, expected, limits, options, run_sums, sums};
use virtual_ascend::{Config, Family, Session, Topology, code_for_virtual_cores};

const FAMILY: Family = Family::A2a3;
const ELEMENTS: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(20);

fn program() -> Program {
    let compiler = Compiler::native();
    let common = &["runtime-trb/include/orchestration/common.cpp"];
    let orchestration = compiler.shared_object(FAMILY, Runtime::Trb, "exchanges.cpp", common);
    let kernel = compiler.shared_object(FAMILY, Runtime::Trb, "exchange.cpp", &[]);
    let orchestration =
        aicpu::trb::Orchestration::image(orchestration, "", "").expect("names without zero bytes");
    Program {
        orchestration: Orchestration::Trb(orchestration),
        signature: vec![ArgDirection::Out],
        kernels: vec![ProgramKernel {
            func_id: 0,
            core: None,
            kernel: Kernel::Image(code_for_virtual_cores(&kernel).into()),
        }],
    }
}

/// What a rank puts into its window in a round.
fn content(rank: i32, round: usize) -> Vec<f32> {
    let number = |index: usize| {
        f32::from(
            u16::try_from(index + 1000 * rank.unsigned_abs() as usize + 7 * round).expect("small"),
        )
    };
    (0..ELEMENTS).map(number).collect()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|it| it.to_le_bytes()).collect()
}

/// Runs the exchange and says what came out.
fn exchange(device: &dyn Device, context: DeviceAddress) -> Vec<f32> {
    let mut out = vec![-1.0_f32; ELEMENTS];
    let shape = [u32::try_from(ELEMENTS).expect("small")];
    let address = out.as_mut_ptr().expose_provenance() as u64;
    let tensor = ContinuousTensor::new(address, &shape, DataType::Float32).expect("one axis");
    let tensors = [tensor];
    let view = TaskArgsView::new(&tensors, core::slice::from_ref(&context.0));
    let args = ChipStorageTaskArgs::from_view(&view).expect("few arguments");
    let config = CallConfig {
        block_dim: 1,
        aicpu_thread_num: 2,
        ..CallConfig::default()
    };
    let options: RunOptions = options();
    // SAFETY: the tensor lives until the run is over and is writable.
    unsafe { device.run(0, &args, &config, &options) }.expect("a good run");
    out
}

fn meeting(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("left by a run before");
    }
    std::fs::create_dir_all(&folder).expect("a writable folder");
    folder.join("root")
}

fn path(path: &Path) -> &[u8] {
    path.to_str().expect("text").as_bytes()
}

fn ranks_exchange(topology: Topology, ranks: i32, name: &str) {
    let image = aicpu_image(FAMILY, Runtime::Trb, "native");
    let program = program();
    let meet = meeting(name);
    let session = Session::begin(&Config {
        devices: ranks,
        topology,
        ..Config::new(FAMILY)
    });
    thread::scope(|scope| {
        for rank in 0..ranks {
            let (session, image, program, meet) = (&session, &image, &program, &meet);
            scope.spawn(move || {
                let device = device(session, FAMILY, image, limits());
                device.init(rank).expect("a played device");
                device.prepare(0, program).expect("a good program");
                let mut comm = device
                    .join(rank, ranks, path(meet), PATIENCE)
                    .expect("good numbers");
                let context = comm.alloc_windows(64 << 10).expect("all ranks come");
                assert_eq!(comm.window_bytes(), 1 << 20, "HCCL decides");
                let base = comm.window_base();
                let mut first = vec![1; 4 * ELEMENTS];
                device.copy_from(&mut first, base).expect("a window");
                assert!(
                    first.iter().all(|&byte| byte == 0),
                    "windows begin as zeros"
                );
                for round in 0..3 {
                    device
                        .copy_to(base, &bytes(&content(rank, round)))
                        .expect("a window");
                    comm.barrier().expect("all ranks are there");
                    let next = content((rank + 1) % ranks, round);
                    let wanted: Vec<f32> = content(rank, round)
                        .iter()
                        .zip(next)
                        .map(|(a, b)| a + b)
                        .collect();
                    assert_eq!(exchange(&*device, context), wanted, "rank {rank}");
                    comm.barrier().expect("all ranks are there");
                }
                let beyond = DeviceAddress(base.0 + (1 << 20) - 4);
                device.copy_to(beyond, &[0; 8]).expect_err("it ends before");
                comm.destroy().expect("all ranks leave");
                device
                    .copy_to(base, &[0; 8])
                    .expect_err("it is no window any more");
                device.finalize().expect("a played device");
            });
        }
    });
    assert_eq!(session.complaints(), Vec::<String>::new());
    for number in 0..ranks {
        assert_eq!(session.live_allocations(number), 0, "device {number}");
    }
    let finalized = session
        .calls()
        .iter()
        .filter(|it| it.function == "aclFinalize")
        .count();
    assert_eq!(finalized, 1, "by the last");
    let folder = meet.parent().expect("a folder");
    assert_eq!(
        std::fs::read_dir(folder).expect("a folder").count(),
        0,
        "files are left"
    );
}

#[test]
fn two_chips_read_each_others_windows() {
    ranks_exchange(Topology::Mesh, 2, "mesh");
}

#[test]
fn three_chips_in_a_ring() {
    ranks_exchange(Topology::Ring, 3, "ring");
}

#[test]
fn a_rank_that_never_comes_is_an_error_in_bounded_time() {
    let image = aicpu_image(FAMILY, Runtime::Trb, "native");
    let meet = meeting("alone");
    let session = Session::begin(&Config::new(FAMILY));
    let device = device(&session, FAMILY, &image, limits());
    device.init(0).expect("a played device");
    let short = Duration::from_millis(200);
    let mut comm = device
        .join(0, 2, path(&meet), short)
        .expect("nobody is waited for yet");
    let error = comm.alloc_windows(4096).expect_err("it is alone");
    let text = error.to_string();
    assert!(text.contains("rank 1 did not come"), "{text}");
    comm.barrier().expect_err("there are no windows");
    drop(comm);
    let folder = meet.parent().expect("a folder");
    assert_eq!(
        std::fs::read_dir(folder).expect("a folder").count(),
        0,
        "files are left"
    );
    let sums = sums(FAMILY, Runtime::Trb, &Compiler::native());
    device.prepare(0, &sums).expect("a good program");
    let (out, _) = run_sums(&*device, 0, 2, (1, 2)).expect("the chip is as good as before");
    assert_eq!(out, expected(2));
    device.finalize().expect("a played device");
    assert_eq!(session.complaints(), Vec::<String>::new());
    assert_eq!(session.live_allocations(0), 0);
}

#[test]
fn every_call_of_hccl_may_fail() {
    let image = aicpu_image(FAMILY, Runtime::Trb, "native");
    for function in [
        "HcclGetRootInfo",
        "HcclCommInitRootInfo",
        "HcclGetCommName",
        "HcomGetL0TopoTypeEx",
        "HcomGetCommHandleByGroup",
        "HcclAllocComResourceByTiling",
        "HcclBarrier",
        "HcclCommDestroy",
        "rtStreamCreate",
        "rtMemset",
    ] {
        let meet = meeting("faults");
        let session = Session::begin(&Config::new(FAMILY));
        let device = device(&session, FAMILY, &image, limits());
        device.init(0).expect("a played device");
        session.fail(function, 0, 4);
        let mut comm = device
            .join(0, 1, path(&meet), PATIENCE)
            .expect("good numbers");
        let done = comm
            .alloc_windows(4096)
            .and_then(|_| comm.barrier())
            .and_then(|()| comm.destroy());
        if function != "HcclCommDestroy" {
            let error = done.expect_err(function);
            assert!(error.to_string().contains(function), "{error}");
        }
        assert!(session.all_faults_met(), "{function}");
        // What the chip holds is not what a communicator lost.
        let mut comm = device
            .join(0, 1, path(&meet), PATIENCE)
            .expect("good numbers");
        comm.alloc_windows(4096).expect("nothing fails any more");
        comm.destroy().expect("alone");
        device.finalize().expect("a played device");
    }
}

#[test]
fn a_window_smaller_than_asked_for_is_refused() {
    let image = aicpu_image(FAMILY, Runtime::Trb, "native");
    let meet = meeting("small");
    let session = Session::begin(&Config::new(FAMILY));
    let device = device(&session, FAMILY, &image, limits());
    device.init(0).expect("a played device");
    let mut comm = device
        .join(0, 1, path(&meet), PATIENCE)
        .expect("good numbers");
    let error = comm.alloc_windows(2 << 20).expect_err("HCCL makes 1 MiB");
    assert!(error.to_string().contains("HCCL_BUFFSIZE"), "{error}");
}

#[test]
fn a5_has_no_communicators() {
    let family = Family::A5;
    let image = aicpu_image(family, Runtime::Trb, "native");
    let session = Session::begin(&Config::new(family));
    let device = device(&session, family, &image, limits());
    device.init(0).expect("a played device");
    let refused = device
        .join(0, 1, b"root", PATIENCE)
        .expect_err("no communicators");
    assert!(
        refused.to_string().contains("cannot run on a5"),
        "{refused}"
    );
}

//! Contexts on a simulated chip whose control program is a closure: states, memory, binding, faults.

use core::time::Duration;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use aicore_abi::seam::{Cores, Togetherness};
use aicpu::Crew;
use protocol::{
    A2a3, A5, ArgDirection, CallConfig, ChipStorageTaskArgs, ContinuousTensor, DataType,
};
use sync::{Flag, Word32, Word64};

use crate::lock::lock;
use crate::sim::testing::{Driver, Scripted, WATCHDOG, closure, compiled};
use crate::sim::{Chip, ChipOptions, MemoryFault, RunEnd, RunOrder, SimCores};
use crate::{
    Deadlines, Device, DeviceAddress, DeviceContext, Error, InProcessKernel, Kernel, KernelCall,
    Orchestration, Program, ProgramKernel, RunOptions, RunReport, Waits,
};

fn context(options: ChipOptions) -> DeviceContext<A2a3, Chip> {
    DeviceContext::new("testsim", move |device_id| {
        Chip::start::<A2a3>(device_id, &options)
    })
}

fn attached(options: ChipOptions) -> DeviceContext<A2a3, Chip> {
    let device = context(options);
    device.init(0).expect("a fresh context");
    device
}

/// An orchestration that a script takes the place of.
fn nothing() -> Orchestration {
    Orchestration::Trb(aicpu::trb::Orchestration::InProcess(Arc::new(|_, _| {})))
}

/// A good end of a run.
fn good() -> RunEnd {
    RunEnd {
        loaded: false,
        result: Ok(RunReport::default()),
    }
}

/// Runs kernel 0 of the program once per tensor, with the tensor's address and bytes.
fn per_tensor(order: &RunOrder, cores: &SimCores, _: &dyn Crew) -> RunEnd {
    let mut driver = Driver::new(cores);
    for tensor in order.args.used_tensors().expect("checked") {
        let args = [tensor.data, tensor.byte_size().expect("checked")];
        driver.dispatch(0, order.program.entries[0], Togetherness::Alone, &args);
        driver.finish([0]);
    }
    good()
}

fn program(signature: &[ArgDirection], kernel: Kernel) -> Program {
    Program {
        orchestration: nothing(),
        signature: signature.to_vec(),
        kernels: vec![ProgramKernel {
            func_id: 0,
            core: None,
            kernel,
        }],
    }
}

/// The bytes that a call of [`per_tensor`] is about.
fn bytes_of<'a>(call: &KernelCall<'a>) -> &'a mut [u8] {
    let start = core::ptr::with_exposed_provenance_mut(usize_of(call.payload.args[0]));
    // SAFETY: `per_tensor` passes address and length of a bound tensor, to one call at a time.
    unsafe { core::slice::from_raw_parts_mut(start, usize_of(call.payload.args[1])) }
}

fn usize_of(word: u64) -> usize {
    usize::try_from(word).expect("an address or length of this process")
}

fn add_one() -> Kernel {
    closure(Waits::Never, |call| {
        bytes_of(call).iter_mut().for_each(|byte| *byte += 1);
    })
}

fn tensor(bytes: &mut [u8]) -> ContinuousTensor {
    let shape = [u32::try_from(bytes.len()).expect("small")];
    let data = bytes.as_mut_ptr().expose_provenance() as u64;
    ContinuousTensor::new(data, &shape, DataType::Uint8).expect("a good tensor")
}

fn args(tensors: &[ContinuousTensor]) -> ChipStorageTaskArgs {
    let mut args = ChipStorageTaskArgs::default();
    for &tensor in tensors {
        args.push_tensor(tensor).expect("few tensors");
    }
    args
}

fn config() -> CallConfig {
    CallConfig {
        block_dim: 1,
        ..CallConfig::default()
    }
}

fn run(device: &dyn Device, id: i32, tensors: &[ContinuousTensor]) -> crate::Result<RunReport> {
    run_within(device, id, tensors, Deadlines::default())
}

fn run_within(
    device: &dyn Device,
    id: i32,
    tensors: &[ContinuousTensor],
    deadlines: Deadlines,
) -> crate::Result<RunReport> {
    let options = RunOptions {
        deadlines,
        ..RunOptions::default()
    };
    // SAFETY: the tests pass tensors over arrays that outlive the call.
    unsafe { device.run(id, &args(tensors), &config(), &options) }
}

fn short() -> Deadlines {
    Deadlines {
        run: Duration::from_secs(30),
        no_progress: Duration::from_millis(40),
        grace: Duration::from_millis(20),
    }
}

fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < WATCHDOG, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn states_follow_one_another_from_any_thread() {
    let device = context(Scripted::chip(per_tensor));
    assert!(matches!(
        device.malloc(8),
        Err(Error::NotAttached {
            operation: "malloc"
        })
    ));
    assert!(matches!(
        device.init(-1),
        Err(Error::InvalidDevice { device_id: -1 })
    ));
    assert_eq!(device.device_id(), None);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| device.init(3).expect("the same chip for all"));
        }
    });
    assert_eq!(device.device_id(), Some(3));
    assert!(matches!(
        device.init(4),
        Err(Error::OtherDevice {
            attached: 3,
            requested: 4
        })
    ));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| device.finalize().expect("any number of times"));
        }
    });
    assert!(matches!(
        run(&device, 0, &[]),
        Err(Error::NotAttached { operation: "run" })
    ));
    device.init(4).expect("finalized contexts are like new");
    assert_eq!(device.device_id(), Some(4));
}

#[test]
fn memory_is_counted_and_no_copy_leaves_its_allocation() {
    let device = attached(Scripted::chip(per_tensor));
    let address = device.malloc(100).expect("little memory");
    device.copy_to(address, &[7; 100]).expect("all of it");
    let mut back = [0; 40];
    device
        .copy_from(&mut back, address.offset(60))
        .expect("its end");
    assert_eq!(back, [7; 40]);
    let Err(Error::OutOfBounds {
        bytes: 41,
        size: 100,
        ..
    }) = device.copy_from(&mut [0; 41], address.offset(60))
    else {
        panic!("one byte too many");
    };
    assert!(matches!(
        device.copy_to(address.offset(100), &[0]),
        Err(Error::UnknownAddress { .. })
    ));
    assert!(matches!(
        device.copy_to(DeviceAddress(0), &[0]),
        Err(Error::UnknownAddress { .. })
    ));
    assert!(matches!(
        device.free(address.offset(1)),
        Err(Error::InteriorAddress { start, .. }) if start == address
    ));
    assert_eq!(
        (device.memory().allocations, device.memory().allocated),
        (1, 100)
    );
    device.free(address).expect("once");
    assert!(matches!(
        device.free(address),
        Err(Error::UnknownAddress {
            operation: "free",
            ..
        })
    ));
    assert_eq!(device.memory().total(), 0);
    assert!(matches!(
        device.malloc(u64::MAX),
        Err(Error::OutOfMemory {
            bytes: u64::MAX,
            ..
        })
    ));
}

#[test]
fn tensors_go_the_ways_their_signature_says() {
    let device = attached(Scripted::chip(per_tensor));
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let kernel = {
        let seen = Arc::clone(&seen);
        closure(Waits::Never, move |call| {
            let bytes = bytes_of(call);
            lock(&seen).push(bytes[0]);
            bytes[0] += 1;
        })
    };
    let signature = [ArgDirection::In, ArgDirection::Out, ArgDirection::Inout];
    device
        .prepare(5, &program(&signature, kernel))
        .expect("a good program");
    let mut host = [[10_u8, 1], [20, 2], [30, 3], [40, 4]];
    let tensors = host.each_mut().map(|bytes| tensor(bytes));
    let report = run(&device, 5, &tensors).expect("a good run");
    assert_eq!(
        *lock(&seen),
        [10, 0, 30, 40],
        "an OUT tensor starts as zeros"
    );
    assert_eq!(host, [[10, 1], [1, 0], [31, 3], [41, 4]]);
    assert_eq!((report.copied_in, report.copied_out), (6, 6));
}

#[test]
fn device_memory_is_passed_through_and_its_bounds_are_checked() {
    let device = attached(Scripted::chip(per_tensor));
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    let address = device.malloc(4).expect("little memory");
    device.copy_to(address, &[1, 2, 3, 4]).expect("in bounds");
    let on_device = |bytes: u32| {
        ContinuousTensor::new(address.0, &[bytes], DataType::Uint8)
            .expect("a good tensor")
            .in_device_memory()
    };
    let report = run(&device, 0, &[on_device(4)]).expect("a good run");
    assert_eq!((report.copied_in, report.copied_out), (0, 0));
    let mut back = [0; 4];
    device.copy_from(&mut back, address).expect("in bounds");
    assert_eq!(back, [2, 3, 4, 5]);
    assert!(matches!(
        run(&device, 0, &[on_device(5)]),
        Err(Error::OutOfBounds {
            bytes: 5,
            size: 4,
            ..
        })
    ));
}

#[test]
fn the_same_run_again_allocates_nothing() {
    let fault = Arc::new(MemoryFault::default());
    let device = attached(ChipOptions {
        memory_fault: Some(Arc::clone(&fault)),
        ..Scripted::chip(per_tensor)
    });
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    let mut host = [vec![0_u8; 300], vec![0; 70_000], vec![0; 70_000]];
    let tensors: Vec<_> = host.iter_mut().map(|bytes| tensor(bytes)).collect();
    run(&device, 0, &tensors).expect("a good run");
    let pooled = device.memory();
    assert_eq!((pooled.pooled_buffers, pooled.bound_buffers), (3, 0));
    fault.after(0);
    for _ in 0..10 {
        run(&device, 0, &tensors).expect("there is a buffer for each tensor");
    }
    assert_eq!(device.memory(), pooled);
    assert_eq!((host[1][69_999], host[2][0]), (11, 11));
}

#[test]
fn every_allocation_may_fail_and_the_next_run_is_good() {
    let fault = Arc::new(MemoryFault::default());
    let device = attached(ChipOptions {
        memory_fault: Some(Arc::clone(&fault)),
        ..Scripted::chip(per_tensor)
    });
    let mut refused = 0;
    for allocations in 0..8 {
        device
            .prepare(0, &program(&[], add_one()))
            .expect("a good program");
        let mut host = [[0_u8; 500], [0; 500], [0; 500]];
        let tensors = host.each_mut().map(|bytes| tensor(bytes));
        fault.after(allocations);
        match run(&device, 0, &tensors) {
            Ok(_) => {}
            Err(Error::OutOfMemory { bytes: 640, .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        fault.lift();
        assert_eq!(device.memory().bound_buffers, 0, "everything is given back");
        run(&device, 0, &tensors).expect("a good run");
        device.finalize().expect("a good end");
        device.init(0).expect("a new start");
    }
    assert_eq!(refused, 3, "one run per allocation it makes");
}

#[test]
fn memory_kept_for_coming_runs_gives_way_to_the_caller() {
    let device = attached(ChipOptions {
        memory: 10_000,
        ..Scripted::chip(per_tensor)
    });
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    let mut host = [0_u8; 6000];
    run(&device, 0, &[tensor(&mut host)]).expect("a good run");
    assert_eq!(device.memory().pooled_buffers, 1);
    device.malloc(9000).expect("the pool gives way");
    assert_eq!(device.memory().pooled_buffers, 0);
    let refusal = run(&device, 0, &[tensor(&mut host)]).expect_err("not enough is left");
    assert!(refusal.to_string().contains("9000 are in use"), "{refusal}");
}

#[test]
fn writing_past_the_end_of_a_tensor_is_an_error_that_names_it() {
    let device = attached(Scripted::chip(per_tensor));
    let kernel = closure(Waits::Never, |call| {
        let bytes = bytes_of(call);
        bytes[0] = 9;
        if bytes.len() == 3 {
            // SAFETY: behind a bound tensor lies its guard zone.
            let behind = unsafe { bytes.as_mut_ptr().add(5) };
            // SAFETY: damaging it is the test.
            unsafe { behind.write(0) };
        }
    });
    device
        .prepare(0, &program(&[], kernel))
        .expect("a good program");
    let (mut first, mut second) = ([1_u8; 8], [1_u8; 3]);
    let tensors = [tensor(&mut first), tensor(&mut second)];
    let Err(Error::GuardDamaged {
        argument: 1,
        bytes: 3,
        offset: 2,
    }) = run(&device, 0, &tensors)
    else {
        panic!("the damage is behind argument 1");
    };
    assert_eq!((first[0], second[0]), (1, 1), "nothing is copied back");
    run(&device, 0, &[tensor(&mut first)]).expect("a good run");
    assert_eq!(first[0], 9);
}

#[test]
fn bad_calls_are_refused_with_value_and_limit() {
    let device = attached(Scripted::chip(|_, _, _| panic!("nothing of this may run")));
    let prepare = |id, program: &Program| device.prepare(id, program).expect_err("bad").to_string();
    let good = program(&[], add_one());
    assert_eq!(
        prepare(64, &good),
        "callable_id 64 is out of range: use 0 to 63"
    );
    assert_eq!(
        prepare(-1, &good),
        "callable_id -1 is out of range: use 0 to 63"
    );
    let mut bad = good.clone();
    bad.kernels[0].func_id = 1024;
    assert_eq!(
        prepare(0, &bad),
        "func_id 1024 is out of range: use 0 to 1023"
    );
    bad.kernels[0].func_id = 3;
    bad.kernels.push(bad.kernels[0].clone());
    assert!(matches!(
        device.prepare(0, &bad),
        Err(Error::DuplicateFuncId { func_id: 3 })
    ));
    let mut empty = good.clone();
    empty.orchestration = Orchestration::Trb(aicpu::trb::Orchestration::Image(
        aicpu::trb::OrchestrationImage {
            bytes: Arc::new([]),
            entry: c"".to_owned(),
            config: c"".to_owned(),
        },
    ));
    assert!(matches!(
        device.prepare(2, &empty),
        Err(Error::EmptyOrchestration { id: 2 })
    ));
    device
        .prepare(0, &good)
        .expect("nothing bad was registered");
    assert!(matches!(
        device.prepare(0, &good),
        Err(Error::AlreadyRegistered { id: 0 })
    ));
    assert!(matches!(
        run(&device, 1, &[]),
        Err(Error::NotRegistered { id: 1 })
    ));
    assert!(matches!(
        run(&device, 64, &[]),
        Err(Error::CallableId { id: 64 })
    ));

    let call = |args: &ChipStorageTaskArgs, config: &CallConfig| {
        // SAFETY: every one of these calls is refused before an address is used.
        unsafe { device.run(0, args, config, &RunOptions::default()) }
            .expect_err("bad")
            .to_string()
    };
    for (block_dim, threads, text) in [
        (0, 3, "block_dim is 0, allowed is 1 to"),
        (25, 3, "block_dim is 25, allowed is 1 to 24"),
        (1, 0, "aicpu_thread_num is 0, allowed is 1 to"),
        (1, 5, "aicpu_thread_num is 5, allowed is 1 to 4"),
    ] {
        let config = CallConfig {
            block_dim,
            aicpu_thread_num: threads,
            ..CallConfig::default()
        };
        let refusal = call(&args(&[]), &config);
        assert!(refusal.starts_with(text), "{refusal}");
    }
    let mut block = ChipStorageTaskArgs {
        tensor_count: 65,
        ..ChipStorageTaskArgs::default()
    };
    assert_eq!(
        call(&block, &config()),
        "tensor_count is 65, allowed is 0 to 64"
    );
    block.tensor_count = 1;
    block.tensors[0].dtype = 11;
    assert!(call(&block, &config()).contains("11"));
    block.tensors[0] = ContinuousTensor::new(0, &[4], DataType::Uint8).expect("a null tensor");
    assert_eq!(
        call(&block, &config()),
        "tensor argument 0 has 4 bytes and a null address"
    );
    block.tensors[0].ndims = 6;
    assert_eq!(call(&block, &config()), "ndims is 6, allowed is 0 to 5");
}

#[test]
fn a_tensor_without_bytes_needs_no_address() {
    let device = attached(Scripted::chip(per_tensor));
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    let empty = ContinuousTensor::new(0, &[0, 4], DataType::Uint8).expect("an empty tensor");
    run(&device, 0, &[empty]).expect("a good run");
}

#[test]
fn any_number_of_schedulers_serves_any_number_of_blocks() {
    // The reference refuses block numbers that its schedulers do not divide.
    let device = attached(Scripted::chip(|order, cores, _| {
        assert_eq!((order.clusters, order.threads), (7, 4));
        assert_eq!(Driver::new(cores).cores.describe(), "no core runs a kernel");
        good()
    }));
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    let config = CallConfig {
        block_dim: 7,
        aicpu_thread_num: 4,
        ..CallConfig::default()
    };
    // SAFETY: there are no tensors.
    unsafe { device.run(0, &args(&[]), &config, &RunOptions::default()) }.expect("a good run");
}

#[test]
fn loads_are_counted_when_they_succeed_and_never_uncounted() {
    let loaded_for = Arc::new(Word64::new(0));
    let fails = Arc::new(Flag::new());
    let options = {
        let (loaded_for, fails) = (Arc::clone(&loaded_for), Arc::clone(&fails));
        // Loads once per registration, as a table of orchestrations does.
        Scripted::chip(move |order, _, _| RunEnd {
            loaded: !fails.is_set() && loaded_for.replace(order.registration) != order.registration,
            ..good()
        })
    };
    let device = attached(options);
    let good = program(&[], add_one());
    device.prepare(3, &good).expect("a good program");
    fails.set();
    run(&device, 3, &[]).expect("a run");
    assert_eq!(
        device.aicpu_dlopen_count(),
        0,
        "a load that failed is tried again"
    );
    fails.clear();
    for _ in 0..5 {
        run(&device, 3, &[]).expect("a run");
    }
    assert_eq!(device.aicpu_dlopen_count(), 1);
    device.unregister(3).expect("attached");
    device.unregister(3).expect("again changes nothing");
    device
        .unregister(64)
        .expect("an id that cannot be is not there");
    device.prepare(3, &good).expect("the id is free again");
    run(&device, 3, &[]).expect("a run");
    assert_eq!(
        (device.aicpu_dlopen_count(), device.host_dlopen_count()),
        (2, 0)
    );
    device.finalize().expect("a good end");
    device.init(0).expect("a new start");
    assert_eq!(device.aicpu_dlopen_count(), 0);
}

fn storing(value: u32) -> Kernel {
    Kernel::Image(compiled(&format!(
        "#include <cstdint>
        extern \"C\" void kernel_entry(int64_t *args) {{ *reinterpret_cast<uint8_t *>(args[0]) = {value}; }}"
    )))
}

/// Hazard 7: in the reference the second program evicts the first one's kernel.
#[test]
fn two_programs_use_one_func_id_for_different_kernels() {
    let device = attached(Scripted::chip(per_tensor));
    let (one, two) = (storing(1), storing(2));
    device
        .prepare(1, &program(&[], one.clone()))
        .expect("a good program");
    device
        .prepare(2, &program(&[], two))
        .expect("a good program");
    device
        .prepare(3, &program(&[], one))
        .expect("a good program");
    assert_eq!(device.loaded_kernels(), 2, "equal bytes are loaded once");
    let mut host = [0_u8; 1];
    for (id, value) in [(1, 1), (2, 2), (3, 1), (1, 1)] {
        run(&device, id, &[tensor(&mut host)]).expect("a good run");
        assert_eq!(host, [value]);
    }
    device.unregister(1).expect("attached");
    run(&device, 3, &[tensor(&mut host)]).expect("its kernel is still loaded");
    device.unregister(3).expect("attached");
    assert_eq!(
        device.loaded_kernels(),
        1,
        "kernels go with their last program"
    );
}

/// Hazard 13: the reference uploads kernels before it looks at the id.
#[test]
fn a_program_that_is_refused_leaves_nothing_behind() {
    let device = attached(Scripted::chip(per_tensor));
    let mut bad = program(&[], storing(1));
    bad.kernels.push(ProgramKernel {
        func_id: 1,
        core: None,
        kernel: Kernel::Image(Arc::from(*b"no kernel")),
    });
    assert!(matches!(
        device.prepare(0, &bad),
        Err(Error::KernelLoad { func_id: 1, .. })
    ));
    assert_eq!(device.loaded_kernels(), 0);
    device
        .prepare(64, &program(&[], storing(1)))
        .expect_err("a bad id");
    assert_eq!(device.loaded_kernels(), 0);
}

#[test]
fn a_kernel_that_throws_fails_its_run_and_no_other() {
    let device = attached(Scripted::chip(per_tensor));
    let kernel = Kernel::Image(compiled(
        "#include <cstdint>
        #include <stdexcept>
        extern \"C\" void kernel_entry(int64_t *args) {
            uint8_t *byte = reinterpret_cast<uint8_t *>(args[0]);
            *byte += 1;
            if (*byte == 8) throw std::runtime_error(\"eight\");
        }",
    ));
    device
        .prepare(0, &program(&[], kernel))
        .expect("a good program");
    let mut host = [7_u8; 1];
    let Err(Error::Kernel {
        func_id: 0,
        core: 0,
        text,
    }) = run(&device, 0, &[tensor(&mut host)])
    else {
        panic!("the kernel's failure is the run's");
    };
    assert_eq!(text, "eight");
    assert_eq!(host, [7], "nothing is copied back from a failed run");
    host = [1];
    run(&device, 0, &[tensor(&mut host)]).expect("a good run");
    assert_eq!(host, [2]);
}

/// Runs a program that stops only when told, and says whether the context stays good.
fn outlives_a_run_that_does_not_stop(
    options: ChipOptions,
    stuck: Kernel,
    stop: &Flag,
    named: &str,
) {
    let device = attached(options);
    device
        .prepare(0, &program(&[], stuck))
        .expect("a good program");
    device
        .prepare(1, &program(&[], add_one()))
        .expect("a good program");
    // Large enough to be mappings of their own: touched after they are gone, they end the process.
    let mut host = vec![1_u8; 200_000];
    let mine = device.malloc(200_000).expect("little memory");
    let error = run_within(&device, 0, &[tensor(&mut host)], short()).expect_err("it does not end");
    let stalled = matches!(
        error,
        Error::Deadline {
            missed: "make progress",
            ..
        }
    );
    assert!(stalled, "{error}");
    assert!(error.to_string().contains(named), "{error}");
    assert_eq!(device.memory().bound_buffers, 0);
    // What the stuck code can reach is freed for us and not for it.
    device.free(mine).expect("ours");
    for round in 2..5 {
        run(&device, 1, &[tensor(&mut host)]).expect("the context runs a good program");
        let alone = host.iter().all(|&byte| byte == round);
        assert!(alone, "nobody else writes to it");
    }
    device.unregister(0).expect("attached");
    device
        .finalize()
        .expect("nobody waits for what does not stop");
    stop.set();
}

#[test]
fn a_kernel_that_never_returns_holds_its_chip_threads_and_not_the_context() {
    for waits in [Waits::Never, Waits::Always] {
        let stop = Arc::new(Flag::new());
        let left = Arc::new(Word32::new(0));
        let stuck = {
            let (stop, left) = (Arc::clone(&stop), Arc::clone(&left));
            closure(waits, move |call| {
                let bytes = bytes_of(call);
                let started = Instant::now();
                while !stop.is_set() && started.elapsed() < WATCHDOG {
                    // Its memory must still be there.
                    bytes[0] = bytes[0].wrapping_add(1);
                    std::thread::yield_now();
                }
                left.publish(1);
            })
        };
        outlives_a_run_that_does_not_stop(
            Scripted::chip(per_tensor),
            stuck,
            &stop,
            "core 0 runs kernel func_id 0",
        );
        wait_for("the kernel gets out", || left.observe() == 1);
        wait_for("its program goes", || Arc::strong_count(&left) == 1);
    }
}

#[test]
fn an_orchestration_that_never_returns_holds_its_chip_threads_and_not_the_context() {
    let stop = Arc::new(Flag::new());
    let options = {
        let stop = Arc::clone(&stop);
        Scripted::chip(move |order, cores, crew| {
            let started = Instant::now();
            while order.callable_id == 0 && !stop.is_set() && started.elapsed() < WATCHDOG {
                std::thread::yield_now();
            }
            per_tensor(order, cores, crew)
        })
    };
    outlives_a_run_that_does_not_stop(options, add_one(), &stop, "a script runs");
}

#[test]
fn a_run_has_a_deadline_of_its_own_even_when_it_moves() {
    let device = attached(Scripted::chip(|order, cores, _| {
        let mut driver = Driver::new(cores);
        // Stops when its cores stop: then the calls fail.
        while driver.dispatch(0, order.program.entries[0], Togetherness::Alone, &[]) != 0 {
            if driver.finish([0]) != 0 {
                break;
            }
        }
        good()
    }));
    device
        .prepare(0, &program(&[], closure(Waits::Never, |_| {})))
        .expect("a good program");
    let deadlines = Deadlines {
        run: Duration::from_millis(30),
        no_progress: Duration::from_secs(20),
        grace: Duration::from_secs(20),
    };
    let error = run_within(&device, 0, &[], deadlines).expect_err("it does not end by itself");
    assert!(
        matches!(error, Error::Deadline { missed: "end", .. }),
        "{error}"
    );
}

#[test]
fn a_control_program_that_panics_fails_its_run_and_no_other() {
    let device = attached(Scripted::chip(|order, cores, crew| {
        assert_ne!(order.callable_id, 0, "zero");
        per_tensor(order, cores, crew)
    }));
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    device
        .prepare(1, &program(&[], add_one()))
        .expect("a good program");
    let error = run(&device, 0, &[]).expect_err("it panics").to_string();
    assert!(error.contains("zero"), "{error}");
    let mut host = [1_u8];
    run(&device, 1, &[tensor(&mut host)]).expect("a good run");
    assert_eq!(host, [2]);
}

#[test]
fn runs_of_many_threads_on_one_context_follow_one_another() {
    let inside = Arc::new(Word32::new(0));
    let options = {
        let inside = Arc::clone(&inside);
        Scripted::chip(move |order, cores, crew| {
            assert_eq!(inside.add(1), 0, "one run at a time");
            let end = per_tensor(order, cores, crew);
            inside.sub(1);
            end
        })
    };
    let device = attached(options);
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut host = [0_u8; 1000];
                for _ in 0..50 {
                    run(&device, 0, &[tensor(&mut host)]).expect("a good run");
                }
                assert_eq!(host, [50; 1000]);
            });
        }
    });
}

/// In the reference two contexts of one process share the counters that admit scheduler threads
/// (hazard 8) and contexts on one device share its pipe storage.
#[test]
fn devices_of_one_process_never_meet() {
    let source = "#include <cstdint>
        #include <cstddef>
        #include <dlfcn.h>
        extern \"C\" void kernel_entry(int64_t *args) {
            auto storage = (void *(*)(uint64_t, size_t))dlsym(RTLD_DEFAULT, \"pto_sim_get_pipe_shared_state\");
            auto device = (int (*)())dlsym(RTLD_DEFAULT, \"pto_cpu_sim_get_bound_device\");
            uint32_t *shared = static_cast<uint32_t *>(storage(1, 4));
            uint8_t *out = reinterpret_cast<uint8_t *>(args[0]);
            out[0] = device();
            out[1] = ++*shared;
        }";
    let kernel = Kernel::Image(compiled(source));
    std::thread::scope(|scope| {
        // Two of them are on the same device and still two chips.
        for device_id in [0, 1, 1, 2] {
            let kernel = kernel.clone();
            scope.spawn(move || {
                let device = context(Scripted::chip(per_tensor));
                device.init(device_id).expect("a fresh context");
                device
                    .prepare(0, &program(&[], kernel))
                    .expect("a good program");
                for _ in 0..20 {
                    let (mut first, mut second) = ([9_u8; 2], [9_u8; 2]);
                    let tensors = [tensor(&mut first), tensor(&mut second)];
                    run(&device, 0, &tensors).expect("a good run");
                    let id = u8::try_from(device_id).expect("small");
                    // Storage is fresh in every run and lasts through it.
                    assert_eq!((first, second), ([id, 1], [id, 2]));
                }
            });
        }
    });
}

#[test]
fn the_other_family_has_more_of_everything() {
    let options = Scripted::chip(|order, _, _| {
        assert_eq!((order.clusters, order.threads), (36, 7));
        good()
    });
    let device: DeviceContext<A5, Chip> =
        DeviceContext::new("othersim", move |id| Chip::start::<A5>(id, &options));
    device.init(0).expect("a fresh context");
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    let config = CallConfig {
        block_dim: 36,
        aicpu_thread_num: 7,
        ..CallConfig::default()
    };
    // SAFETY: there are no tensors.
    unsafe { device.run(0, &args(&[]), &config, &RunOptions::default()) }.expect("a good run");
}

#[test]
fn helpers_work_on_long_kernels_side_by_side() {
    let options = ChipOptions {
        helpers: Some(1),
        ..Scripted::chip(|order, cores, crew| {
            let mut driver = Driver::new(cores);
            let (met, bell) = (Word32::new(0), sync::Doorbell::<false>::new());
            let args = [(&raw const met).expose_provenance() as u64];
            let entry = order.program.entries[0];
            // The first calls teach the chip that the kernel is long.
            for _ in 0..6 {
                met.publish(1);
                driver.dispatch(0, entry, Togetherness::Alone, &args);
                driver.finish([0]);
            }
            met.publish(0);
            let done = Flag::new();
            crew.together(
                &|| bell.ring_all(),
                &|| {
                    let _ = bell.wait_until(Some(Instant::now() + WATCHDOG), || {
                        cores.help();
                        done.is_set()
                    });
                },
                &mut || {
                    for core in 0..2 {
                        driver.dispatch(core, entry, Togetherness::Alone, &args);
                    }
                    driver.finish(0..2);
                    done.set();
                    bell.ring_all();
                },
            );
            good()
        })
    };
    let device = attached(options);
    // Two calls must be inside at once, or the watchdog barks; sleeping makes the kernel long.
    let kernel = closure(Waits::Never, |call| {
        std::thread::sleep(Duration::from_millis(1));
        let met: *const Word32 = core::ptr::with_exposed_provenance(usize_of(call.payload.args[0]));
        // SAFETY: the control program keeps the word until both calls have ended.
        let met = unsafe { &*met };
        met.add(1);
        let started = Instant::now();
        while met.observe() < 2 {
            assert!(
                started.elapsed() < WATCHDOG,
                "the other call runs at the same time"
            );
            std::thread::yield_now();
        }
    });
    device
        .prepare(0, &program(&[], kernel))
        .expect("a good program");
    run(&device, 0, &[]).expect("a good run");
}

#[test]
fn memory_that_a_run_uses_is_not_freed_under_it() {
    let device = attached(Scripted::chip(per_tensor));
    let (inside, freed) = (Arc::new(Flag::new()), Arc::new(Flag::new()));
    let kernel = {
        let (inside, freed) = (Arc::clone(&inside), Arc::clone(&freed));
        closure(Waits::Never, move |call| {
            inside.set();
            wait_for("the caller frees it", || freed.is_set());
            bytes_of(call).fill(7);
        })
    };
    device
        .prepare(0, &program(&[], kernel))
        .expect("a good program");
    // Large enough to be a mapping of its own, which a free would take away.
    let address = device.malloc(1 << 20).expect("enough memory");
    let tensor = ContinuousTensor::new(address.0, &[1 << 20], DataType::Uint8)
        .expect("a good tensor")
        .in_device_memory();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_for("the kernel runs", || inside.is_set());
            device.free(address).expect("once");
            freed.set();
        });
        run(&device, 0, &[tensor]).expect("a good run");
    });
    assert_eq!(device.memory().total(), 0);
}

#[test]
fn kernels_of_a_chip_that_talks_to_others_have_threads_of_their_own() {
    let device = attached(Scripted::chip(per_tensor));
    let names: Arc<Mutex<Vec<String>>> = Arc::default();
    let kernel = {
        let names = Arc::clone(&names);
        closure(Waits::WithinGroup, move |_| {
            let thread = std::thread::current();
            lock(&names).push(thread.name().unwrap_or_default().to_owned());
        })
    };
    device
        .prepare(0, &program(&[], kernel))
        .expect("a good program");
    let mut host = [0_u8; 4];
    let mut go = || run(&device, 0, &[tensor(&mut host)]).expect("a good run");
    go();
    device.set_talking(true).expect("attached");
    go();
    device.set_talking(false).expect("attached");
    go();
    let meeting = format!("talks-{}", std::process::id());
    let mut rank = device
        .join(0, 1, meeting.as_bytes(), WATCHDOG)
        .expect("good numbers");
    go();
    let context = rank.alloc_windows(64).expect("nobody else is waited for");
    assert_ne!(
        (context.0, rank.window_base().0, rank.window_bytes()),
        (0, 0, 0)
    );
    rank.barrier().expect("alone");
    rank.destroy().expect("alone");
    go();
    let expected = [
        "sim-leader",
        "sim-core-0",
        "sim-leader",
        "sim-core-0",
        "sim-leader",
    ];
    assert_eq!(*lock(&names), expected);
}

#[test]
fn a_program_can_be_unregistered_while_it_does_not_stop() {
    let (stop, inside) = (Arc::new(Flag::new()), Arc::new(Flag::new()));
    let options = {
        let (stop, inside) = (Arc::clone(&stop), Arc::clone(&inside));
        Scripted::chip(move |order, cores, crew| {
            if order.callable_id == 0 {
                inside.set();
                wait_for("the test ends", || stop.is_set());
            }
            per_tensor(order, cores, crew)
        })
    };
    let device = attached(options);
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    device
        .prepare(1, &program(&[], add_one()))
        .expect("a good program");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_for("the program runs", || inside.is_set());
            device.unregister(0).expect("attached");
        });
        let error = run_within(&device, 0, &[], short()).expect_err("it does not end");
        assert!(matches!(error, Error::Deadline { .. }), "{error}");
    });
    assert!(matches!(
        run(&device, 0, &[]),
        Err(Error::NotRegistered { id: 0 })
    ));
    run(&device, 1, &[]).expect("a good run");
    stop.set();
}

#[test]
fn a_kernel_that_fails_is_named_and_not_those_that_wait_for_it() {
    let stop = Arc::new(Flag::new());
    let options = {
        let stop = Arc::clone(&stop);
        Scripted::chip(move |order, cores, _| {
            let mut driver = Driver::new(cores);
            for core in 0..2 {
                driver.dispatch(core, order.program.entries[0], Togetherness::Group, &[]);
            }
            wait_for("the test ends", || {
                driver.has_ended(0) & driver.has_ended(1) || stop.is_set()
            });
            good()
        })
    };
    let device = attached(options);
    let kernel = Kernel::InProcess(InProcessKernel {
        run: {
            let stop = Arc::clone(&stop);
            Arc::new(move |call| {
                if call.core == 1 {
                    return Err("the second one fails".to_owned());
                }
                wait_for("the second one comes", || stop.is_set());
                Ok(())
            })
        },
        waits: Waits::WithinGroup,
    });
    device
        .prepare(0, &program(&[], kernel))
        .expect("a good program");
    let error = run_within(&device, 0, &[], short()).expect_err("one fails, one waits");
    stop.set();
    let Error::Kernel { core: 1, text, .. } = error else {
        panic!("not the failure: {error}");
    };
    assert_eq!(text, "the second one fails");
}

#[test]
fn what_a_kernel_uses_outlives_the_leader_of_its_run() {
    let (stop, script, code) = (Arc::new(Flag::new()), Arc::new(()), Arc::new(()));
    let inside = Arc::new(Flag::new());
    let options = {
        let (script, inside) = (Arc::clone(&script), Arc::clone(&inside));
        Scripted::chip(move |order, cores, _| {
            let _alive = &script;
            let mut driver = Driver::new(cores);
            driver.dispatch(0, order.program.entries[0], Togetherness::Group, &[]);
            assert!(!driver.has_ended(0), "looking starts it");
            wait_for("it runs", || inside.is_set());
            RunEnd {
                loaded: false,
                result: Err(Error::Orchestration {
                    id: 0,
                    text: "over".to_owned(),
                }),
            }
        })
    };
    let kernel = {
        let (stop, code) = (Arc::clone(&stop), Arc::clone(&code));
        closure(Waits::WithinGroup, move |_| {
            let _alive = &code;
            inside.set();
            wait_for("the test ends", || stop.is_set());
        })
    };
    let device = attached(options);
    device
        .prepare(0, &program(&[], kernel))
        .expect("a good program");
    let error = run_within(&device, 0, &[], short()).expect_err("it says so");
    assert!(error.to_string().contains("over"), "{error}");
    drop(device);
    wait_for("the leader goes", || Arc::strong_count(&script) == 1);
    assert_ne!(Arc::strong_count(&code), 1, "the kernel still runs");
    stop.set();
    wait_for("the kernel goes with the last who uses it", || {
        Arc::strong_count(&code) == 1
    });
}

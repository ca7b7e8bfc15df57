//! States of a context, and calls that it refuses.

use std::sync::Arc;

use protocol::{CallConfig, ChipStorageTaskArgs, ContinuousTensor, DataType};
use sync::{Flag, Word64};

use super::{add_one, args, attached, config, context, good, per_tensor, program, run, storing};
use crate::sim::RunEnd;
use crate::sim::testing::Scripted;
use crate::{Device, Error, Kernel, Orchestration, Program, ProgramKernel, RunOptions};

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

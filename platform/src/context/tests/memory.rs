//! Device memory: counted, reused, refused, kept while a run uses it.

use std::sync::Arc;

use protocol::{ContinuousTensor, DataType};
use sync::Flag;

use super::{add_one, attached, bytes_of, per_tensor, program, run, tensor, wait_for};
use crate::sim::testing::{Scripted, closure};
use crate::sim::{ChipOptions, MemoryFault};
use crate::{Device, DeviceAddress, Error, Waits};

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

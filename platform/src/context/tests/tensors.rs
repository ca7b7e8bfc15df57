//! Tensors of a run: copied, passed through, guarded.

use std::sync::{Arc, Mutex};

use protocol::{ArgDirection, ContinuousTensor, DataType};

use super::{add_one, attached, bytes_of, per_tensor, program, run, tensor};
use crate::lock::lock;
use crate::sim::testing::{Scripted, closure};
use crate::{Device, Error, Waits};

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
fn a_tensor_without_bytes_needs_no_address() {
    let device = attached(Scripted::chip(per_tensor));
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    let empty = ContinuousTensor::new(0, &[0, 4], DataType::Uint8).expect("an empty tensor");
    run(&device, 0, &[empty]).expect("a good run");
}

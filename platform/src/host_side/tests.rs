//! The host's side of a run without a run: who has which memory when.

use std::sync::Arc;

use bytemuck::Zeroable;
use protocol::{A2a3, ChipStorageTaskArgs, ContinuousTensor, DataType};
use runtime_hbg::{CopyBack, HostMemory};

use super::HostSide;
use crate::error::Error;
use crate::launch::{HostRun, Outcome, RunReport};
use crate::machine::Machine;
use crate::sim::testing::Scripted;
use crate::sim::{Chip, RunEnd};
use crate::store::Store;
use crate::{Device, DeviceContext, MemoryStats};

/// A context whose control program nobody needs.
fn context() -> DeviceContext<A2a3, Chip> {
    let options = Scripted::chip(|_, _, _| RunEnd {
        loaded: false,
        result: Ok(RunReport::default()),
    });
    let context = DeviceContext::new("testsim", move |device_id| {
        Chip::start::<A2a3>(device_id, &options)
    });
    context.init(0).expect("a fresh context");
    context
}

fn nothing() -> ChipStorageTaskArgs {
    ChipStorageTaskArgs::zeroed()
}

fn good() -> Outcome {
    Outcome {
        loaded: false,
        left_behind: false,
        result: Ok(RunReport::default()),
    }
}

fn failed(left_behind: bool) -> Outcome {
    Outcome {
        left_behind,
        result: Err(Error::NotRegistered { id: 0 }),
        ..good()
    }
}

/// Copies as an orchestration does; the device's side is checked.
fn copy_to(side: &HostSide<Chip>, to: u64, bytes: &[u8]) -> i32 {
    // SAFETY: the slice is readable; the test owns the device's memory.
    unsafe { side.copy_to(to, bytes.as_ptr(), bytes.len()) }
}

fn bytes_at(store: &Store<Chip>, address: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    // SAFETY: the caller names a live block of that length.
    unsafe {
        store
            .machine
            .copy_out(bytes.as_mut_ptr(), crate::DeviceAddress(address), length)
    }
    .expect("memory of this process");
    bytes
}

/// A.4.5: in the reference every buffer that is not copied back stays until the context goes.
#[test]
fn what_a_run_allocated_is_counted_and_goes_with_it() {
    let context = context();
    let store = Arc::clone(&context.attached("test").expect("attached").store);
    let mut steady = None;
    for outcome in [good(), failed(false), good(), failed(false)] {
        let side = HostSide::new(&store);
        let blocks: Vec<u64> = (0..20).map(|kib| side.malloc(kib << 10)).collect();
        assert!(blocks.iter().all(|&block| block != 0));
        assert_eq!(context.memory().bound_buffers, 20);
        side.free(blocks[3]);
        side.free(blocks[3]);
        assert_eq!(context.memory().bound_buffers, 19);
        side.end(&store, &nothing(), &outcome)
            .expect("nothing to copy");
        let stats = context.memory();
        assert_eq!((stats.bound_buffers, stats.bound), (0, 0));
        assert_eq!(*steady.get_or_insert(stats), stats, "runs do not add up");
    }
}

#[test]
fn a_run_that_is_over_gets_nothing_and_touches_nothing() {
    let context = context();
    let store = Arc::clone(&context.attached("test").expect("attached").store);
    let side = HostSide::new(&store);
    let block = side.malloc(16);
    assert_eq!(copy_to(&side, block, &[1; 16]), 0);
    let held = side.hold();
    side.end(&store, &nothing(), &failed(true))
        .expect("nothing to copy");
    assert_eq!(
        context.memory(),
        MemoryStats::default(),
        "the block is nobody else's: not even pooled"
    );
    assert_eq!(side.malloc(16), 0);
    assert_eq!(copy_to(&side, block, &[2; 16]), super::REFUSED);
    assert_eq!(bytes_at(&store, block, 16), [1; 16], "kept while held");
    side.complete();
    side.free(block);
    drop((side, held));
    assert_eq!(context.memory(), MemoryStats::default());
}

#[test]
fn an_orchestration_left_behind_does_not_keep_its_device() {
    let context = context();
    let store = Arc::clone(&context.attached("test").expect("attached").store);
    let side = HostSide::new(&store);
    drop(store);
    context.finalize().expect("a good end");
    assert_eq!(side.malloc(16), 0);
    assert_eq!(copy_to(&side, 64, &[1]), super::REFUSED);
}

#[test]
fn copies_stay_in_blocks_and_in_the_callers_allocations() {
    let context = context();
    let store = Arc::clone(&context.attached("test").expect("attached").store);
    let side = HostSide::new(&store);
    let block = side.malloc(10);
    let callers = context.malloc(10).expect("little memory");
    for start in [block, callers.0] {
        assert_eq!(copy_to(&side, start, &[1; 10]), 0);
        assert_eq!(copy_to(&side, start + 4, &[2; 6]), 0);
        assert_eq!(copy_to(&side, start + 4, &[3; 7]), super::REFUSED);
        assert_eq!(copy_to(&side, start + 10, &[3]), super::REFUSED);
        assert_eq!(bytes_at(&store, start, 10), [1, 1, 1, 1, 2, 2, 2, 2, 2, 2]);
    }
    let elsewhere = [0_u8; 4];
    let host = elsewhere.as_ptr().expose_provenance() as u64;
    assert_eq!(copy_to(&side, host, &[1; 4]), super::REFUSED);
    // SAFETY: nothing is read: the address is refused.
    let refused = unsafe { side.copy_to(block, core::ptr::null(), 1) };
    assert_eq!(refused, super::REFUSED);
    let moved = side.end(&store, &nothing(), &good());
    assert_eq!(moved.expect("nothing to copy"), (32, 0));
}

#[test]
fn what_was_not_written_in_full_is_zero() {
    let context = context();
    let store = Arc::clone(&context.attached("test").expect("attached").store);
    for _ in 0..2 {
        let side = HostSide::new(&store);
        let [full, half, none, parts] = [(); 4].map(|()| side.malloc(300));
        assert_eq!(copy_to(&side, full, &[9; 300]), 0);
        assert_eq!(copy_to(&side, half, &[9; 150]), 0);
        assert_eq!(copy_to(&side, parts + 100, &[9; 100]), 0);
        assert_eq!(copy_to(&side, parts, &[8; 50]), 0);
        side.complete();
        assert_eq!(bytes_at(&store, full, 300), [9; 300]);
        assert_eq!(bytes_at(&store, none, 300), [0; 300]);
        let halves = [[9; 150], [0; 150]].concat();
        assert_eq!(bytes_at(&store, half, 300), halves, "what was copied stays");
        let pieces = [&[8; 50][..], &[0; 50], &[9; 100], &[0; 100]].concat();
        assert_eq!(bytes_at(&store, parts, 300), pieces);
        assert_eq!(copy_to(&side, none, &[7; 300]), 0);
        side.end(&store, &nothing(), &good())
            .expect("nothing to copy");
    }
}

#[test]
fn all_copies_are_possible_or_none_is_made() {
    let context = context();
    let store = Arc::clone(&context.attached("test").expect("attached").store);
    let side = HostSide::new(&store);
    let block = side.malloc(8);
    assert_eq!(copy_to(&side, block, &[5; 8]), 0);
    let mut host = [1_u8; 9];
    let address = host.as_mut_ptr().expose_provenance() as u64;
    let copy = |bytes| CopyBack {
        host: address,
        device: block,
        bytes,
    };
    side.leave(vec![copy(8), copy(9)], None);
    let refused = side.end(&store, &nothing(), &good());
    assert!(
        matches!(
            refused,
            Err(Error::OutOfBounds {
                bytes: 9,
                size: 8,
                ..
            })
        ),
        "{refused:?}"
    );
    assert_eq!(host, [1; 9]);
}

#[test]
fn damage_is_named_by_argument_where_there_is_one() {
    let context = context();
    let store = Arc::clone(&context.attached("test").expect("attached").store);
    let mut host = [0_u8; 8];
    let address = host.as_mut_ptr().expose_provenance() as u64;
    let mut args = nothing();
    for data in [64, address] {
        let tensor = ContinuousTensor::new(data, &[8], DataType::Uint8).expect("a shape");
        args.push_tensor(tensor).expect("room for two");
    }
    for copied in [true, false] {
        let side = HostSide::new(&store);
        let block = side.malloc(8);
        let beyond = crate::DeviceAddress(block + 11);
        // SAFETY: the guard zone lies behind the block.
        unsafe { store.machine.fill(beyond, 0, 1) }.expect("memory of this process");
        let copies = vec![CopyBack {
            host: address,
            device: block,
            bytes: 8,
        }];
        side.leave(if copied { copies } else { Vec::new() }, None);
        let error = side
            .end(&store, &args, &good())
            .expect_err("something was written there");
        match error {
            Error::GuardDamaged {
                argument: 1,
                bytes: 8,
                offset: 3,
            } => assert!(copied),
            Error::BlockDamaged {
                bytes: 8,
                offset: 3,
                ..
            } => assert!(!copied),
            other => panic!("{other}"),
        }
    }
}

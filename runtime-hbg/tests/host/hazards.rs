//! What the reference does wrong on the host side, one test each.

use core::ptr::null_mut;

use aicore_abi::orchestration::hbg::{Operations, OrchestrationRuntime, TensorInfo};
use bytemuck::Zeroable;
use runtime_hbg::operations::OPERATIONS;
use runtime_hbg::{Error, GraphBuilder, HostMemory, Orchestration, RunReport};

use crate::memory::{Books, kernels};

/// hbg-sim.md A.2: the reference initialises 131072 entries of 696 bytes, whatever the graph.
#[test]
fn hazard_what_is_sent_grows_with_the_graph_and_not_with_a_limit() {
    let empty = GraphBuilder::new().seal(&[]).expect("an empty graph");
    assert_eq!(empty.bytes(), 0);
    let mut graph = GraphBuilder::new();
    for _ in 0..5 {
        graph.add_task(0, 1, &[1, 2, 3]).expect("room");
    }
    graph.add_edge(0, 4).expect("both exist");
    graph.add_edge(1, 4).expect("both exist");
    let bytes = graph.seal(&kernels()).expect("a graph").bytes();
    let (records, words, edges, joins, ready) = (5 * 32, 15 * 8, 2 * 4, 8, 4 * 4);
    let used_kernels = 4;
    assert_eq!(
        bytes,
        records + words + edges + joins + ready + used_kernels
    );
}

/// hbg-sim.md A.4.3, C.6: a refused edge is only logged there, and the graph runs in a weaker order.
#[test]
#[expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "one promise covers all calls"
)]
fn hazard_a_refused_edge_fails_the_graph_whatever_comes_after() {
    let memory = Books::new();
    for (from, to) in [(0, 7), (7, 0), (-1, 0), (0, -1), (i32::MIN, i32::MAX)] {
        let mut orchestration = Orchestration::new(&memory);
        let ended = orchestration.orchestrate(|handle| {
            // SAFETY: the handle is an orchestration's.
            unsafe {
                (OPERATIONS.add_task)(handle, null_mut(), 0, 0, 1);
                (OPERATIONS.add_successor)(handle, from, to);
                (OPERATIONS.add_task)(handle, null_mut(), 0, 0, 1);
                (OPERATIONS.add_successor)(handle, 0, 1);
            }
            0
        });
        assert_eq!(ended, Ok(()));
        let error = orchestration
            .seal(&kernels())
            .map(|_| ())
            .expect_err("an edge is missing");
        let (from, to) = (i64::from(from), i64::from(to));
        assert_eq!(error, Error::UnknownTask { from, to, tasks: 1 });
    }
}

/// hbg-sim.md A.4.5, A.4.4: what is allocated and not recorded stays until the context ends.
#[test]
fn hazard_everything_allocated_is_freed_once_at_the_end() {
    let memory = Books::new();
    let mut orchestration = Orchestration::new(&memory);
    let input = orchestration.device_malloc(1 << 20);
    let output = orchestration.device_malloc(64);
    let early = orchestration.device_malloc(64);
    assert_eq!(orchestration.copy_back(0x5000, output, 64), Ok(()));
    assert_eq!(orchestration.device_free(early), Ok(()));
    assert_eq!(orchestration.device_free(0), Ok(()));
    let built = orchestration.seal(&[]).expect("nothing wrong");
    assert_eq!((memory.live(), memory.freed()), (2, vec![early]));
    let copies = built.copies_after(Ok(RunReport::default()));
    assert_eq!(copies.map(<[_]>::len), Ok(1));
    drop(built);
    assert_eq!(memory.freed(), [early, input, output]);
}

/// abi.md 7.6 hazard 10, hbg-sim.md A.7: a failed run overwrites the caller's outputs with what is there.
#[test]
fn hazard_nothing_is_copied_back_after_a_failed_run() {
    let memory = Books::new();
    let mut orchestration = Orchestration::new(&memory);
    let output = orchestration.device_malloc(64);
    assert_eq!(orchestration.copy_back(0x5000, output, 64), Ok(()));
    let built = orchestration.seal(&[]).expect("nothing wrong");
    let failed = Error::Unfinished {
        completed: 3,
        tasks: 4,
    };
    assert_eq!(built.copies_after(Err(failed.clone())), Err(failed));
    drop(built);
    assert_eq!(memory.freed(), [output]);
}

/// abi.md 7.6 hazard 11, hbg-sim.md A.6: an orchestration that gives up leaks what it allocated.
#[test]
fn hazard_an_orchestration_that_gives_up_leaves_nothing_behind() {
    let memory = Books::new();
    let mut orchestration = Orchestration::new(&memory);
    orchestration.device_malloc(100);
    let ended = orchestration.orchestrate(|handle| {
        // SAFETY: the handle is an orchestration's.
        unsafe { (OPERATIONS.device_malloc)(handle, 4096) };
        5
    });
    assert_eq!(
        ended,
        Err(Error::Orchestration {
            code: 5,
            reason: None
        })
    );
    assert_eq!(memory.live(), 2);
    drop(orchestration);
    assert_eq!(memory.live(), 0);
}

/// A graph that is refused frees its memory too.
#[test]
fn a_graph_that_is_refused_leaves_nothing_behind() {
    let memory = Books::new();
    let mut orchestration = Orchestration::new(&memory);
    orchestration.device_malloc(100);
    orchestration.graph.add_task(3, 0, &[]).expect("room");
    let error = orchestration.seal(&[]).map(|_| ()).expect_err("no kernel");
    assert_eq!(
        error,
        Error::UnknownKernel {
            task: 0,
            func_id: 3
        }
    );
    assert_eq!(memory.live(), 0);
}

/// abi.md 7.6 hazard 18, hbg-sim.md A.4.7: a task without a kernel crashes the host, or is skipped.
#[test]
fn hazard_a_task_whose_function_is_not_bound_is_named() {
    let mut some = kernels();
    some[999].address = 0;
    for func_id in [999, 1024, 5000, -1, i32::MAX] {
        let mut graph = GraphBuilder::new();
        graph.add_task(0, 0, &[]).expect("room");
        graph.add_task(func_id, 0, &[]).expect("room");
        let error = graph.seal(&some).map(|_| ()).expect_err("no kernel");
        assert_eq!(error, Error::UnknownKernel { task: 1, func_id });
    }
    let mut graph = GraphBuilder::new();
    graph.add_task(0, 9, &[]).expect("room");
    let error = graph.seal(&some).map(|_| ()).expect_err("no such core");
    assert_eq!(
        error,
        Error::UnknownCoreType {
            task: 0,
            core_type: 9
        }
    );
}

/// hbg-sim.md A.4.3, A.9.8, B.15: a cycle keeps the reference's schedulers busy for twenty minutes, then counts
/// as success.
#[test]
fn hazard_a_cycle_is_refused_when_the_graph_is_sealed() {
    let mut graph = GraphBuilder::new();
    for _ in 0..6 {
        graph.add_task(0, 0, &[]).expect("room");
    }
    for (from, to) in [(0, 1), (1, 4), (4, 2), (2, 1), (2, 3), (3, 5)] {
        graph.add_edge(from, to).expect("both exist");
    }
    let error = graph.seal(&kernels()).map(|_| ()).expect_err("a cycle");
    assert!(error.to_string().contains("1 -> 4 -> 2 -> 1"), "{error}");
}

/// Edges to older tasks are allowed as long as they close no circle.
#[test]
fn edges_to_older_tasks_are_edges() {
    let mut graph = GraphBuilder::new();
    for _ in 0..3 {
        graph.add_task(0, 0, &[]).expect("room");
    }
    for (from, to) in [(2, 1), (1, 0), (2, 0), (2, 0)] {
        graph.add_edge(from, to).expect("both exist");
    }
    let graph = graph.seal(&kernels()).expect("no cycle");
    assert!(graph.waiting_for(2).eq([1, 0, 0]));
    assert_eq!(graph.records()[0].fan_in, 3);
    assert_eq!(graph.initially_ready(protocol::CoreType::Aic), [2]);
}

/// abi.md 7.6 hazard 12, hbg-sim.md A.4.4: of more than 64 copies the rest is dropped.
#[test]
fn hazard_any_number_of_copies_back_is_kept() {
    let memory = Books::new();
    let mut orchestration = Orchestration::new(&memory);
    for index in 1..=1000 {
        assert_eq!(orchestration.copy_back(index, index, 8), Ok(()));
    }
    assert_eq!(orchestration.copy_back(0, 0, 0), Ok(()));
    let built = orchestration.seal(&[]).expect("nothing wrong");
    let copies = built.copies_after(Ok(RunReport::default()));
    assert_eq!(copies.map(<[_]>::len), Ok(1001));
}

#[test]
fn memory_that_was_not_allocated_here_is_not_freed_and_fails_the_graph() {
    let memory = Books::new();
    let theirs = memory.malloc(64);
    let mut orchestration = Orchestration::new(&memory);
    let foreign = Error::ForeignFree { address: theirs };
    assert_eq!(orchestration.device_free(theirs), Err(foreign.clone()));
    assert_eq!(orchestration.seal(&[]).map(|_| ()), Err(foreign));
    assert_eq!((memory.live(), memory.freed()), (1, vec![]));

    let mut orchestration = Orchestration::new(&memory);
    let twice = orchestration.device_malloc(64);
    assert_eq!(orchestration.device_free(twice), Ok(()));
    let again = Err(Error::ForeignFree { address: twice });
    assert_eq!(orchestration.device_free(twice), again);
}

#[test]
fn memory_that_is_to_be_copied_back_is_not_freed_and_fails_the_graph() {
    let memory = Books::new();
    let mut orchestration = Orchestration::new(&memory);
    let output = orchestration.device_malloc(128);
    assert_eq!(orchestration.copy_back(0x5000, output + 64, 64), Ok(()));
    let address = output + 64;
    let refused = Err(Error::FreedCopyBack { address });
    assert_eq!(orchestration.device_free(output), refused);
    assert_eq!(memory.live(), 1);
    assert!(orchestration.seal(&[]).is_err());
}

#[test]
fn copies_from_or_to_nowhere_and_copies_that_fail_are_errors() {
    let memory = Books::new();
    let mut orchestration = Orchestration::new(&memory);
    assert!(orchestration.copy_back(0, 0x1000, 1).is_err());
    assert!(orchestration.seal(&[]).is_err());

    let mut memory = Books::new();
    memory.copy_code = -9;
    let mut orchestration = Orchestration::new(&memory);
    let device = orchestration.device_malloc(8);
    // SAFETY: the books read nothing.
    let code = unsafe { orchestration.copy_to_device(device, [0; 8].as_ptr(), 8) };
    assert_eq!(code, -9);
    let error = orchestration
        .seal(&[])
        .map(|_| ())
        .expect_err("a copy failed");
    assert_eq!(
        error,
        Error::CopyToDevice {
            device,
            bytes: 8,
            code: -9
        }
    );
}

/// hbg-sim.md A.13: a scalar whose value looks like an address is taken for a tensor.
#[test]
fn hazard_a_described_argument_is_the_one_that_was_named() {
    let memory = Books::new();
    let mut orchestration = Orchestration::new(&memory);
    let block = orchestration.device_malloc(64);
    let words = [block + 8, block, 3];
    for _ in 0..2 {
        orchestration.graph.add_task(0, 1, &words).expect("room");
    }
    let info = TensorInfo::zeroed();
    assert!(orchestration.describe(0, &[info]));
    assert!(!orchestration.describe_arguments(1, &[(3, info)]));
    assert!(orchestration.describe_arguments(1, &[(1, info)]));
    let built = orchestration.seal(&kernels()).expect("nothing wrong");
    assert_eq!(built.dump.arguments(0, &words), None);
    assert_eq!(built.dump.arguments(1, &words), Some(vec![1]));
    assert_eq!(built.dump.arguments(0, &[7, block, 3]), Some(vec![1]));
}

/// Memory whose every call panics.
struct Panics;

impl HostMemory for Panics {
    fn malloc(&self, _: usize) -> u64 {
        panic!("no memory today")
    }

    fn free(&self, _: u64) {}

    unsafe fn copy_to(&self, _: u64, _: *const u8, _: usize) -> i32 {
        panic!("no copies today")
    }
}

#[test]
fn no_panic_leaves_the_table_and_none_is_forgotten() {
    let mut orchestration = Orchestration::new(&Panics);
    let ended = orchestration.orchestrate(|handle| {
        // SAFETY: the handle is an orchestration's.
        let block = unsafe { (OPERATIONS.device_malloc)(handle, 8) };
        assert!(block.is_null());
        // SAFETY: as above; the memory reads nothing.
        unsafe { (OPERATIONS.copy_to_device)(handle, block, block, 8) }
    });
    let ended = ended.expect_err("it ended with -1");
    assert_eq!(ended.code(), -1);
    assert!(
        ended
            .to_string()
            .contains("code -1: device_malloc panicked"),
        "{ended}"
    );
    let error = orchestration
        .seal(&[])
        .map(|_| ())
        .expect_err("it panicked");
    assert_eq!(error.to_string(), "device_malloc panicked: no memory today");
}

#[test]
#[expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "one promise covers all calls"
)]
fn every_call_refuses_a_null_handle() {
    let Operations {
        add_task,
        set_tensor_info_to_task,
        add_successor,
        record_tensor_pair,
        get_task_count,
        print_runtime,
        device_malloc,
        device_free,
        copy_to_device,
    } = OPERATIONS;
    let handle: *mut OrchestrationRuntime = null_mut();
    // SAFETY: a null handle is allowed.
    unsafe {
        assert_eq!(add_task(handle, null_mut(), 0, 0, 0), -1);
        assert_eq!(set_tensor_info_to_task(handle, 0, null_mut(), 0), -1);
        add_successor(handle, 0, 0);
        record_tensor_pair(handle, null_mut(), null_mut(), 0);
        assert_eq!(get_task_count(handle), 0);
        print_runtime(handle);
        assert!(device_malloc(handle, 1).is_null());
        device_free(handle, null_mut());
        assert_eq!(copy_to_device(handle, null_mut(), null_mut(), 0), -1);
    }
}

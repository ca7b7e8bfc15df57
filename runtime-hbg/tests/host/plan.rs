//! Graphs that run again with other arguments.

use aicore_abi::seam::KernelEntry;
use aicore_abi::tensor::Tensor;
use bytemuck::Zeroable;
use protocol::{ChipStorageTaskArgs, ContinuousTensor, DataType};
use runtime_hbg::{Blueprint, Error, Plan, Source, Value};

const KERNELS: [KernelEntry; 1] = [KernelEntry {
    address: 1,
    handle: 0,
}];

fn args(tensors: &[(u64, &[u32])], scalars: &[u64]) -> ChipStorageTaskArgs {
    let mut args = ChipStorageTaskArgs::zeroed();
    for &(data, shape) in tensors {
        let tensor = ContinuousTensor::new(data, shape, DataType::Float32).expect("a shape");
        args.push_tensor(tensor).expect("few tensors");
    }
    for &scalar in scalars {
        args.push_scalar(scalar).expect("few scalars");
    }
    args
}

const fn at(source: Source, offset: u64) -> Value {
    Value::At { source, offset }
}

/// A task that gets every kind of value there is.
fn plan(args: &ChipStorageTaskArgs, reads: &[usize]) -> Plan {
    let mut blueprint = Blueprint::new();
    assert_eq!(blueprint.scratch(1), Ok(0));
    assert_eq!(blueprint.scratch(100), Ok(64), "aligned");
    for &scalar in reads {
        blueprint.depends_on(scalar);
    }
    let tensor = Tensor::external(0, &[4], DataType::Float32, false, 0).expect("a shape");
    let descriptor = blueprint.describe(&tensor, Source::Tensor(1), 8);
    let values = [
        Value::Tensor(descriptor),
        Value::Fixed(7),
        at(Source::Tensor(0), 16),
        at(Source::Scalar(1), 0),
        at(Source::Scratch, 64),
    ];
    blueprint.add_task(0, 1, &values).expect("a good task");
    let plan = blueprint.seal(&KERNELS, args).expect("a good graph");
    assert_eq!(plan.scratch_bytes(), 192);
    plan
}

#[test]
fn every_run_finds_its_own_values() {
    let mut plan = plan(&args(&[(0x100, &[4]), (0x200, &[4])], &[1, 2]), &[]);
    for round in 1..4 {
        let now = args(
            &[(0x1000 * round, &[4]), (0x2000 * round, &[4])],
            &[10 * round, 20 * round],
        );
        assert!(plan.fits(&now));
        let graph = plan.fill(&now, 0x3000 * round).expect("good arguments");
        let words = graph.words_of(0);
        let expected = [7, 0x1000 * round + 16, 20 * round, 0x3000 * round + 64];
        assert_eq!(words[1..], expected);
        assert_eq!(graph.records()[0].tensors, 1);
        let address = usize::try_from(words[0]).expect("an address of this process");
        let descriptor: *const Tensor = core::ptr::with_exposed_provenance(address);
        // SAFETY: the plan keeps its descriptors where they are.
        let descriptor = unsafe { &*descriptor };
        assert_eq!(descriptor.buffer.addr, 0x2000 * round + 8);
    }
}

#[test]
fn a_plan_fits_what_its_graph_does_not_depend_on() {
    let built_for = [(0x100, &[4, 2][..]), (0x200, &[4])];
    let plan = plan(&args(&built_for, &[1, 2, 3]), &[0, 2]);
    let fits = |tensors: &[(u64, &[u32])], scalars: &[u64]| plan.fits(&args(tensors, scalars));
    assert!(fits(&[(0x300, &[4, 2]), (0x400, &[4])], &[1, 99, 3]));
    assert!(!fits(&[(0x100, &[2, 4]), (0x200, &[4])], &[1, 2, 3]));
    assert!(!fits(&[(0x100, &[4, 2]), (0x200, &[4, 1])], &[1, 2, 3]));
    assert!(!fits(&[(0x100, &[4, 2])], &[1, 2, 3]));
    assert!(!fits(&built_for, &[1, 2]));
    assert!(!fits(&built_for, &[5, 2, 3]));
    assert!(!fits(&built_for, &[1, 2, 5]));
    // What lies behind the dimensions in use is nobody's.
    let mut stale = args(&built_for, &[1, 2, 3]);
    stale.tensors[0].shapes[4] = 77;
    assert!(plan.fits(&stale));
    stale.tensors[0].dtype ^= 1;
    assert!(!plan.fits(&stale));
}

#[test]
fn more_scratch_than_can_be_counted_is_refused() {
    let mut blueprint = Blueprint::new();
    blueprint.scratch(64).expect("little");
    assert!(matches!(
        blueprint.scratch(u64::MAX),
        Err(Error::TooMany {
            wanted: u64::MAX,
            ..
        })
    ));
    let refused = blueprint.seal(&KERNELS, &args(&[], &[]));
    assert!(matches!(refused, Err(Error::TooMany { .. })), "kept");
}

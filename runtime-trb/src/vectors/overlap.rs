//! `trb_overlap.json`: verdicts on pairs of regions, and the producers that follow.

use aicore_abi::orchestration::trb::{MixedKernels, ScopeMode};
use aicore_abi::tensor::Tensor;
use protocol::{TaskId, TensorArgType};
use serde_json::Value;

use super::{file, list, number, producers, tag, tensor, text, unscheduled};
use crate::Args;
use crate::region::{Region, Verdict, View, compare};

const FILE: &str = include_str!("../../../tests/vectors/trb_overlap.json");

/// Where the reference compares coordinates of different buffers as if they were of one (trb.md 9.4 hazard 11), and what
/// the bytes say.
const DIFFERENT: [(&str, Verdict); 3] = [
    // Elements 20 to 31 of the buffer, and from 204 on.
    ("raw_shapes_differ_are_ignored", Verdict::Disjoint),
    // Elements 8 to 15, and from 64 on.
    (
        "access_has_more_dimensions_extra_ignored",
        Verdict::Disjoint,
    ),
    // Another rank: dependent, but the write is not forgotten.
    ("access_has_more_dimensions_whole", Verdict::Overlaps),
];

fn verdict(pair: &Value) -> Verdict {
    let (written, accessed) = (tensor(&pair["written"]), tensor(&pair["accessed"]));
    if written.buffer.addr != accessed.buffer.addr {
        // The map finds entries by address.
        return Verdict::Disjoint;
    }
    let view = View::of(&written);
    compare(&accessed, &Region::of(&written), || &view)
}

fn reference(pair: &Value) -> Option<Verdict> {
    match text(pair, "verdict") {
        "none" => Some(Verdict::Disjoint),
        "overlap" => Some(Verdict::Overlaps),
        "covered" => Some(Verdict::Covers),
        // An access older than the write: the reference stops there, here it depends.
        "assertion" => None,
        other => panic!("{other} is a verdict"),
    }
}

#[test]
fn hazard_overlap_of_different_geometries_and_every_other_pair() {
    let file = file(FILE);
    let pairs = list(&file, "hand_picked")
        .iter()
        .chain(list(&file["random"], "pairs"));
    let mut checked = 0;
    let mut wrong = Vec::new();
    for pair in pairs {
        let (name, ours) = (text(pair, "name"), verdict(pair));
        let wanted = match DIFFERENT.iter().find(|(different, _)| *different == name) {
            Some(&(_, wanted)) => wanted,
            None => reference(pair).unwrap_or(Verdict::Overlaps),
        };
        if ours != wanted {
            wrong.push((name.to_owned(), ours, wanted));
        }
        checked += 1;
    }
    assert_eq!(wrong, []);
    assert_eq!(checked, 439);
}

#[test]
fn every_sequence_waits_for_the_reference_s_producers() {
    let file = file(FILE);
    let sequences = list(&file, "dependency_sequences");
    for sequence in sequences {
        let (differences, status) = unscheduled(|orch| run_sequence(orch, sequence));
        assert!(status.is_good(), "{}: {status:?}", text(sequence, "name"));
        assert_eq!(differences, Vec::<String>::new());
    }
    assert_eq!(sequences.len(), 55);
}

fn run_sequence(orch: &mut crate::Orchestrator<'_>, sequence: &Value) -> Vec<String> {
    let name = text(sequence, "name");
    let mode = if sequence["manual_scope"] == true {
        ScopeMode::Manual
    } else {
        ScopeMode::Auto
    };
    orch.scope_begin(mode).expect("a first scope");
    let tensors: Vec<Tensor> = list(sequence, "tensors")
        .iter()
        .map(|described| Tensor {
            manual_dep: u8::from(described["manual_dep"] == true),
            ..tensor(&described["region"])
        })
        .collect();
    let mut ids: Vec<TaskId> = Vec::new();
    let mut differences = Vec::new();
    for (index, task) in list(sequence, "tasks").iter().enumerate() {
        let mut args = Args::new();
        for argument in list(task, "args") {
            let which = usize::try_from(number(argument, "tensor")).expect("an index");
            let tensor = &tensors[which];
            match tag(text(argument, "tag")) {
                TensorArgType::Input => args.input(tensor),
                TensorArgType::Inout => args.inout(tensor),
                TensorArgType::OutputExisting => args.output_existing(tensor),
                TensorArgType::NoDep | TensorArgType::Output => args.no_dep(tensor),
            };
        }
        let earlier = |key: &str| -> Vec<TaskId> {
            list(task, key)
                .iter()
                .map(|index| {
                    ids[usize::try_from(index.as_u64().expect("an index")).expect("small")]
                })
                .collect()
        };
        for dependency in earlier("explicit_deps") {
            args.after(dependency);
        }
        let kernels = MixedKernels::from_lanes([-1, 0, -1]);
        let id = orch.submit(&kernels, &args).expect("there is room").task();
        // The set is the contract; the order in which the map finds them is not.
        let sorted = |mut tasks: Vec<TaskId>| {
            tasks.sort_unstable();
            tasks
        };
        let (ours, wanted) = (sorted(producers(orch, id)), sorted(earlier("waits_for")));
        if ours != wanted {
            differences.push(format!(
                "{name} {index}: waits for {ours:?}, not {wanted:?}"
            ));
        }
        let entries = i64::from(orch.graph.map.linked());
        if entries != number(task, "map_entries_after") {
            differences.push(format!(
                "{name} {index}: {entries} entries, not {}",
                number(task, "map_entries_after")
            ));
        }
        ids.push(id);
    }
    orch.scope_end().expect("one is open");
    differences
}

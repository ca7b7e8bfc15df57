//! `trb_args.json`: what becomes of argument objects.

use core::ffi::c_void;

use aicore_abi::orchestration::trb::{Arg, LaunchSpec, MixedKernels, ScopeMode, TaskOutputTensors};
use aicore_abi::tensor::{Tensor, TensorCreateInfo};
use protocol::{DataType, TaskId, TensorArgType};
use serde_json::Value;

use super::{file, found, list, number, producers, tag, text, unscheduled_within, word};
use crate::record::GRANULE;
use crate::{Args, Limits, Orchestrator};

const FILE: &str = include_str!("../../../tests/vectors/trb_args.json");

const TENSORS: u64 = 0x20_0000_0000;
const CREATIONS: u64 = 0x28_0000_0000;
const HEAP: u64 = 0x40_0000_0000;
const OBJECT: u64 = 0x100;

const LIMITS: Limits = Limits {
    task_window: 16,
    heap_bytes: 1 << 20,
    map_entries: 4096,
};

fn kind(number: u64) -> DataType {
    DataType::ALL[usize::try_from(number).expect("small") % DataType::ALL.len()]
}

/// The external tensor object `number`.
fn plain(number: u64) -> Tensor {
    let columns = 8 + u32::try_from(number).expect("small");
    let address = 0x10_0000_0000 + number * 0x1_0000;
    Tensor::external(address, &[4, columns], kind(number), false, 0).expect("a valid shape")
}

fn creation(number: u64) -> TensorCreateInfo {
    let extent = 100 + 200 * u32::try_from(number).expect("small");
    TensorCreateInfo::new(&[extent], kind(number), false).expect("a valid shape")
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).expect("hex"))
        .collect()
}

/// A descriptor of the vectors, with heap addresses moved to our heap.
fn described(expected: &Value, heap: u64) -> Tensor {
    let mut tensor: Tensor = bytemuck::pod_read_unaligned(&bytes(text(expected, "bytes")));
    if (HEAP..HEAP + (4 << 20)).contains(&tensor.buffer.addr) {
        tensor.buffer.addr = tensor.buffer.addr - HEAP + heap;
    }
    tensor
}

/// Every object a vector's arguments point to, kept while the vector is submitted.
#[expect(
    clippy::vec_box,
    reason = "the objects must not move when more are added"
)]
struct Objects {
    heap: u64,
    tensors: Vec<Box<Tensor>>,
    creations: Vec<Box<TensorCreateInfo>>,
    /// Outputs of earlier tasks by the address the vector gives them.
    outputs: Vec<(u64, *const Tensor)>,
}

impl Objects {
    /// Our object for the vector's pointer; what the stored descriptor must become tells what a view was.
    fn find(&mut self, tag: TensorArgType, pointer: u64, stored: Option<&Value>) -> *const c_void {
        if let Some(&(_, output)) = self.outputs.iter().find(|(at, _)| *at == pointer) {
            return output.cast();
        }
        if tag == TensorArgType::Output {
            let made = stored.map_or_else(
                || creation((pointer - CREATIONS) / OBJECT),
                |stored| {
                    // What is stored of an output is what its creation record says.
                    let made = described(stored, self.heap);
                    let kind = made.data_type().expect("an element type");
                    TensorCreateInfo::new(made.shape(), kind, false).expect("a valid shape")
                },
            );
            self.creations.push(Box::new(made));
            let last = self.creations.last().expect("just pushed");
            return core::ptr::from_ref(&**last).cast();
        }
        let number = (pointer - TENSORS) / OBJECT;
        let tensor = match stored {
            // Objects from 20 on are views, which the vectors describe by what is stored of them.
            Some(stored) if number >= 20 => Tensor {
                start_offset: 0,
                ..described(stored, self.heap)
            },
            _ => plain(number),
        };
        self.tensors.push(Box::new(tensor));
        let last = self.tensors.last().expect("just pushed");
        core::ptr::from_ref(&**last).cast()
    }

    fn arg(&mut self, task: &Value) -> Arg {
        let described = &task["arg"];
        let stored = list(&task["payload"], "tensors");
        let mut arg = Arg::new();
        let tags = list(described, "tags").iter();
        for (index, (name, pointer)) in tags.zip(list(described, "pointers")).enumerate() {
            let tag = tag(name.as_str().expect("a name"));
            let pointer = word(pointer.as_str().expect("a word"));
            arg.tags[index] = tag.to_wire();
            arg.tensors[index] = self.find(tag, pointer, stored.get(index));
            arg.tensor_count += 1;
        }
        for (index, scalar) in list(described, "scalars").iter().enumerate() {
            arg.scalars[index] = word(scalar.as_str().expect("a word"));
            arg.scalar_count += 1;
        }
        for (index, id) in list(described, "explicit_deps").iter().enumerate() {
            arg.explicit_deps.ids[index] = TaskId::from_raw(word(id.as_str().expect("a word")));
            arg.explicit_deps.count += 1;
        }
        arg.has_error = u8::from(described["has_error"] == true);
        arg.launch_spec = LaunchSpec {
            block_num: i16::try_from(number(described, "block_count")).expect("16 bits"),
            require_sync_start: u8::from(described["sync_start"] == true),
            pad: 0,
        };
        arg
    }
}

/// What was submitted must be what the vector says.
fn compare(orch: &mut Orchestrator<'_>, objects: &mut Objects, expected: &Value, name: &str) {
    let id = TaskId::from_raw(word(text(&expected["descriptor"], "task_id")));
    let record = found(orch, id);
    let ledger = orch
        .around
        .shared
        .records
        .ledger(record, &mut orch.graph.key);
    let (heap_start, heap_len) = (ledger.heap_start, ledger.heap_len);
    let records = &orch.around.shared.records;
    let descriptor = records.descriptor(record);

    let wanted = &expected["descriptor"];
    assert_eq!(
        heap_start,
        word(text(wanted, "packed_base")) - HEAP,
        "{name}"
    );
    assert_eq!(
        heap_start + heap_len,
        word(text(wanted, "packed_end")) - HEAP,
        "{name}"
    );
    let kernels: Vec<i64> = descriptor
        .kernels
        .iter()
        .map(|&kernel| i64::from(kernel))
        .collect();
    let wanted_kernels: Vec<i64> = list(wanted, "kernel_ids")
        .iter()
        .map(|id| id.as_i64().expect("an id"))
        .collect();
    assert_eq!(kernels, wanted_kernels, "{name}");

    let wanted = &expected["slot_state"];
    assert_eq!(i64::from(id.ring()), number(wanted, "ring"), "{name}");
    if descriptor.mask.lane_count() != 0 {
        assert_eq!(
            i64::from(descriptor.subtasks()),
            number(wanted, "total_required_subtasks"),
            "{name}"
        );
        assert_eq!(
            i64::from(descriptor.blocks),
            number(wanted, "logical_block_num"),
            "{name}"
        );
    }
    assert_eq!(records.fan_in(record).next_block.own(), 0, "{name}");

    let wanted = &expected["payload"];
    assert_eq!(
        i64::from(descriptor.tensors),
        number(wanted, "tensor_count"),
        "{name}"
    );
    assert_eq!(
        i64::from(descriptor.scalars),
        number(wanted, "scalar_count"),
        "{name}"
    );
    let wanted_producers: Vec<TaskId> = list(wanted, "producers")
        .iter()
        .map(|id| TaskId::from_raw(word(id.as_str().expect("a word"))))
        .collect();
    assert_eq!(producers(orch, id), wanted_producers, "{name}");
    let records = &orch.around.shared.records;
    let scalars: &[u8] = bytemuck::cast_slice(records.scalars_of(record, descriptor));
    assert_eq!(
        scalars,
        &bytes(text(wanted, "scalar_area_bytes"))[..scalars.len()],
        "{name}"
    );
    for (index, stored) in list(wanted, "tensors").iter().enumerate() {
        let ours = records.tensor(record, index);
        assert_eq!(ours.addr().get() % GRANULE, 0);
        // SAFETY: the task was just submitted and nothing retires.
        let tensor = unsafe { ours.read() };
        let theirs = described(stored, objects.heap);
        let mask = bytes(text(stored, "mask"));
        let pairs = bytemuck::bytes_of(&tensor)
            .iter()
            .zip(bytemuck::bytes_of(&theirs));
        for (at, ((ours, theirs), mask)) in pairs.zip(mask).enumerate() {
            assert_eq!(
                ours & mask,
                theirs & mask,
                "{name}: tensor {index}, byte {at}"
            );
        }
        objects
            .outputs
            .push((word(text(stored, "address")), ours.as_ptr().cast_const()));
    }
}

fn compare_result(result: &TaskOutputTensors, objects: &Objects, expected: &Value, name: &str) {
    let wanted = &expected["result"];
    if name == "invalid_explicit_dependency" {
        // The reference takes a slot first and leaves its id in the result; here nothing is taken.
        assert!(!result.task_id.is_valid());
    } else {
        assert_eq!(
            result.task_id.raw(),
            word(text(wanted, "task_id")),
            "{name}"
        );
    }
    assert_eq!(
        i64::from(result.output_count()),
        number(wanted, "output_count"),
        "{name}"
    );
    for (index, address) in list(wanted, "outputs").iter().enumerate() {
        let address = word(address.as_str().expect("a word"));
        let ours = objects
            .outputs
            .iter()
            .rfind(|(at, _)| *at == address)
            .map(|&(_, ours)| ours);
        assert_eq!(result.get(index), ours, "{name}");
    }
}

fn codes(orch: &Orchestrator<'_>, expected: &Value, name: &str) {
    assert_eq!(orch.is_fatal(), expected["fatal"] == true, "{name}");
    let code = orch.around.shared.orchestrator_code.code();
    assert_eq!(i64::from(code), number(expected, "error_code"), "{name}");
}

#[test]
fn every_submission_leaves_what_the_reference_leaves() {
    let file = file(FILE);
    let submissions = list(&file, "submissions");
    for submission in submissions {
        let name = text(submission, "name");
        unscheduled_within(&LIMITS, |orch, heap| {
            let mut objects = Objects {
                heap,
                tensors: Vec::new(),
                creations: Vec::new(),
                outputs: Vec::new(),
            };
            for task in list(submission, "tasks") {
                let lanes: Vec<i32> = list(task, "kernels")
                    .iter()
                    .map(|id| i32::try_from(id.as_i64().expect("an id")).expect("small"))
                    .collect();
                let kernels = MixedKernels::from_lanes([lanes[0], lanes[1], lanes[2]]);
                let arg = objects.arg(task);
                let (blocks, mut result) = (arg.launch_spec.into(), TaskOutputTensors::empty());
                // SAFETY: the objects are kept until the vector is done. What is refused is looked at below.
                let _refused = unsafe { orch.submit_raw(&kernels, &arg, blocks, &mut result) };
                if task["error"] == "assertion" {
                    // The reference stops with an assertion; here the run ends as for other invalid arguments.
                    assert!(orch.is_fatal(), "{name}");
                    assert_eq!(orch.around.shared.orchestrator_code.code(), 5, "{name}");
                    continue;
                }
                if !task["descriptor"].is_null() {
                    compare(orch, &mut objects, task, name);
                }
                compare_result(&result, &objects, task, name);
                codes(orch, task, name);
            }
        });
    }
    assert_eq!(submissions.len(), 22);
}

#[test]
fn every_allocation_leaves_what_the_reference_leaves() {
    let file = file(FILE);
    let allocations = list(&file, "allocations");
    for allocation in allocations {
        let name = text(allocation, "name");
        unscheduled_within(&LIMITS, |orch, heap| {
            let mut objects = Objects {
                heap,
                tensors: Vec::new(),
                creations: Vec::new(),
                outputs: Vec::new(),
            };
            let mut arg = Arg::new();
            let mut add = |tag: TensorArgType, object: *const c_void| {
                let index = usize::try_from(arg.tensor_count).expect("small");
                arg.tags[index] = tag.to_wire();
                arg.tensors[index] = object;
                arg.tensor_count += 1;
            };
            let stored = list(&allocation["payload"], "tensors");
            for number in 0..stored.len().max(usize::from(name != "none")) {
                let found = objects.find(TensorArgType::Output, CREATIONS, stored.get(number));
                add(TensorArgType::Output, found);
            }
            match name {
                "with_input" => {
                    add(
                        TensorArgType::Input,
                        objects.find(TensorArgType::Input, TENSORS, None),
                    );
                }
                "with_existing_output" => add(
                    TensorArgType::OutputExisting,
                    objects.find(TensorArgType::Input, TENSORS, None),
                ),
                _ => {}
            }
            arg.scalar_count = i32::from(name == "with_scalar");
            arg.has_error = u8::from(name == "with_error");
            let mut result = TaskOutputTensors::empty();
            // SAFETY: the objects are kept until the vector is done. What is refused is looked at below.
            let _refused = unsafe { orch.alloc_tensors_raw(&arg, &mut result) };
            if !allocation["descriptor"].is_null() {
                compare(orch, &mut objects, allocation, name);
            }
            compare_result(&result, &objects, allocation, name);
            codes(orch, allocation, name);
        });
    }
    assert_eq!(allocations.len(), 7);
}

#[test]
fn outputs_are_packed_as_the_reference_packs_them() {
    let file = file(FILE);
    let packings = list(&file, "output_packing");
    for packing in packings {
        let name = text(packing, "name");
        unscheduled_within(&LIMITS, |orch, heap| {
            let creations: Vec<TensorCreateInfo> = list(packing, "output_sizes")
                .iter()
                .map(|size| {
                    let size = u32::try_from(size.as_u64().expect("a size")).expect("small");
                    TensorCreateInfo::new(&[size], DataType::Uint8, false).expect("a valid shape")
                })
                .collect();
            let mut args = Args::new();
            for creation in &creations {
                args.output(creation);
            }
            let kernels = MixedKernels::from_lanes([-1, 0, -1]);
            let submitted = orch.submit(&kernels, &args).expect("there is room");
            for (index, output) in list(packing, "outputs").iter().enumerate() {
                let buffer = submitted.output(index).expect("one per creation").buffer;
                assert_eq!(buffer.addr - heap, word(text(output, "offset")), "{name}");
                assert_eq!(buffer.size, word(text(output, "size")), "{name}");
            }
            let mut args = Args::new();
            args.output(&creations[0]);
            let next = orch.submit(&kernels, &args).expect("there is room");
            let at = next.output(0).expect("asked for").buffer.addr - heap;
            assert_eq!(at, word(text(packing, "next_task_offset")), "{name}");
        });
    }
    assert_eq!(packings.len(), 6);
}

#[test]
fn each_depth_has_the_reference_s_ring() {
    let file = file(FILE);
    unscheduled_within(&LIMITS, |orch, heap| {
        let info = creation(0);
        let kernels = MixedKernels::from_lanes([-1, 0, -1]);
        for expected in list(&file, "ring_by_scope_depth") {
            if number(expected, "depth") > 0 {
                orch.scope_begin(ScopeMode::Auto).expect("not too deep");
            }
            let mut args = Args::new();
            args.output(&info);
            let submitted = orch.submit(&kernels, &args).expect("there is room");
            assert_eq!(submitted.task().raw(), word(text(expected, "task_id")));
            let at = submitted.output(0).expect("asked for").buffer.addr - heap;
            assert_eq!(at, word(text(expected, "output_address")) - HEAP);
        }
    });
}

#[test]
fn scopes_and_fatal_errors_follow_the_reference_s_rules() {
    let file = file(FILE);
    let rule = |name: &str| {
        list(&file, "scope_and_fatal_rules")
            .iter()
            .find(|rule| text(rule, "name") == name)
            .unwrap_or_else(|| panic!("{name} is a rule"))
            .clone()
    };
    let kernels = MixedKernels::from_lanes([-1, 0, -1]);

    let full = rule("scope_holds_window_minus_one_tasks");
    let (accepted, status) = unscheduled_within(&LIMITS, |orch, _| {
        (0..)
            .take_while(|_| orch.submit(&kernels, &Args::new()).is_ok())
            .count()
    });
    assert_eq!(accepted as i64, number(&full, "accepted"));
    assert_eq!(
        i64::from(status.orchestrator_code),
        number(&full, "error_code")
    );

    let nested = rule("manual_inside_auto_then_auto_inside_manual");
    let ((), status) = unscheduled_within(&LIMITS, |orch, _| {
        orch.scope_begin(ScopeMode::Manual)
            .expect("manual inside auto");
        assert_eq!(orch.is_fatal(), nested["fatal_after_manual"] == true);
        orch.scope_begin(ScopeMode::Manual)
            .expect("manual inside manual");
        assert_eq!(orch.is_fatal(), nested["fatal_after_nested_manual"] == true);
        assert!(orch.scope_begin(ScopeMode::Auto).is_err());
        assert_eq!(
            orch.is_fatal(),
            nested["fatal_after_auto_in_manual"] == true
        );
    });
    assert_eq!(
        i64::from(status.orchestrator_code),
        number(&nested, "error_code")
    );

    let explicit = rule("report_fatal_9");
    let ((), status) = unscheduled_within(&LIMITS, |orch, _| {
        orch.report_fatal(9, "enough");
        codes(orch, &explicit, "report_fatal_9");
        orch.report_fatal(4, "too late");
        assert!(orch.submit(&kernels, &Args::new()).is_err());
    });
    assert_eq!(
        i64::from(status.orchestrator_code),
        number(&explicit, "error_code_after_second")
    );

    let zero = rule("report_fatal_0_sets_flag_only");
    unscheduled_within(&LIMITS, |orch, _| {
        orch.report_fatal(0, "");
        codes(orch, &zero, "report_fatal_0_sets_flag_only");
    });
}

#[test]
fn kernel_triples_become_what_the_reference_makes_of_them() {
    let file = file(FILE);
    for triple in list(&file, "mixed_kernels") {
        let lane = |key| i32::try_from(number(triple, key)).expect("small");
        let kernels = MixedKernels::from_lanes([lane("aic"), lane("aiv0"), lane("aiv1")]);
        unscheduled_within(&LIMITS, |orch, _| {
            let submitted = orch
                .submit(&kernels, &Args::new())
                .map(|submitted| submitted.task());
            let names_none = kernels.lanes().iter().any(|&id| id < -1);
            let wanted = triple["submitted_kernel_ids"].as_array();
            let Some(wanted) = wanted.filter(|_| !names_none) else {
                // The reference takes every id but -1 for a kernel and crashes later (abi.md 7.6 hazard 18).
                assert!(submitted.is_err());
                return;
            };
            let records = &orch.around.shared.records;
            let descriptor = records.descriptor(found(orch, submitted.expect("there is room")));
            let wanted: Vec<i64> = wanted
                .iter()
                .map(|id| id.as_i64().expect("an id"))
                .collect();
            assert_eq!(descriptor.kernels.map(i64::from).to_vec(), wanted);
            let mask = i64::from(descriptor.mask.bits());
            assert_eq!(mask, number(triple, "submitted_active_mask"));
            assert_eq!(
                i64::from(descriptor.subtasks()),
                number(triple, "total_required_subtasks")
            );
        });
    }
}

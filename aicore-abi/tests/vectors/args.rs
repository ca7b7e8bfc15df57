//! `trb_args.json`: the argument object, kernel triples and the small records around them.

use core::ptr;

use aicore_abi::orchestration::trb::{
    ActiveMask, Arg, ExplicitDeps, LaunchSpec, MixedKernels, Operations, OrchestrationConfig,
    Runtime, Shape, TaskOutputTensors,
};
use aicore_abi::tensor::{Tensor, TensorCreateInfo};
use protocol::layout::Pinned;
use protocol::{TaskId, TensorArgType};
use serde_json::Value;

use crate::support::{
    flag, hex, int, list, number, numbers, parse, same, same_bytes, same_layout, text,
};

fn file() -> Value {
    parse(include_str!("../../../tests/vectors/trb_args.json"))
}

/// The objects of the vectors lie at stated addresses and are never looked at.
struct Objects {
    tensor_base: usize,
    create_info_base: usize,
}

impl Objects {
    fn tensors(&self, call: &Value) -> Vec<*const Tensor> {
        let numbers = numbers::<usize>(&call["tensors"]);
        let place = |number| ptr::without_provenance(self.tensor_base + number * 0x100);
        numbers.into_iter().map(place).collect()
    }

    fn create_infos(&self, call: &Value) -> Vec<*const TensorCreateInfo> {
        let numbers = numbers::<usize>(&call["create_infos"]);
        let place = |number| ptr::without_provenance(self.create_info_base + number * 0x100);
        numbers.into_iter().map(place).collect()
    }
}

/// The slots of typed scalars, written as text: type names and values, separated by spaces.
fn scalars(call: &Value) -> Vec<u64> {
    let values = text(&call["values"]).split(' ');
    let types = text(&call["types"]).split(' ');
    values
        .zip(types)
        .map(|(value, kind)| match kind {
            "f32" => u64::from(value.parse::<f32>().expect("a float").to_bits()),
            "f64" => value.parse::<f64>().expect("a float").to_bits(),
            "bool" => u64::from(value == "true"),
            "enum8" => value.parse().expect("a small number"),
            integer => {
                let wide = match value.strip_prefix("0x") {
                    Some(digits) => i128::from_str_radix(digits, 16),
                    None => value.parse::<i128>(),
                };
                let bits: u32 = integer[1..].parse().expect("a width");
                let kept = wide.expect("an integer") & ((1 << bits) - 1);
                u64::try_from(kept).expect("at most 64 bits")
            }
        })
        .collect()
}

/// Applies one call; whether it was refused shows in the object.
fn apply(arg: &mut Arg, call: &Value, objects: &Objects) {
    let outcome = match text(&call["call"]) {
        "add_input" => arg.add_input(&objects.tensors(call)),
        "add_inout" => arg.add_inout(&objects.tensors(call)),
        "add_no_dep" => arg.add_no_dep(&objects.tensors(call)),
        "add_output" if call["tensors"].is_null() => arg.add_output(&objects.create_infos(call)),
        "add_output" => arg.add_output_existing(&objects.tensors(call)),
        "add_scalar" => arg.add_scalars(&scalars(call)),
        "add_scalars" => arg.add_scalars(&numbers::<u64>(&call["values"])),
        "add_scalars_i32" => arg.add_scalars_i32(&numbers::<i32>(&call["values"])),
        "copy_scalars_from" => {
            let mut source = Arg::new();
            let all: Vec<u64> = (0..number::<u64>(&call["source_has"]))
                .map(|slot| 0xc000 + slot)
                .collect();
            source.add_scalars(&all).expect("a valid source");
            arg.copy_scalars_from(
                &source,
                number(&call["source_offset"]),
                number(&call["count"]),
            )
        }
        "add_dep" => {
            let ids: Vec<TaskId> = numbers::<u64>(&call["ids"])
                .into_iter()
                .map(TaskId::from_raw)
                .collect();
            arg.add_dep(&ids)
        }
        "set_block_count" => {
            arg.launch_spec.block_num = number(&call["value"]);
            Ok(())
        }
        "set_require_sync_start" => {
            arg.launch_spec.require_sync_start = u8::from(flag(&call["value"]));
            Ok(())
        }
        "set_error" => {
            arg.set_error(c"stated by the caller");
            Ok(())
        }
        "clear" => {
            arg.clear();
            Ok(())
        }
        "reset" => {
            arg.reset();
            Ok(())
        }
        other => panic!("unknown call {other}"),
    };
    assert!(outcome.is_ok() || arg.has_error != 0, "refusals are kept");
}

/// The object's bytes, field by field: it holds pointers and is no plain data.
fn bytes(arg: &Arg) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(arg.tags.iter().flat_map(|tag| tag.to_le_bytes()));
    for tensor in arg.tensors {
        bytes.extend(tensor.addr().to_le_bytes());
    }
    bytes.extend(arg.scalars.iter().flat_map(|scalar| scalar.to_le_bytes()));
    bytes.extend(arg.tensor_count.to_le_bytes());
    bytes.extend(arg.scalar_count.to_le_bytes());
    bytes.push(arg.has_error);
    bytes.extend(arg.pad);
    bytes.extend(arg.error_msg.addr().to_le_bytes());
    bytes.extend(bytemuck::bytes_of(&arg.launch_spec));
    bytes.extend(arg.launch_pad.to_le_bytes());
    for id in arg.explicit_deps.ids {
        bytes.extend(id.raw().to_le_bytes());
    }
    bytes.extend(arg.explicit_deps.count.to_le_bytes());
    bytes.extend(arg.explicit_deps.pad.to_le_bytes());
    bytes
}

fn check_state(name: &str, arg: &Arg, state: &Value) {
    let tensors: Vec<_> = arg.tensors().collect();
    let pointers: Vec<u64> = tensors.iter().map(|(_, at)| at.addr() as u64).collect();
    let tags: Vec<&str> = tensors
        .iter()
        .map(|(tag, _)| TensorArgType::from_wire(*tag).expect("a tag").name())
        .collect();
    let expected: Vec<&str> = list(&state["tags"]).iter().map(text).collect();
    assert_eq!(tags, expected, "{name}");
    assert_eq!(pointers, numbers::<u64>(&state["pointers"]), "{name}");
    assert_eq!(arg.scalars(), numbers::<u64>(&state["scalars"]), "{name}");
    assert_eq!(arg.has_error != 0, flag(&state["has_error"]), "{name}");
    assert_eq!(
        arg.error_msg.is_null(),
        state["error_message"].is_null(),
        "{name}"
    );
    let deps: Vec<u64> = arg.deps().iter().map(|id| id.raw()).collect();
    assert_eq!(deps, numbers::<u64>(&state["explicit_deps"]), "{name}");
    same(arg.launch_spec.block_num, &state["block_count"]);
    assert_eq!(
        arg.launch_spec.require_sync_start != 0,
        flag(&state["sync_start"]),
        "{name}"
    );
    same_bytes(&bytes(arg), state, name);
}

#[test]
fn sequences() {
    let file = file();
    let objects = Objects {
        tensor_base: number(&file["objects"]["tensor_base"]),
        create_info_base: number(&file["objects"]["create_info_base"]),
    };
    let (mut checked, mut differing) = (0, 0);
    for sequence in list(&file["sequences"]) {
        let name = text(&sequence["name"]);
        let mut arg = Arg::new();
        for call in list(&sequence["calls"]) {
            apply(&mut arg, call, &objects);
        }
        let keeps_deps = name.starts_with("clear_") && sequence["arch"] == "a2a3";
        if keeps_deps {
            // One family's headers keep explicit dependencies over a clear; we forget them on both.
            differing += 1;
            let theirs = list(&sequence["state"]["explicit_deps"]);
            assert!(arg.deps().len() < theirs.len(), "{name}");
        } else {
            checked += 1;
            check_state(name, &arg, &sequence["state"]);
        }
    }
    assert_eq!((checked, differing), (45, 2));
}

#[test]
fn mixed_kernels() {
    let file = file();
    let vectors = list(&file["mixed_kernels"]);
    for vector in vectors {
        let kernels = MixedKernels {
            aic_kernel_id: number(&vector["aic"]),
            aiv0_kernel_id: number(&vector["aiv0"]),
            aiv1_kernel_id: number(&vector["aiv1"]),
        };
        assert_eq!(bytemuck::bytes_of(&kernels), hex(&vector["bytes"]));
        let mask = kernels.active_mask();
        same(mask.bits(), &vector["active_mask"]);
        same(mask.core_mask(), &vector["core_mask"]);
        let Ok(shape) = mask.shape() else {
            assert!(
                vector["shape"].is_null(),
                "refused where the reference is not"
            );
            assert_eq!(kernels, MixedKernels::default());
            continue;
        };
        let expected = match text(&vector["shape"]) {
            "AIC" => Shape::Aic,
            "AIV" => Shape::Aiv,
            "MIX" => Shape::Mix,
            other => panic!("unknown shape {other}"),
        };
        assert_eq!(shape, expected);
        let submitted = kernels.normalised();
        assert_eq!(
            submitted.lanes().to_vec(),
            numbers::<i32>(&vector["submitted_kernel_ids"])
        );
        let mask = submitted.active_mask();
        same(mask.bits(), &vector["submitted_active_mask"]);
        // One block each: as many kernel calls as lanes.
        same(mask.lane_count(), &vector["total_required_subtasks"]);
    }
    assert_eq!(vectors.len(), 11);
}

#[test]
fn active_masks_keep_the_wish_for_a_common_start_apart() {
    let mask = ActiveMask::from_bits(0xff).with_sync_start(true);
    assert_eq!((mask.bits(), mask.core_mask()), (15, 7));
    assert!(mask.is_sync_start() && !mask.with_sync_start(false).is_sync_start());
    assert!(mask.has_lane(2) && !mask.has_lane(3));
    assert_eq!(mask.shape(), Ok(Shape::Mix));
}

#[test]
fn submit_results() {
    // 144 bytes of a result: the id, the count and one descriptor address per allocated output.
    let file = file();
    let submissions = list(&file["submissions"]).iter();
    let tasks = submissions.flat_map(|submission| list(&submission["tasks"]));
    let results: Vec<&Value> = tasks
        .chain(list(&file["allocations"]))
        .map(|task| &task["result"])
        .collect();
    let (refused, returned): (Vec<&Value>, Vec<&Value>) =
        results.into_iter().partition(|result| result.is_null());
    for result in &returned {
        let id = TaskId::from_raw(number(&result["task_id"]));
        let mut ours = TaskOutputTensors::of(id);
        for output in list(&result["outputs"]) {
            ours.push(ptr::without_provenance(number(output)));
        }
        same(ours.output_count(), &result["output_count"]);
        let mut bytes = Vec::new();
        bytes.extend(ours.task_id.raw().to_le_bytes());
        bytes.extend(ours.output_count().to_le_bytes());
        bytes.extend(ours.reserved.to_le_bytes());
        for index in 0..16 {
            let address = ours.get(index).map_or(0, |tensor| tensor.addr());
            bytes.extend(address.to_le_bytes());
        }
        same_bytes(&bytes, result, "result");
    }
    // Two submissions end in an assertion of the reference and return nothing.
    assert_eq!((returned.len(), refused.len()), (33, 2));
    assert_eq!(TaskOutputTensors::empty().task_id, TaskId::INVALID);
}

#[test]
fn layouts() {
    let layout = &file()["layout"];
    let mut arg = layout["Arg"].clone();
    let members = arg.as_object_mut().expect("a layout");
    let ids = members.remove("explicit_dep_ids").expect("stated");
    let count = members.remove("explicit_dep_count").expect("stated");
    let deps = |field: &str| {
        let inner = ExplicitDeps::LAYOUT.fields;
        let inner = inner.iter().find(|inner| inner.name == field);
        let outer = Arg::LAYOUT.fields;
        let outer = outer.iter().find(|outer| outer.name == "explicit_deps");
        inner.expect("a field").offset + outer.expect("a field").offset
    };
    assert_eq!((deps("ids"), deps("count")), (number(&ids), number(&count)));
    same_layout::<Arg>(&arg, &[]);
    same_layout::<TaskOutputTensors>(&layout["TaskOutputTensors"], &[]);
    same_layout::<LaunchSpec>(&layout["PTO2LaunchSpec"], &[("blocks", "block_num")]);
    let lanes = [
        ("aic", "aic_kernel_id"),
        ("aiv0", "aiv0_kernel_id"),
        ("aiv1", "aiv1_kernel_id"),
    ];
    same_layout::<MixedKernels>(&layout["MixedKernels"], &lanes);
    same_layout::<Runtime>(&layout["PTO2Runtime_prefix"], &[]);
    same_layout::<Operations>(&layout["PTO2RuntimeOps"], &[]);
    same_layout::<OrchestrationConfig>(&layout["PTO2OrchestrationConfig"], &[]);
    assert_eq!(layout.as_object().map(serde_json::Map::len), Some(7));
}

#[test]
fn task_ids() {
    let file = file();
    let vectors = list(&file["task_ids"]);
    let mut strays = 0;
    for vector in vectors {
        let id = TaskId::from_raw(number(&vector["raw"]));
        same(id.ring(), &vector["ring"]);
        same(id.local(), &vector["local"]);
        if int(&vector["raw"]) >> 40 != 0 && flag(&vector["valid"]) {
            // The reference calls everything but all ones valid; stray high bits name no task.
            strays += 1;
            assert!(!id.is_valid());
        } else {
            assert_eq!(id.is_valid(), flag(&vector["valid"]));
        }
    }
    assert_eq!((vectors.len(), strays), (7, 1));
}

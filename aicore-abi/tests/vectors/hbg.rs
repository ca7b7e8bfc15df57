//! `hbg.json`: task entries, dump descriptors and dump records as bytes.

use aicore_abi::orchestration::hbg::{
    Operations, OrchestrationRuntime, TensorAllocationInfo, TensorInfo,
};
use bytemuck::Zeroable;
use protocol::CoreType;
use protocol::diagnostics::TensorDumpRecord;
use protocol::layout::{Layout, Pinned};
use protocol::run_descriptor::{
    HbgBody, HbgRunDescriptorA2a3, HbgRunDescriptorA5, Task, TensorPair,
};
use serde_json::Value;

use crate::support::{
    data_type, flag, hex, int, list, number, numbers, parse, same, same_bytes, same_layout, text,
};

fn file() -> Value {
    parse(include_str!("../../../tests/vectors/hbg.json"))
}

#[test]
fn operations() {
    let file = file();
    let vectors = list(&file["operations"]);
    for (vector, field) in vectors.iter().zip(Operations::LAYOUT.fields) {
        assert_eq!(field.name, text(&vector["name"]));
        same(field.offset, &vector["offset"]);
    }
    assert_eq!(vectors.len(), Operations::LAYOUT.fields.len());
    let table = &file["operations_table"];
    same(Operations::LAYOUT.size, &table["size"]);
    same(vectors.len(), &table["entries"]);
    let handle = OrchestrationRuntime::LAYOUT.fields[0];
    same(handle.offset, &table["table_pointer_offset_in_handle"]);
}

/// The entry that a vector's decoded bytes describe.
fn entry(vector: &Value) -> Task {
    bytemuck::pod_read_unaligned(&hex(&vector["bytes"]))
}

#[test]
fn an_unused_entry_is_zero_but_for_its_core_type() {
    let unused = &file()["unused_entry"];
    let task = Task {
        core_type: CoreType::Aiv.to_wire(),
        ..Task::zeroed()
    };
    same_bytes(bytemuck::bytes_of(&task), unused, "unused");
    same(task.core_type, &unused["core_type"]);
}

#[test]
fn entries_have_their_fields_where_the_reference_puts_them() {
    let file = file();
    let mut checked = 0;
    for build in list(&file["builds"]) {
        let name = text(&build["name"]);
        for vector in list(&build["entries"]) {
            let task = entry(vector);
            same(task.task_id, &vector["task"]);
            for (key, ours) in [
                ("task_id", i128::from(task.task_id)),
                ("func_id", i128::from(task.func_id)),
                ("num_args", i128::from(task.num_args)),
                ("function_bin_addr", i128::from(task.function_bin_addr)),
                ("core_type", i128::from(task.core_type)),
                ("fanin", i128::from(task.fanin)),
                ("fanout_count", i128::from(task.fanout_count)),
            ] {
                if !vector[key].is_null() {
                    assert_eq!(ours, int(&vector[key]), "{name}: {key}");
                }
            }
            if !vector["fanout"].is_null() {
                let fanout = numbers::<i32>(&vector["fanout"]);
                assert_eq!(task.fanout[..fanout.len()], fanout, "{name}");
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 31);
}

#[test]
fn tensor_descriptors() {
    let file = file();
    let vectors = list(&file["tensor_descriptors"]);
    for vector in vectors {
        let extents = |key: &str| {
            let mut extents = [0; 5];
            let given = numbers::<u32>(&vector[key]);
            extents[..given.len()].copy_from_slice(&given);
            extents
        };
        let info = TensorInfo {
            dtype: data_type(&vector["dtype"]).to_wire(),
            ndims: number(&vector["ndims"]),
            reserved: 0,
            shapes: extents("shape"),
            raw_shapes: extents("raw_shape"),
            offsets: extents("offset"),
        };
        same_bytes(bytemuck::bytes_of(&info), vector, text(&vector["name"]));
    }
    assert_eq!(vectors.len(), 18);
}

#[test]
fn dump_records_have_their_fields_where_the_reference_puts_them() {
    let file = file();
    let mut checked = 0;
    for vector in list(&file["dump_records"]) {
        for record in list(&vector["records"]) {
            let ours: TensorDumpRecord = bytemuck::pod_read_unaligned(&hex(&record["bytes"]));
            same(ours.task_id, &record["task_id"]);
            same(ours.role, &record["role"]);
            same(ours.stage, &record["stage"]);
            same(ours.arg_index, &record["arg_index"]);
            same(ours.func_id, &record["func_id"]);
            assert_eq!(ours.is_contiguous != 0, flag(&record["contiguous"]));
            assert_eq!(ours.truncated != 0, flag(&record["truncated"]));
            same(ours.payload_offset, &record["payload_offset"]);
            same(ours.payload_size, &record["payload_size"]);
            checked += 1;
        }
    }
    assert_eq!(checked, 10);
}

/// Fields of a whole descriptor: the outer ones, then the body's from the descriptor's start.
fn descriptor(outer: &Layout) -> impl Iterator<Item = (&'static str, usize)> {
    let body = outer.fields[1].offset;
    let inner = HbgBody::LAYOUT.fields.iter();
    let inner = inner.map(move |field| (field.name, field.offset + body));
    [(outer.fields[0].name, outer.fields[0].offset)]
        .into_iter()
        .chain(inner)
}

#[test]
fn layouts() {
    let layout = &file()["layout"];
    same_layout::<Task>(&layout["Task"], &[]);
    same_layout::<TensorInfo>(&layout["TensorInfo"], &[]);
    same_layout::<TensorAllocationInfo>(&layout["TensorAllocationInfo"], &[]);
    same_layout::<TensorDumpRecord>(&layout["TensorDumpRecord"], &[]);
    // The record has a field called `size`, so its own size is not stated.
    for field in TensorPair::LAYOUT.fields {
        same(field.offset, &layout["TensorPair"][field.name]);
    }
    for (arch, outer) in [
        ("a2a3", HbgRunDescriptorA2a3::LAYOUT),
        ("a5", HbgRunDescriptorA5::LAYOUT),
    ] {
        let stated = layout["Runtime"][arch].as_object().expect("a layout");
        for (member, offset) in stated {
            if member == "size" {
                same(outer.size, offset);
                continue;
            }
            let ours = descriptor(&outer).find(|(name, _)| *name == member.trim_end_matches('_'));
            let (_, at) = ours.unwrap_or_else(|| panic!("no field {member}"));
            same(at, offset);
        }
        assert_eq!(stated.len(), 31);
    }
}

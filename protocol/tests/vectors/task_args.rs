//! Tensor records, argument blobs, argument blocks, call configurations and scalar slots, byte for
//! byte as the reference has them.

use crate::support::{Vectors, hex, int, list, name, number, same, same_image, sha256, text};
use protocol::limits::TASK_ARGS_BLOB_HEADER_SIZE;
use protocol::{
    CallConfig, ChipStorageTaskArgs, ContinuousTensor, DataType, Layout, Malformed, Pinned, Scalar,
    TaskArgs, TaskArgsView, TensorArgType,
};
use serde_json::Value;

/// Bytes a worker mailbox has for a blob.
const MAILBOX_CAPACITY: usize = 2776;

#[test]
fn every_vector() {
    let mut file = Vectors::parse(include_str!("../../../tests/vectors/task_args.json"));
    file.each("continuous_tensors", continuous_tensor);
    file.each("blobs", blob);
    file.each("blob_reader", blob_reader);
    file.each("builder_rules", builder_rule);
    file.members("default_tag", default_tag);
    file.each("call_configs", call_config);
    file.each("scalar_packing", scalar_packing);
    file.each("scalar_unpacking", scalar_unpacking);
    file.members("layout", layout);
    file.finish();
}

fn data_type(value: &Value) -> DataType {
    *DataType::ALL
        .iter()
        .find(|data_type| data_type.name() == text(value))
        .expect("a known element type")
}

fn tensor(value: &Value) -> Result<ContinuousTensor, Malformed> {
    let shape: Vec<u32> = list(&value["shapes"]).iter().map(number).collect();
    let mut tensor =
        ContinuousTensor::new(number(&value["data"]), &shape, data_type(&value["dtype"]))?;
    tensor.child_memory = number(&value["child_memory"]);
    Ok(tensor)
}

fn continuous_tensor(vector: &Value) {
    let bytes = hex(&vector["bytes"]);
    let read: ContinuousTensor = bytemuck::pod_read_unaligned(&bytes);
    let made = tensor(&vector["input"]);
    if name(vector) == "size_wraps_modulo_2_64" {
        // The reference computes with the remainder; here such a tensor is refused, made or read.
        let refused = Malformed::SizeOverflow {
            shapes: [u32::MAX, u32::MAX, 3, 1, 1],
            element_size: 4,
        };
        assert_eq!(made, Err(refused));
        assert_eq!(read.byte_size(), Err(refused));
        assert_eq!(read.validate(), Err(refused));
        return;
    }
    let made = made.expect("the reference accepts it");
    assert_eq!(bytemuck::bytes_of(&made), bytes, "{}", name(vector));
    assert_eq!(read, made);
    assert_eq!(read.byte_size(), Ok(number(&vector["nbytes"])));
    let element_size = u64::from(read.data_type().expect("known").element_size());
    same(
        read.element_count().expect("valid") * element_size,
        &vector["nbytes"],
    );
    assert_eq!(
        read.is_device_memory(),
        vector["is_child_memory"].as_bool().expect("a fact")
    );
    let shape: Vec<u32> = list(&vector["input"]["shapes"])
        .iter()
        .map(number)
        .collect();
    assert_eq!(read.shape(), Ok(&shape[..]));
}

fn blob(vector: &Value) {
    let name = name(vector);
    let tags = list(&vector["tags_not_in_blob"]);
    let mut args = TaskArgs::new();
    for (value, tag) in list(&vector["tensors"]).iter().zip(tags) {
        let tag = TensorArgType::from_wire(number(tag)).expect("a known tag");
        args.push_tagged(tensor(value).expect("valid"), tag)
            .expect("no scalar yet");
    }
    for value in list(&vector["scalars"]) {
        args.push_scalar(number::<u64>(value));
    }
    assert_eq!(args.tags().len(), tags.len());

    let view = args.view();
    same(view.tensor_count(), &vector["tensor_count"]);
    same(view.scalar_count(), &vector["scalar_count"]);
    same(view.blob_size(), &vector["blob_size"]);
    assert_eq!(
        view.blob_size() <= MAILBOX_CAPACITY,
        vector["fits_worker_mailbox"].as_bool().expect("a fact")
    );

    let mut blob = vec![0; view.blob_size()];
    assert_eq!(view.write_blob(&mut blob), Ok(blob.len()));
    same_image(&blob, vector);
    let short = blob.len() - 1;
    assert!(view.write_blob(&mut vec![0; short]).is_err(), "{name}");

    let back = TaskArgsView::read_blob(&blob).expect("what we wrote");
    assert_eq!(back, view);
    let read_back = &vector["read_back"];
    assert_eq!(
        int(&read_back["tensors_at"]),
        TASK_ARGS_BLOB_HEADER_SIZE as i128
    );
    assert_eq!(
        int(&read_back["scalars_at"]),
        (TASK_ARGS_BLOB_HEADER_SIZE + back.tensor_count() * size_of::<ContinuousTensor>()) as i128
    );

    let storage = ChipStorageTaskArgs::from_view(&back);
    let expected = &vector["chip_storage"];
    assert_eq!(int(&expected["size"]), 3592);
    if expected["ok"] == false {
        assert_eq!(text(&expected["error"]), "out_of_range");
        assert_eq!(
            storage.map(|_| ()),
            Err(Malformed::TooMany {
                field: "tensors",
                value: 65,
                limit: 64
            })
        );
        return;
    }
    let storage = storage.expect("the reference accepts it");
    // Our unused slots are zero, as in the vector's hash.
    assert_eq!(
        sha256(bytemuck::bytes_of(&storage)),
        text(&expected["sha256_with_unwritten_bytes_zero"]),
        "{name}"
    );
    same(storage.tensor_count, &expected["tensor_count"]);
    same(storage.scalar_count, &expected["scalar_count"]);
    assert_eq!(storage.view(), Ok(view));
    assert!(!list(&expected["written_ranges"]).is_empty());
}

fn blob_reader(vector: &Value) {
    let name = name(vector);
    let capacity: usize = number(&vector["capacity"]);
    let mut buffer = hex(&vector["header_bytes"]);
    same(
        i32::from_le_bytes(*buffer.first_chunk().expect("a header")),
        &vector["tensor_count"],
    );
    buffer.resize(capacity, 0);
    let read = TaskArgsView::read_blob(&buffer);
    if vector["accepted"] == false {
        assert!(read.is_err(), "{name}");
        return;
    }
    let read = read.expect("the reference accepts it");
    same(read.tensor_count(), &vector["tensor_count"]);
    same(read.scalar_count(), &vector["scalar_count"]);
    assert_eq!(
        int(&vector["scalars_at"]) - int(&vector["tensors_at"]),
        (read.tensor_count() * size_of::<ContinuousTensor>()) as i128
    );
    assert_eq!(read.tensors().count(), read.tensor_count());
    assert_eq!(read.scalars().count(), read.scalar_count());
}

fn builder_rule(vector: &Value) {
    let tensor = ContinuousTensor::new(64, &[1], DataType::Int8).expect("valid");
    let after_scalar = Err(Malformed::TensorAfterScalar { scalars: 1 });
    let mut args = TaskArgs::new();
    let mut storage = ChipStorageTaskArgs::default();
    let outcome = match name(vector) {
        "dynamic_tensor_after_scalar" => {
            args.push_scalar(1);
            assert_eq!(args.push_tensor(tensor), after_scalar);
            "logic_error"
        }
        "dynamic_tagged_tensor_after_scalar" => {
            args.push_scalar(1);
            let tagged = args.push_tagged(tensor, TensorArgType::Inout);
            assert_eq!(tagged, after_scalar);
            "logic_error"
        }
        "dynamic_100_tensors" => {
            for _ in 0..100 {
                args.push_tensor(tensor).expect("no limit of its own");
            }
            "ok"
        }
        "storage_tensor_after_scalar" => {
            storage.push_scalar(1).expect("room");
            assert_eq!(storage.push_tensor(tensor), after_scalar);
            assert_eq!(storage.tensor_count, 0);
            "logic_error"
        }
        "storage_64_tensors" => {
            for _ in 0..64 {
                storage.push_tensor(tensor).expect("room");
            }
            "ok"
        }
        "storage_65_tensors" => {
            for _ in 0..64 {
                storage.push_tensor(tensor).expect("room");
            }
            assert!(storage.push_tensor(tensor).is_err());
            assert_eq!(storage.tensor_count, 64);
            "out_of_range"
        }
        "storage_128_scalars" => {
            for scalar in 0..128_u64 {
                storage.push_scalar(scalar).expect("room");
            }
            "ok"
        }
        "storage_129_scalars" => {
            for scalar in 0..128_u64 {
                storage.push_scalar(scalar).expect("room");
            }
            assert!(storage.push_scalar(0_u64).is_err());
            assert_eq!(storage.scalar_count, 128);
            "out_of_range"
        }
        other => panic!("no check for {other}"),
    };
    assert_eq!(outcome, text(&vector["outcome"]));
}

fn default_tag(case: &str, tag: &Value) {
    let tensor = ContinuousTensor::new(64, &[1], DataType::Int8).expect("valid");
    let mut args = TaskArgs::new();
    match case {
        "untagged" => args.push_tensor(tensor),
        "tagged_output_existing" => args.push_tagged(tensor, TensorArgType::OutputExisting),
        other => panic!("no check for {other}"),
    }
    .expect("no scalar yet");
    same(args.tags()[0].to_wire(), tag);
}

fn call_config(vector: &Value) {
    let mut config = CallConfig {
        block_dim: number(&vector["block_dim"]),
        aicpu_thread_num: number(&vector["aicpu_thread_num"]),
        enable_l2_swimlane: number(&vector["enable_l2_swimlane"]),
        enable_dump_tensor: number(&vector["enable_dump_tensor"]),
        enable_pmu: number(&vector["enable_pmu"]),
        ..CallConfig::default()
    };
    let prefix = text(&vector["output_prefix"]).as_bytes();
    config.set_output_prefix(prefix).expect("it fits");
    assert_eq!(bytemuck::bytes_of(&config), hex(&vector["bytes"]));
    same(size_of::<CallConfig>(), &vector["size"]);
    assert_eq!(config.any_diagnostic(), vector["diagnostics_any"]);
    assert_eq!(config.output_prefix(), Ok(prefix));
    assert_eq!(!prefix.is_empty(), vector["output_prefix_set"]);

    let read = CallConfig::read(&hex(&vector["bytes"]));
    match name(vector) {
        // The reference refuses them later and elsewhere, or never.
        "negative_values" => assert_eq!(
            read,
            Err(Malformed::OutOfRange {
                field: "block_dim",
                value: -1,
                min: 1,
                max: i64::from(i32::MAX)
            })
        ),
        "defaults" => assert_eq!(read, Ok(CallConfig::default())),
        _ if vector["valid"] == true => assert_eq!(read, Ok(config)),
        case => assert!(
            matches!(read, Err(Malformed::NoOutputPrefix { .. })),
            "{case}"
        ),
    }
}

fn scalar_packing(vector: &Value) {
    let value = text(&vector["value"]);
    let slot = match text(&vector["type"]) {
        "i8" => parsed::<i8>(value).to_slot(),
        "u8" => parsed::<u8>(value).to_slot(),
        "i16" => parsed::<i16>(value).to_slot(),
        "u16" => parsed::<u16>(value).to_slot(),
        "i32" => parsed::<i32>(value).to_slot(),
        "u32" => parsed::<u32>(value).to_slot(),
        "i64" => parsed::<i64>(value).to_slot(),
        "u64" => parsed::<u64>(value).to_slot(),
        "f32" => parsed::<f32>(value).to_slot(),
        "f64" => parsed::<f64>(value).to_slot(),
        "bool" => parsed::<bool>(value).to_slot(),
        other => panic!("no check for {other}"),
    };
    same(slot, &vector["slot"]);
}

fn scalar_unpacking(vector: &Value) {
    let slot = number(&vector["slot"]);
    let value = match text(&vector["type"]) {
        "i8" => i8::from_slot(slot).to_string(),
        "u8" => u8::from_slot(slot).to_string(),
        "i16" => i16::from_slot(slot).to_string(),
        "u16" => u16::from_slot(slot).to_string(),
        "i32" => i32::from_slot(slot).to_string(),
        "u32" => u32::from_slot(slot).to_string(),
        "i64" => i64::from_slot(slot).to_string(),
        "u64" => u64::from_slot(slot).to_string(),
        "f32" => f32::from_slot(slot).to_string(),
        other => panic!("no check for {other}"),
    };
    assert_eq!(value, text(&vector["value"]), "{vector}");
}

fn parsed<T: core::str::FromStr<Err: core::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a value of the stated type")
}

fn layout(ty: &str, expected: &Value) {
    let layout = match ty {
        "ContinuousTensor" => ContinuousTensor::LAYOUT,
        "ChipStorageTaskArgs" => ChipStorageTaskArgs::LAYOUT,
        "CallConfig" => CallConfig::LAYOUT,
        // Two counts and two pointers of one C++ process: it crosses no boundary, and ours is a
        // pair of slices.
        "TaskArgsView" => return assert_eq!(int(&expected["size"]), 24),
        other => panic!("no check for {other}"),
    };
    same_layout(&layout, expected);
}

fn same_layout(layout: &Layout, expected: &Value) {
    for (key, value) in expected.as_object().expect("an object") {
        let ours = match key.as_str() {
            "size" => layout.size,
            "align" => layout.align,
            field => layout
                .fields
                .iter()
                .find(|candidate| candidate.name == field)
                .map(|field| field.offset)
                .unwrap_or_else(|| panic!("{} has no field {field}", layout.name)),
        };
        same(ours, value);
    }
}

//! The dump descriptors of our headers, replayed against the golden vectors.

use serde_json::Value;
use tests::headers::{Family, Kind};
use tests::replay::{Program, extents};
use tests::vectors::{difference, list, load, number, text};

#[test]
fn dump_descriptors_come_out_as_the_vectors_say() {
    let vectors = load("hbg.json");
    let mut program = Program::new("orchestration_api.h", "");
    for descriptor in list(&vectors, "tensor_descriptors") {
        let (name, make) = (text(descriptor, "name"), make(descriptor));
        program.push(format!(
            "{{ TensorInfo info = {make}; put_bytes(\"{name}\", &info, sizeof(info)); }}"
        ));
    }
    for (index, lookup) in list(&vectors, "allocation_lookup").iter().enumerate() {
        program.push(format!(
            "put_number(\"lookup{index}\", TensorAllocationInfo{{{}, {}}}.contains({}));",
            text(lookup, "base"),
            text(lookup, "size"),
            text(lookup, "address"),
        ));
    }
    let tmp = env!("CARGO_TARGET_TMPDIR");
    let answers = program.run(Kind::HbgOrchestration, Family::A2a3, tmp, "replay_hbg");
    for descriptor in list(&vectors, "tensor_descriptors") {
        let name = text(descriptor, "name");
        assert_eq!(difference(descriptor, &answers.bytes(name)), None, "{name}");
    }
    for (index, lookup) in list(&vectors, "allocation_lookup").iter().enumerate() {
        let inside = answers.number(&format!("lookup{index}")) == 1;
        assert_eq!(Some(inside), lookup["inside"].as_bool(), "{lookup}");
    }
}

/// The C++ expression: extents and origin are given only where they say something.
fn make(descriptor: &Value) -> String {
    let (shape, raw) = (list(descriptor, "shape"), list(descriptor, "raw_shape"));
    let offset = list(descriptor, "offset");
    let dtype = text(descriptor, "dtype");
    if text(descriptor, "name") == "from_argument_record" {
        return format!(
            "[] {{ ContinuousTensor t{{}}; t.dtype = DataType::{dtype}; t.ndims = {}; \
             memcpy(t.shapes, {}, {}); return make_tensor_info_from_tensor_arg(t); }}()",
            shape.len(),
            extents(shape),
            shape.len() * 4,
        );
    }
    let given = |values: &[Value], says: bool| match says {
        true => extents(values),
        false => "nullptr".to_owned(),
    };
    format!(
        "make_tensor_info(DataType::{dtype}, {}, {}, {}, {})",
        shape.len(),
        extents(shape),
        given(raw, raw != shape),
        given(offset, offset.iter().any(|value| number(value) != 0)),
    )
}

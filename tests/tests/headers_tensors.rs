//! The descriptor operations of our headers, replayed against the golden vectors.

use serde_json::Value;
use tests::headers::{Family, Kind};
use tests::replay::{Answers, Program, extents, scalar};
use tests::vectors::{difference, hex, list, load, number, text};

const TMP: &str = env!("CARGO_TARGET_TMPDIR");

const DECLARATIONS: &str = r"
static std::vector<Tensor> made;

// Prints what an operation made, or that it was refused.
template <typename Make>
static void step(const std::string &label, size_t result, Make make) {
    try {
        Tensor t = make();
        put_bytes((label + `.bytes`).c_str(), &t, sizeof(t));
        put_number((label + `.start`).c_str(), t.start_offset);
        put_number((label + `.numel`).c_str(), t.numel());
        put_number((label + `.contiguous`).c_str(), t.is_contiguous());
        while (made.size() > result) made.pop_back();
        made.push_back(t);
    } catch (const AssertionError &) {
        put_text((label + `.error`).c_str(), `assertion`);
    }
}
";

/// Steps where we keep what the reference loses: the start of a view that is reshaped.
const KEEPS_START: [(&str, usize, u64); 3] = [
    ("reshape_of_offset_rows_view_loses_offset", 2, 0x10),
    ("reshape_of_offset_rows_view_loses_offset", 3, 0x10),
    ("reshape_one_dimensional_view_is_contiguous", 2, 8),
];

/// The C++ expression of one step.
fn operation(step: &Value) -> String {
    let manual = &step["manual"];
    let parent = || format!("made[{}]", step["of"]);
    let shapes = || {
        let shapes = list(step, "shapes");
        (extents(shapes), shapes.len())
    };
    match text(step, "op") {
        "external" => {
            let (shapes, rank) = shapes();
            format!(
                "make_tensor_external(reinterpret_cast<void *>({}), {shapes}, {rank}, \
                 DataType::{}, {manual}, {})",
                text(step, "data"),
                text(step, "element"),
                step["tensor_version"],
            )
        }
        "from_argument" => {
            let bytes = hex(text(step, "argument_bytes"));
            format!(
                "[] {{ const uint8_t raw[] = {bytes:?}; ContinuousTensor t; \
                 memcpy(&t, raw, sizeof(t)); return from_tensor_arg(t, {manual}, {}); }}()",
                step["tensor_version"],
            )
            .replace("= [", "= {")
            .replace("]; Cont", "}; Cont")
        }
        "view" => {
            let offsets = extents(list(step, "offsets"));
            format!("{}.view({}, {offsets}, {manual})", parent(), shapes().0)
        }
        "reshape" => {
            let (shapes, rank) = shapes();
            format!("{}.reshape({shapes}, {rank}, {manual})", parent())
        }
        "transpose" => {
            let (x, y) = (&step["x"], &step["y"]);
            format!("{}.transpose({x}, {y}, {manual})", parent())
        }
        other => panic!("no operation {other}"),
    }
}

#[test]
fn every_descriptor_comes_out_as_the_vectors_say() {
    let vectors = load("trb_tensors.json");
    let header = "pto_orchestration_api.h";
    let mut program = Program::new(header, &DECLARATIONS.replace('`', "\""));
    for sequence in list(&vectors, "sequences") {
        program.push("made.clear();");
        for (index, step) in list(sequence, "steps").iter().enumerate() {
            let label = format!("{}.{index}", text(sequence, "name"));
            let (result, make) = (number(&step["result"]), operation(step));
            program.push(format!(
                "step(\"{label}\", {result}, [&] {{ return {make}; }});"
            ));
            for (at, flat) in step["flat_index"]
                .as_array()
                .into_iter()
                .flatten()
                .enumerate()
            {
                let index = list(flat, "index");
                program.push(format!(
                    "put_number(\"{label}.flat{at}\", made[{result}].compute_flat_offset({}, {}));",
                    extents(index),
                    index.len(),
                ));
            }
        }
    }
    let kind = Kind::TrbOrchestration;
    let answers = program.run(kind, Family::A5, TMP, "replay_tensors");
    let mut kept = 0;
    for sequence in list(&vectors, "sequences") {
        for (index, step) in list(sequence, "steps").iter().enumerate() {
            kept += usize::from(check_step(text(sequence, "name"), index, step, &answers));
        }
    }
    assert_eq!(kept, KEEPS_START.len(), "every stated difference was met");
}

/// Compares one step; answers whether it is one where we differ on purpose.
fn check_step(name: &str, index: usize, step: &Value, answers: &Answers) -> bool {
    let label = format!("{name}.{index}");
    if step["error"].is_string() {
        assert!(
            answers.has(&format!("{label}.error")),
            "{label} was accepted"
        );
        return false;
    }
    let start = answers.number(&format!("{label}.start"));
    let keeps = KEEPS_START
        .iter()
        .find(|(sequence, at, _)| (*sequence, *at) == (name, index));
    if let Some((_, _, kept)) = keeps {
        assert_eq!(start, *kept, "{label} starts where its view starts");
        assert_eq!(number(&step["stored"]["start_offset"]), 0, "the reference");
        return true;
    }
    let bytes = answers.bytes(&format!("{label}.bytes"));
    for vector in [step, &step["stored"]] {
        if let Some(difference) = difference(vector, &bytes) {
            panic!("{label}: {difference}");
        }
    }
    assert_eq!(start, number(&step["stored"]["start_offset"]), "{label}");
    let numel = answers.number(&format!("{label}.numel"));
    assert_eq!(numel, number(&step["numel"]), "{label}");
    let contiguous = answers.number(&format!("{label}.contiguous")) == 1;
    assert_eq!(Some(contiguous), step["contiguous"].as_bool(), "{label}");
    for (at, flat) in step["flat_index"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let found = answers.number(&format!("{label}.flat{at}"));
        assert_eq!(found, number(&flat["flat"]), "{label}: {}", flat["index"]);
    }
    false
}

#[test]
fn every_create_info_comes_out_as_the_vectors_say() {
    let vectors = load("trb_tensors.json");
    let mut program = Program::new("pto_orchestration_api.h", "");
    program.push("map_at(0x4000000000, 1 << 20);");
    // A descriptor can only be made from memory that exists; each is overwritten at once.
    program.push("uint32_t one[1] = {1};");
    program.push("Tensor t = make_tensor_external(one, one, 1);");
    for info in list(&vectors, "create_infos") {
        let label = text(info, "name");
        let shapes = list(info, "shapes");
        program.push(format!(
            "{{ TensorCreateInfo ci({}, {}, DataType::{}, {});",
            extents(shapes),
            shapes.len(),
            text(info, "dtype"),
            info["manual"],
        ));
        if let Some(ty) = info["initial_value"]["type"].as_str() {
            let value = scalar(ty, text(&info["initial_value"], "value"));
            program.push(format!("ci.set_initial_value({value});"));
        }
        program.push(format!("put_bytes(\"{label}.bytes\", &ci, sizeof(ci));"));
        program.push(format!(
            "put_number(\"{label}.size\", ci.buffer_size_bytes());"
        ));
        if info["materialised"].is_object() {
            materialise(&mut program, label, &info["materialised"]);
        }
        program.push("}");
    }
    let kind = Kind::TrbOrchestration;
    let answers = program.run(kind, Family::A2a3, TMP, "replay_create_infos");
    let mut filled = 0;
    for info in list(&vectors, "create_infos") {
        let label = text(info, "name");
        let bytes = answers.bytes(&format!("{label}.bytes"));
        assert_eq!(difference(info, &bytes), None, "{label}");
        let size = answers.number(&format!("{label}.size"));
        assert_eq!(size, number(&info["buffer_size"]), "{label}");
        if info["materialised"].is_object() {
            filled += usize::from(check_materialised(label, &info["materialised"], &answers));
        }
    }
    assert!(filled > 5, "only {filled} vectors have an initial value");
}

/// Makes the tensor that `ci` describes, in memory where the vector has it.
fn materialise(program: &mut Program, label: &str, made: &Value) {
    let (at, size, owner) = (text(made, "at"), text(made, "size"), text(made, "owner"));
    program.push(format!(
        "t.init_from_create_info(ci, reinterpret_cast<void *>({at}), {size});"
    ));
    program.push(format!("t.owner_task_id.raw = {owner};"));
    program.push(format!("put_bytes(\"{label}.made\", &t, sizeof(t));"));
    program.push(format!(
        "put_bytes(\"{label}.filled\", reinterpret_cast<void *>({at}), {size} + 64);"
    ));
    program.push(format!(
        "memset(reinterpret_cast<void *>({at}), 0, {size} + 64);"
    ));
}

/// Compares descriptor and buffer; answers whether the buffer was to be filled.
fn check_materialised(label: &str, made: &Value, answers: &Answers) -> bool {
    let found = answers.bytes(&format!("{label}.made"));
    assert_eq!(difference(made, &found), None, "{label}");
    let buffer = answers.bytes(&format!("{label}.filled"));
    let (inside, behind) = buffer.split_at(buffer.len() - 64);
    let clean = behind.iter().all(|&byte| byte == 0);
    assert!(clean, "{label} writes past its end");
    let pattern = match made["buffer_first_64_bytes"].as_str() {
        Some(digits) => hex(digits),
        None => vec![0; 64],
    };
    let expected = pattern.iter().cycle().take(inside.len());
    assert!(inside.iter().eq(expected), "{label} fills something else");
    made["buffer_first_64_bytes"].is_string()
}

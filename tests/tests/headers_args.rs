//! The argument object and the kernel triples of our headers, replayed against the golden vectors.

use serde_json::Value;
use tests::headers::{Family, Kind};
use tests::replay::{Program, scalar};
use tests::vectors::{difference, list, load, number, text};

const TMP: &str = env!("CARGO_TARGET_TMPDIR");

const DECLARATIONS: &str = r"
enum class Enum8 : uint8_t {};

// Objects lie where the vectors say they lay.
static Tensor &tensor(uint64_t n) { return *reinterpret_cast<Tensor *>(0x2000000000 + n * 0x100); }
static TensorCreateInfo &create_info(uint64_t n) {
    return *reinterpret_cast<TensorCreateInfo *>(0x2800000000 + n * 0x100);
}

static void put_arg(const std::string &label, const Arg &arg) {
    put_bytes((label + `.bytes`).c_str(), &arg, sizeof(arg));
    put_text((label + `.error`).c_str(), arg.error_msg ? arg.error_msg : `-`);
    put_number((label + `.deps`).c_str(), arg.explicit_dep_count());
    put_number((label + `.sync`).c_str(), arg.launch_spec.require_sync_start());
}
";

/// The C++ statement of one call.
fn call(call: &Value, family: Family) -> String {
    let objects = |key: &str, function: &str| {
        let numbers = list(call, key).iter();
        let named: Vec<String> = numbers.map(|n| format!("{function}({n})")).collect();
        named.join(", ")
    };
    let values = || {
        let values = list(call, "values").iter();
        let texts: Vec<String> = values
            .map(|value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            })
            .collect();
        (texts.join(", "), texts.len())
    };
    match text(call, "call") {
        name @ ("add_input" | "add_inout" | "add_no_dep" | "add_output") => {
            let list = if call["tensors"].is_array() {
                objects("tensors", "tensor")
            } else {
                objects("create_infos", "create_info")
            };
            format!("arg.{name}({list});")
        }
        "add_scalar" => {
            let types = text(call, "types").split(' ');
            let words: Vec<String> = types
                .zip(text(call, "values").split(' '))
                .map(|(ty, value)| scalar(ty, value))
                .collect();
            format!("arg.add_scalar({});", words.join(", "))
        }
        "add_scalars" => {
            let (list, count) = values();
            format!("{{ const uint64_t v[] = {{{list}}}; arg.add_scalars(v, {count}); }}")
        }
        "add_scalars_i32" => {
            let (list, count) = values();
            format!("{{ const int32_t v[] = {{{list}}}; arg.add_scalars_i32(v, {count}); }}")
        }
        "copy_scalars_from" => format!(
            "{{ Arg source; for (uint64_t i = 0; i < {}; i++) source.add_scalar(0xc000 + i); \
             arg.copy_scalars_from(source, {}, {}); }}",
            call["source_has"], call["source_offset"], call["count"],
        ),
        "add_dep" => {
            let ids: Vec<String> = list(call, "ids")
                .iter()
                .map(|id| format!("PTO2TaskId{{{:#x}}}", number(id)))
                .collect();
            format!("arg.add_dep({});", ids.join(", "))
        }
        "set_block_count" => {
            let setter = match family {
                Family::A2a3 => "set_block_num",
                Family::A5 => "set_core_num",
            };
            format!("arg.launch_spec.{setter}({});", call["value"])
        }
        "set_require_sync_start" => {
            format!("arg.launch_spec.set_require_sync_start({});", call["value"])
        }
        "set_error" => format!("arg.set_error({});", call["message"]),
        name @ ("clear" | "reset") => format!("arg.{name}();"),
        other => panic!("no call {other}"),
    }
}

fn argument_objects_come_out(family: Family) {
    let vectors = load("trb_args.json");
    let here = |sequence: &&Value| {
        let arch = sequence["arch"].as_str();
        arch.is_none_or(|arch| arch == family.name())
    };
    let sequences = || list(&vectors, "sequences").iter().filter(here);
    let header = "pto_orchestration_api.h";
    let mut program = Program::new(header, &DECLARATIONS.replace('`', "\""));
    for sequence in sequences() {
        program.push("{ Arg arg;");
        for each in list(sequence, "calls") {
            program.push(call(each, family));
        }
        program.push(format!("put_arg(\"{}\", arg); }}", text(sequence, "name")));
    }
    let kind = Kind::TrbOrchestration;
    let test = format!("replay_args_{}", family.name());
    let answers = program.run(kind, family, TMP, &test);
    assert_eq!(sequences().count(), 45, "47, of which two exist per family");
    for sequence in sequences() {
        let (name, state) = (text(sequence, "name"), &sequence["state"]);
        if let Some(difference) = difference(state, &answers.bytes(&format!("{name}.bytes"))) {
            panic!("{name}: {difference}");
        }
        let error = answers.text(&format!("{name}.error"));
        assert_eq!(
            error != "-",
            state["error_message"].is_string(),
            "{name}: {error}"
        );
        if name == "set_error_twice" {
            assert_eq!(error, text(state, "error_message"));
        }
        let deps = answers.number(&format!("{name}.deps"));
        assert_eq!(deps, number(&state["explicit_dep_count"]), "{name}");
        let sync = answers.number(&format!("{name}.sync")) == 1;
        assert_eq!(Some(sync), state["sync_start"].as_bool(), "{name}");
    }
}

#[test]
fn argument_objects_come_out_as_the_vectors_say_on_a2a3() {
    argument_objects_come_out(Family::A2a3);
}

#[test]
fn argument_objects_come_out_as_the_vectors_say_on_a5() {
    argument_objects_come_out(Family::A5);
}

#[test]
fn kernel_triples_and_task_ids_come_out_as_the_vectors_say() {
    let vectors = load("trb_args.json");
    let mut program = Program::new("pto_orchestration_api.h", "");
    for (index, triple) in list(&vectors, "mixed_kernels").iter().enumerate() {
        program.push(format!(
            "{{ MixedKernels m{{{}, {}, {}}};\
             put_bytes(\"m{index}.bytes\", &m, sizeof(m));\
             put_number(\"m{index}.mask\", m.to_active_mask().raw());\
             put_number(\"m{index}.cores\", m.to_active_mask().core_mask());\
             put_number(\"m{index}.shape\", static_cast<uint8_t>(m.to_active_mask().to_shape())); }}",
            triple["aic"], triple["aiv0"], triple["aiv1"],
        ));
    }
    for (index, id) in list(&vectors, "task_ids").iter().enumerate() {
        program.push(format!(
            "{{ PTO2TaskId id = PTO2TaskId::make(static_cast<uint8_t>({}), {}u);\
             put_number(\"i{index}.raw\", id.raw); put_number(\"i{index}.valid\", id.is_valid());\
             id.raw = {}; put_number(\"i{index}.ring\", id.ring());\
             put_number(\"i{index}.local\", id.local()); }}",
            id["ring"],
            id["local"],
            text(id, "raw"),
        ));
    }
    let kind = Kind::TrbOrchestration;
    let answers = program.run(kind, Family::A5, TMP, "replay_kernels");
    for (index, triple) in list(&vectors, "mixed_kernels").iter().enumerate() {
        let bytes = answers.bytes(&format!("m{index}.bytes"));
        assert_eq!(difference(triple, &bytes), None, "{triple}");
        let mask = answers.number(&format!("m{index}.mask"));
        assert_eq!(mask, number(&triple["active_mask"]), "{triple}");
        let cores = answers.number(&format!("m{index}.cores"));
        assert_eq!(cores, number(&triple["core_mask"]), "{triple}");
        if let Some(shape) = triple["shape"].as_str() {
            let names = ["AIC", "AIV", "MIX"];
            let found = answers.number(&format!("m{index}.shape"));
            let expected = names.iter().position(|name| *name == shape);
            assert_eq!(usize::try_from(found).ok(), expected, "{triple}");
        }
    }
    for (index, id) in list(&vectors, "task_ids").iter().enumerate() {
        let answer = |key: &str| answers.number(&format!("i{index}.{key}"));
        assert_eq!(answer("ring"), number(&id["ring"]), "{id}");
        assert_eq!(answer("local"), number(&id["local"]), "{id}");
        // An id with more than its 40 bits set cannot be made from ring and number.
        let raw = number(&id["raw"]);
        if raw >> 40 == 0 {
            assert_eq!(answer("raw"), raw, "{id}");
            assert_eq!(answer("valid") == 1, id["valid"] == true, "{id}");
        }
    }
}

//! Every constant and enumerator of the interface has the value that the golden vectors give.

use serde_json::Value;
use tests::checklist::names;
use tests::headers::{Family, Kind};
use tests::replay::Program;
use tests::vectors::{list, load, text};

/// The number of one family, where it has one.
fn value(constant: &Value, family: Family) -> Option<i64> {
    [&constant["value"], &constant[family.name()]]
        .into_iter()
        .find_map(Value::as_i64)
}

/// Enumerators as C++ spells them, with their values; scoped ones carry the enumeration's name.
fn enumerators(vectors: &Value) -> Vec<(String, i64, String)> {
    let mut all = Vec::new();
    for each in list(vectors, "enums") {
        let (name, storage) = (text(each, "name"), text(each, "storage"));
        for member in list(each, "values") {
            let value = member["value"].as_i64().expect("enumerators are numbers");
            let short = text(member, "name");
            for spelling in [format!("{name}::{short}"), short.to_owned()] {
                all.push((spelling, value, storage.to_owned()));
            }
        }
    }
    all
}

fn numbers_agree(kind: Kind, family: Family, headers: &str, at_least: usize) {
    let vectors = load("enums.json");
    let visible = names();
    let visible = |name: &str| {
        let mut same = visible.iter().filter(|each| each.name == name);
        same.any(|each| each.is_visible(kind, family))
    };
    let mut expected: Vec<(String, i64, Option<String>)> = Vec::new();
    for constant in list(&vectors, "constants") {
        let name = text(constant, "name");
        if let Some(value) = value(constant, family).filter(|_| visible(name)) {
            expected.push((name.to_owned(), value, None));
        }
    }
    for (name, value, storage) in enumerators(&vectors) {
        if visible(&name) {
            expected.push((name, value, Some(storage)));
        }
    }
    assert!(expected.len() >= at_least, "only {} names", expected.len());
    let mut program = Program::new("stdint.h", headers);
    for (name, _, storage) in &expected {
        program.push(format!(
            "put_number(\"{name}\", static_cast<uint64_t>(static_cast<int64_t>({name})));"
        ));
        if let Some(storage) = storage {
            let bits: u32 = storage[1..].parse().expect("a letter and a width");
            program.push(format!(
                "static_assert(sizeof({name}) * 8 == {bits}, \"{name}\");"
            ));
        }
    }
    let test = format!("constants_{kind:?}_{}", family.name());
    let answers = program.run(kind, family, env!("CARGO_TARGET_TMPDIR"), &test);
    for (name, value, _) in &expected {
        assert_eq!(answers.number(name).cast_signed(), *value, "{name}");
    }
}

#[test]
fn trb_numbers_are_the_vectors() {
    let headers =
        "#include \"pto_orchestration_api.h\"\n#include \"platform_comm/comm_context.h\"\n";
    for family in Family::ALL {
        numbers_agree(Kind::TrbOrchestration, family, headers, 80);
    }
}

#[test]
fn hbg_numbers_are_the_vectors() {
    for family in Family::ALL {
        let headers = "#include \"orchestration_api.h\"\n";
        numbers_agree(Kind::HbgOrchestration, family, headers, 25);
    }
}

//! The C++ compiler and the Rust compiler lay out every shared type alike.

use std::collections::BTreeSet;

use protocol::layout::Layout;
use tests::headers::{Family, Kind};
use tests::layouts::{COUNTERPARTS, HBG_HEADERS, TRB_HEADERS, WITHOUT_COUNTERPART};
use tests::replay::Program;

fn every_shared_type_agrees(kind: Kind, headers: &[&str], family: Family) {
    let here = || COUNTERPARTS.iter().filter(|each| each.kind == kind);
    let mut program = Program::with_private_members(headers);
    for each in here() {
        let cpp = each.cpp;
        program.push(format!("put_number(\"{cpp}\", sizeof({cpp}));"));
        program.push(format!("put_number(\"{cpp}:align\", alignof({cpp}));"));
        let members = each.layout.fields.iter();
        for member in members.filter_map(|field| each.member(field.name, family)) {
            program.push(format!(
                "put_number(\"{cpp}.{member}\", offsetof({cpp}, {member}));"
            ));
            program.push(format!(
                "put_number(\"{cpp}.{member}:size\", sizeof({cpp}::{member}));"
            ));
        }
    }
    let test = format!("layout_{kind:?}_{}", family.name());
    let answers = program.run(kind, family, env!("CARGO_TARGET_TMPDIR"), &test);
    let same = |rust: usize, label: &str| {
        assert_eq!(
            answers.text(label),
            rust.to_string(),
            "{label}, C++ and Rust"
        );
    };
    for each in here() {
        let cpp = each.cpp;
        same(each.layout.size, cpp);
        same(each.layout.align, &format!("{cpp}:align"));
        for field in each.layout.fields {
            if let Some(member) = each.member(field.name, family) {
                same(field.offset, &format!("{cpp}.{member}"));
                same(field.size, &format!("{cpp}.{member}:size"));
            }
        }
    }
}

#[test]
fn trb_types_agree() {
    for family in Family::ALL {
        every_shared_type_agrees(Kind::TrbOrchestration, &TRB_HEADERS, family);
    }
}

#[test]
fn hbg_types_agree() {
    for family in Family::ALL {
        every_shared_type_agrees(Kind::HbgOrchestration, &HBG_HEADERS, family);
    }
}

fn all_layouts() -> impl Iterator<Item = &'static Layout> {
    let ours = aicore_abi::ALL_LAYOUTS.iter();
    ours.chain(protocol::ALL_LAYOUTS)
}

#[test]
fn every_rust_layout_has_a_counterpart_or_a_reason() {
    let excused: BTreeSet<&str> = WITHOUT_COUNTERPART
        .iter()
        .flat_map(|(_, names)| names.iter().copied())
        .collect();
    let undecided: Vec<&str> = all_layouts()
        .filter(|layout| !COUNTERPARTS.iter().any(|each| each.layout == **layout))
        .map(|layout| layout.name)
        .filter(|name| !excused.contains(name))
        .collect();
    assert!(
        undecided.is_empty(),
        "name the C++ type in tests/src/layouts.rs, or say why there is none: {undecided:?}"
    );
    let exists = |name: &&&str| all_layouts().any(|layout| layout.name == **name);
    let gone: Vec<_> = excused.iter().filter(|name| !exists(name)).collect();
    assert!(gone.is_empty(), "no such layouts any more: {gone:?}");
}

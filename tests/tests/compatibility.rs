//! `docs/compatibility.md` leaves nothing out: every name of the C++ interface, every export of our libraries, every
//! variable of the environment that our code reads, every code of a run.

use std::collections::BTreeSet;

use protocol::error_code::RunError;
use tests::checklist::names;
use tests::compiler::{files, root};

fn document() -> String {
    std::fs::read_to_string(root().join("docs/compatibility.md")).expect("part of the repository")
}

/// What stands in code quotes in a text.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Everything quoted in the document, and the words of it.
fn mentioned(document: &str) -> BTreeSet<&str> {
    let words = quoted(document).flat_map(|code| code.split(['=', '(', ' ', ':', '/']));
    words.chain(quoted(document)).collect()
}

#[track_caller]
fn nothing_is_missing<'n>(mentioned: &BTreeSet<&str>, names: impl IntoIterator<Item = &'n str>) {
    let missing: BTreeSet<&str> = names
        .into_iter()
        .filter(|name| !mentioned.contains(name))
        .collect();
    assert!(
        missing.is_empty(),
        "not in docs/compatibility.md: {missing:#?}"
    );
}

/// A mangled C++ name's own part: the last that has a length before it, of names without arguments of class type.
fn readable(export: &str) -> &str {
    let Some(mangled) = export.strip_prefix("_Z") else {
        return export;
    };
    let is_member = mangled.starts_with('N');
    let mut rest = mangled.trim_start_matches(['N', 'K']);
    for last in [!is_member, true] {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let Ok(length) = rest[..digits].parse::<usize>() else {
            // A constructor: the class stands for it.
            return "HostLogger";
        };
        let name = &rest[digits..digits + length];
        if last {
            return name;
        }
        rest = &rest[digits + length..];
    }
    export
}

#[test]
fn every_export_is_there() {
    let document = document();
    let exports = dist::OBJECTS.iter().flat_map(|object| {
        let own = object.own.iter().map(|own| own.name);
        object.exports.iter().copied().chain(own)
    });
    nothing_is_missing(&mentioned(&document), exports.map(readable));
}

#[test]
fn mangled_names_are_read_right() {
    for (export, name) in [
        (
            "_Z26sim_context_set_cluster_idj",
            "sim_context_set_cluster_id",
        ),
        ("_ZN10HostLogger10set_info_vEi", "set_info_v"),
        ("_ZNK10HostLogger17is_info_v_enabledEi", "is_info_v_enabled"),
        ("_ZN10HostLoggerC1Ev", "HostLogger"),
        ("comm_init", "comm_init"),
    ] {
        assert_eq!(readable(export), name);
    }
}

/// A member stands in a row of its class.
#[test]
fn every_name_of_the_headers_is_there() {
    let document = document();
    let all = mentioned(&document);
    let rows: Vec<BTreeSet<&str>> = document
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| quoted(line).collect())
        .collect();
    let missing: Vec<String> = names()
        .into_iter()
        .map(|each| each.name.replace('|', "\\|"))
        .filter(|name| match name.split_once("::") {
            Some((class, member)) => !rows
                .iter()
                .any(|row| row.contains(class) && row.contains(member)),
            None => !all.contains(name.as_str()),
        })
        .collect();
    assert!(
        missing.is_empty(),
        "not in docs/compatibility.md: {missing:#?}"
    );
}

#[test]
fn every_code_of_a_run_is_there() {
    let document = document();
    let codes = RunError::ALL.map(RunError::code);
    for code in codes.into_iter().chain([0, platform::sim::KERNEL_FAILED]) {
        let row = if code == 0 {
            "| 0 |".to_owned()
        } else {
            format!("| −{code} |")
        };
        assert!(document.contains(&row), "no row for {code}");
    }
}

/// Variables whose meaning is everybody's.
const COMMON: [&str; 8] = [
    "HOME",
    "LC_ALL",
    "TMPDIR",
    "PATH",
    "OUT_DIR",
    "CARGO_MANIFEST_DIR",
    "CARGO_PKG_VERSION",
    "NO_COLOR",
];

#[test]
fn every_variable_is_there() {
    let document = document();
    let mut variables = BTreeSet::new();
    for package in [
        "host",
        "platform",
        "platform-a2a3",
        "platform-a5",
        "aicpu",
        "runtime-trb",
        "runtime-hbg",
        "sync",
    ] {
        for file in files(&root().join(package).join("src"), ".rs") {
            let text = std::fs::read_to_string(&file).expect("part of the repository");
            variables.extend(
                literals(&text)
                    .filter(|literal| is_variable(literal))
                    .map(str::to_owned),
            );
        }
    }
    for known in [
        "PTO2_RING_HEAP",
        "SIMPLER_CACHE_DIR",
        "CXX",
        "ASCEND_HOME_PATH",
    ] {
        assert!(variables.contains(known), "{known} is read: {variables:?}");
    }
    let read = variables.iter().map(String::as_str);
    let known = mentioned(&document);
    nothing_is_missing(&known, read.filter(|name| !COMMON.contains(name)));
}

/// String literals of a source, as far as lines without escapes go.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split('"').skip(1).step_by(2))
}

/// Whether a literal looks like a variable of the environment of ours or of the tools we use.
fn is_variable(literal: &str) -> bool {
    let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let prefixes = ["PTO", "SIMPLER_", "ASCEND_", "XDG_"];
    literal.chars().all(upper)
        && (literal == "CXX"
            || prefixes
                .iter()
                .any(|prefix| literal.starts_with(prefix) && literal.contains('_')))
}

//! Sources in the users' style compile into shared objects without a warning, and use every name of
//! the interface.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tests::compiler::{Compiler, files, root, scratch};
use tests::headers::{Family, Kind};

fn compat() -> PathBuf {
    root().join("tests/compat")
}

fn folder(kind: Kind) -> PathBuf {
    compat().join(match kind {
        Kind::TrbOrchestration => "trb/orchestration",
        Kind::HbgOrchestration => "hbg/orchestration",
        Kind::TrbKernel => "trb/kernel",
        Kind::HbgKernel => "hbg/kernel",
    })
}

fn sources(kind: Kind, family: Family) -> Vec<PathBuf> {
    let mut sources = files(&folder(kind).join("both"), ".cpp");
    let own = folder(kind).join(family.name());
    if own.is_dir() {
        sources.extend(files(&own, ".cpp"));
    }
    sources
}

fn corpus_builds(kind: Kind) {
    let dir = scratch(env!("CARGO_TARGET_TMPDIR"), &format!("corpus_{kind:?}"));
    let core_types: &[&[&str]] = if kind.is_kernel() {
        &[&["-D__DAV_VEC__"], &["-D__DAV_CUBE__"]]
    } else {
        &[&[]]
    };
    let (system, clang) = (Compiler::system(), Compiler::clang());
    for family in Family::ALL {
        for source in sources(kind, family) {
            for defines in core_types {
                let output = dir.join("corpus.so");
                let built = system.shared_object(kind, family, &source, &output, defines);
                let accepted = clang
                    .as_ref()
                    .map_or(Ok(()), |clang| clang.check(kind, family, &source, defines));
                if let Err(messages) = built.and(accepted) {
                    panic!("{}:\n{messages}", source.display());
                }
            }
        }
    }
}

#[test]
fn trb_orchestrations_build() {
    corpus_builds(Kind::TrbOrchestration);
}

#[test]
fn hbg_orchestrations_build() {
    corpus_builds(Kind::HbgOrchestration);
}

#[test]
fn trb_kernels_build() {
    corpus_builds(Kind::TrbKernel);
}

#[test]
fn hbg_kernels_build() {
    corpus_builds(Kind::HbgKernel);
}

#[test]
fn the_corpus_uses_every_name() {
    let list = std::fs::read_to_string(compat().join("checklist.txt")).expect("part of the corpus");
    let mut missing = Vec::new();
    let mut rows = 0;
    for row in list.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = row.splitn(3, ' ');
        let mut part = || parts.next().expect("three columns");
        let (places, family, name) = (part(), part(), part());
        rows += 1;
        for place in places.split('+') {
            let kind = match place {
                "trb" => Kind::TrbOrchestration,
                "hbg" => Kind::HbgOrchestration,
                "trb-kernel" => Kind::TrbKernel,
                "hbg-kernel" => Kind::HbgKernel,
                other => panic!("no such place: {other}"),
            };
            for each in Family::ALL {
                let here = family == "both" || family == each.name();
                if here && !uses(&sources(kind, each), name) {
                    missing.push(format!("{name} in {place} of {}", each.name()));
                }
            }
        }
    }
    assert_eq!(rows, 427, "the interface has 427 names");
    assert!(missing.is_empty(), "not used: {missing:#?}");
}

/// Whether one of the sources holds the last part of `name` as a whole word.
fn uses(sources: &[PathBuf], name: &str) -> bool {
    let last = name.rsplit("::").next().expect("split gives one part");
    let operator = last.strip_prefix("operator");
    sources.iter().any(|source| {
        let text = read(source);
        match operator {
            Some(" bool") => text.contains("static_cast<bool>"),
            Some(symbol) => text.contains(symbol),
            None if last.starts_with('"') => text.contains(&format!("#include {last}")),
            None => words(&text).contains(last),
        }
    })
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("part of the corpus")
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .collect()
}

#[test]
fn shared_objects_can_be_unloaded_and_import_nothing_of_ours() {
    let dir = scratch(env!("CARGO_TARGET_TMPDIR"), "symbols");
    for (kind, source) in [
        (Kind::TrbOrchestration, "both/every_call.cpp"),
        (Kind::HbgOrchestration, "both/values.cpp"),
    ] {
        let object = dir.join("symbols.so");
        Compiler::system()
            .shared_object(kind, Family::A2a3, &folder(kind).join(source), &object, &[])
            .expect("the corpus builds");
        let listing = std::process::Command::new("nm")
            .args(["--dynamic", "--demangle"])
            .arg(&object)
            .output()
            .expect("nm comes with the compiler");
        assert!(listing.status.success());
        let listing = String::from_utf8(listing.stdout).expect("symbol names are text");
        let mut bound = 0;
        for line in listing.lines() {
            let line = line.get(16..).unwrap_or_default().trim_start();
            let (class, name) = line.split_once(' ').expect("class and name");
            assert_ne!(class, "u", "{name} would pin the object in memory");
            assert!(
                class != "U" || !name.contains("framework"),
                "{name} is imported"
            );
            assert_ne!(name, "framework_current_runtime", "could be preempted");
            bound += usize::from(name == "framework_bind_runtime" && class == "T");
        }
        let expected = usize::from(kind == Kind::TrbOrchestration);
        assert_eq!(
            bound, expected,
            "framework_bind_runtime is how a runtime gets in"
        );
    }
}

//! Sources in the users' style compile into shared objects without a warning, and use every name of
//! the interface.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tests::checklist::names;
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
    let (system, second) = (Compiler::system(), Compiler::clang());
    for family in Family::ALL {
        // A second opinion on one family is enough: the headers differ in a few constants.
        let clang = second.as_ref().filter(|_| family == Family::A5);
        for source in sources(kind, family) {
            for defines in core_types {
                let output = dir.join("corpus.so");
                let built = system.shared_object(kind, family, &source, &output, defines);
                let accepted =
                    clang.map_or(Ok(()), |clang| clang.check(kind, family, &source, defines));
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
    let names = names();
    assert_eq!(names.len(), 427, "the interface has 427 names");
    let mut missing = Vec::new();
    for kind in Kind::ALL {
        for family in Family::ALL {
            let sources = sources(kind, family);
            for each in names.iter().filter(|each| each.is_visible(kind, family)) {
                if !uses(&sources, &each.name) {
                    missing.push(format!("{} in {kind:?} of {}", each.name, family.name()));
                }
            }
        }
    }
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

/// The dynamic symbols of a corpus source's shared object: class and name.
fn symbols(kind: Kind, source: &str, defines: &[&str]) -> Vec<(String, String)> {
    let dir = scratch(env!("CARGO_TARGET_TMPDIR"), &format!("symbols_{kind:?}"));
    let object = dir.join("symbols.so");
    let source = folder(kind).join(source);
    Compiler::system()
        .shared_object(kind, Family::A2a3, &source, &object, defines)
        .expect("the corpus builds");
    let listing = std::process::Command::new("nm")
        .args(["--dynamic", "--demangle"])
        .arg(&object)
        .output()
        .expect("nm comes with the compiler");
    assert!(listing.status.success());
    let listing = String::from_utf8(listing.stdout).expect("symbol names are text");
    let columns = listing.lines().map(|line| {
        // An address or blanks, the class, the name.
        let line = line.get(16..).unwrap_or_default().trim_start();
        line.split_once(' ').expect("class and name")
    });
    columns
        .map(|(class, name)| (class.to_owned(), name.to_owned()))
        .collect()
}

#[test]
fn shared_objects_can_be_unloaded_and_import_nothing_of_ours() {
    for (kind, source) in [
        (Kind::TrbOrchestration, "both/every_call.cpp"),
        (Kind::HbgOrchestration, "both/values.cpp"),
    ] {
        let symbols = symbols(kind, source, &[]);
        for (class, name) in &symbols {
            assert_ne!(class, "u", "{name} would pin the object in memory");
            assert!(
                class != "U" || !name.contains("framework"),
                "{name} is imported"
            );
            assert_ne!(name, "framework_current_runtime", "could be preempted");
        }
        let bound = symbols.contains(&("T".to_owned(), "framework_bind_runtime".to_owned()));
        assert_eq!(
            bound,
            kind == Kind::TrbOrchestration,
            "how a runtime gets in"
        );
    }
}

#[test]
fn kernels_export_their_entry_however_it_is_declared() {
    let core_type = &["-D__DAV_VEC__"];
    for (kind, source) in [
        (Kind::HbgKernel, "both/always_inline.cpp"),
        (Kind::HbgKernel, "both/scale.cpp"),
        (Kind::TrbKernel, "both/values.cpp"),
    ] {
        let symbols = symbols(kind, source, core_type);
        let entry = ("T".to_owned(), "kernel_entry".to_owned());
        assert!(symbols.contains(&entry), "{source}: {symbols:?}");
    }
}

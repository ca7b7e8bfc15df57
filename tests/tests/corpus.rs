//! The corpus of sources in the users' style, run on the simulated chip: as users build it, and with every line counted.
//!
//! A source says itself whether what it saw was right (`tests/compat/checks.h`); what kernels compute is checked here.

mod programs;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tests::checklist::{Name, names};
use tests::corpus::{Build, Corpus, Counts, code, sources};
use tests::headers::{Family, Kind};

const TMP: &str = env!("CARGO_TARGET_TMPDIR");

#[test]
fn a2a3_as_users_build_it() {
    programs::run_all(&Corpus::new(Family::A2a3, Build::Plain, TMP));
}

#[test]
fn a5_as_users_build_it() {
    programs::run_all(&Corpus::new(Family::A5, Build::Plain, TMP));
}

#[test]
fn a2a3_runs_every_line_and_so_uses_every_name() {
    every_name_is_used(Family::A2a3);
}

#[test]
fn a5_runs_every_line_and_so_uses_every_name() {
    every_name_is_used(Family::A5);
}

/// Every name stands in the code of a source, every source is run, and every line of it.
fn every_name_is_used(family: Family) {
    let corpus = Corpus::new(family, Build::Measured, TMP);
    programs::run_all(&corpus);
    let names = names();
    assert_eq!(names.len(), 427, "the interface has 427 names");
    for kind in Kind::ALL {
        let sources = sources(kind, family);
        let all: BTreeSet<PathBuf> = sources.iter().cloned().collect();
        assert_eq!(corpus.built(kind), all, "all sources of {kind:?} are run");
        let visible: Vec<&Name> = names
            .iter()
            .filter(|each| each.is_visible(kind, family))
            .collect();
        let unused: Vec<&str> = visible
            .iter()
            .map(|each| each.name.as_str())
            .filter(|name| !uses(&sources, name, &visible))
            .collect();
        assert!(unused.is_empty(), "not used in {kind:?}: {unused:#?}");
    }
    if Counts::can_be_read() {
        every_line_was_run(&corpus);
    }
}

fn every_line_was_run(corpus: &Corpus) {
    let counts = corpus.counts();
    for kind in Kind::ALL {
        for source in sources(kind, corpus.family) {
            let path = source.display();
            assert!(counts.touches(&source), "{path} was not run");
            let missed = counts.missed(&source);
            assert!(
                missed.is_empty(),
                "{path}: lines that did not run: {missed:?}"
            );
        }
    }
}

/// Whether one of the sources uses `name`: a header by including it, anything else by its name. A member whose name
/// another visible class has too must be named with its class.
fn uses(sources: &[PathBuf], name: &str, visible: &[&Name]) -> bool {
    let last = last_part(name);
    let shared = visible
        .iter()
        .filter(|other| last_part(&other.name) == last)
        .count()
        > 1;
    sources.iter().any(|source| {
        let text = read(source);
        if last.starts_with('"') {
            return text.contains(&format!("#include {last}"));
        }
        let code = code(&text);
        if shared && name.contains("::") {
            return code.contains(name);
        }
        match last.strip_prefix("operator") {
            Some(" bool") => code.contains("static_cast<bool>"),
            Some(symbol) => code.contains(symbol),
            None => words(&code).contains(last),
        }
    })
}

fn last_part(name: &str) -> &str {
    name.rsplit("::").next().expect("split gives one part")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("part of the corpus")
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .collect()
}

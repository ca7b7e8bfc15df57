//! Sources in the users' style compile without a warning for both kinds of core and by two compilers, and what becomes
//! of them can be loaded and unloaded. That they run, and use every name of the interface, is `corpus.rs`.

use host::CoreType;
use tests::compiler::{Compiler, scratch};
use tests::corpus::{core_define, folder, include_flag, sources};
use tests::headers::{Family, Kind};

fn corpus_compiles(kind: Kind) {
    let include = include_flag();
    let kinds_of_core: &[&[&str]] = if kind.is_kernel() {
        &[&[core_define(CoreType::Aic)], &[core_define(CoreType::Aiv)]]
    } else {
        &[&[]]
    };
    let (system, second) = (Compiler::system(), Compiler::clang());
    for family in Family::ALL {
        // A second opinion on one family is enough: the headers differ in a few constants.
        let clang = second.as_ref().filter(|_| family == Family::A5);
        for source in sources(kind, family) {
            for core in kinds_of_core {
                let defines = [&[include.as_str()], *core].concat();
                let check = |compiler: &Compiler| compiler.check(kind, family, &source, &defines);
                if let Err(messages) = check(&system).and(clang.map_or(Ok(()), check)) {
                    panic!("{}:\n{messages}", source.display());
                }
            }
        }
    }
}

#[test]
fn trb_orchestrations_compile() {
    corpus_compiles(Kind::TrbOrchestration);
}

#[test]
fn hbg_orchestrations_compile() {
    corpus_compiles(Kind::HbgOrchestration);
}

#[test]
fn trb_kernels_compile() {
    corpus_compiles(Kind::TrbKernel);
}

#[test]
fn hbg_kernels_compile() {
    corpus_compiles(Kind::HbgKernel);
}

/// The dynamic symbols of a corpus source's shared object: class and name.
fn symbols(kind: Kind, source: &str, defines: &[&str]) -> Vec<(String, String)> {
    let dir = scratch(env!("CARGO_TARGET_TMPDIR"), &format!("symbols_{kind:?}"));
    let object = dir.join("symbols.so");
    let source = folder(kind).join(source);
    let include = include_flag();
    let defines = [&[include.as_str()], defines].concat();
    Compiler::system()
        .shared_object(kind, Family::A2a3, &source, &object, &defines)
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
        for name in ["framework_bind_runtime", "framework_guarded_call"] {
            let exported = symbols.contains(&("T".to_owned(), name.to_owned()));
            assert_eq!(exported, kind == Kind::TrbOrchestration, "{name}");
        }
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

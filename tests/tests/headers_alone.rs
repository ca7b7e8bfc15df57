//! Every header compiles alone, without a warning, for every kind of source that can reach it.

use std::path::Path;

use tests::compiler::root;
use tests::compiler::{Compiler, files, scratch};
use tests::headers::{Family, Kind, include_dirs};

fn every_header_compiles_alone(kind: Kind) {
    let dir = scratch(env!("CARGO_TARGET_TMPDIR"), &format!("alone_{kind:?}"));
    let compiler = Compiler::system();
    for family in Family::ALL {
        // A kernel is one or the other core type; headers must not care which.
        let core_type = match family {
            Family::A2a3 => "-D__DAV_VEC__",
            Family::A5 => "-D__DAV_CUBE__",
        };
        let defines = if kind.is_kernel() {
            &[core_type][..]
        } else {
            &[]
        };
        let mut seen = 0;
        for name in headers_of(kind, family) {
            // Meant for kernels; says so itself.
            let kernels_only = ["pipe_sync.h", "pto_async_kernel_api.h"];
            if !kind.is_kernel() && kernels_only.contains(&name.as_str()) {
                continue;
            }
            let source = dir.join(format!("{}_{}.cpp", family.name(), name.replace('/', "_")));
            // Twice: a header guards itself.
            let text = format!("#include \"{name}\"\n#include \"{name}\"\n");
            std::fs::write(&source, text).expect("the build folder is writable");
            if let Err(messages) = compiler.check(kind, family, &source, defines) {
                panic!("{name} does not compile alone:\n{messages}");
            }
            seen += 1;
        }
        assert!(seen > 10, "only {seen} headers on the path of {kind:?}");
    }
}

/// Every header on the include path, as a user would spell it.
fn headers_of(kind: Kind, family: Family) -> Vec<String> {
    let mut names = Vec::new();
    for dir in include_dirs(kind, family, root()) {
        for path in files(&dir, ".h") {
            let name = path.strip_prefix(&dir).expect("below the folder");
            if shadowed(name) {
                continue;
            }
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names
}

/// Folders below the shared one that are include directories of their own.
fn shadowed(name: &Path) -> bool {
    ["trb", "a2a3", "a5"]
        .iter()
        .any(|dir| name.starts_with(dir))
}

#[test]
fn trb_orchestration_headers_compile_alone() {
    every_header_compiles_alone(Kind::TrbOrchestration);
}

#[test]
fn hbg_orchestration_headers_compile_alone() {
    every_header_compiles_alone(Kind::HbgOrchestration);
}

#[test]
fn trb_kernel_headers_compile_alone() {
    every_header_compiles_alone(Kind::TrbKernel);
}

#[test]
fn hbg_kernel_headers_compile_alone() {
    every_header_compiles_alone(Kind::HbgKernel);
}

#[test]
fn the_four_paths_show_each_kind_only_its_own_headers() {
    let has = |kind, name: &str| headers_of(kind, Family::A5).iter().any(|each| each == name);
    for kind in [Kind::HbgOrchestration, Kind::HbgKernel] {
        for name in [
            "tensor.h",
            "intrinsic.h",
            "common.h",
            "pto_orchestration_api.h",
        ] {
            assert!(!has(kind, name), "{name} hides a header of the user's own");
        }
    }
    assert!(!has(Kind::TrbOrchestration, "orchestration_api.h"));
    for kind in Kind::ALL {
        assert!(has(kind, "platform_comm/comm_context.h"), "{kind:?}");
    }
}

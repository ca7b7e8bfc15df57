//! Builds what a device consists of besides this crate: libraries with the vendor's names, and the
//! programs that play control CPUs and cores.
//!
//! Each library is a row of jumps through a table that the crate fills when a session begins, so that the
//! played device is part of the test's own process, where the test can look at it.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

include!("src/names.rs");

/// What kernels written for the simulator ask it.
const HOOKS: &str = "../../platform/src/sim/hooks.c";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    for path in [
        "src/names.rs",
        "device",
        "toolkit/bin",
        "../../aicore-abi/aicore",
        HOOKS,
    ] {
        println!("cargo::rerun-if-changed={path}");
    }
    let libraries = out.join("cann");
    fs::create_dir_all(&libraries).expect("a writable output folder");
    for (library, functions) in LIBRARIES {
        build_library(&out, &libraries, library, functions, None);
    }
    incomplete_libraries(&out, &libraries);
    run(c_compiler(false)
        .args(["-O1", "-rdynamic", "-pthread", "-o"])
        .arg(out.join("virtual-aicpu"))
        .args(["device/aicpu.c", "-ldl"]));
    let hooks = out.join("hooks.o");
    run(c_compiler(false)
        .args(["-O1", "-c", HOOKS, "-o"])
        .arg(&hooks));
    run(c_compiler(true)
        .args(["-O1", "-std=c++17", "-rdynamic", "-pthread"])
        .args(["-Itoolkit/bin", "-o"])
        .arg(out.join("virtual-aicore"))
        .arg("device/aicore.cpp")
        .arg(&hooks)
        .args(core_programs(&out))
        .arg("-ldl"));
}

fn build_library(
    out: &Path,
    into: &Path,
    library: &str,
    functions: &[&str],
    missing: Option<&str>,
) {
    let source = out.join(format!("{library}.c"));
    fs::write(&source, jumps(functions, missing)).expect("a writable output folder");
    run(c_compiler(false)
        // Each library has a table of its own, whatever else is loaded.
        .args(["-shared", "-fPIC", "-Wl,-Bsymbolic", "-o"])
        .arg(into.join(library))
        .arg(format!("-Wl,-soname,{library}"))
        .arg(&source));
}

/// For each function a folder of libraries without it: what an older CANN looks like.
fn incomplete_libraries(out: &Path, libraries: &Path) {
    for (library, functions) in LIBRARIES {
        for function in *functions {
            let folder = out.join("without").join(function);
            fs::create_dir_all(&folder).expect("a writable output folder");
            for (other, _) in LIBRARIES.iter().filter(|(other, _)| other != library) {
                let link = folder.join(other);
                if link.symlink_metadata().is_err() {
                    symlink(libraries.join(other), link).expect("a writable output folder");
                }
            }
            build_library(out, &folder, library, functions, Some(function));
        }
    }
}

/// The project's core program, for each family and kind of core.
fn core_programs(out: &Path) -> Vec<PathBuf> {
    let mut objects = Vec::new();
    for family in ["a2a3", "a5"] {
        for kind in ["aic", "aiv"] {
            let object = out.join(format!("{family}_{kind}.o"));
            let mut compile = c_compiler(true);
            compile
                .args([
                    "-O1",
                    "-std=c++17",
                    "-Wall",
                    "-Wextra",
                    "-Werror",
                    "-c",
                    "-Idevice",
                ])
                .arg("-DSIMPLER_AICORE_SHIM")
                .arg(format!("-DSIMPLER_ENTRY={family}_{kind}"));
            if family == "a5" {
                compile.arg("-DSIMPLER_FAMILY_A5");
            }
            if kind == "aic" {
                compile.arg("-D__DAV_CUBE__");
            }
            run(compile
                .arg("../../aicore-abi/aicore/entry.cpp")
                .arg("-o")
                .arg(&object));
            objects.push(object);
        }
    }
    objects
}

fn jumps(functions: &[&str], missing: Option<&str>) -> String {
    let mut source = format!("void *virtual_ascend_entries[{}];\n", functions.len());
    for (index, name) in functions.iter().enumerate() {
        if missing == Some(*name) {
            continue;
        }
        let at = index * size_of::<*const ()>();
        source.push_str(&format!(
            "__asm__(\".text\\n.globl {name}\\n.type {name}, @function\\n{name}:\\n\"\n{}\n\".size {name}, .-{name}\\n\");\n",
            jump(at)
        ));
    }
    source
}

/// A jump to the address that stands at `at` in the table.
fn jump(at: usize) -> String {
    match env::var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("aarch64") => format!(
            "\"adrp x16, :got:virtual_ascend_entries\\nldr x16, [x16, :got_lo12:virtual_ascend_entries]\\nldr x16, [x16, #{at}]\\nbr x16\\n\""
        ),
        _ => format!("\"movq virtual_ascend_entries@GOTPCREL(%rip), %r11\\njmp *{at}(%r11)\\n\""),
    }
}

fn c_compiler(cpp: bool) -> Command {
    cc::Build::new()
        .cpp(cpp)
        .opt_level(1)
        .get_compiler()
        .to_command()
}

fn run(command: &mut Command) {
    let status = command
        .status()
        .expect("a C and C++ compiler: install gcc or clang, or name them in CC and CXX");
    assert!(status.success(), "{command:?}");
}

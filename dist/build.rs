//! Gives the host runtimes the name that programs look for, hides what their parts export, and builds the
//! objects that are C and C++.

use std::env;
use std::path::PathBuf;

const COMPANIONS: &str = "companions";
/// The loop of every core, the same as on a chip.
const CORE: &str = "../aicore-abi/aicore";
const HOOKS: &str = "../platform/src/sim/hooks.c";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={COMPANIONS}");
    println!("cargo::rerun-if-changed={HOOKS}");
    println!("cargo::rerun-if-changed={CORE}");
    // A thread of the program that has called into a host runtime runs code of it once more when the thread ends:
    // what is closed stays loaded, and opening it again finds it as it was left.
    for argument in [
        "-soname,libhost_runtime.so",
        "--exclude-libs,ALL",
        "-z,nodelete",
    ] {
        println!("cargo::rustc-link-arg=-Wl,{argument}");
    }
    let log = format!("{COMPANIONS}/simpler_log.cpp");
    build(&log, "libsimpler_log.so", "libsimpler_log.so", &[]);
    let context = "libcpu_sim_context.so";
    // Storage of threads is its own, so it stays when a program lets go of it.
    build(
        HOOKS,
        context,
        context,
        &["-DSIMPLER_SIM_CONTEXT_LIBRARY", "-Wl,-z,nodelete"],
    );
    let core = format!("{COMPANIONS}/aicore_image.cpp");
    let digest = format!("-DSIMPLER_DIGEST={:#018x}ull", protocol::PROTOCOL_DIGEST);
    let include = format!("-I{COMPANIONS}");
    for (family, chip) in [("a2a3", "SIMPLER_FAMILY_A2A3"), ("a5", "SIMPLER_FAMILY_A5")] {
        for (runtime, graph) in [("trb", "SIMPLER_TRB"), ("hbg", "SIMPLER_HBG")] {
            let (name, chip) = (
                format!("-DSIMPLER_FAMILY=\"{family}\""),
                format!("-D{chip}"),
            );
            let graph = format!("-D{graph}");
            build(
                &core,
                &format!("libaicore_kernel_{family}_{runtime}.so"),
                "libaicore_kernel.so",
                &[
                    &digest,
                    &name,
                    &chip,
                    &graph,
                    &include,
                    "-DSIMPLER_AICORE_SHIM",
                ],
            );
        }
    }
}

/// Builds one shared object.
fn build(source: &str, file: &str, soname: &str, arguments: &[&str]) {
    let output = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join(file);
    let cpp = source.ends_with(".cpp");
    let mut command = cc::Build::new()
        .cpp(cpp)
        .std(if cpp { "c++17" } else { "c11" })
        .opt_level(2)
        .pic(true)
        .get_compiler()
        .to_command();
    command
        .args(["-Wall", "-Wextra", "-Werror", "-shared"])
        .args(arguments)
        .arg(format!("-Wl,-soname,{soname}"))
        .arg("-o")
        .arg(&output)
        .arg(source);
    if cpp {
        // Symbols marked unique would keep the object loaded for ever.
        command.args(["-fvisibility=hidden", "-fno-gnu-unique"]);
    }
    let status = command
        .status()
        .expect("a C++17 compiler: install g++ or name one in CXX");
    assert!(status.success(), "the compiler refused {source}");
}

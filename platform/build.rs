//! Builds what the simulator needs in C: the small shared library through which kernels find it, and what
//! it asks the system for; with `cann-headers` reads the vendor's headers.

#[cfg(feature = "cann-headers")]
#[path = "build/cann_headers.rs"]
mod cann_headers;

use std::env;
use std::path::PathBuf;

fn main() {
    #[cfg(feature = "cann-headers")]
    cann_headers::generate();
    println!("cargo::rerun-if-changed=src/sim/hooks.c");
    println!("cargo::rerun-if-changed=src/sim/system.c");
    if env::var_os("CARGO_FEATURE_SIM").is_none() {
        return;
    }
    cc::Build::new()
        .warnings(true)
        .extra_warnings(true)
        .file("src/sim/system.c")
        .compile("simpler_platform_system");
    let output = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("hooks.so");
    let status = cc::Build::new()
        .opt_level(2)
        .pic(true)
        .get_compiler()
        .to_command()
        .args(["-shared", "-Wl,-soname,simpler_sim_hooks.so", "-o"])
        .arg(&output)
        .arg("src/sim/hooks.c")
        .status()
        .expect("a C compiler: install gcc or clang, or name one in CC");
    assert!(status.success(), "the C compiler refused src/sim/hooks.c");
}

//! Gives the host runtimes the name that programs look for, and hides what their parts export.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for argument in ["-soname,libhost_runtime.so", "--exclude-libs,ALL"] {
        println!("cargo::rustc-link-arg-examples=-Wl,{argument}");
    }
}

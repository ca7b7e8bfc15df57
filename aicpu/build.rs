//! Builds the one piece that Rust cannot express, a call that a C++ exception may leave, and gives the images
//! of simulated chips the name that programs look for.

fn main() {
    // An image for a chip is linked by another linker, and found under whatever name the vendor gives it.
    if std::env::var_os("CARGO_FEATURE_IMAGE").is_none() {
        for argument in ["-soname,libaicpu_kernel.so", "--exclude-libs,ALL"] {
            println!("cargo::rustc-link-arg=-Wl,{argument}");
        }
    }
    let headers = "../aicore-abi/include";
    println!("cargo::rerun-if-changed=src/guarded_call.cpp");
    println!("cargo::rerun-if-changed={headers}/common/guarded_call.h");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .warnings(true)
        .extra_warnings(true)
        .include(headers)
        .file("src/guarded_call.cpp")
        .compile("simpler_guarded_call");
}

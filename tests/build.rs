//! Tells the tests which machine they are built for and, with `libclang`, how clang reads our headers.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").expect("cargo sets TARGET for build scripts");
    println!("cargo::rustc-env=TESTS_TARGET={target}");
    #[cfg(feature = "libclang")]
    clang::bindings();
}

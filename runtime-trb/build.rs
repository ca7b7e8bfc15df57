//! Compiles the entries of the operations table that take C variable arguments.

fn main() {
    println!("cargo::rerun-if-changed=src/variadic.c");
    cc::Build::new()
        .file("src/variadic.c")
        .std("c11")
        .warnings(true)
        .warnings_into_errors(true)
        .compile("runtime_trb_variadic");
}

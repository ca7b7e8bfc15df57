//! Reads an installed toolkit's headers, so that what is declared by hand can be held against them.

use std::env;
use std::path::{Path, PathBuf};

/// Variables that name a toolkit, in the order in which they are asked.
const VARIABLES: [&str; 2] = ["ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"];
/// The one file that includes all that is needed.
const WRAPPER: &str = "src/cann/sys/headers.h";
/// Where headers are below a toolkit, besides those of the machine's kind.
const FOLDERS: [&str; 6] = [
    "include",
    "pkg_inc",
    "pkg_inc/runtime",
    "pkg_inc/profiling",
    "pkg_inc/base",
    "include/driver",
];

/// Writes the declarations of the toolkit's headers where the crate includes them.
pub(crate) fn generate() {
    for variable in VARIABLES {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed={WRAPPER}");
    let Some(toolkit) = VARIABLES.iter().find_map(env::var_os).map(PathBuf::from) else {
        println!(
            "cargo::error=the feature cann-headers reads CANN's headers: source the toolkit's set_env.sh, or name its \
             folder in {}, or build without the feature",
            VARIABLES.join(" or ")
        );
        return;
    };
    println!("cargo::rerun-if-changed={}", toolkit.display());
    let mut builder = bindgen::builder()
        .header(WRAPPER)
        .use_core()
        .layout_tests(false)
        .generate_comments(false)
        .derive_debug(false)
        .allowlist_function("(rt|rts|acl|aclrt|hal|Hccl|Hcom)[A-Z].*|dlog_.*|CheckLogLevel")
        .allowlist_type(
            "rt.*_t|aclrt(MemLocation|PhysicalMemProp|MemAccessDesc)|AddrMap.*Para|res_map_info",
        )
        .allowlist_var("simpler_.*");
    for folder in folders(&toolkit) {
        builder = builder.clang_arg(format!("-I{}", folder.display()));
    }
    match builder.generate() {
        Ok(bindings) => {
            let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
            bindings
                .write_to_file(out.join("cann_headers.rs"))
                .expect("a writable output folder");
        }
        Err(error) => println!(
            "cargo::error=CANN's headers below {} cannot be read: {error}",
            toolkit.display()
        ),
    }
}

/// Folders with headers.
fn folders(toolkit: &Path) -> Vec<PathBuf> {
    let arch = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets it");
    let machine = toolkit.join(format!("{arch}-linux"));
    let common = FOLDERS
        .iter()
        .flat_map(|folder| [toolkit.join(folder), machine.join(folder)]);
    // The driver's headers lie with the machine's.
    common.filter(|folder| folder.is_dir()).collect()
}

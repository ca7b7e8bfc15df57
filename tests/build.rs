//! Tells the tests which machine they are built for and, with `libclang`, how clang reads our headers.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").expect("cargo sets TARGET for build scripts");
    println!("cargo::rustc-env=TESTS_TARGET={target}");
    #[cfg(feature = "libclang")]
    clang::bindings();
}

/// The layouts that clang gives the types of our headers, one Rust file per chip family.
#[cfg(feature = "libclang")]
mod clang {
    use std::path::{Path, PathBuf};

    const TYPES: [&str; 25] = [
        "Arg",
        "AsyncCtx",
        "CallConfig",
        "ChipCallable",
        "ChipStorageTaskArgs",
        "CommContext",
        "ContinuousTensor",
        "CoreCallable",
        "GlobalContext",
        "LocalContext",
        "MixedKernels",
        "OrchestrationRuntime",
        "OrchestrationRuntimeOps",
        "PTO2DeferredCompletionEntry",
        "PTO2DeferredCompletionIngressBuffer",
        "PTO2DispatchPayload",
        "PTO2LaunchSpec",
        "PTO2OrchestrationConfig",
        "PTO2Runtime",
        "PTO2RuntimeOps",
        "PTOBufferHandle",
        "TaskOutputTensors",
        "Tensor",
        "TensorCreateInfo",
        "TensorInfo",
    ];

    const HEADERS: &str = r#"
        #include "pto_orchestration_api.h"
        #include "pto2_dispatch_payload.h"
        #include "orchestration_api.h"
        #include "callable.h"
        #include "call_config.h"
        #include "platform_comm/comm_context.h"
    "#;

    pub(crate) fn bindings() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the package is a folder of the workspace");
        let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
        let includes = [
            "runtime-trb/include",
            "runtime-hbg/include",
            "aicore-abi/include/trb",
            "aicore-abi/include",
        ];
        for include in includes {
            println!("cargo::rerun-if-changed=../{include}");
        }
        for family in ["a2a3", "a5"] {
            let family_dir = format!("aicore-abi/include/{family}");
            let dirs = includes.iter().copied().chain([family_dir.as_str()]);
            let paths = dirs.map(|dir| format!("-I{}", root.join(dir).display()));
            let mut builder = bindgen::builder()
                .header_contents("every_shared_type.hpp", HEADERS)
                .clang_args(["-x", "c++", "-std=c++17"])
                .clang_args(paths)
                .layout_tests(false)
                .derive_debug(false)
                .derive_copy(true)
                .with_codegen_config(bindgen::CodegenConfig::TYPES);
            for name in TYPES {
                builder = builder.allowlist_type(name);
            }
            builder
                .opaque_type("std::.*")
                .generate()
                .expect("libclang reads the headers: is it installed?")
                .write_to_file(out.join(format!("{family}.rs")))
                .expect("OUT_DIR is writable");
        }
    }
}

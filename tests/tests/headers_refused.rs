//! What must not compile does not, for the reason we mean.

use tests::compiler::{Compiler, scratch};
use tests::headers::{Family, Kind};

/// Statements that a compiler must refuse, and a word of its message.
type Refused = (&'static str, &'static str, &'static str);

const TRB: &[Refused] = &[
    ("tensor_without_value", "Tensor t;", "private"),
    ("tensor_braces", "Tensor t{};", "private"),
    ("tensor_array", "Tensor t[2];", "private"),
    (
        "tensor_parameters",
        "Tensor t(p, 4, u, u, u, 1, DataType::INT8, 0);",
        "private",
    ),
    (
        "const_address",
        "const void *c = p; make_tensor_external(c, u, 1);",
        "void",
    ),
    (
        "integer_address",
        "make_tensor_external(4096, u, 1);",
        "void",
    ),
    (
        "int_extents",
        "int n[2] = {1, 2}; a.view(n, n);",
        "uint32_t",
    ),
    ("brace_extents", "a.view({1, 2}, {0, 0});", ""),
    ("dtype_from_int", "TensorCreateInfo(u, 1, 3);", "DataType"),
    ("no_input", "arg.add_input();", "needs an argument"),
    ("no_output", "arg.add_output();", "needs an argument"),
    ("no_scalar", "arg.add_scalar();", "needs an argument"),
    ("no_dependency", "arg.add_dep();", "needs an argument"),
    ("input_create_info", "arg.add_input(ci);", "but a Tensor"),
    ("inout_create_info", "arg.add_inout(ci);", "but a Tensor"),
    ("no_dep_create_info", "arg.add_no_dep(ci);", "but a Tensor"),
    ("mixed_outputs", "arg.add_output(a, ci);", "not both"),
    (
        "temporary_view",
        "arg.add_input(a.view(u, u));",
        "would dangle",
    ),
    (
        "temporary_inout",
        "arg.add_inout(std::move(a));",
        "would dangle",
    ),
    (
        "temporary_output",
        "arg.add_output(TensorCreateInfo(u, 1));",
        "would dangle",
    ),
    (
        "temporary_no_dep",
        "arg.add_no_dep(make_tensor_external(p, u, 1));",
        "would dangle",
    ),
    (
        "pointer_scalar",
        "arg.add_scalar(p);",
        "a number or an enumerator",
    ),
    (
        "null_scalar",
        "arg.add_scalar(nullptr);",
        "a number or an enumerator",
    ),
    (
        "task_id_scalar",
        "arg.add_scalar(PTO2TaskId::invalid());",
        "a number or an enumerator",
    ),
    ("wide_scalar", "arg.add_scalar(1.0L);", "at most 8 bytes"),
    ("integer_dependency", "arg.add_dep(1);", "takes task ids"),
    (
        "output_of_temporary",
        "rt_submit_aiv_task(0, arg).get_ref(0);",
        "deleted",
    ),
    (
        "copied_output_of_temporary",
        "Tensor t = rt_submit_aiv_task(0, arg).get_ref(0); (void)t;",
        "deleted",
    ),
    (
        "scoped_kernel_id",
        "enum class K { A }; rt_submit_aiv_task(K::A, arg);",
        "int32_t",
    ),
    ("alloc_nothing", "alloc_tensors();", "alloc_tensors"),
    (
        "alloc_seventeen",
        "alloc_tensors(ci,ci,ci,ci,ci,ci,ci,ci,ci,ci,ci,ci,ci,ci,ci,ci,ci);",
        "at most 16 tensors",
    ),
    ("alloc_tensor", "alloc_tensors(a);", "alloc_tensors"),
    ("scope_integer", "PTO2_SCOPE(1) {}", "PTO2ScopeGuard"),
    (
        "scope_runtime",
        "PTO2_SCOPE(current_runtime()) {}",
        "PTO2ScopeGuard",
    ),
    (
        "scope_copy",
        "PTO2ScopeGuard g; PTO2ScopeGuard h = g; (void)h;",
        "deleted",
    ),
    (
        "int_index",
        "int n[1] = {0}; get_tensor_data(a, 1, n);",
        "get_tensor_data",
    ),
    ("fatal_without_format", "rt_report_fatal(9);", ""),
    ("fatal_as_value", "int n = rt_report_fatal(9, \"x\");", ""),
    ("log_info_without_tier", "LOG_INFO(\"x\");", "LOG_INFO"),
    (
        "wide_word",
        "struct W { char c[9]; }; to_u64(W{});",
        "at most 8 bytes",
    ),
    ("loose_word", "to_u64(std::string());", "at most 8 bytes"),
    ("id_order", "(void)(id < id);", "operator<"),
    ("id_to_integer", "uint64_t n = id; (void)n;", "convert"),
];

const HBG: &[Refused] = &[
    (
        "const_args",
        "const uint64_t w[1] = {1}; add_task(rt, w, 1, 0, CoreType::AIV);",
        "uint64_t",
    ),
    (
        "signed_args",
        "int64_t w[1] = {1}; add_task(rt, w, 1, 0, CoreType::AIV);",
        "uint64_t",
    ),
    (
        "integer_core",
        "uint64_t w[1] = {1}; add_task(rt, w, 1, 0, 1);",
        "CoreType",
    ),
    (
        "const_runtime",
        "const OrchestrationRuntime *c = rt; get_task_count(c);",
        "const",
    ),
    ("no_tags", "ChipStorageTaskArgs s; s.tag(0);", "tag"),
    ("no_tensor", "Tensor *t = nullptr; (void)t;", "Tensor"),
    ("no_arg", "Arg arg;", "Arg"),
    ("no_log", "LOG_ERROR(\"x\");", "LOG_ERROR"),
    ("no_assertion", "always_assert(true);", "always_assert"),
    ("no_task_id", "PTO2TaskId id;", "PTO2TaskId"),
    (
        "no_scalars_in_vectors",
        "TaskArgs t; t.scalars();",
        "scalars",
    ),
];

/// Each case is a function of its own that begins with `signature`, behind `includes`.
fn are_refused(kind: Kind, family: Family, includes: &str, signature: &str, cases: &[Refused]) {
    // What stands in the functions is unused or shadowed by design; only errors count.
    const FLAGS: &[&str] = &["-w"];
    let test = format!("refused_{kind:?}_{}", family.name());
    let dir = scratch(env!("CARGO_TARGET_TMPDIR"), &test);
    let compiler = Compiler::system();
    let header = dir.join("includes.h");
    std::fs::write(&header, includes).expect("the build folder is writable");
    if let Err(messages) = compiler.precompile(kind, family, &header, FLAGS) {
        panic!("the headers alone must compile:\n{messages}");
    }
    let header = header.to_str().expect("the build folder has a plain name");
    let flags = [FLAGS, &["-include", header]].concat();
    let compile = |name: &str, statement: &str| {
        let source = dir.join(format!("{name}.cpp"));
        let text = format!("{signature} {{\n{statement}\n}}\n");
        std::fs::write(&source, text).expect("the build folder is writable");
        compiler.check(kind, family, &source, &flags)
    };
    if let Err(messages) = compile("nothing", "") {
        panic!("without a statement it must compile:\n{messages}");
    }
    for (name, statement, reason) in cases {
        let Err(messages) = compile(name, statement) else {
            panic!("{name} compiles: {statement}");
        };
        assert!(
            messages.contains(reason),
            "{name}: no `{reason}` in {messages}"
        );
    }
}

const TRB_INCLUDES: &str = "#include \"pto_orchestration_api.h\"\n";
const TRB_SIGNATURE: &str =
    "void refused(Tensor &a, Arg &arg, TensorCreateInfo &ci, uint32_t *u, void *p, PTO2TaskId id)";

#[test]
fn misuse_of_trb_calls_does_not_compile_on_a2a3() {
    are_refused(
        Kind::TrbOrchestration,
        Family::A2a3,
        TRB_INCLUDES,
        TRB_SIGNATURE,
        TRB,
    );
}

#[test]
fn misuse_of_trb_calls_does_not_compile_on_a5() {
    let only_here: &[Refused] = &[
        (
            "sdma_record",
            "int n = PTO2_COMPLETION_TYPE_SDMA_EVENT_RECORD;",
            "PTO2_COMPLETION_TYPE_SDMA_EVENT_RECORD",
        ),
        (
            "plain_field",
            "LocalContext c{}; c.block_idx = 1;",
            "block_idx",
        ),
        ("temporary", "arg.add_input(a.view(u, u));", "would dangle"),
    ];
    are_refused(
        Kind::TrbOrchestration,
        Family::A5,
        TRB_INCLUDES,
        TRB_SIGNATURE,
        only_here,
    );
}

#[test]
fn misuse_of_hbg_calls_does_not_compile() {
    let includes = "#include \"orchestration_api.h\"\n";
    let signature = "void refused(OrchestrationRuntime *rt)";
    are_refused(
        Kind::HbgOrchestration,
        Family::A2a3,
        includes,
        signature,
        HBG,
    );
}

#[test]
fn kernels_cannot_use_what_their_family_does_not_complete() {
    let includes = "#define __DAV_VEC__\n#include <pto/pto-inst.hpp>\n\
                    #include \"pto_async_kernel_api.h\"\n";
    let signature = "void refused(AsyncCtx &ctx, int32_t *p)";
    let only_a2a3: &[Refused] = &[
        ("counter", "defer_counter(ctx, p, 1);", "defer_counter"),
        (
            "record",
            "defer_sdma_event_record(ctx, p);",
            "defer_sdma_event_record",
        ),
        ("error", "defer_error(ctx, 101);", "defer_error"),
        ("log", "LOG_ERROR(\"x\");", "LOG_ERROR"),
    ];
    are_refused(Kind::TrbKernel, Family::A5, includes, signature, only_a2a3);
}

#[test]
fn a_kernel_header_says_that_it_needs_a_core_type() {
    let dir = scratch(env!("CARGO_TARGET_TMPDIR"), "refused_core_type");
    let source = dir.join("pipe_sync.cpp");
    std::fs::write(&source, "#include \"pipe_sync.h\"\n").expect("the build folder is writable");
    for kind in [Kind::TrbKernel, Kind::HbgKernel] {
        let refused = Compiler::system().check(kind, Family::A5, &source, &[]);
        let messages = refused.expect_err("neither core type is defined");
        assert!(messages.contains("__DAV_VEC__"), "{messages}");
    }
}

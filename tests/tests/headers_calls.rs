//! What the calls of our headers do before and instead of calling the runtime.

use tests::headers::{Family, Kind};
use tests::replay::{Answers, Program};

const TMP: &str = env!("CARGO_TARGET_TMPDIR");

/// What the recording runtime saw while the statements ran.
fn calls(test: &str, statements: &str) -> Vec<String> {
    let declarations = format!(
        "#include \"{}/tests/compat/recording_runtime.h\"\n",
        tests::compiler::root().display(),
    );
    let mut program = Program::new("pto_orchestration_api.h", &declarations);
    program.push("uint32_t n[2] = {2, 3}; (void)n; Arg arg;");
    program.push("TensorCreateInfo ci(n, 2);");
    program.push("Tensor t = make_tensor_external(n, n, 2); arg.add_input(t);");
    program.push("framework_bind_runtime(&recording_runtime);");
    program.push(statements);
    let answers = program.run(Kind::TrbOrchestration, Family::A5, TMP, test);
    recorded(&answers)
}

fn recorded(answers: &Answers) -> Vec<String> {
    (0..)
        .map(|index| format!("{index:03}"))
        .take_while(|label| answers.has(label))
        .map(|label| answers.text(&label).to_owned())
        .collect()
}

#[test]
fn submits_name_one_kernel_or_three() {
    let seen = calls(
        "calls_submit",
        "rt_submit_aic_task(4, arg); rt_submit_aiv_task(5, arg); rt_submit_task({1, 2, 3}, arg); \
         alloc_tensors(ci); alloc_tensors(ci, ci); TensorCreateInfo list[3]; alloc_tensors(list, 3); \
         alloc_tensors(arg); alloc_tensors(list, 0); rt_orchestration_done();",
    );
    let expected = [
        "submit 4 -1 -1 tensors=1",
        "submit -1 5 -1 tensors=1",
        "submit 1 2 3 tensors=1",
        "alloc 1",
        "alloc 2",
        "alloc 3",
        "alloc 1",
        "alloc 0",
        "done",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn too_many_outputs_are_fatal_and_name_the_call() {
    let seen = calls(
        "calls_alloc_many",
        "TensorCreateInfo list[17]; TaskOutputTensors outs = alloc_tensors(list, 17); \
         always_assert(outs.empty() && outs.task_id().is_invalid());",
    );
    let message = "fatal 5 alloc_tensors a task takes at most %d tensors, not %u";
    assert_eq!(seen, [message]);
    assert_eq!(
        calls("calls_alloc_negative", "alloc_tensors(&ci, -1);"),
        [message]
    );
}

#[test]
fn after_a_fatal_nothing_reaches_the_runtime_but_messages() {
    let seen = calls(
        "calls_fatal",
        "rt_report_fatal(9, \"stop %d\", 1); always_assert(rt_is_fatal()); \
         always_assert(rt_submit_task({1, 2, 3}, arg).task_id().is_invalid()); alloc_tensors(ci); \
         rt_scope_begin(); rt_scope_end(); bool ran = false; PTO2_SCOPE() { ran = true; } \
         always_assert(ran && get_tensor_data<float>(t, 2, n) == 0.0f); \
         set_tensor_data(t, 2, n, 1); LOG_WARN(\"still\"); rt_orchestration_done();",
    );
    assert_eq!(seen, ["fatal 9 main stop %d", "warn main still", "done"]);
}

#[test]
fn a_fatal_inside_a_scope_skips_its_end() {
    let seen = calls(
        "calls_fatal_in_scope",
        "PTO2_SCOPE(PTO2ScopeMode::MANUAL) { rt_report_fatal(9, \"x\"); }",
    );
    assert_eq!(seen, ["begin 1", "fatal 9 main x"]);
}

#[test]
fn scopes_end_however_they_are_left() {
    let seen = calls(
        "calls_scopes",
        "for (int i = 0; i < 3; i++) { PTO2_SCOPE() { if (i == 0) continue; if (i == 1) break; } } \
         { PTO2_SCOPE_GUARD(); PTO2_SCOPE() PTO2_SCOPE(PTO2ScopeMode::MANUAL) LOG_DEBUG(\"in\"); } \
         [] { PTO2_SCOPE() return; }(); { PTO2ScopeGuard late(PTO2ScopeMode::MANUAL); }",
    );
    let expected = [
        "begin 0",
        "end",
        "begin 0",
        "end", // continue, break
        "begin 0",
        "begin 0",
        "begin 1",
        "debug main in",
        "end",
        "end",
        "end", // nested
        "begin 0",
        "end", // return
        "begin 1",
        "end", // named
    ];
    assert_eq!(seen, expected);
}

#[test]
fn an_else_after_a_scope_belongs_to_the_if_before_it() {
    let seen = calls(
        "calls_dangling_else",
        "_Pragma(\"GCC diagnostic ignored \\\"-Wdangling-else\\\"\") \
         for (bool wanted : {true, false}) \
             if (wanted) PTO2_SCOPE() LOG_DEBUG(\"then\"); else LOG_DEBUG(\"else\");",
    );
    assert_eq!(
        seen,
        ["begin 0", "debug main then", "end", "debug main else"]
    );
}

#[test]
fn elements_travel_as_their_bytes() {
    let seen = calls(
        "calls_elements",
        "always_assert(get_tensor_data<float>(t, 2, n) == 3.14159274f); \
         always_assert(get_tensor_data(t, 2, n) == 0xffffffff40490fdb); \
         always_assert(get_tensor_data<int32_t>(t, 1, {0}) == 0x40490fdb); \
         get_tensor_data(t, 0, nullptr); set_tensor_data(t, 2, n, -1); \
         set_tensor_data<double>(t, 2, {1, 2}, 1); set_tensor_data<uint8_t>(t, 1, n, 43);",
    );
    let expected = [
        "get 2 at 3",
        "get 2 at 3",
        "get 1 at 0",
        "get 0 at -1",
        "set 2 at 3 to ffffffff",
        "set 2 at 2 to 3ff0000000000000",
        "set 1 at 2 to 2b",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn messages_name_the_function_and_keep_their_tier() {
    let seen = calls(
        "calls_messages",
        "LOG_ERROR(\"a\"); LOG_INFO_V0(\"b\"); LOG_INFO_V9(\"c %d\", 1); true ? LOG_WARN(\"d\") : LOG_DEBUG(\"e\"); \
         [] { LOG_INFO_V5(\"f\"); }(); int _rt = 3; rt_report_fatal(_rt, \"g\"); \
         framework_bind_runtime(nullptr); LOG_ERROR(\"nobody hears\");",
    );
    let expected = [
        "error main a",
        "info0 main b",
        "info9 main c %d",
        "warn main d",
        "info5 operator() f",
        "fatal 3 main g",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_failed_assertion_is_logged_and_thrown() {
    let seen = calls(
        "calls_assertion",
        "try { uint32_t flat[1] = {5}; t.reshape(flat, 1); } catch (const AssertionError &error) { \
         std::string what = error.what(); \
         record(\"caught %d %d\", error.line() > 0, what.find(\"Assertion failed: valid_reshape\") == 0); } \
         try { TaskOutputTensors none; none.get_ref(0); } catch (const std::runtime_error &) { record(\"index\"); } \
         try { arg.explicit_dep(0); } catch (const AssertionError &) { record(\"dependency\"); } \
         try { uint32_t six[6] = {}; make_tensor_external(n, six, 6); } catch (const AssertionError &) { record(\"rank\"); } \
         uint32_t rows[2] = {2, 3}; Tensor big = make_tensor_external(n, rows, 2); \
         uint32_t one[2] = {1, 3}, at[2] = {1, 0}; uint32_t flat[1] = {3}; uint32_t odd[3] = {1, 3, 1}; \
         record(\"row starts at %d\", static_cast<int>(big.view(one, at).reshape(flat, 1).start_offset)); \
         record(\"same row at %d\", static_cast<int>(big.view(one, at).reshape(odd, 3).start_offset)); \
         uint32_t four[1] = {6}, in[1] = {2}, part[1] = {4}, square[2] = {1, 4}; \
         Tensor line = make_tensor_external(n, four, 1).view(part, in); \
         try { line.reshape(square, 2); } catch (const AssertionError &) { record(\"splits a row\"); }",
    );
    let said: Vec<&str> = seen.iter().map(String::as_str).collect();
    let own = |line: &&&str| !line.starts_with("error ");
    let outcomes: Vec<&&str> = said.iter().filter(own).collect();
    let expected = [
        &"caught 1 1",
        &"index",
        &"dependency",
        &"rank",
        &"row starts at 3",
        &"same row at 3",
        &"splits a row",
    ];
    assert_eq!(outcomes, expected);
    let logged = said.len() - outcomes.len();
    assert_eq!(logged, 5 * 5, "five lines for each of five failures");
}

#[test]
fn hbg_calls_pass_on_and_combine() {
    let declarations = "static int refuse = 0;\n\
        static int on_add(OrchestrationRuntime *, uint64_t *, int count, int func, CoreType core) {\n\
            std::printf(\"add %d %d %d\\n\", count, func, static_cast<int>(core)); return refuse == 1 ? -1 : 6; }\n\
        static int on_info(OrchestrationRuntime *, int task, const TensorInfo *, int count) {\n\
            std::printf(\"info %d %d\\n\", task, count); return refuse == 2 ? -5 : 0; }\n";
    let mut program = Program::new("orchestration_api.h", declarations);
    program.push("OrchestrationRuntimeOps ops{}; ops.add_task = on_add;");
    program.push("ops.set_tensor_info_to_task = on_info; OrchestrationRuntime rt{&ops};");
    program.push("uint64_t w[2] = {}; TensorInfo i{};");
    for refuse in 0..3 {
        program.push(format!("refuse = {refuse};"));
        program.push(format!(
            "std::printf(\"r{refuse} %d\\n\", add_task_with_tensor_info(&rt, w, 2, 3, CoreType::AIV, &i, 1));"
        ));
    }
    let answers = program.run(Kind::HbgOrchestration, Family::A5, TMP, "calls_hbg");
    assert_eq!(answers.text("add"), "2 3 1");
    assert_eq!(answers.text("info"), "6 1");
    assert_eq!(
        ["r0", "r1", "r2"].map(|label| answers.text(label)),
        ["6", "-1", "-1"]
    );
}

/// Kernel code, with a payload whose contexts point at a deferred buffer.
fn kernel(family: Family, test: &str, statements: &str) -> Answers {
    let (index, number) = match family {
        Family::A2a3 => ("block_idx", "block_num"),
        Family::A5 => ("s_block_idx", "s_block_num"),
    };
    let includes = "#define __DAV_VEC__\n#include <pto/pto-inst.hpp>\n\
        #include \"pto_async_kernel_api.h\"\n#include \"pto2_dispatch_payload.h\"\n#include \"tensor.h\"\n";
    let mut program = Program::new("stdint.h", includes);
    program.push("static PTO2DispatchPayload p; static PTO2DeferredCompletionIngressBuffer b;");
    program.push(format!(
        "p.local_context.{index} = 3; p.local_context.{number} = 8;"
    ));
    program.push("p.local_context.async_ctx = AsyncCtx::make(PTO2TaskId::make(1, 2), &b);");
    program.push("p.global_context.sub_block_id = 1;");
    program.push("p.args[48] = reinterpret_cast<uint64_t>(&p.local_context);");
    program.push("p.args[49] = reinterpret_cast<uint64_t>(&p.global_context);");
    program.push("int64_t *args = reinterpret_cast<int64_t *>(p.args);");
    program.push("AsyncCtx ctx = get_async_ctx(args); alignas(8) int32_t word = 5; (void)word;");
    program.push(statements);
    for (label, value) in [
        ("count", "b.count"),
        ("error", "static_cast<uint64_t>(b.error_code)"),
        ("expected", "b.entries[0].expected_value"),
        ("engine", "b.entries[0].engine"),
        (
            "type",
            "static_cast<uint64_t>(b.entries[0].completion_type)",
        ),
        (
            "here",
            "b.entries[0].addr == reinterpret_cast<uint64_t>(&word)",
        ),
        ("word", "static_cast<uint64_t>(word)"),
    ] {
        program.push(format!("put_number(\"{label}\", {value});"));
    }
    let test = format!("{test}_{}", family.name());
    program.run(Kind::TrbKernel, family, TMP, &test)
}

#[test]
fn kernels_read_their_identity() {
    for family in Family::ALL {
        let answers = kernel(
            family,
            "kernel_identity",
            "put_number(\"block\", static_cast<uint64_t>(get_block_idx(args)));\
             put_number(\"blocks\", static_cast<uint64_t>(get_block_num(args)));\
             put_number(\"lane\", static_cast<uint64_t>(get_sub_block_id(args)));\
             put_number(\"room\", ctx.completion_capacity); put_number(\"task\", ctx.task_token.raw);",
        );
        let found = ["block", "blocks", "lane", "room", "task"].map(|label| answers.number(label));
        assert_eq!(found, [3, 8, 1, 64, 1 << 32 | 2], "{}", family.name());
    }
}

#[test]
fn kernels_leave_conditions_and_notify() {
    for family in Family::ALL {
        let answers = kernel(
            family,
            "kernel_conditions",
            "save_expected_notification_counter(ctx, &word, 7);\
             pto2_send_notification(&word, 2, pto::comm::NotifyOp::AtomicAdd);\
             defer_condition(ctx, &word, 1, PTO2_COMPLETION_ENGINE_CCU, PTO2_COMPLETION_TYPE_COUNTER);\
             defer_flush(ctx); put_number(\"second\", b.entries[1].engine);",
        );
        let labels = [
            "count", "error", "expected", "engine", "type", "here", "word", "second",
        ];
        let found = labels.map(|label| answers.number(label));
        assert_eq!(found, [2, 0, 7, 0, 0, 1, 7, 3], "{}", family.name());
    }
}

#[test]
fn a_condition_too_many_is_an_error_and_not_written() {
    let answers = kernel(
        Family::A5,
        "kernel_overflow",
        "for (int i = 0; i < 65; i++) defer_condition(ctx, &word, 1, 0u, 0);",
    );
    assert_eq!(
        [answers.number("count"), answers.number("error")],
        [64, 102]
    );
}

#[test]
fn without_a_task_or_a_buffer_nothing_is_deferred() {
    let answers = kernel(
        Family::A5,
        "kernel_nothing",
        "AsyncCtx none = AsyncCtx::make(PTO2TaskId::make(0, 1), nullptr);\
         save_expected_notification_counter(none, &word, 7); ctx.task_token = PTO2TaskId::invalid();\
         save_expected_notification_counter(ctx, &word, 7);\
         put_number(\"room\", none.completion_capacity); put_number(\"valid\", none.task_token.is_valid());",
    );
    let found = ["count", "error", "room", "valid"].map(|label| answers.number(label));
    assert_eq!(found, [0; 4]);
}

#[test]
fn a2a3_kernels_have_more_kinds_of_conditions() {
    let answers = kernel(
        Family::A2a3,
        "kernel_more",
        "struct Event {}; put_number(\"deferred\", async_ctx_is_deferred(ctx));\
         defer_sdma_event_record(ctx, &word); defer_counter(ctx, &word, 3);\
         defer_condition(ctx, uint64_t{64}, 1, 0u, 0); put_number(\"third\", b.entries[2].addr);\
         put_number(\"counter\", b.entries[1].expected_value); defer_pto_async_event(ctx, Event{}, Event{});",
    );
    let labels = [
        "deferred", "count", "type", "expected", "counter", "third", "error",
    ];
    let found = labels.map(|label| answers.number(label));
    assert_eq!(found, [1, 3, 1, 0, 3, 64, 101]);
}

#[test]
fn a_failed_assertion_in_a_simulated_kernel_says_where_and_ends_the_process() {
    let dir = tests::compiler::scratch(TMP, "calls_kernel_assertion");
    let (source, binary) = (dir.join("kernel.cpp"), dir.join("kernel"));
    let text = "#define __DAV_VEC__\n#include \"tensor.h\"\n\
                int main(int argc, char **) { debug_assert(argc == 7); always_assert(argc == 8); }\n";
    std::fs::write(&source, text).expect("the build folder is writable");
    let compiler = tests::compiler::Compiler::system();
    let built = compiler.program(Kind::TrbKernel, Family::A2a3, &source, &binary);
    built.unwrap_or_else(|messages| panic!("{messages}"));
    let output = std::process::Command::new(&binary)
        .output()
        .expect("it was just built");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("argc == 8") && said.contains("kernel.cpp:3"),
        "{said}"
    );
    assert_eq!(output.status.code(), None, "a signal ended it");
}

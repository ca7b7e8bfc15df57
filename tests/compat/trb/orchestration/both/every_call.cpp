// Every call and macro, in its unusual forms too. The second scalar chooses: 0 for all but fatal errors, 1 for those.
#include "pto_orchestration_api.h"

#include "checks.h"

#ifndef PTO2_ORCHESTRATION_CONFIG_DEFINED
#error "the config type is guarded by a macro"
#endif

enum class Mode : int16_t { Slow = -1 };

// One task whose kernels, one on each kind of core, look at every argument they get.
static TaskOutputTensors arguments(const Tensor &a, const Tensor &b, const TensorCreateInfo &made, uint64_t answer) {
    Arg first;
    first.add_input(a, b);
    first.add_output(made, made);
    first.add_inout(a);
    first.add_no_dep(b);
    first.add_scalar(true, 'c', short{-1}, 1.5f, 2.5, Mode::Slow, DataType::INT8, 7u, 8ull);
    uint64_t words[2] = {1, 2};
    int32_t ids[3] = {-1, 0, 1};
    first.add_scalars(words, 2);
    first.add_scalars_i32(ids, 3);
    first.add_scalar(answer);
    first.launch_spec.set_require_sync_start(false);
    CHECK(first.tensor_count() == 6 && first.scalar_count() == 15 && !first.has_error);
    CHECK(first.tag(0) == TensorArgType::INPUT && first.tag(2) == TensorArgType::OUTPUT);
    CHECK(first.tag(4) == TensorArgType::INOUT && first.tag(5) == TensorArgType::NO_DEP);
    CHECK(first.tensor(2).create_info == &made && first.scalars()[9] == 1 && first.scalars()[11] == 0xffffffff);
    CHECK_MEMBER(Arg::clear, void (Arg::*)());
    static_assert(MAX_TENSOR_ARGS == 16 && MAX_SCALAR_ARGS == 32 && PTO2_MAX_EXPLICIT_DEPS == 16);
    static_assert(std::is_base_of_v<TaskArgsTpl<TensorRef, uint64_t, 16, 32, TensorArgType>, Arg>);
    return rt_submit_task({0, 1, INVALID_KERNEL_ID}, first);
}

static void argument_lists(const Tensor &a, const Tensor &b, const Tensor &from_task, PTO2TaskId task) {
    Arg source;
    source.add_scalar(1, 2, 3);
    Arg second;
    second.add_output(a, b);
    second.Arg::add_scalar(0);
    second.copy_scalars_from(source, 1, 2);
    second.add_dep(task, PTO2TaskId::make(0, 1));
    CHECK(second.tag(1) == TensorArgType::OUTPUT_EXISTING && second.tensor(0).ptr == &a && second.scalar(2) == 3);
    CHECK(second.explicit_dep_count() == 2 && second.explicit_dep(0) == task);
    CHECK(second.explicit_deps_data()[1].local() == 1 && second.error_msg == nullptr);
    second.add_input(from_task);
    CHECK(second.has_error && second.error_msg != nullptr && second.tensor_count() == 2);
    second.set_error("a later error");
    CHECK(std::string(second.error_msg) != "a later error");
    second.clear();
    CHECK(second.has_error && second.tensor_count() == 0);
    second.reset();
    CHECK(!second.has_error && second.explicit_dep_count() == 0);
    TensorRef nothing;
    CHECK(nothing.ptr == nullptr);
}

static void results(const Tensor &a) {
    TaskOutputTensors own;
    CHECK(own.empty() && own.size() == 0 && own.task_id().is_invalid());
    own.set_task_id(PTO2TaskId::make(1, 2));
    own.materialize_output(a);
    CHECK(!own.empty() && own.size() == 1 && own.task_id().ring() == 1 && &own.get_ref(0) == &a);
}

static void allocations(const TensorCreateInfo &made) {
    TensorCreateInfo list[2] = {made, made};
    const TensorCreateInfo fixed[2] = {made, made};
    CHECK(alloc_tensors(made).size() == 1);
    CHECK(alloc_tensors(made, made).size() == 2);
    CHECK(alloc_tensors(TensorCreateInfo(made)).task_id().is_valid());
    CHECK(alloc_tensors(fixed, 2u).size() == 2);
    CHECK(alloc_tensors(fixed, 2).size() == 2);
    CHECK(alloc_tensors(list, 2).size() == 2);
    Arg outputs;
    outputs.add_output(made);
    TaskOutputTensors last = alloc_tensors(outputs);
    CHECK(last.size() == 1 && last.get_ref(0).numel() == 16 && last.get_ref(0).owner_task_id == last.task_id());
}

static int leave_by_return(int n) {
    for (;; n++) {
        PTO2_SCOPE() {
            if (n == 3) return n;
        }
    }
}

static void scopes() {
    int bodies = 0;
    rt_scope_begin();
    rt_scope_begin(PTO2ScopeMode::MANUAL);
    rt_scope_end();
    rt_scope_end();
    PTO2ScopeGuard named(PTO2ScopeMode::AUTO);
    PTO2_SCOPE_GUARD();
    PTO2_SCOPE() PTO2_SCOPE(PTO2ScopeMode::AUTO) bodies++;
    for (int i = 0; i < 3; i++) {
        PTO2_SCOPE(PTO2ScopeMode::MANUAL) {
            bodies += 10;
            if (i == 1) break;
            continue;
        }
    }
    if (bodies == 0) PTO2_SCOPE() bodies += 1000; else bodies += 100;
    int _PTO2_CONCATENATE(bo, dies_) = bodies;
    CHECK(bodies_ == 121 && _PTO2_CONCATENATE_IMPL(bod, ies) == 121 && leave_by_return(0) == 3);
}

// A vector whose element i is 100 + i.
static void elements(const Tensor &t) {
    uint32_t at[1] = {3};
    CHECK(get_tensor_data<float>(t, 1, at) == 103.0f && get_tensor_data(t, 1, at) == to_u64(103.0f));
    CHECK(get_tensor_data<float>(t, 1, {15}) == 115.0f && get_tensor_data<float>(t, 1, {0}) == 100.0f);
    CHECK(get_tensor_data<float>(t, 0, nullptr) == 100.0f);
    set_tensor_data(t, 1, at, 1.5f);
    set_tensor_data<float>(t, 1, {4}, 1);
    CHECK(get_tensor_data<float>(t, 1, at) == 1.5f && get_tensor_data<float>(t, 1, {4}) == 1.0f);
}

// What the test looks for in the log.
static void messages(int n) {
    const char *format = "number %d";
    LOG_ERROR(format, n);
    LOG_WARN("warned");
    LOG_DEBUG("%s", "debugged");
    LOG_INFO_V0("zero");
    LOG_INFO_V1("one");
    LOG_INFO_V2("two %d", 2);
    LOG_INFO_V3("three"), LOG_INFO_V4("four");
    n > 3 ? LOG_INFO_V5("large") : LOG_INFO_V6("small %d", n);
    n <= 3 ? LOG_INFO_V5("five") : LOG_INFO_V6("six");
    LOG_INFO_V7("seven");
    LOG_INFO_V8("eight %f", 8.5);
    [] { LOG_INFO_V9("in a lambda"); }();
}

static void assertions(int n) {
    always_assert(n < 1000);
    debug_assert(n != 5);
    MAYBE_UNINITIALIZED_BEGIN
    int quiet;
    if (n > 0) quiet = n;
    CHECK(quiet == n);
    MAYBE_UNINITIALIZED_END
    PTO_PRAGMA(GCC diagnostic push)
    PTO_PRAGMA(GCC diagnostic pop)
    try {
        always_assert(n == 1000);
    } catch (const AssertionError &error) {
        CHECK(std::string(error.condition()) == "n == 1000" && error.line() == __LINE__ - 2);
        CHECK(std::string(error.file()) == __FILE__);
        CHECK(std::string(error.what()).rfind("Assertion failed: n == 1000\n", 0) == 0);
    }
    int caught = 0;
    try {
        debug_assert(n == 5);
    } catch (const std::runtime_error &) {
        caught++;
    }
    try {
        assert_impl("direct", __FILE__, __LINE__);
    } catch (const AssertionError &) {
        caught++;
    }
    CHECK(caught == 2 && AssertionError("own", "file", 7).line() == 7);
    CHECK(!get_stacktrace().empty());
}

static void handle(const Tensor &t) {
    PTO2Runtime *rt = current_runtime();
    const PTO2RuntimeOps *ops = framework_current_runtime()->ops;
    CHECK(ops == rt->ops && rt->pending_scope_mode == PTO2ScopeMode::AUTO);
    framework_bind_runtime(nullptr);
    LOG_ERROR("nobody hears this");
    framework_bind_runtime(rt);
    CHECK(current_runtime() == rt && !ops->is_fatal(rt));
    using Submit = TaskOutputTensors (*)(PTO2Runtime *, const MixedKernels &, const Arg &);
    using Alloc = TaskOutputTensors (*)(PTO2Runtime *, const Arg &);
    using Get = uint64_t (*)(PTO2Runtime *, const Tensor &, uint32_t, const uint32_t[]);
    using Set = void (*)(PTO2Runtime *, const Tensor &, uint32_t, const uint32_t[], uint64_t);
    using Log = void (*)(const char *, const char *, ...);
    CHECK_MEMBER(PTO2RuntimeOps::submit_task, Submit PTO2RuntimeOps::*);
    CHECK_MEMBER(PTO2RuntimeOps::alloc_tensors, Alloc PTO2RuntimeOps::*);
    CHECK_MEMBER(PTO2RuntimeOps::get_tensor_data, Get PTO2RuntimeOps::*);
    CHECK_MEMBER(PTO2RuntimeOps::set_tensor_data, Set PTO2RuntimeOps::*);
    CHECK_MEMBER(PTO2RuntimeOps::log_error, Log PTO2RuntimeOps::*);
    CHECK_MEMBER(PTO2RuntimeOps::report_fatal,
                 void (*PTO2RuntimeOps::*)(PTO2Runtime *, int32_t, const char *, const char *, ...));
    rt->pending_scope_mode = PTO2ScopeMode::MANUAL;
    ops->scope_begin(rt);
    CHECK(rt->pending_scope_mode == PTO2ScopeMode::AUTO);
    ops->scope_end(rt);
    uint32_t at[1] = {5};
    ops->set_tensor_data(rt, t, 1, at, to_u64(5.5f));
    CHECK(ops->get_tensor_data(rt, t, 1, at) == to_u64(5.5f));
    ops->log_warn("table", "a warning");
    ops->log_debug("table", "%d", 1);
    ops->log_info_v("table", 9, "tier %d", 9);
    CHECK(ops->submit_task && ops->alloc_tensors && ops->orchestration_done && ops->report_fatal && ops->log_error);
}

static void fatal_errors(const Tensor &a, const TensorCreateInfo &made) {
    CHECK(!rt_is_fatal());
    for (int n : {-1, 1}) {
        if (n < 0)
            rt_report_fatal(PTO2_ERROR_EXPLICIT_ORCH_FATAL, "negative");
        else
            rt_report_fatal(17, "%d is not negative", n);
    }
    int bodies = 0;
    PTO2_SCOPE() bodies++;
    CHECK(rt_is_fatal() && bodies == 1);
    CHECK(rt_submit_aiv_task(1, Arg{}).empty() && rt_submit_aic_task(0, Arg{}).task_id().is_invalid());
    CHECK(alloc_tensors(made).empty() && get_tensor_data(a, 1, {0}) == 0);
}

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig every_call_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{.expected_arg_count = 5};
}

__attribute__((visibility("default"))) void every_call_orchestration(const ChipStorageTaskArgs &orch_args) {
    const Tensor a = from_tensor_arg(orch_args.tensor(0));
    const Tensor b = from_tensor_arg(orch_args.tensor(1), true, 1);
    CHECK(!a.manual_dep && b.manual_dep && b.version == 1);
    uint32_t shape[1] = {16};
    const TensorCreateInfo made(shape, 1);
    if (orch_args.scalar(1) == 1) {
        fatal_errors(a, made);
    } else {
        TaskOutputTensors outs = arguments(a, b, made, orch_args.scalar(2));
        argument_lists(a, b, outs.get_ref(0), outs.task_id());
        results(a);
        allocations(made);
        scopes();
        elements(outs.get_ref(0));
        messages(1);
        assertions(1);
        handle(outs.get_ref(0));
        CHECK(!rt_is_fatal());
        rt_orchestration_done();
    }
    report(orch_args.scalar(0));
}
}

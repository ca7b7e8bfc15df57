// Every call and macro at least once, in its unusual forms too.
#include "pto_orchestration_api.h"

enum class Mode : int16_t { Slow = -1 };

static TaskOutputTensors arguments(const Tensor &a, const Tensor &b, const TensorCreateInfo &made) {
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
    first.launch_spec.set_require_sync_start(false);

    Arg second;
    second.add_output(a, b);
    second.copy_scalars_from(first, 1, 2);
    second.add_dep(PTO2TaskId::make(0, 1), PTO2TaskId::invalid());
    for (uint32_t i = 0; i < second.explicit_dep_count(); i++) {
        if (second.explicit_dep(i) != second.explicit_deps_data()[i]) second.set_error("no such dependency");
    }
    if (second.has_error) LOG_ERROR("%s", second.error_msg);
    if (second.tensor(0).ptr != &a || first.tensor(2).create_info != &made) LOG_WARN("addresses");
    TensorRef nothing;
    if (nothing.ptr != nullptr || first.tag(0) != TensorArgType::INPUT || first.scalars()[0] != 1) LOG_DEBUG("tags");
    second.clear();
    second.reset();
    static_assert(MAX_TENSOR_ARGS == 16 && MAX_SCALAR_ARGS == 32 && PTO2_MAX_EXPLICIT_DEPS == 16);
    return rt_submit_task({0, 1, INVALID_KERNEL_ID}, first);
}

static uint64_t results(const Tensor &a) {
    TaskOutputTensors own;
    own.set_task_id(PTO2TaskId::make(1, 2));
    own.materialize_output(a);
    const Tensor &first = own.get_ref(0);
    TaskSubmitResult other = own;
    return own.empty() + other.size() + own.task_id().raw + first.ndims;
}

static TaskOutputTensors allocations(const TensorCreateInfo &made) {
    TensorCreateInfo list[2] = {made, made};
    const TensorCreateInfo fixed[2] = {made, made};
    alloc_tensors(made);
    alloc_tensors(made, made);
    alloc_tensors(TensorCreateInfo(made));
    alloc_tensors(fixed, 2u);
    alloc_tensors(fixed, 2);
    alloc_tensors(list, 2);
    Arg outputs;
    outputs.add_output(made);
    return alloc_tensors(outputs);
}

static int scopes(bool wanted) {
    int bodies = 0;
    rt_scope_begin();
    rt_scope_begin(PTO2ScopeMode::MANUAL);
    rt_scope_end();
    rt_scope_end();
    PTO2ScopeGuard named(PTO2ScopeMode::AUTO);
    PTO2_SCOPE_GUARD();
    PTO2_SCOPE() PTO2_SCOPE(PTO2ScopeMode::AUTO) bodies++;
    while (true) {
        PTO2_SCOPE() {
            if (wanted) break;
            return bodies;
        }
    }
    if (wanted) {
        PTO2_SCOPE() bodies++;
    } else {
        bodies--;
    }
    int _PTO2_CONCATENATE(bo, dies_) = bodies;
    return bodies + bodies_ + _PTO2_CONCATENATE_IMPL(bod, ies);
}

static void elements(const Tensor &t) {
    uint32_t at[2] = {0, 1};
    uint64_t raw = get_tensor_data(t, 2, at);
    float real = get_tensor_data<float>(t, 2, {0, 1});
    raw += get_tensor_data(t, 1, {0});
    raw += get_tensor_data(t, 0, nullptr);
    set_tensor_data(t, 2, at, raw);
    set_tensor_data(t, 2, at, real);
    set_tensor_data<float>(t, 2, {0, 1}, 1);
}

static void messages(int n) {
    const char *format = "%d";
    LOG_ERROR(format, n);
    LOG_INFO_V1("one");
    LOG_INFO_V2("two %d", 2);
    LOG_INFO_V3("three"), LOG_INFO_V4("four");
    n > 3 ? LOG_INFO_V5("large") : LOG_INFO_V6("small %d", n);
    LOG_INFO_V7("seven");
    LOG_INFO_V8("eight");
    if (n < 0)
        rt_report_fatal(PTO2_ERROR_EXPLICIT_ORCH_FATAL, "negative");
    else
        rt_report_fatal(17, "%d is not negative", n);
    [] { LOG_INFO_V9("in a lambda"); }();
    if (!rt_is_fatal()) rt_orchestration_done();
}

static void assertions(int n) {
    always_assert(n < 1000);
    debug_assert(n != 5);
    MAYBE_UNINITIALIZED_BEGIN
    int quiet = n;
    MAYBE_UNINITIALIZED_END
    PTO_PRAGMA(GCC diagnostic push)
    PTO_PRAGMA(GCC diagnostic pop)
    try {
        if (quiet > 0) assert_impl("quiet", __FILE__, __LINE__);
    } catch (const AssertionError &error) {
        LOG_ERROR("%s %s %d %s", error.condition(), error.file(), error.line(), error.what());
    }
    LOG_DEBUG("%s", get_stacktrace().c_str());
}

static bool handle() {
    PTO2Runtime *rt = current_runtime();
    const PTO2RuntimeOps *ops = framework_current_runtime()->ops;
    framework_bind_runtime(rt);
    return ops->submit_task && ops->scope_begin && ops->scope_end && ops->orchestration_done && ops->is_fatal &&
           ops->report_fatal && ops->log_error && ops->log_warn && ops->log_debug && ops->log_info_v &&
           ops->get_tensor_data && ops->set_tensor_data && ops->alloc_tensors &&
           rt->pending_scope_mode == PTO2ScopeMode::AUTO;
}

#ifndef PTO2_ORCHESTRATION_CONFIG_DEFINED
#error "the config type is guarded by a macro"
#endif

extern "C" __attribute__((visibility("default"))) void every_call_orchestration(const ChipStorageTaskArgs &orch_args) {
    Tensor a = from_tensor_arg(orch_args.tensor(0), true, 1);
    Tensor b = from_tensor_arg(orch_args.tensor(1));
    uint32_t shape[1] = {16};
    TensorCreateInfo made(shape, 1);
    TaskOutputTensors outs = arguments(a, b, made);
    allocations(made);
    elements(outs.get_ref(0));
    messages(scopes(true) + static_cast<int>(results(a)));
    assertions(handle());
}

// A runtime that only writes down how it was called, one line per call: "call <what>".
#pragma once

#include <cstdarg>

#include "pto_orchestration_api.h"

static bool fatal = false;

// A numbered label for every call, so that order can be compared.
static void record(const char *format, ...) {
    static int count = 0;
    std::printf("%03d ", count++);
    va_list rest;
    va_start(rest, format);
    std::vprintf(format, rest);
    va_end(rest);
    std::printf("\n");
}

static TaskOutputTensors on_submit(PTO2Runtime *, const MixedKernels &m, const Arg &args) {
    record("submit %d %d %d tensors=%d", m.aic_kernel_id, m.aiv0_kernel_id, m.aiv1_kernel_id, args.tensor_count());
    TaskOutputTensors outs;
    outs.set_task_id(PTO2TaskId::make(0, 7));
    return outs;
}
static void on_scope_begin(PTO2Runtime *rt) { record("begin %d", static_cast<int>(rt->pending_scope_mode)); }
static void on_scope_end(PTO2Runtime *) { record("end"); }
static void on_done(PTO2Runtime *) { record("done"); }
static bool on_is_fatal(PTO2Runtime *) { return fatal; }
static void on_report(PTO2Runtime *, int32_t code, const char *func, const char *fmt, ...) {
    record("fatal %d %s %s", code, func, fmt);
    fatal = true;
}
static void on_error(const char *func, const char *fmt, ...) { record("error %s %s", func, fmt); }
static void on_warn(const char *func, const char *fmt, ...) { record("warn %s %s", func, fmt); }
static void on_debug(const char *func, const char *fmt, ...) { record("debug %s %s", func, fmt); }
static void on_info(const char *func, int v, const char *fmt, ...) { record("info%d %s %s", v, func, fmt); }
static uint64_t on_get(PTO2Runtime *, const Tensor &, uint32_t ndims, const uint32_t indices[]) {
    record("get %u at %d", ndims, ndims ? static_cast<int>(indices[ndims - 1]) : -1);
    return 0xffffffff40490fdb;
}
static void on_set(PTO2Runtime *, const Tensor &, uint32_t ndims, const uint32_t indices[], uint64_t value) {
    record("set %u at %u to %llx", ndims, indices[ndims - 1], static_cast<unsigned long long>(value));
}
static TaskOutputTensors on_alloc(PTO2Runtime *, const Arg &args) {
    record("alloc %d", args.tensor_count());
    return TaskOutputTensors();
}

static const PTO2RuntimeOps recording_ops = {
    on_submit, on_scope_begin, on_scope_end, on_done, on_is_fatal, on_report, on_error,
    on_warn, on_debug, on_info, on_get, on_set, on_alloc,
};
static PTO2Runtime recording_runtime = {&recording_ops, PTO2ScopeMode::AUTO};

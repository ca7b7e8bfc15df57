// The table through which an orchestration calls its runtime: it imports no symbol.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pto_runtime2_types.h"
#include "pto_types.h"

typedef struct PTO2Runtime PTO2Runtime;

typedef struct PTO2RuntimeOps {
    TaskOutputTensors (*submit_task)(PTO2Runtime *rt, const MixedKernels &mixed_kernels, const Arg &args);
    void (*scope_begin)(PTO2Runtime *rt);
    void (*scope_end)(PTO2Runtime *rt);
    void (*orchestration_done)(PTO2Runtime *rt);
    bool (*is_fatal)(PTO2Runtime *rt);
    void (*report_fatal)(PTO2Runtime *rt, int32_t error_code, const char *func, const char *fmt, ...);
    void (*log_error)(const char *func, const char *fmt, ...);
    void (*log_warn)(const char *func, const char *fmt, ...);
    void (*log_debug)(const char *func, const char *fmt, ...);
    void (*log_info_v)(const char *func, int v, const char *fmt, ...);
    uint64_t (*get_tensor_data)(PTO2Runtime *rt, const Tensor &tensor, uint32_t ndims, const uint32_t indices[]);
    void (*set_tensor_data)(
        PTO2Runtime *rt, const Tensor &tensor, uint32_t ndims, const uint32_t indices[], uint64_t value
    );
    TaskOutputTensors (*alloc_tensors)(PTO2Runtime *rt, const Arg &args);
} PTO2RuntimeOps;

static_assert(sizeof(PTO2RuntimeOps) == 104);
static_assert(offsetof(PTO2RuntimeOps, submit_task) == 0);
static_assert(offsetof(PTO2RuntimeOps, scope_begin) == 8);
static_assert(offsetof(PTO2RuntimeOps, scope_end) == 16);
static_assert(offsetof(PTO2RuntimeOps, orchestration_done) == 24);
static_assert(offsetof(PTO2RuntimeOps, is_fatal) == 32);
static_assert(offsetof(PTO2RuntimeOps, report_fatal) == 40);
static_assert(offsetof(PTO2RuntimeOps, log_error) == 48);
static_assert(offsetof(PTO2RuntimeOps, log_warn) == 56);
static_assert(offsetof(PTO2RuntimeOps, log_debug) == 64);
static_assert(offsetof(PTO2RuntimeOps, log_info_v) == 72);
static_assert(offsetof(PTO2RuntimeOps, get_tensor_data) == 80);
static_assert(offsetof(PTO2RuntimeOps, set_tensor_data) == 88);
static_assert(offsetof(PTO2RuntimeOps, alloc_tensors) == 96);

// The part of the runtime object that orchestrations see; the object behind the pointer is larger.
struct PTO2Runtime {
    const PTO2RuntimeOps *ops;
    PTO2ScopeMode pending_scope_mode;  // read and reset by the next scope_begin
};

static_assert(sizeof(PTO2Runtime) == 16 && offsetof(PTO2Runtime, pending_scope_mode) == 8);

// Both stand in the support source, which is compiled into every orchestration. The pointer they share is the
// object's own: the getter is hidden, so no other library can take its place.
extern "C" PTO2Runtime *framework_current_runtime(void);
extern "C" void framework_bind_runtime(PTO2Runtime *rt);

// Null before the runtime has bound itself, in particular inside a config function.
static inline PTO2Runtime *current_runtime() { return framework_current_runtime(); }

// Logging. Expressions of type void; before there is a runtime they say nothing.
#define LOG_ERROR(...) \
    (current_runtime() ? current_runtime()->ops->log_error(__func__, __VA_ARGS__) : static_cast<void>(0))
#define LOG_WARN(...) \
    (current_runtime() ? current_runtime()->ops->log_warn(__func__, __VA_ARGS__) : static_cast<void>(0))
#define LOG_DEBUG(...) \
    (current_runtime() ? current_runtime()->ops->log_debug(__func__, __VA_ARGS__) : static_cast<void>(0))

// V0 is printed rarely, V9 nearly always.
#define PTO2_LOG_INFO_V_(tier, ...) \
    (current_runtime() ? current_runtime()->ops->log_info_v(__func__, tier, __VA_ARGS__) : static_cast<void>(0))
#define LOG_INFO_V0(...) PTO2_LOG_INFO_V_(0, __VA_ARGS__)
#define LOG_INFO_V1(...) PTO2_LOG_INFO_V_(1, __VA_ARGS__)
#define LOG_INFO_V2(...) PTO2_LOG_INFO_V_(2, __VA_ARGS__)
#define LOG_INFO_V3(...) PTO2_LOG_INFO_V_(3, __VA_ARGS__)
#define LOG_INFO_V4(...) PTO2_LOG_INFO_V_(4, __VA_ARGS__)
#define LOG_INFO_V5(...) PTO2_LOG_INFO_V_(5, __VA_ARGS__)
#define LOG_INFO_V6(...) PTO2_LOG_INFO_V_(6, __VA_ARGS__)
#define LOG_INFO_V7(...) PTO2_LOG_INFO_V_(7, __VA_ARGS__)
#define LOG_INFO_V8(...) PTO2_LOG_INFO_V_(8, __VA_ARGS__)
#define LOG_INFO_V9(...) PTO2_LOG_INFO_V_(9, __VA_ARGS__)

// The interface of orchestrations whose graph is built while it runs: submit tasks, and the runtime finds their order.
//
// After a fatal error every call here does nothing and answers with nothing; user code runs to its end unharmed.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory.h>
#include <sstream>
#include <stdbool.h>
#include <stddef.h>
#include <stdexcept>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pto_runtime2_types.h"
#include "pto_runtime_ops.h"
#include "pto_submit_types.h"
#include "pto_task_id.h"
#include "pto_types.h"
#include "task_args.h"
#include "tensor.h"

// What an orchestration's config function returns.
#ifndef PTO2_ORCHESTRATION_CONFIG_DEFINED
#define PTO2_ORCHESTRATION_CONFIG_DEFINED
struct PTO2OrchestrationConfig {
    int expected_arg_count;  // tensors and scalars together; a call with fewer fails
};
#endif

static_assert(sizeof(PTO2OrchestrationConfig) == 4 && std::is_trivial_v<PTO2OrchestrationConfig>);

// Tensors from outside.

// A whole buffer. Its size follows from extents and element type.
inline Tensor make_tensor_external(
    void *addr, const uint32_t shapes[], uint32_t ndims, DataType dtype = DataType::FLOAT32, bool manual_dep = false,
    int32_t version = 0
) {
    always_assert(ndims <= static_cast<uint32_t>(RUNTIME_MAX_TENSOR_DIMS));
    always_assert(get_element_size(dtype) != 0);
    uint64_t bytes = get_element_size(dtype);
    for (uint32_t dim = 0; dim < ndims; dim++) bytes *= shapes[dim];
    return Tensor(addr, bytes, nullptr, shapes, nullptr, ndims, dtype, version, true, true, manual_dep);
}

inline Tensor from_tensor_arg(const ContinuousTensor &t, bool manual_dep = false, int32_t version = 0) {
    static_assert(CONTINUOUS_TENSOR_MAX_DIMS == RUNTIME_MAX_TENSOR_DIMS);
    return make_tensor_external(t.data_as<void>(), t.shapes, t.ndims, t.dtype, manual_dep, version);
}

// Fatal errors.

static inline bool rt_is_fatal() {
    PTO2Runtime *rt = current_runtime();
    return rt->ops->is_fatal(rt);
}

// Fails the run with `code`; the first code wins. The arguments are (code, format, …).
#define rt_report_fatal(code, ...) \
    do { \
        current_runtime()->ops->report_fatal(current_runtime(), (code), __func__, __VA_ARGS__); \
    } while (0)

// The runtime does this itself when the entry function returns.
static inline void rt_orchestration_done() {
    PTO2Runtime *rt = current_runtime();
    rt->ops->orchestration_done(rt);
}

// Tasks.

static inline TaskOutputTensors rt_submit_task(const MixedKernels &mixed_kernels, const Arg &args) {
    PTO2Runtime *rt = current_runtime();
    if (rt->ops->is_fatal(rt)) return TaskOutputTensors();
    return rt->ops->submit_task(rt, mixed_kernels, args);
}

// On a cube core.
static inline TaskOutputTensors rt_submit_aic_task(int32_t kernel_id, const Arg &args) {
    MixedKernels kernels;
    kernels.aic_kernel_id = kernel_id;
    return rt_submit_task(kernels, args);
}

// On a vector core.
static inline TaskOutputTensors rt_submit_aiv_task(int32_t kernel_id, const Arg &args) {
    MixedKernels kernels;
    kernels.aiv0_kernel_id = kernel_id;
    return rt_submit_task(kernels, args);
}

// Memory without a kernel. It lives until the enclosing scope ends and its last user is done.

static inline TaskOutputTensors alloc_tensors(const Arg &args) {
    PTO2Runtime *rt = current_runtime();
    if (rt->ops->is_fatal(rt)) return TaskOutputTensors();
    return rt->ops->alloc_tensors(rt, args);
}

static inline TaskOutputTensors alloc_tensors(const TensorCreateInfo create_infos[], uint32_t count) {
    if (count > static_cast<uint32_t>(MAX_TENSOR_ARGS)) {
        rt_report_fatal(PTO2_ERROR_INVALID_ARGS, "a task takes at most %d tensors, not %u", MAX_TENSOR_ARGS, count);
        return TaskOutputTensors();
    }
    Arg args;
    for (uint32_t i = 0; i < count; i++) args.add_output(create_infos[i]);
    return alloc_tensors(args);
}

template <
    typename... CIs,
    typename = std::enable_if_t<
        (sizeof...(CIs) > 0) && (std::is_same_v<std::remove_cv_t<CIs>, TensorCreateInfo> && ...)>>
static inline TaskOutputTensors alloc_tensors(const CIs &...cis) {
    static_assert(sizeof...(CIs) <= static_cast<size_t>(MAX_TENSOR_ARGS), "a task takes at most 16 tensors");
    Arg args;
    args.add_output(cis...);
    return alloc_tensors(args);
}

// Scopes: what is allocated inside can be reused after the end.

static inline void rt_scope_begin(PTO2ScopeMode mode = PTO2ScopeMode::AUTO) {
    PTO2Runtime *rt = current_runtime();
    if (rt->ops->is_fatal(rt)) return;
    rt->pending_scope_mode = mode;
    rt->ops->scope_begin(rt);
}

static inline void rt_scope_end() {
    PTO2Runtime *rt = current_runtime();
    if (rt->ops->is_fatal(rt)) return;
    rt->ops->scope_end(rt);
}

// A scope as long as the object lives.
class PTO2ScopeGuard {
public:
    explicit PTO2ScopeGuard(PTO2ScopeMode mode = PTO2ScopeMode::AUTO) { rt_scope_begin(mode); }
    ~PTO2ScopeGuard() { rt_scope_end(); }
    PTO2ScopeGuard(const PTO2ScopeGuard &) = delete;
    PTO2ScopeGuard &operator=(const PTO2ScopeGuard &) = delete;
};

#define _PTO2_CONCATENATE_IMPL(x, y) x##y
#define _PTO2_CONCATENATE(x, y) _PTO2_CONCATENATE_IMPL(x, y)

// PTO2_SCOPE() { … } or PTO2_SCOPE(PTO2ScopeMode::MANUAL) { … }. No loop: break and return act outside. The body is
// the else branch, so that an else after it belongs to the user's own if.
#define PTO2_SCOPE(...) \
    if (PTO2ScopeGuard _PTO2_CONCATENATE(pto2_scope_, __COUNTER__){__VA_ARGS__}; false) { \
    } else

// A scope for the rest of the block.
#define PTO2_SCOPE_GUARD(...) \
    [[maybe_unused]] PTO2ScopeGuard _PTO2_CONCATENATE(pto2_scope_guard_, __COUNTER__) { __VA_ARGS__ }

// Single elements: these wait until the element's producers, and for a write its readers, are done.

template <typename T = uint64_t>
static inline T get_tensor_data(const Tensor &tensor, uint32_t ndims, const uint32_t indices[]) {
    PTO2Runtime *rt = current_runtime();
    if (rt->ops->is_fatal(rt)) return from_u64<T>(0);
    return from_u64<T>(rt->ops->get_tensor_data(rt, tensor, ndims, indices));
}

// With the indices in braces.
template <typename T = uint64_t>
static inline T get_tensor_data(const Tensor &tensor, uint32_t ndims, std::initializer_list<uint32_t> indices) {
    always_assert(indices.size() == ndims);
    return get_tensor_data<T>(tensor, ndims, indices.begin());
}

// Stores as many bytes as an element has, so T should be the element type: give it if `value` is a literal.
template <typename T = uint64_t>
static inline void set_tensor_data(const Tensor &tensor, uint32_t ndims, const uint32_t indices[], T value) {
    PTO2Runtime *rt = current_runtime();
    if (rt->ops->is_fatal(rt)) return;
    rt->ops->set_tensor_data(rt, tensor, ndims, indices, to_u64(value));
}

template <typename T = uint64_t>
static inline void
set_tensor_data(const Tensor &tensor, uint32_t ndims, std::initializer_list<uint32_t> indices, T value) {
    always_assert(indices.size() == ndims);
    set_tensor_data<T>(tensor, ndims, indices.begin(), value);
}

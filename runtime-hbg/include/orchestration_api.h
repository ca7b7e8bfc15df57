// The interface of orchestrations that build the whole graph on the host before anything runs.
//
// The entry returns 0 to run the graph; any other value ends the run with that status.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stddef.h>
#include <stdexcept>
#include <stdint.h>
#include <type_traits>
#include <vector>

#include "common/core_type.h"
#include "task_args.h"
#include "tensor_info.h"

typedef struct OrchestrationRuntime OrchestrationRuntime;

typedef struct OrchestrationRuntimeOps {
    int (*add_task)(OrchestrationRuntime *runtime, uint64_t *args, int num_args, int func_id, CoreType core_type);
    int (*set_tensor_info_to_task)(
        OrchestrationRuntime *runtime, int task_id, const TensorInfo *tensor_info, int tensor_count
    );
    void (*add_successor)(OrchestrationRuntime *runtime, int from_task, int to_task);
    void (*record_tensor_pair)(OrchestrationRuntime *runtime, void *host_ptr, void *dev_ptr, size_t size);
    int (*get_task_count)(OrchestrationRuntime *runtime);
    void (*print_runtime)(OrchestrationRuntime *runtime);
    void *(*device_malloc)(OrchestrationRuntime *runtime, size_t size);
    void (*device_free)(OrchestrationRuntime *runtime, void *ptr);
    int (*copy_to_device)(OrchestrationRuntime *runtime, void *dev_ptr, const void *host_ptr, size_t size);
} OrchestrationRuntimeOps;

static_assert(sizeof(OrchestrationRuntimeOps) == 72);
static_assert(offsetof(OrchestrationRuntimeOps, add_task) == 0);
static_assert(offsetof(OrchestrationRuntimeOps, set_tensor_info_to_task) == 8);
static_assert(offsetof(OrchestrationRuntimeOps, add_successor) == 16);
static_assert(offsetof(OrchestrationRuntimeOps, record_tensor_pair) == 24);
static_assert(offsetof(OrchestrationRuntimeOps, get_task_count) == 32);
static_assert(offsetof(OrchestrationRuntimeOps, print_runtime) == 40);
static_assert(offsetof(OrchestrationRuntimeOps, device_malloc) == 48);
static_assert(offsetof(OrchestrationRuntimeOps, device_free) == 56);
static_assert(offsetof(OrchestrationRuntimeOps, copy_to_device) == 64);

// The part of the runtime object that orchestrations see; the object behind the pointer is larger.
struct OrchestrationRuntime {
    const OrchestrationRuntimeOps *ops;
};

static_assert(sizeof(OrchestrationRuntime) == 8);

// An entry function.
typedef int (*OrchestrationFunc)(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &orch_args);

// Appends a task and copies its arguments. Its id: 0, 1, 2, …, or negative if it was refused.
static inline int
add_task(OrchestrationRuntime *runtime, uint64_t *args, int num_args, int func_id, CoreType core_type) {
    return runtime->ops->add_task(runtime, args, num_args, func_id, core_type);
}

// Describes the tensor arguments of a task to the tensor dump, in the order of the arguments. 0, or negative if it
// was refused.
static inline int set_tensor_info_to_task(
    OrchestrationRuntime *runtime, int task_id, const TensorInfo *tensor_info, int tensor_count
) {
    return runtime->ops->set_tensor_info_to_task(runtime, task_id, tensor_info, tensor_count);
}

// Both in one. The task stays in the graph if only its description is refused.
static inline int add_task_with_tensor_info(
    OrchestrationRuntime *runtime, uint64_t *args, int num_args, int func_id, CoreType core_type,
    const TensorInfo *tensor_info, int tensor_count
) {
    const int task_id = add_task(runtime, args, num_args, func_id, core_type);
    if (task_id < 0) return task_id;
    return set_tensor_info_to_task(runtime, task_id, tensor_info, tensor_count) < 0 ? -1 : task_id;
}

// `to_task` waits for `from_task`.
static inline void add_successor(OrchestrationRuntime *runtime, int from_task, int to_task) {
    runtime->ops->add_successor(runtime, from_task, to_task);
}

// After the run, copies device memory to the host and frees it.
static inline void record_tensor_pair(OrchestrationRuntime *runtime, void *host_ptr, void *dev_ptr, size_t size) {
    runtime->ops->record_tensor_pair(runtime, host_ptr, dev_ptr, size);
}

static inline int get_task_count(OrchestrationRuntime *runtime) { return runtime->ops->get_task_count(runtime); }

// Logs the graph as it is now.
static inline void print_runtime(OrchestrationRuntime *runtime) { runtime->ops->print_runtime(runtime); }

static inline void *device_malloc(OrchestrationRuntime *runtime, size_t size) {
    return runtime->ops->device_malloc(runtime, size);
}

static inline void device_free(OrchestrationRuntime *runtime, void *ptr) { runtime->ops->device_free(runtime, ptr); }

static inline int copy_to_device(OrchestrationRuntime *runtime, void *dev_ptr, const void *host_ptr, size_t size) {
    return runtime->ops->copy_to_device(runtime, dev_ptr, host_ptr, size);
}

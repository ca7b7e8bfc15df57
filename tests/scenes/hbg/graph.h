// What the orchestrations of these scenes share: tensors of the call on the device, and tasks in a line.
#pragma once

#include <initializer_list>
#include <vector>

#include "orchestration_api.h"

using Words = std::initializer_list<uint64_t>;

static inline uint64_t word(const void *device) { return reinterpret_cast<uint64_t>(device); }

static inline uint64_t word(float value) {
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    return bits;
}

// The tensor's data on the device: copied there, or where it already is.
static inline char *upload(OrchestrationRuntime *runtime, const ContinuousTensor &tensor) {
    if (tensor.is_child_memory()) return reinterpret_cast<char *>(tensor.data);
    void *device = device_malloc(runtime, tensor.nbytes());
    if (device == nullptr) return nullptr;
    if (copy_to_device(runtime, device, reinterpret_cast<void *>(tensor.data), tensor.nbytes()) != 0) return nullptr;
    return static_cast<char *>(device);
}

// Memory on the device that becomes the tensor's data after the run.
static inline char *result(OrchestrationRuntime *runtime, const ContinuousTensor &tensor) {
    if (tensor.is_child_memory()) return reinterpret_cast<char *>(tensor.data);
    void *device = device_malloc(runtime, tensor.nbytes());
    if (device != nullptr)
        record_tensor_pair(runtime, reinterpret_cast<void *>(tensor.data), device, tensor.nbytes());
    return static_cast<char *>(device);
}

// Both: the data is copied there and back.
static inline char *update(OrchestrationRuntime *runtime, const ContinuousTensor &tensor) {
    char *device = upload(runtime, tensor);
    if (device != nullptr && !tensor.is_child_memory())
        record_tensor_pair(runtime, reinterpret_cast<void *>(tensor.data), device, tensor.nbytes());
    return device;
}

// A task that waits for others.
static inline int task(
    OrchestrationRuntime *runtime, int function, CoreType core, Words words, std::initializer_list<int> after = {}
) {
    std::vector<uint64_t> args(words);
    const int id = add_task(runtime, args.data(), static_cast<int>(args.size()), function, core);
    for (int earlier : after) add_successor(runtime, earlier, id);
    return id;
}

// The same graph, built on the host. Its kernel takes Tensors' addresses in the other runtime, here plain memory.
#include "orchestration_api.h"

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &orch_args) {
    const ContinuousTensor &x = orch_args.tensor(0);
    const ContinuousTensor &y = orch_args.tensor(1);
    const ContinuousTensor &out = orch_args.tensor(2);
    const size_t bytes = x.shapes[0] * sizeof(uint32_t);
    void *device[3];
    for (int i = 0; i < 3; i++) {
        device[i] = device_malloc(runtime, bytes);
        if (!device[i]) return 7;
    }
    copy_to_device(runtime, device[0], reinterpret_cast<void *>(x.data), bytes);
    copy_to_device(runtime, device[1], reinterpret_cast<void *>(y.data), bytes);
    uint64_t first[4] = {reinterpret_cast<uint64_t>(device[0]), reinterpret_cast<uint64_t>(device[1]),
                         reinterpret_cast<uint64_t>(device[2]), x.shapes[0]};
    uint64_t second[4] = {first[2], first[1], first[2], x.shapes[0]};
    const int a = add_task(runtime, first, 4, 0, CoreType::AIV);
    const int b = add_task(runtime, second, 4, 0, CoreType::AIV);
    add_successor(runtime, a, b);
    record_tensor_pair(runtime, reinterpret_cast<void *>(out.data), device[2], bytes);
    return 0;
}

// Ends its run with a code of its own.
extern "C" int refuse(OrchestrationRuntime *, const ChipStorageTaskArgs &) { return -42; }

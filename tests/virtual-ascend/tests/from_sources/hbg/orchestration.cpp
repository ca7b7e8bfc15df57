// A sum and a product for every row, as a graph that is built on the host.
#include "orchestration_api.h"

#define FUNC_SUM 0
#define FUNC_PRODUCT 1

static uint64_t word(const void *device) { return reinterpret_cast<uint64_t>(device); }

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &args) {
    const ContinuousTensor a = args.tensor(0), b = args.tensor(1), out = args.tensor(2);
    char *device[3] = {};
    for (char *&place : device) {
        place = static_cast<char *>(device_malloc(runtime, a.nbytes()));
        if (place == nullptr) return -1;
    }
    if (copy_to_device(runtime, device[0], reinterpret_cast<void *>(a.data), a.nbytes()) != 0) return -1;
    if (copy_to_device(runtime, device[1], reinterpret_cast<void *>(b.data), b.nbytes()) != 0) return -1;
    record_tensor_pair(runtime, reinterpret_cast<void *>(out.data), device[2], out.nbytes());
    const uint64_t count = a.shapes[1], bytes = count * sizeof(float);
    for (uint64_t row = 0; row < a.shapes[0]; row++) {
        const uint64_t x = word(device[0] + row * bytes), y = word(device[1] + row * bytes);
        const uint64_t into = word(device[2] + row * bytes);
        uint64_t sum[] = {x, y, into, count}, product[] = {into, x, into, count};
        const int first = add_task(runtime, sum, 4, FUNC_SUM, CoreType::AIV);
        const int second = add_task(runtime, product, 4, FUNC_PRODUCT, CoreType::AIC);
        add_successor(runtime, first, second);
    }
    return 0;
}

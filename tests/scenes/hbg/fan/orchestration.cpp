// One task, `blades` tasks after it, one task after all of those.
#include "../graph.h"

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &args) {
    const uint64_t blades = args.scalar(0);
    char *sum = result(runtime, args.tensor(0));
    void *gate = device_malloc(runtime, sizeof(int64_t));
    void *numbers = device_malloc(runtime, blades * sizeof(int64_t));
    if (sum == nullptr || gate == nullptr || numbers == nullptr) return -2;
    const int first = task(runtime, 0, CoreType::AIV, {word(gate), word(numbers), word(sum), 0, 0});
    const int last = task(runtime, 0, CoreType::AIV, {word(gate), word(numbers), word(sum), 2, blades}, {first});
    for (uint64_t i = 0; i < blades; i++) {
        const int blade = task(
            runtime, static_cast<int>(i % 2), i % 2 == 0 ? CoreType::AIV : CoreType::AIC,
            {word(gate), word(numbers), word(sum), 1, i}, {first}
        );
        // An edge that is drawn twice counts twice, which comes to the same.
        if (i % 3 == 0) add_successor(runtime, first, blade);
        add_successor(runtime, blade, last);
    }
    return 0;
}

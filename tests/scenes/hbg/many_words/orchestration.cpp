// Tasks with 0 to `most` words besides their first three: in the payload, at its edge, beyond it.
#include "../graph.h"

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &args) {
    char *out = result(runtime, args.tensor(0));
    if (out == nullptr) return -2;
    for (uint64_t count = 0; count < args.tensor(0).shapes[0]; count++) {
        std::vector<uint64_t> words = {word(out), count, count};
        for (uint64_t i = 0; i < count; i++) words.push_back(count + i);
        if (add_task(runtime, words.data(), static_cast<int>(words.size()), 0, CoreType::AIV) < 0) return -3;
    }
    return 0;
}

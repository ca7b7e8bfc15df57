// Tasks in one chain; a link out of order breaks it for good.
#include "../graph.h"

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &args) {
    char *x = update(runtime, args.tensor(0));
    if (x == nullptr) return -2;
    int before = 0;
    for (uint64_t i = 0; i < static_cast<uint64_t>(args.scalar(0)); i++) {
        before = task(runtime, 0, CoreType::AIV, {word(x), i});
        if (i > 0) add_successor(runtime, before - 1, before);
    }
    return 0;
}

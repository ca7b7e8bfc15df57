// Every element comes back from a block of its own: as many copies as elements.
#include "../graph.h"

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &args) {
    char *host = reinterpret_cast<char *>(args.tensor(0).data);
    for (uint64_t i = 0; i < args.tensor(0).shapes[0]; i++) {
        void *piece = device_malloc(runtime, sizeof(int32_t));
        void *unused = device_malloc(runtime, 100);
        if (piece == nullptr || unused == nullptr) return -2;
        record_tensor_pair(runtime, host + i * sizeof(int32_t), piece, sizeof(int32_t));
        // Half of what is not used is freed here, the other half by the run.
        if (i % 2 == 0) device_free(runtime, unused);
        task(runtime, 0, CoreType::AIV, {word(piece), 0, 0});
    }
    return 0;
}

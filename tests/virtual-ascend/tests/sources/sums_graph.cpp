// out = a + b + b + ... , a sum per link and one for the result, as a graph that is built on the host.
#include "../../../scenes/hbg/graph.h"

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &args) {
    const ContinuousTensor a = args.tensor(0), b = args.tensor(1), out = args.tensor(2);
    const uint64_t links = args.scalar(0), count = a.nbytes() / sizeof(float);
    char *from = upload(runtime, a), *add = upload(runtime, b), *into = result(runtime, out);
    if (from == nullptr || add == nullptr || into == nullptr) return -2;
    int last = -1;
    for (uint64_t link = 0; link <= links; link++) {
        void *sum = link == links ? into : device_malloc(runtime, a.nbytes());
        if (sum == nullptr) return -2;
        const CoreType core = link == links ? CoreType::AIC : CoreType::AIV;
        const int next = task(runtime, 0, core, {word(from), word(add), word(sum), count});
        if (last >= 0) add_successor(runtime, last, next);
        last = next;
        from = static_cast<char *>(sum);
    }
    return 0;
}

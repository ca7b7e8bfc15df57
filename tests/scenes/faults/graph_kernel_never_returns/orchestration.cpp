// A kernel that hangs, with another one waiting for it.
#include "../../hbg/graph.h"

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &args) {
    char *x = update(runtime, args.tensor(0));
    const int stuck = task(runtime, 0, CoreType::AIV, {word(x)});
    task(runtime, 1, CoreType::AIV, {word(x), 0, 0}, {stuck});
    return 0;
}

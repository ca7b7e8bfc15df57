// c = a + b; d = c + 1; e = c + 2; f = d * e.
#include "../graph.h"

#define FUNC_ADD 0
#define FUNC_ADD_SCALAR 1
#define FUNC_MUL 2

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &args) {
    if (args.tensor_count() != 3) return -1;
    const uint64_t count = args.tensor(0).nbytes() / sizeof(float);
    const size_t bytes = args.tensor(0).nbytes();
    char *a = upload(runtime, args.tensor(0));
    char *b = upload(runtime, args.tensor(1));
    char *f = result(runtime, args.tensor(2));
    void *c = device_malloc(runtime, bytes);
    void *d = device_malloc(runtime, bytes);
    void *e = device_malloc(runtime, bytes);
    if (a == nullptr || b == nullptr || f == nullptr || c == nullptr || d == nullptr || e == nullptr) return -2;

    const int sum = task(runtime, FUNC_ADD, CoreType::AIV, {word(a), word(b), word(c), count});
    const int one = task(runtime, FUNC_ADD_SCALAR, CoreType::AIV, {word(c), word(d), word(1.0f), count}, {sum});
    const int two = task(runtime, FUNC_ADD_SCALAR, CoreType::AIV, {word(c), word(e), word(2.0f), count}, {sum});
    task(runtime, FUNC_MUL, CoreType::AIV, {word(d), word(e), word(f), count}, {one, two});
    print_runtime(runtime);
    return 0;
}

// F = exp(s · W1 + s · W2) with s = sqrt(log(A)): a vector task, two cube tasks, a vector task. The inputs and s are
// halves, the products and F floats.
#include "../graph.h"

#define FUNC_LOG_SQRT 0
#define FUNC_MATMUL 1
#define FUNC_EXP_ADD 2

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &args) {
    const uint64_t side = args.tensor(0).shapes[0];
    const uint64_t count = side * side;
    char *a = upload(runtime, args.tensor(0));
    char *w1 = upload(runtime, args.tensor(1));
    char *w2 = upload(runtime, args.tensor(2));
    char *f = result(runtime, args.tensor(3));
    void *roots = device_malloc(runtime, args.tensor(0).nbytes());
    void *left = device_malloc(runtime, args.tensor(3).nbytes());
    void *right = device_malloc(runtime, args.tensor(3).nbytes());
    if (a == nullptr || w1 == nullptr || w2 == nullptr || f == nullptr || right == nullptr) return -2;

    const int root = task(runtime, FUNC_LOG_SQRT, CoreType::AIV, {word(a), word(roots), count});
    const int one = task(runtime, FUNC_MATMUL, CoreType::AIC, {word(roots), word(w1), word(left), side}, {root});
    const int two = task(runtime, FUNC_MATMUL, CoreType::AIC, {word(roots), word(w2), word(right), side}, {root});
    task(runtime, FUNC_EXP_ADD, CoreType::AIV, {word(left), word(right), word(f), count}, {one, two});
    return 0;
}

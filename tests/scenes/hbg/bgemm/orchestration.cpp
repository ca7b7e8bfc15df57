// C = A · B by tiles: per tile of C a chain of (cube multiplies, vector adds up); only the additions of a tile follow
// one another.
#include "../graph.h"

#define FUNC_MATMUL 0
#define FUNC_ACCUMULATE 1

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &args) {
    const uint64_t side = args.scalar(0);
    const uint64_t rows = args.tensor(0).shapes[0], inner = args.tensor(0).shapes[1], columns = args.tensor(1).shapes[1];
    if (rows % side != 0 || inner % side != 0 || columns % side != 0) return -1;
    char *a = upload(runtime, args.tensor(0));
    char *b = upload(runtime, args.tensor(1));
    char *c = result(runtime, args.tensor(2));
    if (a == nullptr || b == nullptr || c == nullptr) return -2;
    auto tile = [&](char *matrix, uint64_t row, uint64_t column, uint64_t length) {
        return word(matrix + (row * side * length + column * side) * sizeof(float));
    };
    for (uint64_t m = 0; m < rows / side; m++) {
        for (uint64_t n = 0; n < columns / side; n++) {
            int before = -1;
            for (uint64_t k = 0; k < inner / side; k++) {
                void *part = device_malloc(runtime, side * side * sizeof(float));
                if (part == nullptr) return -2;
                const int product = task(
                    runtime, FUNC_MATMUL, CoreType::AIC,
                    {tile(a, m, k, inner), tile(b, k, n, columns), word(part), side, inner, columns, side}
                );
                const int sum = task(
                    runtime, FUNC_ACCUMULATE, CoreType::AIV,
                    {word(part), tile(c, m, n, columns), side, columns, k == 0 ? 1u : 0u}, {product}
                );
                if (before >= 0) add_successor(runtime, before, sum);
                before = sum;
            }
        }
    }
    return 0;
}

// out = x * y, of one row.
#include "row.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ float *x = row(tensor(args, 0), 0), *y = row(tensor(args, 1), 0), *into = row(tensor(args, 2), 0);
    const uint32_t cols = tensor(args, 2)->shapes[1];
    for (uint32_t i = 0; i < cols; i++) into[i] = x[i] * y[i];
    clean(into, cols);
    pipe_sync();
}

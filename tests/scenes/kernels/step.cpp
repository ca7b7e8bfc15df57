// out = max(x, y) + 1 over the first elements.
#include "kernel.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    const int32_t x = cells<int32_t>(tensor(args, 0))[0];
    const int32_t y = cells<int32_t>(tensor(args, 1))[0];
    cells<int32_t>(tensor(args, 2))[0] = (x > y ? x : y) + 1;
    pipe_sync();
}

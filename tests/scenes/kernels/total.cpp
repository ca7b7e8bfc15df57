// out[0] = the sum of all elements of a view of whole numbers; wraps.
#include "kernel.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *x = tensor(args, 0);
    __gm__ Tensor *out = tensor(args, 1);
    uint32_t sum = 0;
    for (uint32_t r = 0; r < run_count(x); r++) {
        __gm__ uint32_t *from = run<uint32_t>(x, r);
        for (uint32_t i = 0; i < run_length(x); i++) sum += from[i];
    }
    cells<uint32_t>(out)[0] = sum;
    pipe_sync();
}

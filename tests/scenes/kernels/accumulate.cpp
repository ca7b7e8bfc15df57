// total += x, elementwise over views of one shape.
#include "kernel.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *x = tensor(args, 0);
    __gm__ Tensor *total = tensor(args, 1);
    for (uint32_t r = 0; r < run_count(total); r++) {
        __gm__ float *from = run<float>(x, r);
        __gm__ float *into = run<float>(total, r);
        for (uint32_t i = 0; i < run_length(total); i++) into[i] += from[i];
    }
    pipe_sync();
}

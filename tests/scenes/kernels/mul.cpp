// out = x * y, elementwise over views of one shape. In a mixed task its three tensors begin at FIRST.
#include "kernel.h"

#ifndef FIRST
#define FIRST 0
#endif

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *left = tensor(args, FIRST + 0);
    __gm__ Tensor *right = tensor(args, FIRST + 1);
    __gm__ Tensor *out = tensor(args, FIRST + 2);
    for (uint32_t r = 0; r < run_count(out); r++) {
        __gm__ float *from_left = run<float>(left, r);
        __gm__ float *from_right = run<float>(right, r);
        __gm__ float *into = run<float>(out, r);
        for (uint32_t i = 0; i < run_length(out); i++) {
            const float x = from_left[i];
            const float y = from_right[i];
            into[i] = x * y;
        }
    }
    pipe_sync();
}

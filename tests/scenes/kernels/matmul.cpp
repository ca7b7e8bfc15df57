// out = x · y: [.., m, k] · [.., k, n], batched over leading axes.
#include "kernel.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *x = tensor(args, 0);
    __gm__ Tensor *y = tensor(args, 1);
    __gm__ Tensor *out = tensor(args, 2);
    const uint32_t rows = out->shapes[out->ndims - 2];
    const uint32_t depth = run_length(x);
    const uint32_t columns = run_length(out);
    for (uint32_t row = 0; row < run_count(out); row++) {
        const uint32_t batch = row / rows;
        __gm__ float *from = run<float>(x, row);
        __gm__ float *into = run<float>(out, row);
        for (uint32_t column = 0; column < columns; column++) into[column] = 0.0f;
        for (uint32_t step = 0; step < depth; step++) {
            __gm__ float *line = run<float>(y, batch * depth + step);
            for (uint32_t column = 0; column < columns; column++) into[column] += from[step] * line[column];
        }
    }
    pipe_sync();
}

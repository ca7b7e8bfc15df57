// out = factor * x + y over views of whole numbers of one shape; wraps.
#include "kernel.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *x = tensor(args, 0);
    __gm__ Tensor *y = tensor(args, 1);
    __gm__ Tensor *out = tensor(args, 2);
    const uint32_t factor = scalar<uint32_t>(args, 3);
    for (uint32_t r = 0; r < run_count(out); r++) {
        __gm__ uint32_t *from_x = run<uint32_t>(x, r);
        __gm__ uint32_t *from_y = run<uint32_t>(y, r);
        __gm__ uint32_t *into = run<uint32_t>(out, r);
        for (uint32_t i = 0; i < run_length(out); i++) into[i] = factor * from_x[i] + from_y[i];
    }
    pipe_sync();
}

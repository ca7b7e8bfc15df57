// x = factor * x + addend over every element of an INOUT view of whole numbers; wraps. Twice or in another order
// gives another result.
#include "kernel.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *x = tensor(args, 0);
    const uint32_t factor = scalar<uint32_t>(args, 1);
    const uint32_t addend = scalar<uint32_t>(args, 2);
    for (uint32_t r = 0; r < run_count(x); r++) {
        __gm__ uint32_t *cell = run<uint32_t>(x, r);
        for (uint32_t i = 0; i < run_length(x); i++) cell[i] = factor * cell[i] + addend;
    }
    pipe_sync();
}

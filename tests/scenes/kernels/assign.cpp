// Every element of a view of whole numbers becomes `value` after `nanoseconds`.
#include "kernel.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *out = tensor(args, 0);
    const uint32_t value = scalar<uint32_t>(args, 1);
    compute_for(scalar<uint32_t>(args, 2));
    for (uint32_t r = 0; r < run_count(out); r++) {
        __gm__ uint32_t *into = run<uint32_t>(out, r);
        for (uint32_t i = 0; i < run_length(out); i++) into[i] = value;
    }
    pipe_sync();
}

// out = x + y: of `block_num` blocks, each has every so many-th row.
#include "row.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *out = tensor(args, 2);
    const uint32_t rows = out->shapes[0], cols = out->shapes[1];
    for (uint32_t r = get_block_idx(args); r < rows; r += get_block_num(args)) {
        __gm__ float *x = row(tensor(args, 0), r), *y = row(tensor(args, 1), r), *into = row(out, r);
        for (uint32_t i = 0; i < cols; i++) into[i] = x[i] + y[i];
        clean(into, cols);
    }
    pipe_sync();
}

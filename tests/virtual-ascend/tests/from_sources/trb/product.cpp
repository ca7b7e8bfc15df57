// out = x * y
#include "row.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ float *x = row(tensor(args, 0));
    __gm__ float *y = row(tensor(args, 1));
    __gm__ Tensor *out = tensor(args, 2);
    for (uint32_t i = 0; i < out->shapes[out->ndims - 1]; i++) row(out)[i] = x[i] * y[i];
    pipe_sync();
}

// out = x + y for `count` floats.
#include <cstdint>

#include "pipe_sync.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ float *x = reinterpret_cast<__gm__ float *>(args[0]);
    __gm__ float *y = reinterpret_cast<__gm__ float *>(args[1]);
    __gm__ float *out = reinterpret_cast<__gm__ float *>(args[2]);
    for (int64_t i = 0; i < args[3]; i++) out[i] = x[i] + y[i];
    pipe_sync();
}

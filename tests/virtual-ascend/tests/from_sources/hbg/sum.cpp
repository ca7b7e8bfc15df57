// out = x + y for `count` floats.
#include <cstdint>

#include "../clean.h"
#include "pipe_sync.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ float *x = reinterpret_cast<__gm__ float *>(args[0]);
    __gm__ float *y = reinterpret_cast<__gm__ float *>(args[1]);
    __gm__ float *out = reinterpret_cast<__gm__ float *>(args[2]);
    for (int64_t i = 0; i < args[3]; i++) out[i] = x[i] + y[i];
    clean(out, static_cast<uint32_t>(args[3]));
    pipe_sync();
}

// out = x + scalar for `count` floats; x and out may be the same.
#include "words.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ float *x = at<float>(args, 0), *out = at<float>(args, 1);
    const float scalar = real(args, 2);
    for (int64_t i = 0; i < args[3]; i++) out[i] = x[i] + scalar;
    pipe_sync();
}

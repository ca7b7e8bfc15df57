// out = x · y: a tile of `side` rows and columns of larger matrices, given the length of their rows.
#include "words.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ float *x = at<float>(args, 0), *y = at<float>(args, 1), *out = at<float>(args, 2);
    const int64_t side = args[3], row_x = args[4], row_y = args[5], row_out = args[6];
    for (int64_t m = 0; m < side; m++) {
        for (int64_t n = 0; n < side; n++) {
            float sum = 0.0f;
            for (int64_t k = 0; k < side; k++) sum += x[m * row_x + k] * y[k * row_y + n];
            out[m * row_out + n] = sum;
        }
    }
    pipe_sync();
}

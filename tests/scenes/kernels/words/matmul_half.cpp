// out = x · y for square matrices of halves with `side` rows; sums and the result are floats.
#include "half.h"
#include "words.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ uint16_t *x = at<uint16_t>(args, 0), *y = at<uint16_t>(args, 1);
    __gm__ float *out = at<float>(args, 2);
    const int64_t side = args[3];
    for (int64_t m = 0; m < side; m++) {
        __gm__ float *row = out + m * side;
        for (int64_t n = 0; n < side; n++) row[n] = 0.0f;
        for (int64_t k = 0; k < side; k++) {
            const float factor = from_half(x[m * side + k]);
            for (int64_t n = 0; n < side; n++) row[n] += factor * from_half(y[k * side + n]);
        }
    }
    pipe_sync();
}

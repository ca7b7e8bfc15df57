// Weighted values of a block.
#include "../../attention/numbers.h"
#include "../words.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ uint16_t *weights = at<uint16_t>(args, 0), *values = at<uint16_t>(args, 1);
    __gm__ float *out = at<float>(args, 2);
    const int64_t heads = args[3], dim = args[4], valid = args[5], block_size = args[6];
    for (int64_t head = 0; head < heads; head++) {
        for (int64_t i = 0; i < dim; i++) {
            float sum = 0.0f;
            for (int64_t position = 0; position < valid; position++) {
                sum += from_bf16(weights[head * block_size + position]) * from_bf16(values[position * dim + i]);
            }
            out[head * dim + i] = sum;
        }
    }
    pipe_sync();
}

// Weights, maxima and sums of the scores of a block.
#include "../../attention/numbers.h"
#include "../words.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ float *scores = at<float>(args, 0), *maxima = at<float>(args, 2), *sums = at<float>(args, 3);
    __gm__ uint16_t *weights = at<uint16_t>(args, 1);
    const int64_t heads = args[4], block_size = args[5];
    const uint32_t valid = static_cast<uint32_t>(args[6]);
    const float scale = real(args, 7);
    for (int64_t head = 0; head < heads; head++) {
        soften(
            scores + head * block_size, weights + head * block_size, static_cast<uint32_t>(block_size), valid, scale,
            &maxima[head], &sums[head]
        );
    }
    pipe_sync();
}

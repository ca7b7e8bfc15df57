// Weights, maxima and sums of one block of scores, of which the view holds the valid ones.
#include "attention.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *scores = tensor(args, 0);
    __gm__ Tensor *weights = tensor(args, 1);
    __gm__ float *maxima = cells<float>(tensor(args, 2));
    __gm__ float *sums = cells<float>(tensor(args, 3));
    const float scale = scalar<float>(args, 4);
    const uint32_t valid = run_length(scores);
    for (uint32_t head = 0; head < run_count(scores); head++) {
        soften(
            run<float>(scores, head), run<uint16_t>(weights, head), run_length(weights), valid, scale, &maxima[head],
            &sums[head]
        );
    }
    pipe_sync();
}

// Weights, maxima and sums of a stretch of scores; positions past the end of a sequence weigh nothing.
#include "attention.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *scores = tensor(args, 0);  // [sequences, heads, positions]
    __gm__ int32_t *lengths = cells<int32_t>(tensor(args, 1));
    __gm__ Tensor *weights = tensor(args, 2);
    __gm__ float *maxima = cells<float>(tensor(args, 3));
    __gm__ float *sums = cells<float>(tensor(args, 4));
    const uint32_t first_sequence = scalar<uint32_t>(args, 5);
    const uint32_t first_position = scalar<uint32_t>(args, 6);
    const float scale = scalar<float>(args, 7);
    const uint32_t count = run_length(scores);
    for (uint32_t row = 0; row < run_count(scores); row++) {
        const uint32_t length = static_cast<uint32_t>(lengths[first_sequence + row / scores->shapes[1]]);
        const uint32_t left = length > first_position ? length - first_position : 0;
        soften(
            run<float>(scores, row), run<uint16_t>(weights, row), count, left < count ? left : count, scale,
            &maxima[row], &sums[row]
        );
    }
    pipe_sync();
}

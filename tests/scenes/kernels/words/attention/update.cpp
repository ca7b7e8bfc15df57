// The running maxima, sums and totals take in a block; the last block also leaves the result.
#include "../../attention/numbers.h"
#include "../words.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ float *block_maxima = at<float>(args, 0), *block_sums = at<float>(args, 1), *block = at<float>(args, 2);
    __gm__ float *maxima = at<float>(args, 3), *sums = at<float>(args, 4), *totals = at<float>(args, 5);
    __gm__ float *out = at<float>(args, 6);
    const int64_t heads = args[7], dim = args[8];
    const bool is_first = args[9] != 0, is_last = args[10] != 0;
    for (int64_t head = 0; head < heads; head++) {
        __gm__ float *total = totals + head * dim;
        take_in(
            total, &maxima[head], &sums[head], block + head * dim, block_maxima[head], block_sums[head],
            static_cast<uint32_t>(dim), is_first
        );
        if (!is_last) continue;
        for (int64_t i = 0; i < dim; i++) out[head * dim + i] = total[i] / sums[head];
    }
    pipe_sync();
}

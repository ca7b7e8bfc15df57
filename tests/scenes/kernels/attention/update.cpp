// The running maxima, sums and totals take in a block; the last block also leaves the result.
#include "attention.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ float *block_maxima = cells<float>(tensor(args, 0));
    __gm__ float *block_sums = cells<float>(tensor(args, 1));
    __gm__ Tensor *block = tensor(args, 2);
    __gm__ float *maxima = cells<float>(tensor(args, 3));
    __gm__ float *sums = cells<float>(tensor(args, 4));
    __gm__ Tensor *totals = tensor(args, 5);
    __gm__ Tensor *out = tensor(args, 6);
    const bool is_first = scalar<uint32_t>(args, 7) != 0;
    const bool is_last = scalar<uint32_t>(args, 8) != 0;
    const uint32_t count = run_length(totals);
    for (uint32_t row = 0; row < run_count(totals); row++) {
        __gm__ float *total = run<float>(totals, row);
        take_in(
            total, &maxima[row], &sums[row], run<float>(block, row), block_maxima[row], block_sums[row], count, is_first
        );
        if (!is_last) continue;
        __gm__ float *into = run<float>(out, row);
        for (uint32_t i = 0; i < count; i++) into[i] = total[i] / sums[row];
    }
    pipe_sync();
}

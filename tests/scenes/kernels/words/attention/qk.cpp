// Scores of the heads of one query against the keys of a block.
#include "../../attention/numbers.h"
#include "../words.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ uint16_t *query = at<uint16_t>(args, 0), *keys = at<uint16_t>(args, 1);
    __gm__ float *scores = at<float>(args, 2);
    const int64_t heads = args[3], dim = args[4], valid = args[5], block_size = args[6];
    for (int64_t head = 0; head < heads; head++) {
        for (int64_t i = 0; i < valid; i++) {
            scores[head * block_size + i] =
                dot_bf16(query + head * dim, keys + i * dim, static_cast<uint32_t>(dim));
        }
    }
    pipe_sync();
}

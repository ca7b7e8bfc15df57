// Weighted values of some sequences over a stretch of their blocks, which the block table finds in the cache.
#include "attention.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *weights = tensor(args, 0);  // [sequences, heads, positions]
    __gm__ Tensor *cache = tensor(args, 1);    // [blocks, block size, 1, dim]
    __gm__ Tensor *table = tensor(args, 2);    // [sequences of all, blocks of one]
    __gm__ Tensor *out = tensor(args, 3);      // [sequences, heads, dim]
    const uint32_t first_sequence = scalar<uint32_t>(args, 4);
    const uint32_t first_block = scalar<uint32_t>(args, 5);
    const uint32_t block_size = cache->shapes[1];
    for (uint32_t row = 0; row < run_count(out); row++) {
        __gm__ int32_t *blocks = run<int32_t>(table, first_sequence + row / out->shapes[1]) + first_block;
        __gm__ uint16_t *weight = run<uint16_t>(weights, row);
        __gm__ float *into = run<float>(out, row);
        for (uint32_t i = 0; i < run_length(out); i++) into[i] = 0.0f;
        for (uint32_t position = 0; position < run_length(weights); position++) {
            const uint32_t block = static_cast<uint32_t>(blocks[position / block_size]);
            __gm__ uint16_t *value = run<uint16_t>(cache, block * block_size + position % block_size);
            for (uint32_t i = 0; i < run_length(out); i++) into[i] += from_bf16(weight[position]) * from_bf16(value[i]);
        }
    }
    pipe_sync();
}

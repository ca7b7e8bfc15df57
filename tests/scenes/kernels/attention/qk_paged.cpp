// Scores of some sequences against a stretch of their blocks, which the block table finds in the cache.
//
// scores [sequences, heads, blocks × block size]; sequences begin at `first_sequence`, blocks at `first_block`.
#include "attention.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *query = tensor(args, 0);  // [sequences of all, heads, dim]
    __gm__ Tensor *cache = tensor(args, 1);  // [blocks, block size, 1, dim]
    __gm__ Tensor *table = tensor(args, 2);  // [sequences of all, blocks of one]
    __gm__ Tensor *scores = tensor(args, 3);
    const uint32_t first_sequence = scalar<uint32_t>(args, 4);
    const uint32_t first_block = scalar<uint32_t>(args, 5);
    const uint32_t heads = query->shapes[1];
    const uint32_t block_size = cache->shapes[1];
    for (uint32_t row = 0; row < run_count(scores); row++) {
        const uint32_t sequence = first_sequence + row / heads;
        __gm__ uint16_t *one = run<uint16_t>(query, sequence * heads + row % heads);
        __gm__ int32_t *blocks = run<int32_t>(table, sequence) + first_block;
        __gm__ float *into = run<float>(scores, row);
        for (uint32_t i = 0; i < run_length(scores); i++) {
            const uint32_t position = static_cast<uint32_t>(blocks[i / block_size]) * block_size + i % block_size;
            into[i] = dot_bf16(one, run<uint16_t>(cache, position), run_length(query));
        }
    }
    pipe_sync();
}

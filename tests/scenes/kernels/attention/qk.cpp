// scores[head, position] = query[head] · keys[position], for one block of keys.
#include "attention.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *query = tensor(args, 0);
    __gm__ Tensor *keys = tensor(args, 1);
    __gm__ Tensor *scores = tensor(args, 2);
    for (uint32_t head = 0; head < run_count(scores); head++) {
        __gm__ float *into = run<float>(scores, head);
        for (uint32_t position = 0; position < run_count(keys); position++) {
            into[position] = dot_bf16(run<uint16_t>(query, head), run<uint16_t>(keys, position), run_length(query));
        }
    }
    pipe_sync();
}

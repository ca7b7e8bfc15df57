// Cube core: pushes the partial product of two tiles, a block of rows at a time.
#include "pipe.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *x = tensor(args, 0);
    __gm__ Tensor *y = tensor(args, 1);
    Pipe *pipe = this_pipe();
    if (pipe == nullptr) return;
    const uint32_t depth = run_length(x);
    const uint32_t columns = run_length(y);
    for (uint32_t row = 0; row < run_count(x); row += ROWS_PER_BLOCK) {
        const int32_t block = pipe->pushed;
        const int32_t must_be_popped = block - static_cast<int32_t>(PIPE_DEPTH) + 1;
        if (!wait_at_least(&pipe->popped[0], must_be_popped)) return;
        if (!wait_at_least(&pipe->popped[1], must_be_popped)) return;
        float *slot = pipe->slots[block % PIPE_DEPTH];
        for (uint32_t i = 0; i < ROWS_PER_BLOCK; i++) {
            __gm__ float *from = run<float>(x, row + i);
            for (uint32_t column = 0; column < columns; column++) {
                float sum = 0.0f;
                for (uint32_t step = 0; step < depth; step++) sum += from[step] * run<float>(y, step)[column];
                slot[i * columns + column] = sum;
            }
        }
        publish(&pipe->pushed, block + 1);
    }
    pipe_sync();
}

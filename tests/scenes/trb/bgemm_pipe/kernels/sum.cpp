// Vector core: adds its half of every row block to the result. Lane 0 has the upper rows of a block.
#include <limits>

#include "pipe.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *out = tensor(args, 2);
    const int32_t lane = get_sub_block_id(args);
    Pipe *pipe = this_pipe();
    const uint32_t columns = run_length(out);
    constexpr uint32_t half = ROWS_PER_BLOCK / 2;
    for (uint32_t row = 0; row < run_count(out); row += ROWS_PER_BLOCK) {
        const int32_t block = pipe == nullptr ? 0 : pipe->popped[lane];
        const bool arrived = pipe != nullptr && wait_at_least(&pipe->pushed, block + 1);
        for (uint32_t i = lane * half; i < (lane + 1) * half; i++) {
            __gm__ float *into = run<float>(out, row + i);
            for (uint32_t column = 0; column < columns; column++) {
                into[column] += arrived ? pipe->slots[block % PIPE_DEPTH][i * columns + column]
                                        : std::numeric_limits<float>::quiet_NaN();
            }
        }
        if (!arrived) return;
        publish(&pipe->popped[lane], block + 1);
    }
    pipe_sync();
}

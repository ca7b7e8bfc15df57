// Writes what a kernel can learn about itself into the line of its block and lane.
#include "../../../kernels/kernel.h"

#include "pto_async_kernel_api.h"

static constexpr uint32_t LINE = 16;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ float *out = cells<float>(tensor(args, 0));
    const int32_t block = get_block_idx(args);
#ifdef __DAV_CUBE__
    const int32_t place = 0;
    const int32_t lane = 0;
#else
    const int32_t lane = get_sub_block_id(args);
    const int32_t place = 1 + lane;
#endif
    const AsyncCtx ctx = get_async_ctx(args);
    __gm__ float *line = out + (3 * block + place) * LINE;
    line[0] = static_cast<float>(block);
    line[1] = static_cast<float>(get_block_num(args));
    line[2] = static_cast<float>(lane);
    line[3] = static_cast<float>(ctx.completion_capacity);
    line[4] = static_cast<float>(ctx.task_token.ring());
    line[5] = static_cast<float>(ctx.task_token.local());
    line[6] = ctx.completion_count != nullptr && *ctx.completion_count == 0 ? 1.0f : 0.0f;
    pipe_sync();
}

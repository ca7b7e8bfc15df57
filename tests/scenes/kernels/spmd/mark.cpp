// Adds block index + 1 to the first cell of this block's line, so that a cell that began at -1 then holds the index
// of the block that ran, once.
//
// A task whose blocks must start together says how many cores that makes: each core counts itself in and waits for
// all others. If they do not come, the cell tells.
#include "../kernel.h"

static constexpr uint32_t LINE = 16;
static constexpr float ALONE = -1e6f;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ float *out = cells<float>(tensor(args, 0));
    __gm__ int32_t *counter = cells<int32_t>(tensor(args, 1));
    const uint32_t first_line = scalar<uint32_t>(args, 2);
    const uint32_t lanes = scalar<uint32_t>(args, 3);
    const int32_t together = scalar<int32_t>(args, 4);
    const uint32_t block = static_cast<uint32_t>(get_block_idx(args));
#ifdef __DAV_CUBE__
    const uint32_t lane = 0;
#else
    const uint32_t lane = lanes == 1 ? 0 : 1 + static_cast<uint32_t>(get_sub_block_id(args));
#endif
    bool met = true;
    if (together > 0) {
        add_to(counter, 1);
        met = wait_at_least(counter, together);
    }
    out[(first_line + block * lanes + lane) * LINE] += met ? static_cast<float>(block + 1) : ALONE;
    pipe_sync();
}

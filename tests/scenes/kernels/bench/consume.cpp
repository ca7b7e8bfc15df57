// done[index] += 1 after `nanoseconds` if the producer of this pair has left its index.
#include "../kernel.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ int32_t *made = cells<int32_t>(tensor(args, 0));
    __gm__ int32_t *done = cells<int32_t>(tensor(args, 1));
    const int32_t index = scalar<int32_t>(args, 2);
    compute_for(scalar<uint32_t>(args, 3));
    done[index] += made[0] == index ? 1 : -1;
    pipe_sync();
}

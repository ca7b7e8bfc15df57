// out = index after `nanoseconds`.
#include "../kernel.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    const int32_t index = scalar<int32_t>(args, 1);
    compute_for(scalar<uint32_t>(args, 2));
    cells<int32_t>(tensor(args, 0))[0] = index;
    pipe_sync();
}

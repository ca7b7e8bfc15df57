// Leaves its value in the mailbox after `nanoseconds`, then adds one to every counter.
#include "../kernel.h"

#include "pto_async_kernel_api.h"

static constexpr uint32_t LINE = 16;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ int32_t *mailbox = cells<int32_t>(tensor(args, 0));
    __gm__ Tensor *counters = tensor(args, 1);
    const int32_t value = scalar<int32_t>(args, 2);
    compute_for(scalar<uint32_t>(args, 3));
    mailbox[0] = value;
    for (uint32_t i = 0; i < run_count(counters); i++) {
        pto2_send_notification(cells<int32_t>(counters) + i * LINE, 1, pto::comm::NotifyOp::AtomicAdd);
    }
    pipe_sync();
}

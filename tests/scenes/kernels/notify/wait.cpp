// Returns at once, and lets its task complete only when each of `conditions` counters has reached `expected`.
#include "../kernel.h"

#include "pto_async_kernel_api.h"

static constexpr uint32_t LINE = 16;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ int32_t *counters = cells<int32_t>(tensor(args, 0));
    __gm__ int32_t *token = cells<int32_t>(tensor(args, 1));
    const uint32_t expected = scalar<uint32_t>(args, 2);
    const uint32_t conditions = scalar<uint32_t>(args, 3);
    AsyncCtx ctx = get_async_ctx(args);
    for (uint32_t i = 1; i < conditions; i++) {
        defer_condition(
            ctx, counters + i * LINE, expected, PTO2_COMPLETION_ENGINE_SDMA, PTO2_COMPLETION_TYPE_COUNTER
        );
    }
    save_expected_notification_counter(ctx, counters, expected);
    token[0] = 1;
    pipe_sync();
}

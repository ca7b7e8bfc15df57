// Registers conditions wrongly.
#include "../../../kernels/kernel.h"

#include "pto_async_kernel_api.h"

enum Mistake : uint64_t {
    NO_ADDRESS,
    TOO_MANY,
    OWN_CODE,
};

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ int32_t *x = cells<int32_t>(tensor(args, 0));
    AsyncCtx ctx = get_async_ctx(args);
    volatile __gm__ void *nowhere = nullptr;
    switch (static_cast<Mistake>(args[1])) {
    case NO_ADDRESS:
        defer_condition(ctx, nowhere, 1, PTO2_COMPLETION_ENGINE_SDMA, PTO2_COMPLETION_TYPE_COUNTER);
        break;
    case TOO_MANY:
        for (int i = 0; i <= PTO2_MAX_COMPLETIONS_PER_TASK; i++) {
            defer_condition(ctx, x, 0, PTO2_COMPLETION_ENGINE_SDMA, PTO2_COMPLETION_TYPE_COUNTER);
        }
        break;
    case OWN_CODE:
        *ctx.completion_error_code = PTO2_ERROR_ASYNC_REGISTRATION_FAILED;
        break;
    }
    defer_flush(ctx);
    pipe_sync();
}

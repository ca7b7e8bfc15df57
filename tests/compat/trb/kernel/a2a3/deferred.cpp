// Functions and names that only this family has.
#include <cstdint>
#include <pto/pto-inst.hpp>

#include "pto_async_kernel_api.h"

struct NoEvent {};

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    AsyncCtx pending = get_async_ctx(args);
    if (!async_ctx_is_deferred(pending)) return;
    LocalContext local{};
    local.block_idx = local.block_num;
    defer_counter(pending, reinterpret_cast<volatile __gm__ void *>(args[0]), 4);
    defer_sdma_event_record(pending, reinterpret_cast<volatile __gm__ void *>(args[1]));
    uint64_t address = static_cast<uint64_t>(args[2]);
    defer_condition(pending, address, 1, PTO2_COMPLETION_ENGINE_CCU, PTO2_COMPLETION_TYPE_COUNTER);
    static_assert(PTO2_COMPLETION_TYPE_SDMA_EVENT_RECORD == 1);
    if (args[3] != 0) defer_error(pending, PTO2_ERROR_ASYNC_COMPLETION_INVALID);
    if (args[4] != 0) defer_pto_async_event(pending, NoEvent{}, NoEvent{});
    defer_flush(pending);
}

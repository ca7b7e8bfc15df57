// Functions and names that only this family has.
#include <cstdint>
#include <pto/pto-inst.hpp>

#include "pto_async_kernel_api.h"
#include "tensor.h"

#include "checks.h"

struct NoEvent {};

// args[2] is what to do: 0 to defer, 1 to report an error, 2 to wait for an event that cannot be watched.
extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *records = reinterpret_cast<__gm__ Tensor *>(args[0]);
    __gm__ Tensor *done = reinterpret_cast<__gm__ Tensor *>(args[1]);
    uint64_t first = records->buffer.addr;
    AsyncCtx pending = get_async_ctx(args);
    CHECK(async_ctx_is_deferred(pending));
    CHECK(!async_ctx_is_deferred(AsyncCtx::make(pending.task_token, nullptr)));
    LocalContext local{};
    local.block_idx = 3;
    local.block_num = local.block_idx + 1;
    CHECK(local.block_num == 4);
    static_assert(PTO2_COMPLETION_TYPE_SDMA_EVENT_RECORD == 1);
    if (args[2] == 0) {
        // A counter that has come far enough, a record whose event has happened, and the counter by its address.
        defer_counter(pending, reinterpret_cast<volatile __gm__ void *>(first), 4);
        defer_sdma_event_record(pending, reinterpret_cast<volatile __gm__ void *>(first + 16));
        defer_condition(pending, first, 1, PTO2_COMPLETION_ENGINE_CCU, PTO2_COMPLETION_TYPE_COUNTER);
        CHECK(*pending.completion_count == 3 && pending.completion_entries[1].completion_type == 1);
    } else if (args[2] == 1) {
        defer_error(pending, PTO2_ERROR_ASYNC_REGISTRATION_FAILED);
    } else {
        defer_pto_async_event(pending, NoEvent{}, NoEvent{});
    }
    defer_flush(pending);
    *reinterpret_cast<__gm__ uint64_t *>(done->buffer.addr) = 1;
    report(static_cast<uint64_t>(args[3]));
}

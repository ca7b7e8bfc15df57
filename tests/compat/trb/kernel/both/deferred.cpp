// Conditions, notifications and the communication context.
#include <cstdint>
#include <pto/pto-inst.hpp>

#ifndef __gm__
#define __gm__
#endif
#ifndef __aicore__
#define __aicore__ [aicore]
#endif

#include "platform_comm/comm_context.h"
#include "pto_async_kernel_api.h"
#include "tensor.h"

#include "checks.h"

template <typename U>
static __aicore__ __gm__ U *CommRemotePtr(__gm__ CommContext *group, __gm__ U *local, int rank) {
    uint64_t shift = reinterpret_cast<uint64_t>(local) - group->windowsIn[group->rankId];
    return reinterpret_cast<__gm__ U *>(group->windowsIn[rank] + shift);
}

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *counter = reinterpret_cast<__gm__ Tensor *>(args[0]);
    __gm__ Tensor *done = reinterpret_cast<__gm__ Tensor *>(args[1]);
    __gm__ CommContext *group = reinterpret_cast<__gm__ CommContext *>(args[2]);
    __gm__ int32_t *mine = reinterpret_cast<__gm__ int32_t *>(counter->buffer.addr) + counter->start_offset;
    *reinterpret_cast<__gm__ int32_t *>(done->buffer.addr) = 1;
    static_assert(COMM_MAX_RANK_NUM == 64);
    CHECK(group->rankId == 0 && group->workSpace == 0 && group->workSpaceSize == 0);
    CHECK(group->winSize == 0 && group->windowsOut[0] == 0);

    AsyncCtx pending = get_async_ctx(args);
    defer_load_ingress(pending);
    CHECK(*pending.completion_count == 0 && *pending.completion_error_code == 0 && pending.completion_capacity == 64);
    CHECK(pending.task_token.is_valid() && pending.task_token == done->owner_task_id);
    if (args[3] != 0) {
        defer_condition(pending, mine, 2u, PTO2_COMPLETION_ENGINE_SDMA, PTO2_COMPLETION_TYPE_COUNTER);
        defer_condition(pending, mine, 3u, PTO2_COMPLETION_ENGINE_ROCE, PTO2_COMPLETION_TYPE_COUNTER);
        defer_condition(pending, mine, 4u, PTO2_COMPLETION_ENGINE_URMA, PTO2_COMPLETION_TYPE_COUNTER);
        defer_condition(pending, mine, 5u, PTO2_COMPLETION_ENGINE_CCU, PTO2_COMPLETION_TYPE_COUNTER);
        defer_flush_range(pending.completion_entries, 4 * sizeof(PTO2DeferredCompletionEntry));
        defer_flush(pending);
        CHECK(*pending.completion_count == 4 && pending.completion_entries[3].expected_value == 5);
        CHECK(pending.completion_entries[1].engine == 1 && pending.completion_entries[1].completion_type == 0);
        CHECK(pending.completion_entries[2].addr == reinterpret_cast<uint64_t>(mine));
        report(static_cast<uint64_t>(args[4]));
    } else {
        save_expected_notification_counter(pending, mine, 1);
    }
    uint32_t next = (group->rankId + 1) % group->rankNum;
    pto2_send_notification(CommRemotePtr(group, mine, static_cast<int>(next)), 1, pto::comm::NotifyOp::AtomicAdd);
}

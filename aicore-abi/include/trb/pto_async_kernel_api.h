// Lets a kernel return before its transfers are done: it leaves conditions, and its task completes when they hold.
//
// Needs PTO-ISA on the include path (<pto/pto-inst.hpp> first). On a core every access to the shared buffer is
// followed or preceded by cache maintenance; in simulation memory is coherent and a compiler barrier is enough.
#pragma once

#include <stdint.h>

#include <pto/comm/comm_types.hpp>
#include <pto/comm/pto_comm_inst.hpp>

#include "pto_device.h"
#include "intrinsic.h"
#include "pto_arch.h"
#include "pto_completion_ingress.h"
#include "pto_constants.h"
#include "pto_runtime_status.h"
#include "pto_task_id.h"

#if defined(__CCE_AICORE__) || defined(__CCE_KT_TEST__) || defined(__DAV_C220__)
#define PTO_CORE_CACHE_OPS 1
#endif

inline PTO_DEVICE_FUNC AsyncCtx get_async_ctx(__gm__ int64_t *args) {
    __gm__ LocalContext *local = reinterpret_cast<__gm__ LocalContext *>(args[SPMD_LOCAL_CONTEXT_INDEX]);
    AsyncCtx ctx;
    ctx.completion_count = local->async_ctx.completion_count;
    ctx.completion_error_code = local->async_ctx.completion_error_code;
    ctx.completion_entries = local->async_ctx.completion_entries;
    ctx.completion_capacity = local->async_ctx.completion_capacity;
    ctx.task_token.raw = local->async_ctx.task_token.raw;
    return ctx;
}

// Whether there is a task and a buffer to defer for; without them every defer function does nothing.
static inline PTO_DEVICE_FUNC bool pto2_can_defer(const AsyncCtx &ctx) {
    return ctx.task_token.raw != ~static_cast<uint64_t>(0) && ctx.completion_count != nullptr &&
           ctx.completion_error_code != nullptr && ctx.completion_entries != nullptr;
}

// Writes the given bytes back from this core's cache, and forgets them there.
inline PTO_DEVICE_FUNC void defer_flush_range(volatile __gm__ void *addr, uint32_t size_bytes) {
#ifdef PTO_CORE_CACHE_OPS
    constexpr uint64_t line = PTO2_ALIGN_SIZE;
    const uint64_t first = reinterpret_cast<uint64_t>(addr) & ~(line - 1);
    const uint64_t end = reinterpret_cast<uint64_t>(addr) + size_bytes;
    for (uint64_t at = first; at < end; at += line) {
        dcci(reinterpret_cast<__gm__ int32_t *>(at), SINGLE_CACHE_LINE, CACHELINE_OUT);
    }
#ifdef __CPU_SIM
    dsb(0);
#else
    dsb(DSB_DDR);
#endif
#else
    (void)addr;
    (void)size_bytes;
    __asm__ volatile("" ::: "memory");
#endif
}

// Forgets what this core's cache holds of the buffer's head, so that the next read sees the scheduler's reset.
inline PTO_DEVICE_FUNC void defer_load_ingress(AsyncCtx &ctx) {
#ifdef PTO_CORE_CACHE_OPS
    if (!pto2_can_defer(ctx)) return;
    const uint64_t head = reinterpret_cast<uint64_t>(ctx.completion_count);
    dcci(reinterpret_cast<__gm__ int32_t *>(head), SINGLE_CACHE_LINE);
#ifdef __CPU_SIM
    dsb(0);
#else
    dsb(DSB_DDR);
#endif
#else
    (void)ctx;
    __asm__ volatile("" ::: "memory");
#endif
}

// Makes count, error word and entries visible to the scheduler.
inline PTO_DEVICE_FUNC void defer_flush(AsyncCtx &ctx) {
    if (!pto2_can_defer(ctx)) return;
#ifdef PTO_CORE_CACHE_OPS
    const uint32_t count = *ctx.completion_count;
    if (count != 0) {
        const uint32_t entry_bytes = static_cast<uint32_t>(sizeof(PTO2DeferredCompletionEntry));
        defer_flush_range(ctx.completion_entries, count * entry_bytes);
    }
    defer_flush_range(ctx.completion_count, static_cast<uint32_t>(sizeof(uint32_t) + sizeof(int32_t)));
    pipe_barrier(PIPE_ALL);
#else
    __asm__ volatile("" ::: "memory");
#endif
}

static inline PTO_DEVICE_FUNC void
pto2_append_condition(AsyncCtx &ctx, uint64_t addr, uint32_t expected, uint32_t engine, int32_t completion_type) {
    if (!pto2_can_defer(ctx)) return;
    const uint32_t count = *ctx.completion_count;
    if (count >= ctx.completion_capacity) {
        *ctx.completion_error_code = PTO2_ERROR_ASYNC_WAIT_OVERFLOW;
        return;
    }
    volatile __gm__ PTO2DeferredCompletionEntry *entry = ctx.completion_entries + count;
    entry->addr = addr;
    entry->expected_value = expected;
    entry->engine = engine;
    entry->completion_type = completion_type;
    entry->_pad = 0;
    *ctx.completion_count = count + 1;
}

// Adds a condition on the word at `addr`. Call defer_flush after the last one.
inline PTO_DEVICE_FUNC void defer_condition(
    AsyncCtx &ctx, volatile __gm__ void *addr, uint32_t expected, uint32_t engine, int32_t completion_type
) {
    pto2_append_condition(ctx, reinterpret_cast<uint64_t>(addr), expected, engine, completion_type);
}

// Completes the task when the counter has reached `expected_value`.
inline PTO_DEVICE_FUNC void
save_expected_notification_counter(AsyncCtx &ctx, volatile __gm__ void *counter_addr, uint32_t expected_value) {
    defer_condition(ctx, counter_addr, expected_value, PTO2_COMPLETION_ENGINE_SDMA, PTO2_COMPLETION_TYPE_COUNTER);
    defer_flush(ctx);
}

// Adds to, or sets, a counter of another rank.
inline PTO_DEVICE_FUNC void
pto2_send_notification(volatile __gm__ void *remote_counter_addr, int32_t value, pto::comm::NotifyOp notify_op) {
    __gm__ int32_t *counter = reinterpret_cast<__gm__ int32_t *>(reinterpret_cast<uint64_t>(remote_counter_addr));
    pto::comm::Signal signal(counter);
    pto::comm::TNOTIFY(signal, value, notify_op);
}

#ifdef PTO_ARCH_A2A3

inline PTO_DEVICE_FUNC bool async_ctx_is_deferred(const AsyncCtx &ctx) { return pto2_can_defer(ctx); }

inline PTO_DEVICE_FUNC void
defer_condition(AsyncCtx &ctx, uint64_t addr, uint32_t expected, uint32_t engine, int32_t completion_type) {
    pto2_append_condition(ctx, addr, expected, engine, completion_type);
}

inline PTO_DEVICE_FUNC void defer_counter(AsyncCtx &ctx, volatile __gm__ void *counter_addr, uint32_t expected) {
    defer_condition(ctx, counter_addr, expected, PTO2_COMPLETION_ENGINE_SDMA, PTO2_COMPLETION_TYPE_COUNTER);
}

inline PTO_DEVICE_FUNC void defer_sdma_event_record(AsyncCtx &ctx, volatile __gm__ void *record_addr) {
    defer_condition(ctx, record_addr, 0, PTO2_COMPLETION_ENGINE_SDMA, PTO2_COMPLETION_TYPE_SDMA_EVENT_RECORD);
}

// Fails the run with `error_code` instead of completing the task.
inline PTO_DEVICE_FUNC void defer_error(AsyncCtx &ctx, int32_t error_code) {
    if (!pto2_can_defer(ctx)) return;
    *ctx.completion_error_code = error_code;
}

#ifdef PTO_COMM_ASYNC_COMMON_ASYNC_EVENT_IMPL_HPP

// Completes the task when the library's event has happened. Events of other engines cannot be watched: waits here.
template <typename PtoAsyncEvent, typename PtoAsyncSession>
inline PTO_DEVICE_FUNC void
defer_pto_async_event(AsyncCtx &ctx, const PtoAsyncEvent &event, const PtoAsyncSession &session) {
    namespace sdma_detail = pto::comm::sdma::detail;
    if (!pto2_can_defer(ctx) || event.engine != pto::comm::DmaEngine::SDMA) {
        if (!event.Wait(session)) {
            defer_error(ctx, PTO2_ERROR_ASYNC_COMPLETION_INVALID);
            defer_flush(ctx);
        }
        return;
    }
    if (event.handle == 0) return;
    sdma_detail::UbTmpBuf scratch;
    uint32_t sync_id = 0;
    uint32_t queues = 0;
    __gm__ uint8_t *records = nullptr;
    if (!sdma_detail::PrepareEventCheck(session.sdmaSession, scratch, sync_id, records, queues)) {
        defer_error(ctx, PTO2_ERROR_ASYNC_COMPLETION_INVALID);
        defer_flush(ctx);
        return;
    }
    if (records == nullptr) return;
    for (uint32_t queue = 0; queue < queues; queue++) {
        defer_sdma_event_record(ctx, sdma_detail::GetEventRecord(records, queue));
    }
    defer_flush(ctx);
}

#else

// Without the library's event type there is nothing to watch: the run fails rather than complete too early.
template <typename PtoAsyncEvent, typename PtoAsyncSession>
inline PTO_DEVICE_FUNC void
defer_pto_async_event(AsyncCtx &ctx, const PtoAsyncEvent &event, const PtoAsyncSession &session) {
    (void)event;
    (void)session;
    defer_error(ctx, PTO2_ERROR_ASYNC_COMPLETION_INVALID);
    defer_flush(ctx);
}

#endif
#endif

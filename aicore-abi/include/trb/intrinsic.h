// Which block of its task a kernel runs, and on which vector lane.
//
// The last two of the 50 argument words are addresses: of what changes with every dispatch, and of what belongs
// to the core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdint.h>
#include <type_traits>

#include "pto_device.h"
#include "pto_arch.h"
#include "pto_completion_ingress.h"
#include "pto_constants.h"
#include "pto_task_id.h"

static constexpr int32_t SPMD_LOCAL_CONTEXT_INDEX = 48;
static constexpr int32_t SPMD_GLOBAL_CONTEXT_INDEX = 49;
static constexpr int32_t PAYLOAD_LOCAL_CONTEXT_INDEX = 48;
static constexpr int32_t PAYLOAD_GLOBAL_CONTEXT_INDEX = 49;
static constexpr int32_t PTO2_EXT_PARAMS_COUNT = 2;

// Where a kernel puts its deferred conditions, and the task they are for.
struct AsyncCtx {
    volatile __gm__ uint32_t *completion_count;
    volatile __gm__ int32_t *completion_error_code;
    volatile __gm__ PTO2DeferredCompletionEntry *completion_entries;
    uint32_t completion_capacity;
    PTO2TaskId task_token;

    // Without a buffer nothing can be deferred, which an invalid token says.
    static inline AsyncCtx make(PTO2TaskId token, volatile __gm__ PTO2DeferredCompletionIngressBuffer *buffer) {
        if (buffer == nullptr) return AsyncCtx{nullptr, nullptr, nullptr, 0, PTO2TaskId::invalid()};
        return AsyncCtx{
            &buffer->count,
            &buffer->error_code,
            buffer->entries,
            static_cast<uint32_t>(PTO2_MAX_COMPLETIONS_PER_TASK),
            token,
        };
    }
};

static_assert(std::is_trivial_v<AsyncCtx> && sizeof(AsyncCtx) == 40);
static_assert(offsetof(AsyncCtx, completion_count) == 0);
static_assert(offsetof(AsyncCtx, completion_error_code) == 8);
static_assert(offsetof(AsyncCtx, completion_entries) == 16);
static_assert(offsetof(AsyncCtx, completion_capacity) == 24);
static_assert(offsetof(AsyncCtx, task_token) == 32);

// Rewritten for every dispatch.
struct LocalContext {
#ifdef PTO_ARCH_A5  // the plain names are built into this family's compiler
    int32_t s_block_idx;
    int32_t s_block_num;
#else
    int32_t block_idx;
    int32_t block_num;
#endif
    AsyncCtx async_ctx;
};

static_assert(std::is_trivial_v<LocalContext> && sizeof(LocalContext) == 48);
static_assert(offsetof(LocalContext, async_ctx) == 8);

// Written once per run: which lane of its cluster the core is.
struct GlobalContext {
    int32_t sub_block_id;
};

static_assert(sizeof(GlobalContext) == 4);

// The block this invocation computes, 0 … get_block_num(args) - 1.
static PTO_DEVICE_FUNC inline int32_t get_block_idx(__gm__ int64_t *args) {
    __gm__ LocalContext *local = reinterpret_cast<__gm__ LocalContext *>(args[SPMD_LOCAL_CONTEXT_INDEX]);
#ifdef PTO_ARCH_A5
    return local->s_block_idx;
#else
    return local->block_idx;
#endif
}

// How many blocks the task has.
static PTO_DEVICE_FUNC inline int32_t get_block_num(__gm__ int64_t *args) {
    __gm__ LocalContext *local = reinterpret_cast<__gm__ LocalContext *>(args[SPMD_LOCAL_CONTEXT_INDEX]);
#ifdef PTO_ARCH_A5
    return local->s_block_num;
#else
    return local->block_num;
#endif
}

// The vector lane, 0 or 1. Means nothing on a cube core.
static PTO_DEVICE_FUNC inline int32_t get_sub_block_id(__gm__ int64_t *args) {
    __gm__ GlobalContext *global = reinterpret_cast<__gm__ GlobalContext *>(args[SPMD_GLOBAL_CONTEXT_INDEX]);
    return global->sub_block_id;
}

// Conditions a kernel leaves behind: its task is complete when the kernel has returned and all of them hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "pto_arch.h"

#define PTO2_COMPLETION_ENGINE_SDMA 0u
#define PTO2_COMPLETION_ENGINE_ROCE 1u
#define PTO2_COMPLETION_ENGINE_URMA 2u
#define PTO2_COMPLETION_ENGINE_CCU 3u

// Holds when the 32-bit word at `addr` has reached `expected_value`.
#define PTO2_COMPLETION_TYPE_COUNTER 0
#ifdef PTO_ARCH_A2A3
// Holds when the event record at `addr` has its flag set.
#define PTO2_COMPLETION_TYPE_SDMA_EVENT_RECORD 1
#endif

inline constexpr int32_t PTO2_MAX_COMPLETIONS_PER_TASK = 64;

struct PTO2DeferredCompletionEntry {
    uint64_t addr;
    uint32_t expected_value;
    uint32_t engine;
    int32_t completion_type;
    uint32_t _pad;
};

static_assert(sizeof(PTO2DeferredCompletionEntry) == 24 && alignof(PTO2DeferredCompletionEntry) == 8);
static_assert(offsetof(PTO2DeferredCompletionEntry, addr) == 0);
static_assert(offsetof(PTO2DeferredCompletionEntry, expected_value) == 8);
static_assert(offsetof(PTO2DeferredCompletionEntry, engine) == 12);
static_assert(offsetof(PTO2DeferredCompletionEntry, completion_type) == 16);

// One dispatch's conditions. The scheduler clears `count` and `error_code` before the dispatch.
struct alignas(64) PTO2DeferredCompletionIngressBuffer {
    volatile uint32_t count;
    volatile int32_t error_code;
    PTO2DeferredCompletionEntry entries[PTO2_MAX_COMPLETIONS_PER_TASK];
};

static_assert(sizeof(PTO2DeferredCompletionIngressBuffer) == 1600);
static_assert(alignof(PTO2DeferredCompletionIngressBuffer) == 64);
static_assert(offsetof(PTO2DeferredCompletionIngressBuffer, count) == 0);
static_assert(offsetof(PTO2DeferredCompletionIngressBuffer, error_code) == 4);
static_assert(offsetof(PTO2DeferredCompletionIngressBuffer, entries) == 8);

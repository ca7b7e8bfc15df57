// How one run is launched, as it travels to a worker process.
#pragma once

#include <cstddef>
#include <cstdint>

inline constexpr size_t CALL_CONFIG_OUTPUT_PREFIX_MAX = 1024;

#pragma pack(push, 1)
struct CallConfig {
    int32_t block_dim = 24;
    int32_t aicpu_thread_num = 3;
    int32_t enable_l2_swimlane = 0;
    int32_t enable_dump_tensor = 0;
    int32_t enable_pmu = 0;  // 0 = off, otherwise the event set
    char output_prefix[CALL_CONFIG_OUTPUT_PREFIX_MAX] = {};
};
#pragma pack(pop)

static_assert(sizeof(CallConfig) == 1044 && alignof(CallConfig) == 1);
static_assert(offsetof(CallConfig, block_dim) == 0);
static_assert(offsetof(CallConfig, aicpu_thread_num) == 4);
static_assert(offsetof(CallConfig, enable_l2_swimlane) == 8);
static_assert(offsetof(CallConfig, enable_dump_tensor) == 12);
static_assert(offsetof(CallConfig, enable_pmu) == 16);
static_assert(offsetof(CallConfig, output_prefix) == 20);

// Vocabulary of the runtime that orchestrations share with it.
#pragma once

#include <cstdint>

#include "intrinsic.h"
#include "pto2_dispatch_payload.h"
#include "pto_completion_ingress.h"
#include "pto_constants.h"
#include "pto_runtime_status.h"
#include "pto_submit_types.h"
#include "pto_task_id.h"

// AUTO: dependencies follow from tensors. MANUAL: only from Arg::add_dep.
enum class PTO2ScopeMode : uint8_t {
    AUTO = 0,
    MANUAL = 1,
};

// The engines that work beside the cores.
typedef enum {
    PTO2_ASYNC_ENGINE_SDMA = 0,
    PTO2_ASYNC_ENGINE_ROCE = 1,
    PTO2_ASYNC_ENGINE_URMA = 2,
    PTO2_ASYNC_ENGINE_CCU = 3,
    PTO2_NUM_ASYNC_ENGINES = 4,
} PTO2AsyncEngine;

enum class PTO2CompletionType : int32_t {
    COUNTER = PTO2_COMPLETION_TYPE_COUNTER,
};

// How long get_tensor_data and set_tensor_data wait for one producer, in ticks of the chip's counter.
constexpr uint64_t PTO2_TENSOR_DATA_TIMEOUT_CYCLES = 15000000000ull;

// Why a run failed: codes 1 to 99 come from the orchestration side, 100 and up from the schedulers.
#pragma once

#include <cstdint>

#define PTO2_ERROR_NONE 0
#define PTO2_ERROR_SCOPE_DEADLOCK 1
#define PTO2_ERROR_HEAP_RING_DEADLOCK 2
#define PTO2_ERROR_FLOW_CONTROL_DEADLOCK 3
#define PTO2_ERROR_DEP_POOL_OVERFLOW 4
#define PTO2_ERROR_INVALID_ARGS 5
#define PTO2_ERROR_DEPENDENCY_OVERFLOW 6
#define PTO2_ERROR_REQUIRE_SYNC_START_INVALID 7
#define PTO2_ERROR_TENSOR_WAIT_TIMEOUT 8
#define PTO2_ERROR_EXPLICIT_ORCH_FATAL 9

#define PTO2_ERROR_SCHEDULER_TIMEOUT 100
#define PTO2_ERROR_ASYNC_COMPLETION_INVALID 101
#define PTO2_ERROR_ASYNC_WAIT_OVERFLOW 102
#define PTO2_ERROR_ASYNC_REGISTRATION_FAILED 103

// The status of a run: the orchestration's code if there is one, else the schedulers', negative; 0 is success.
static inline int32_t runtime_status_from_error_codes(int32_t orch_error_code, int32_t sched_error_code) {
    const int32_t code = orch_error_code != PTO2_ERROR_NONE ? orch_error_code : sched_error_code;
    return code > 0 ? -code : code;
}

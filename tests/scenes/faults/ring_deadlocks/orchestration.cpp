// Keeps more alive in open scopes than the rings hold, so that no waiting can help.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_NOOP 0

enum Mistake : uint64_t {
    SCOPE_TOO_FULL,
    HEAP_TOO_SMALL,
    REQUEST_TOO_LARGE,
    WINDOW_SHARED,
};

static TaskOutputTensors submit_output(uint32_t elements) {
    const uint32_t shape[1] = {elements};
    TensorCreateInfo made(shape, 1);
    Arg job;
    job.add_output(made);
    return rt_submit_aiv_task(FUNC_NOOP, job);
}

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 2,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    switch (static_cast<Mistake>(orch_args.scalar(0))) {
    case SCOPE_TOO_FULL:
        // One scope with as many tasks as the window has slots.
        for (int i = 0; i < 16; i++) submit_output(16);
        break;
    case HEAP_TOO_SMALL:
        // The outputs of one scope exceed the heap.
        for (int i = 0; i < 6; i++) submit_output(256);
        break;
    case REQUEST_TOO_LARGE:
        submit_output(1 << 20);
        break;
    case WINDOW_SHARED: {
        // Two scopes that share the last ring: neither is too full alone.
        PTO2ScopeGuard second;
        PTO2ScopeGuard third;
        PTO2ScopeGuard fourth;
        for (int i = 0; i < 5; i++) submit_output(16);
        PTO2ScopeGuard fifth;
        for (int i = 0; i < 5; i++) submit_output(16);
        break;
    }
    }
}
}

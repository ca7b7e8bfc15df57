// Submits a task and never comes back.
#include <chrono>
#include <stdint.h>
#include <thread>

#include "pto_orchestration_api.h"

#define FUNC_AFFINE 0

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 1,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor x = from_tensor_arg(orch_args.tensor(0));
    Arg job;
    job.add_inout(x);
    job.add_scalar(1u, 1u);
    rt_submit_aiv_task(FUNC_AFFINE, job);
    for (;;) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}
}

// Submits a kernel that never returns, and perhaps waits for what it should make.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_HANG 0

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 2,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor x = from_tensor_arg(orch_args.tensor(0));
    Arg job;
    job.add_inout(x);
    rt_submit_aiv_task(FUNC_HANG, job);
    const uint32_t at[1] = {0};
    if (orch_args.scalar(0) != 0) set_tensor_data(x, 1, at, get_tensor_data<float>(x, 1, at));
}
}

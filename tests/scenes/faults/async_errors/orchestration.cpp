// A kernel registers conditions that cannot be waited for.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_DEFER 0

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
    job.add_scalar(orch_args.scalar(0));
    rt_submit_aiv_task(FUNC_DEFER, job);
}
}

// Asks for more blocks at once than there are units of the shape.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_CUBE 0
#define FUNC_VECTOR 1

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 3,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor x = from_tensor_arg(orch_args.tensor(0));
    MixedKernels kernels;
    if (orch_args.scalar(1) != 1) kernels.aic_kernel_id = FUNC_CUBE;
    if (orch_args.scalar(1) != 0) kernels.aiv0_kernel_id = FUNC_VECTOR;
    Arg job;
    job.add_inout(x);
    job.launch_spec.set_block_num(static_cast<int16_t>(orch_args.scalar(0)));
    job.launch_spec.set_require_sync_start(true);
    rt_submit_task(kernels, job);
}
}

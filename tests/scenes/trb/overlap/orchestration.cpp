// Tasks over rectangles of one grid, one after another where they overlap.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_AFFINE 0

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 2,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor grid = from_tensor_arg(orch_args.tensor(0));
    const uint32_t *rectangles = orch_args.tensor(1).data_as<uint32_t>();
    for (uint32_t task = 0; task < orch_args.tensor(1).shapes[0]; task++) {
        const uint32_t *at = rectangles + 4 * task;
        const uint32_t *shape = at + 2;
        Tensor part = grid.view(shape, at);
        Arg job;
        job.add_inout(part);
        job.add_scalar(3u, task + 1);
        rt_submit_aiv_task(FUNC_AFFINE, job);
    }
}
}

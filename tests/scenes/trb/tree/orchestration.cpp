// Pairs of neighbours become one, level by level, until one is left.
#include <stdint.h>
#include <vector>

#include "pto_orchestration_api.h"

#define FUNC_COMBINE 0

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 2,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor leaves = from_tensor_arg(orch_args.tensor(0));
    Tensor root = from_tensor_arg(orch_args.tensor(1));
    const uint32_t row[2] = {1, leaves.shapes[1]};
    TensorCreateInfo made(row, 2, DataType::UINT32);

    std::vector<Tensor> level;
    for (uint32_t i = 0; i < leaves.shapes[0]; i++) {
        const uint32_t at[2] = {i, 0};
        level.push_back(leaves.view(row, at));
    }
    while (level.size() > 1) {
        std::vector<Tensor> above;
        for (size_t i = 0; i + 1 < level.size(); i += 2) {
            Arg job;
            job.add_input(level[i], level[i + 1]);
            if (level.size() == 2) {
                job.add_output(root);
            } else {
                job.add_output(made);
            }
            job.add_scalar(3u);
            TaskOutputTensors outs = rt_submit_aiv_task(FUNC_COMBINE, job);
            above.push_back(outs.empty() ? root : outs.get_ref(0));
        }
        level.swap(above);
    }
}
}

// One producer, many consumers with a row each, and one task that reads all their rows.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_ASSIGN 0
#define FUNC_COMBINE 1
#define FUNC_TOTAL 2

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 4,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor rows = from_tensor_arg(orch_args.tensor(0));
    Tensor grid = from_tensor_arg(orch_args.tensor(1));
    Tensor sum = from_tensor_arg(orch_args.tensor(2));
    const uint32_t seed_value = static_cast<uint32_t>(orch_args.scalar(0));

    const uint32_t row[2] = {1, grid.shapes[1]};
    TensorCreateInfo made(row, 2, DataType::UINT32);
    Arg begin;
    begin.add_output(made);
    begin.add_scalar(seed_value, 50'000u);
    TaskOutputTensors seed = rt_submit_aiv_task(FUNC_ASSIGN, begin);

    for (uint32_t i = 0; i < grid.shapes[0]; i++) {
        const uint32_t at[2] = {i, 0};
        Tensor from = rows.view(row, at);
        Tensor into = grid.view(row, at);
        Arg job;
        job.add_input(seed.get_ref(0), from);
        job.add_output(into);
        job.add_scalar(7u);
        rt_submit_aiv_task(FUNC_COMBINE, job);
    }

    Arg end;
    end.add_input(grid);
    end.add_output(sum);
    rt_submit_aiv_task(FUNC_TOTAL, end);
}
}

// Each cell of a grid after its left and its upper neighbour: the front runs along the diagonals.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_STEP 0

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 1,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor grid = from_tensor_arg(orch_args.tensor(0));
    const uint32_t shape[3] = {1, 1, grid.shapes[2]};
    auto cell = [&](uint32_t row, uint32_t column) {
        const uint32_t at[3] = {row, column, 0};
        return grid.view(shape, at);
    };
    for (uint32_t row = 1; row < grid.shapes[0]; row++) {
        PTO2_SCOPE() {
            for (uint32_t column = 1; column < grid.shapes[1]; column++) {
                Tensor left = cell(row, column - 1);
                Tensor up = cell(row - 1, column);
                Tensor own = cell(row, column);
                Arg job;
                job.add_input(left, up);
                job.add_output(own);
                rt_submit_aiv_task(FUNC_STEP, job);
            }
        }
    }
}
}

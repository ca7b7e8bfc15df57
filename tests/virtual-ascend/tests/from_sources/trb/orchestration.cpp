// All sums at once, in memory of the runtime, by a task of several blocks; then a product for every row.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_SUM 0
#define FUNC_PRODUCT 1

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 3,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor a = from_tensor_arg(orch_args.tensor(0));
    Tensor b = from_tensor_arg(orch_args.tensor(1));
    Tensor out = from_tensor_arg(orch_args.tensor(2));
    const TensorCreateInfo scratch(a.shapes, a.ndims, DataType::FLOAT32);
    Arg sums;
    sums.add_input(a, b);
    sums.add_output(scratch);
    sums.launch_spec.set_block_num(5);
    const TaskOutputTensors made = rt_submit_aiv_task(FUNC_SUM, sums);
    const uint32_t row[2] = {1, a.shapes[1]};
    for (uint32_t index = 0; index < a.shapes[0]; index++) {
        const uint32_t at[2] = {index, 0};
        Tensor sum = made.get_ref(0).view(row, at), x = a.view(row, at), into = out.view(row, at);
        Arg product;
        product.add_input(sum, x);
        product.add_inout(into);
        rt_submit_aic_task(FUNC_PRODUCT, product);
    }
}
}

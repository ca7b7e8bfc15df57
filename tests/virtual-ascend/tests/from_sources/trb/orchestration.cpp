// A sum and a product for every row, the sum in memory of the runtime that is given back with its scope.
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
    const uint32_t row[2] = {1, a.shapes[1]};
    const TensorCreateInfo scratch(row, 2, DataType::FLOAT32);
    for (uint32_t index = 0; index < a.shapes[0]; index++) {
        const uint32_t at[2] = {index, 0};
        PTO2_SCOPE() {
            Tensor x = a.view(row, at), y = b.view(row, at), into = out.view(row, at);
            Arg sum;
            sum.add_input(x, y);
            sum.add_output(scratch);
            const TaskOutputTensors made = rt_submit_aiv_task(FUNC_SUM, sum);
            Arg product;
            product.add_input(made.get_ref(0), x);
            product.add_inout(into);
            rt_submit_aic_task(FUNC_PRODUCT, product);
        }
    }
}
}

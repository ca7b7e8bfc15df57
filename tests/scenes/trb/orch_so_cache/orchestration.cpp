// The graph of the vector example with both addends from the call.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_ADD 0
#define FUNC_ADD_SCALAR 1
#define FUNC_MUL 2

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 5,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor a = from_tensor_arg(orch_args.tensor(0));
    Tensor b = from_tensor_arg(orch_args.tensor(1));
    Tensor f = from_tensor_arg(orch_args.tensor(2));
    TensorCreateInfo made(a.shapes, a.ndims);

    Arg sum;
    sum.add_input(a, b);
    sum.add_output(made);
    TaskOutputTensors sum_outs = rt_submit_aiv_task(FUNC_ADD, sum);
    const Tensor &c = sum_outs.get_ref(0);

    PTO2_SCOPE() {
        TaskOutputTensors shifted[2];
        for (int i = 0; i < 2; i++) {
            Arg shift;
            shift.add_input(c);
            shift.add_output(made);
            shift.add_scalar(orch_args.scalar(i));
            shifted[i] = rt_submit_aiv_task(FUNC_ADD_SCALAR, shift);
        }

        Arg product;
        product.add_input(shifted[0].get_ref(0), shifted[1].get_ref(0));
        product.add_output(made);
        TaskOutputTensors product_outs = rt_submit_aiv_task(FUNC_MUL, product);

        Arg last;
        last.add_input(product_outs.get_ref(0), c);
        last.add_output(f);
        rt_submit_aiv_task(FUNC_ADD, last);
    }
}
}

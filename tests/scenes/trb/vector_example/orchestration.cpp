// The sum is made in the outer scope and lives in ring 0; what follows from it is made one scope deeper, in ring 1.
//
//     add          c = a + b
//     +1, +2       d = c + 1, e = c + 2      both from c
//     mul          g = d * e
//     add          f = g + c                 from g and c
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
        .expected_arg_count = 3,
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
        Arg plus_one;
        plus_one.add_input(c);
        plus_one.add_output(made);
        plus_one.add_scalar(1.0f);
        TaskOutputTensors one_outs = rt_submit_aiv_task(FUNC_ADD_SCALAR, plus_one);

        Arg plus_two;
        plus_two.add_input(c);
        plus_two.add_output(made);
        plus_two.add_scalar(2.0f);
        TaskOutputTensors two_outs = rt_submit_aiv_task(FUNC_ADD_SCALAR, plus_two);

        Arg product;
        product.add_input(one_outs.get_ref(0), two_outs.get_ref(0));
        product.add_output(made);
        TaskOutputTensors product_outs = rt_submit_aiv_task(FUNC_MUL, product);

        Arg last;
        last.add_input(product_outs.get_ref(0), c);
        last.add_output(f);
        rt_submit_aiv_task(FUNC_ADD, last);
    }
}
}

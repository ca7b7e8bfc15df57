// c = a + b on scratch memory of the runtime, then out = c + b; as often as the scalar says, in a chain.
#include <stdint.h>

#include "pto_orchestration_api.h"

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 4,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor a = from_tensor_arg(orch_args.tensor(0));
    Tensor b = from_tensor_arg(orch_args.tensor(1));
    Tensor out = from_tensor_arg(orch_args.tensor(2));
    const uint64_t links = orch_args.scalar(0);

    const TensorCreateInfo scratch(a.shapes, a.ndims, DataType::FLOAT32);
    Arg first;
    first.add_input(a, b);
    first.add_output(scratch);
    TaskOutputTensors sum = rt_submit_aiv_task(0, first);
    for (uint64_t link = 1; link < links; link++) {
        Arg next;
        next.add_input(sum.get_ref(0), b);
        next.add_output(scratch);
        sum = rt_submit_aiv_task(0, next);
    }
    Arg last;
    last.add_input(sum.get_ref(0), b);
    last.add_inout(out);
    rt_submit_aic_task(0, last);
}
}

// out = 3 * x + y, and a second task that makes it 3 * out + y, so that one waits for the other.
#include <stdint.h>

#include "pto_orchestration_api.h"

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
    Tensor y = from_tensor_arg(orch_args.tensor(1));
    Tensor out = from_tensor_arg(orch_args.tensor(2));
    Arg first;
    first.add_input(x, y);
    first.add_output(out);
    first.add_scalar(3u);
    rt_submit_aiv_task(0, first);
    Arg second;
    second.add_input(out, y);
    second.add_inout(out);
    second.add_scalar(3u);
    rt_submit_aiv_task(0, second);
}
}

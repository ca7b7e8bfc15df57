// out = b + b as often as the scalar says, unless the run has ended; each in a scope of its own, so that nothing piles up.
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
    Tensor b = from_tensor_arg(orch_args.tensor(1));
    Tensor out = from_tensor_arg(orch_args.tensor(2));
    const uint64_t times = orch_args.scalar(0);
    for (uint64_t time = 0; time < times && !rt_is_fatal(); time++) {
        PTO2_SCOPE() {
            Arg sum;
            sum.add_input(b, b);
            sum.add_inout(out);
            rt_submit_aiv_task(0, sum);
        }
    }
}
}
